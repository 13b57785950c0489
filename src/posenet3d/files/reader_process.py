"""Files read in a process of their own, by libraries that are written for files that one trusts.

A damaged file can send such a library round in a circle, crash it, or have it ask for all memory.
In a process of its own that is one file's end. The process is started at the first file, serves
all that follow, and ends with this one, however this one ends. What it answers are numbers and
JSON; nothing of it is run.
"""

import atexit
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from posenet3d.errors import PoseNet3DError, StorageError
from posenet3d.files.capped import MAX_RATIO, MAX_UNPACKED

_WORKER = Path(__file__).with_name("reader_worker.py")
_SECONDS_TO_START = 60.0
_SECONDS = 3.0
_SECONDS_LATER = 1.0  # the process ends itself, where whoever asks was killed
_BYTES_A_SECOND = 2e7  # unpacked on a slow, busy machine
_LONGEST_LINE = 2**28
_KINDS = "fiuS"
_ONE_THREAD = {  # each thread more would reserve memory
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@dataclass(frozen=True, eq=False)
class ReaderAnswer:
    """What a reader found in a file.

    Example:
        >>> ReaderAnswer({"texts": ["hip"]}, {}).facts["texts"]
        ['hip']
    """

    facts: Mapping[str, Any]
    """What JSON can say."""
    arrays: Mapping[str, np.ndarray]
    """Numbers and texts of fixed length, by name; read-only."""


class ReaderProcess:
    """A program that reads files, in a process that all threads share.

    The program is a Python file that is never imported here. It defines
    ``read(**request) -> (facts, arrays)``: what JSON can say, and a mapping of names to arrays of
    numbers or bytes. What it raises is the file's fault. It has 4 GB of memory where the system
    can limit it, and ignores the interrupts that the terminal sends.

    Args:
        program: the Python file.
        library: what the program reads with, for messages.
        environment: variables that the library looks at.

    Example:
        >>> import tempfile
        >>> program = Path(tempfile.mkdtemp(), "lengths.py")
        >>> _ = program.write_text("def read(name): return {'length': len(name)}, {}")
        >>> reader = ReaderProcess(program, "the example")
        >>> reader.ask({"name": "abc"}, length=3).facts
        {'length': 3}
        >>> reader.ask({}, length=0)
        "TypeError: read() missing 1 required positional argument: 'name'"
        >>> reader.close()
    """

    def __init__(
        self,
        program: str | Path,
        library: str,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.program, self.library = Path(program), library
        self.environment = {**_ONE_THREAD, **environment}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._left: list[subprocess.Popen[bytes]] = []
        atexit.register(self._end)  # without the lock: a thread may wait for an answer
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)

    @property
    def pid(self) -> int | None:
        """The process that reads; ``None`` before the first file and after the end."""
        return None if self._process is None else self._process.pid

    def ask(self, request: Mapping[str, Any], length: int) -> ReaderAnswer | str:
        """What the program says of a file.

        It has 3 seconds, and more for a long file. After that, or where it crashes, the process is
        ended; the next question starts another one.

        Args:
            request: the arguments of ``read``, as JSON can say them.
            length: the file's length in bytes.

        Returns:
            The answer, or in words why there is none: the program's error, or that it did not get
            to its end.

        Raises:
            PoseNet3DError: the program cannot be loaded; the message tells its error.
            StorageError: no process can be started.
        """
        seconds = _SECONDS + min(MAX_RATIO * length, MAX_UNPACKED) / _BYTES_A_SECOND
        question = _line({"request": request, "seconds": seconds + _SECONDS_LATER})
        with self._lock:
            process = self._running()
            try:
                return _exchange(process, question, seconds)
            except (OSError, EOFError, ValueError, LookupError, TypeError, RecursionError):
                self._end()
                return f"{self.library} does not get to its end"
            except BaseException:  # an interrupt: what it still answers is for no one
                self._end()
                raise

    def close(self) -> None:
        """The process ended, if there is one; the next question starts another one."""
        with self._lock:
            self._end()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = self._started()
        return self._process

    def _started(self) -> "subprocess.Popen[bytes]":
        isolated = ["-I"] if sys.flags.isolated else ["-P"]
        try:
            process = subprocess.Popen(
                [sys.executable or "", *isolated, str(_WORKER), str(self.program)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | self.environment,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise StorageError(
                self.program, f"cannot be run by {sys.executable!r}: {error.strerror or error}."
            ) from error
        try:
            paths = {"path": list(map(str, sys.path))}
            answer = _exchange(process, _line(paths), _SECONDS_TO_START)
        except (OSError, EOFError, ValueError):
            answer = "it ended"
        except BaseException:
            _ended(process)
            raise
        if isinstance(answer, str):
            _ended(process)
            raise PoseNet3DError(f"{self.library} cannot be loaded: {answer}.")
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _ended(process)

    def _leave_to_parent(self) -> None:
        """In a fork: the process serves the one that this one was forked from."""
        process, self._process = self._process, None
        if process is not None:
            process.poll()  # knows then that it is no child of this one
            if self._lock.locked():  # a thread is asking; what it has not sent yet must not be sent
                self._left.append(process)
            else:
                _closed(process)
        self._lock = threading.Lock()


def _line(question: Mapping[str, Any]) -> bytes:
    return json.dumps(question).encode() + b"\n"


def _exchange(
    process: "subprocess.Popen[bytes]", question: bytes, seconds: float
) -> ReaderAnswer | str:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        process.stdin.write(question)
        process.stdin.flush()
        told = json.loads(process.stdout.readline(_LONGEST_LINE))
        if "error" in told:
            return str(told["error"])
        arrays = {name: _array(process.stdout, kind, shape) for name, kind, shape in told["arrays"]}
        return ReaderAnswer(dict(told["facts"]), arrays)
    finally:
        timer.cancel()


def _array(stream: IO[bytes], kind: str, shape: list[int]) -> np.ndarray:
    dtype = np.dtype(kind)
    if dtype.kind not in _KINDS:
        raise ValueError(f"expected numbers, got {dtype}")
    return np.frombuffer(stream.read(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    _closed(process)
    process.wait()


def _closed(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):  # what was left in it is of no use
                stream.close()
