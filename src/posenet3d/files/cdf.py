"""NASA's Common Data Format read without trusting it: cdflib runs in a process of its own.

Flipped bits in the first kilobytes of a file can send cdflib round in a circle; see
`posenet3d.files.reader_process`.
"""

import importlib.util
import os
from pathlib import Path

import numpy as np

from posenet3d.errors import DataError, MissingExtraError, StorageError
from posenet3d.files.capped import most_unpacked
from posenet3d.files.reader_process import ReaderProcess

MAX_BYTES = 2**28
"""The longest CDF file that is read."""

_READER = ReaderProcess(Path(__file__).with_name("cdf_worker.py"), "cdflib")


def read_cdf(path: str | os.PathLike[str], name: str) -> np.ndarray:
    """A variable of a CDF file.

    A checksum in the file is compared. Where there is none, a damaged file may give other numbers
    than were written, if it still says what they are.

    Args:
        path: the file.
        name: the variable.

    Returns:
        (records, ...) numbers of the file's type.

    Raises:
        DataError: it is no CDF file, is damaged or cut off, lacks the variable or has texts in it,
            or would take too much memory or time.
        MissingExtraError: cdflib is not installed.
        StorageError: it is missing or cannot be read.

    Example:
        >>> read_cdf("nothing.cdf", "Pose")
        Traceback (most recent call last):
            ...
        posenet3d.errors.StorageError: nothing.cdf: cannot be read: No such file or directory.
    """
    source = os.fspath(path)
    try:
        with open(path, "rb") as file:
            length = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error
    if length > MAX_BYTES:
        raise DataError(source, f"expected at most {MAX_BYTES} bytes, got {length}.")
    if importlib.util.find_spec("cdflib") is None:
        raise MissingExtraError("cdflib", "io", "CDF files")
    request = {"path": os.path.abspath(source), "name": name, "max_bytes": most_unpacked(length)}
    answer = _READER.ask(request, length)
    if isinstance(answer, str):
        raise DataError(
            source,
            f"expected a CDF file with the variable {name!r}, got one that is damaged, cut off or "
            f"something else ({answer}); unpack it again.",
        )
    return answer.arrays[name]
