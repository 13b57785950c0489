"""HDF5 files read without trusting them: the HDF5 library runs in a process of its own.

It is written for files that one trusts: a damaged one can send it round in a circle or crash it.
The process is started at the first file, serves all that follow and ends with this one; a file
that takes it too long, or ends it, is damaged.
"""

import atexit
import importlib.util
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from posenet3d.errors import DataError, MissingExtraError, StorageError

MAX_BYTES = 2**30
"""The most that the arrays asked for may take once unpacked."""

MAX_RATIO = 100
"""How many times its own size a file may take once unpacked, beyond `ALWAYS_BYTES`."""

ALWAYS_BYTES = 2**26
"""What a file may take once unpacked, whatever its size."""

_MAGIC = b"\x89HDF\r\n\x1a\n"
_STARTS = (0, 512, 1024, 2048)  # where it may stand; MATLAB puts a head of its own before it
_SECONDS_TO_START = 60.0
_SECONDS = 3.0
_BYTES_A_SECOND = 2e7  # unpacked on a slow, busy machine


@dataclass(frozen=True, eq=False)
class Hdf5Contents:
    """What an HDF5 file holds, as far as it was asked for. Paths have no leading slash.

    Example:
        >>> Hdf5Contents({}, {}, {"": {"CLASS": "GROUP"}}).attributes[""]
        {'CLASS': 'GROUP'}
    """

    arrays: Mapping[str, np.ndarray]
    """Numbers (float64 or int64) and texts of fixed length (bytes), by path; a column of a table
    is ``table:column``."""
    texts: Mapping[str, list[str]]
    """Texts of any length, in one row."""
    attributes: Mapping[str, Mapping[str, str | int | float]]
    """Each group's and asked-for array's single values; bytes as Latin-1 text."""
    references: Mapping[str, list[str]] = field(default_factory=dict)
    """Arrays that only point to others, such as MATLAB's cells: the others' paths, in one row."""

    def strings(self, path: str) -> list[str] | None:
        """An array of texts, however it is stored; ``None`` where there is none."""
        if path in self.texts:
            return self.texts[path]
        array = self.arrays.get(path)
        if array is None or array.dtype.kind != "S":
            return None
        return [text.decode("utf-8", "replace") for text in array.ravel().tolist()]


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as HDF5 files do.

    Args:
        path: the file.

    Example:
        >>> is_hdf5("nothing.h5")
        False
    """
    try:
        with open(path, "rb") as file:
            return _begins(file)
    except OSError:
        return False


def read_hdf5(path: str | os.PathLike[str], *names: str) -> Hdf5Contents:
    """Some arrays of an HDF5 file, and the attributes of its groups.

    Links are not followed; groups in groups are not entered.

    Args:
        path: the file.
        *names: paths of the arrays wanted, with ``*`` for anything.

    Returns:
        What was found; what is lacking is left out.

    Raises:
        DataError: it is no HDF5 file, is damaged, or would take too much memory or time.
        MissingExtraError: h5py is not installed.
        StorageError: it is missing or cannot be read.

    Example:
        >>> import tempfile
        >>> import h5py
        >>> path = Path(tempfile.mkdtemp()) / "tracks.h5"
        >>> with h5py.File(path, "w") as file:
        ...     file["tracks"] = np.zeros((2, 9))
        >>> read_hdf5(path, "tracks").arrays["tracks"].shape
        (2, 9)
    """
    source = os.fspath(path)
    try:
        with open(path, "rb") as file:
            length = os.fstat(file.fileno()).st_size
            begins = _begins(file)
    except OSError as error:
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error
    if not begins:
        raise DataError(source, "expected an HDF5 file, got something else.")
    if importlib.util.find_spec("h5py") is None:
        raise MissingExtraError("h5py", "io", "HDF5 files")
    most = min(MAX_BYTES, max(ALWAYS_BYTES, MAX_RATIO * length))
    request = {"path": os.path.abspath(source), "names": list(names), "max_bytes": most}
    answer = _WORKER.ask(request, _SECONDS + min(length * MAX_RATIO, most) / _BYTES_A_SECOND)
    if isinstance(answer, str):
        raise DataError(source, f"expected an HDF5 file, got one that is damaged ({answer}).")
    return answer


def _begins(file: IO[bytes]) -> bool:
    """Whether the mark of HDF5 stands at one of its places."""
    for start in _STARTS:
        file.seek(start)
        if file.read(len(_MAGIC)) == _MAGIC:
            return True
    return False


class _Worker:
    """The process that reads; one for all threads, another one after a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0

    def ask(self, request: Mapping[str, Any], seconds: float) -> Hdf5Contents | str:
        """The file's contents, or what went wrong."""
        with self.lock:
            process = self._running()
            timer = threading.Timer(seconds, process.kill)
            timer.start()
            try:
                return _exchange(process, request)
            except (OSError, EOFError, ValueError):
                self.close()
                return "the HDF5 library does not get to its end"
            finally:
                timer.cancel()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self.owner != os.getpid():
            self.process = None  # it serves the process that this one was forked from
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.process, self.owner = _started(), os.getpid()
        return self.process

    def close(self) -> None:
        """The process ended, if there is one."""
        process, self.process = self.process, None
        if process is None or self.owner != os.getpid():
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was left in it is of no use
                    continue
        process.wait()


def _started() -> "subprocess.Popen[bytes]":
    worker = Path(__file__).with_name("hdf5_worker.py")
    process = subprocess.Popen(
        [sys.executable, "-P", str(worker)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE"},
    )
    timer = threading.Timer(_SECONDS_TO_START, process.kill)
    timer.start()
    try:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise MissingExtraError("h5py", "io", "HDF5 files")
    finally:
        timer.cancel()
    return process


def _exchange(process: "subprocess.Popen[bytes]", request: Mapping[str, Any]) -> Hdf5Contents | str:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline() or b"!")
    if "error" in told:
        return str(told["error"])
    arrays = {}
    for name, kind, shape in told["arrays"]:
        dtype = np.dtype(kind)
        content = process.stdout.read(math.prod(shape) * dtype.itemsize)
        arrays[name] = np.frombuffer(content, dtype).reshape(shape)
    return Hdf5Contents(arrays, told["texts"], told["attributes"], told["references"])


_WORKER = _Worker()
atexit.register(_WORKER.close)
