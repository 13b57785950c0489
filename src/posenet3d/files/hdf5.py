"""HDF5 files read without trusting them: the HDF5 library runs in a process of its own.

A file that takes it too long, or ends it, is damaged; see `posenet3d.files.reader_process`.
"""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from posenet3d.errors import DataError, MissingExtraError, StorageError
from posenet3d.files.capped import most_unpacked
from posenet3d.files.reader_process import ReaderProcess

_MAGIC = b"\x89HDF\r\n\x1a\n"
_STARTS = (0, 512, 1024, 2048)  # where it may stand; MATLAB puts a head of its own before it
_READER = ReaderProcess(
    Path(__file__).with_name("hdf5_worker.py"),
    "the HDF5 library",
    {"HDF5_USE_FILE_LOCKING": "FALSE"},
)


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
    request = {
        "path": os.path.abspath(source),
        "names": list(names),
        "max_bytes": most_unpacked(length),
    }
    answer = _READER.ask(request, length)
    if isinstance(answer, str):
        raise DataError(source, f"expected an HDF5 file, got one that is damaged ({answer}).")
    return Hdf5Contents(answer.arrays, **answer.facts)


def _begins(file: IO[bytes]) -> bool:
    """Whether the mark of HDF5 stands at one of its places."""
    for start in _STARTS:
        file.seek(start)
        if file.read(len(_MAGIC)) == _MAGIC:
            return True
    return False
