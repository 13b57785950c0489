"""Motion capture's text files, read with a limit."""

from pathlib import Path

from posenet3d.errors import DataError
from posenet3d.files.capped import read_capped

MAX_BYTES = 2**29
"""The longest file that is read; CMU's longest take some 2**25."""


def read_text(path: Path) -> str:
    """A file's text; bytes that are no ASCII are kept as they are.

    Args:
        path: the file.

    Raises:
        DataError: it is longer than `MAX_BYTES`, or holds zero bytes and so is no text.
        StorageError: it cannot be read.

    Example:
        >>> read_text(Path("nothing.bvh"))
        Traceback (most recent call last):
        posenet3d.errors.StorageError: nothing.bvh: cannot be read: No such file or directory.
    """
    content = read_capped(path, MAX_BYTES)
    if b"\0" in content:
        raise DataError(path, "expected text, got a binary file; get it again.")
    return content.decode("latin-1")
