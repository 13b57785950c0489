"""The 2D detector in a process of its own, which ends with this one.

MediaPipe is native code that prints, and may crash, on pictures from anywhere; it brings a gigabyte
of packages and wants its own versions of them. So it has a process, and a Python, of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from posenet3d.errors import DataError, DetectorError
from posenet3d.integrations.detector_python import VERSION, how_to_install

PATIENCE = 300.0
"""Seconds without a word after which the detector is given up: its start, or one frame."""

_LONGEST_LINE = 2**20
_WORKER = Path(__file__).with_name("mediapipe_worker.py")


@contextmanager
def detector_answers(
    python: str, video: Path, images: tuple[Path, ...]
) -> Iterator[Iterator[dict[str, Any]]]:
    """What the detector says of a video, while it looks at it.

    Whatever ends the block, an interrupt too, ends the process.

    Args:
        python: the Python that runs it.
        video: the footage; errors name it.
        images: its frames where it is a folder or an image, else none.

    Yields:
        ``opened`` (width, height, fps, frames), then each ``frame`` (seconds, landmarks).

    Raises:
        DataError: the footage cannot be read.
        DetectorError: the detector is not there, not of the version, or ended before its end.
    """
    request = {
        "version": VERSION,
        "video": os.path.abspath(video),
        "images": [os.path.abspath(each) for each in images],
    }
    with tempfile.TemporaryFile() as words:
        process = _started(python, words)
        watch = _Watch(process)
        try:
            yield _answers(process, request, watch, words, python, video)
        finally:
            watch.stop.set()
            _ended(process)


def _started(python: str, words: IO[bytes]) -> "subprocess.Popen[bytes]":
    theirs = {key: value for key, value in os.environ.items() if not _is_ours(key, python)}
    quiet = {"GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg"}
    try:
        return subprocess.Popen(
            [python, str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=theirs | quiet,
        )
    except OSError as error:
        raise DetectorError(
            python, f"cannot be started: {error.strerror or error}; {how_to_install()}"
        ) from error


def _is_ours(variable: str, python: str) -> bool:
    """Whether an environment variable leads another Python to this one's packages."""
    return variable in ("PYTHONPATH", "PYTHONHOME") and python != sys.executable


class _Watch(threading.Thread):
    """Kills a process that has not said a word for too long."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(daemon=True)
        self.process, self.stop, self.bitten = process, threading.Event(), False
        self.heard()
        self.start()

    def heard(self) -> None:
        """It said something."""
        self.until = time.monotonic() + PATIENCE

    def run(self) -> None:
        """Looks at the clock until it is stopped."""
        while not self.stop.wait(min(1.0, PATIENCE / 4)):
            if time.monotonic() > self.until:
                self.bitten = True
                self.process.kill()
                return


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):  # what was left in it is of no use
                stream.close()
    process.wait()


def _answers(
    process: "subprocess.Popen[bytes]",
    request: Mapping[str, Any],
    watch: _Watch,
    words: IO[bytes],
    python: str,
    video: Path,
) -> Iterator[dict[str, Any]]:
    if process.stdin is None or process.stdout is None:
        raise DetectorError(python, "has no pipes.")
    with suppress(OSError):  # it has ended; reading tells why
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    while True:
        line = process.stdout.readline(_LONGEST_LINE)
        watch.heard()
        answer = _parsed(line)
        if answer is None:
            raise DetectorError(python, _why_no_answer(process, watch, words, line))
        if "error" in answer:
            told = str(answer.get("told", ""))
            if answer["error"] == "footage":
                raise DataError(video, f"{told}.")
            raise DetectorError(python, f"{told}; {how_to_install()}")
        if "end" in answer:
            return
        if "ready" not in answer:
            yield answer


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _why_no_answer(
    process: "subprocess.Popen[bytes]", watch: _Watch, words: IO[bytes], line: bytes
) -> str:
    """Why it says nothing that can be used, and what it said on standard error."""
    if line:
        return f"expected the detector's lines of JSON, got {line[:60]!r}."
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if watch.bitten:
        why = f"the detector gave no answer for {PATIENCE:g} s"
    else:
        why = f"the detector's process ended (code {process.returncode}) before its end"
    words.seek(max(0, os.fstat(words.fileno()).st_size - 2000))
    lines = words.read().decode("utf-8", "replace").strip().splitlines()[-3:]
    return f"{why}." + "".join(f"\n  {line[:300]}" for line in lines)
