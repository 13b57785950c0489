"""Reading a whole file, but never more of it than expected."""

import os

from posenet3d.errors import DataError, StorageError

MAX_UNPACKED = 2**30
"""The most bytes that the arrays asked of a file may take once unpacked."""

MAX_RATIO = 100
"""How many times its own size a file may take once unpacked, beyond `ALWAYS_BYTES`."""

ALWAYS_BYTES = 2**26
"""What a file may take once unpacked, whatever its size."""


def read_capped(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """The bytes of a file that is no longer than expected.

    Args:
        path: the file.
        max_bytes: the most that it may hold; not a byte more is kept.

    Returns:
        All its bytes.

    Raises:
        DataError: it is longer.
        StorageError: it is missing or cannot be read.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "note.txt")
        >>> _ = path.write_bytes(b"four")
        >>> read_capped(path, 4)
        b'four'
    """
    try:
        with open(path, "rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    if len(content) > max_bytes:
        raise DataError(path, f"expected at most {max_bytes} bytes, got more.")
    return content


def most_unpacked(length: int, most: int = MAX_UNPACKED, ratio: int = MAX_RATIO) -> int:
    """How many bytes a packed file may take once unpacked.

    Args:
        length: the file's length in bytes.
        most: never more than this.
        ratio: how many times its length; `ALWAYS_BYTES` are fine for any file.

    Returns:
        Bytes.

    Example:
        >>> most_unpacked(1000) == ALWAYS_BYTES, most_unpacked(2**40) == MAX_UNPACKED
        (True, True)
    """
    return min(most, max(ALWAYS_BYTES, ratio * length))
