"""NumPy archives read without trusting them.

Nothing in the file is executed (no object arrays, no pickle), and every size is checked against
the file itself and a cap before memory is set aside for it.
"""

import ast
import errno
import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from posenet3d.errors import DataError, StorageError

MAX_BYTES = 2**31
_MAX_HEADER = 2**14
_MAX_DEFLATE_RATIO = 1032  # what deflate reaches at best, on zeros
_MAX_AXES = 32
_CHUNK = 2**20
_PLAIN_TYPE = re.compile(r"[<>|=][biufcSU][1-9][0-9]*")
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    LookupError,
    OverflowError,
)


@runtime_checkable
class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    size: int
    """Bytes of the array's data, once unpacked."""


def load_npz(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> dict[str, NDArray[Any]]:
    """All arrays of an ``.npz`` archive, by name.

    Plain numbers, truth values and strings are read; object and structured arrays are refused.

    Args:
        path: the archive, stored or deflated (``numpy.savez``, ``numpy.savez_compressed``).
        max_bytes: the most that all arrays together may take once unpacked.

    Returns:
        Writable arrays by name, in the archive's order.

    Raises:
        StorageError: the file is missing or cannot be read.
        DataError: it is no such archive, is damaged or cut off, holds something else than plain
            arrays, or would take more than ``max_bytes``.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "walk.npz"
        >>> np.savez(path, joints=np.zeros((9, 14, 3)))
        >>> load_npz(path)["joints"].shape
        (9, 14, 3)
    """
    source = os.fspath(path)
    try:
        with open(path, "rb") as file:
            return _read_checked(file, os.fstat(file.fileno()).st_size, source, max_bytes)
    except OSError as error:
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error


@contextmanager
def open_npz(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> Iterator[Mapping[str, NDArray[Any]]]:
    """The arrays of an ``.npz`` archive, each read when it is asked for, for archives too large.

    As :func:`load_npz` in all else; nothing is kept, so asking twice reads twice.

    Args:
        path: the archive.
        max_bytes: the most that one array may take once unpacked.

    Yields:
        Name to array, in the archive's order; usable until the block ends.

    Raises:
        StorageError: as :func:`load_npz`, at the start or when an array is read.
        DataError: as :func:`load_npz`, at the start or when an array is read.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "walk.npz"
        >>> np.savez(path, joints=np.zeros((9, 14, 3)), fps=50.0)
        >>> with open_npz(path) as arrays:
        ...     print(list(arrays), arrays["joints"].shape)
        ['joints', 'fps'] (9, 14, 3)
    """
    source = os.fspath(path)
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below, where errors are the caller's)
    except OSError as error:
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error
    with file:
        yield _Archive(file, os.fstat(file.fileno()).st_size, source, max_bytes)


class _Archive(Mapping[str, NDArray[Any]]):
    """An open archive; every array is checked and read anew at each access."""

    def __init__(self, file: IO[bytes], length: int, source: str, max_bytes: int) -> None:
        self._source = source
        with _readable(source), _told(source):
            self._zip = zipfile.ZipFile(file)
            entries = self._zip.infolist()
            names = _names(entries, source)
            largest = max((entry.file_size for entry in entries), default=0)
            _check_sizes(entries, source, length, largest, max_bytes)
            self._entries = dict(zip(names, entries, strict=True))

    def __getitem__(self, name: str) -> NDArray[Any]:
        entry = self._entries[name]
        with _readable(self._source), _told(self._source):
            return _read_entry(self._zip, name, entry, self._source)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def parse_npz(
    content: bytes, source: str, *, max_bytes: int = MAX_BYTES
) -> dict[str, NDArray[Any]]:
    """As :func:`load_npz`, from bytes that are already here.

    Args:
        content: the archive.
        source: what to call it in messages.
        max_bytes: the most that all arrays together may take once unpacked.

    Returns:
        Writable arrays by name, in the archive's order.

    Raises:
        DataError: as :func:`load_npz`.

    Example:
        >>> parse_npz(b"not a zip", "walk.npz")
        Traceback (most recent call last):
            ...
        posenet3d.errors.DataError: walk.npz: expected an .npz archive, got a file that is ...
    """
    return _read_checked(io.BytesIO(content), len(content), source, max_bytes)


def _read_checked(
    file: IO[bytes] | io.BytesIO, length: int, source: str, max_bytes: int
) -> dict[str, NDArray[Any]]:
    with _told(source), zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        names = _names(entries, source)
        _check_sizes(entries, source, length, sum(e.file_size for e in entries), max_bytes)
        return {
            name: _read_entry(archive, name, entry, source)
            for name, entry in zip(names, entries, strict=True)
        }


@contextmanager
def _readable(source: str) -> Iterator[None]:
    """Gives an ``OSError`` its path."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error


@contextmanager
def _told(source: str) -> Iterator[None]:
    """Turns the many ways in which zipfile fails on a bad file into one."""
    try:
        yield
    except DataError:
        raise
    except RuntimeError as error:  # encrypted, or packed by a method that is not NumPy's
        raise DataError(source, f"expected an archive as NumPy writes it ({error}).") from error
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise DataError(
            source,
            f"expected an .npz archive, got a file that is damaged, cut off or something else "
            f"({error}); fetch or write it again.",
        ) from error


def _read_entry(
    archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo, source: str
) -> NDArray[Any]:
    with archive.open(entry) as stream:
        header = _read_header(stream, f"{source}, array {name!r}", entry.file_size)
        return _read_data(stream, header)


def _names(entries: list[zipfile.ZipInfo], source: str) -> list[str]:
    for entry in entries:
        if not entry.filename.endswith(".npy"):
            raise DataError(source, f"expected arrays only, got the entry {entry.filename!r}.")
    names = [entry.filename.removesuffix(".npy") for entry in entries]
    if len(set(names)) != len(names):
        raise DataError(source, "expected one array a name, got the same name twice.")
    return names


def _check_sizes(
    entries: list[zipfile.ZipInfo], source: str, length: int, at_once: int, max_bytes: int
) -> None:
    """Refuses what the directory promises beyond the cap or beyond what deflate could hold."""
    if at_once > max_bytes:
        raise DataError(
            source,
            f"expected at most {max_bytes} bytes of arrays, got a promise of {at_once}; "
            "raise max_bytes if you trust the file.",
        )
    packed = sum(entry.compress_size for entry in entries)
    if packed > length or any(
        entry.file_size > entry.compress_size * _MAX_DEFLATE_RATIO for entry in entries
    ):
        raise DataError(source, "its directory promises more than the file can hold.")


def _read_header(stream: _Stream, source: str, entry_size: int) -> _Header:
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY" or start[6:] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise DataError(source, f"expected a .npy array of version 1 to 3, got {start!r}.")
    layout = "<H" if start[6] == 1 else "<I"
    width = struct.calcsize(layout)
    (header_length,) = struct.unpack(layout, stream.read(width))
    if header_length > _MAX_HEADER:
        raise DataError(source, f"expected a header of at most {_MAX_HEADER} bytes, "
                                f"got {header_length}.")  # fmt: skip
    header = _parse_header(stream.read(header_length), source)
    promised = entry_size - len(start) - width - header_length
    if header.size != promised:
        raise DataError(
            source, f"its header asks for {header.size} bytes of data, the archive has {promised}."
        )
    return header


def _parse_header(text: bytes, source: str) -> _Header:
    try:
        fields = ast.literal_eval(text.decode("utf-8"))
        descr, shape, order = fields["descr"], fields["shape"], fields["fortran_order"]
        good = isinstance(descr, str) and _PLAIN_TYPE.fullmatch(descr) is not None
        good = good and isinstance(shape, tuple) and len(shape) <= _MAX_AXES
        good = good and isinstance(order, bool) and all(type(n) is int and n >= 0 for n in shape)
        dtype = np.dtype(descr) if good else None
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise DataError(source, "its header is not that of a NumPy array.") from error
    if dtype is None:
        raise DataError(
            source,
            f"expected plain numbers, truth values or strings, got type {descr!r} of shape "
            f"{shape!r}; object and structured arrays are not read.",
        )
    return _Header(dtype, shape, order, math.prod(shape) * dtype.itemsize)


def _read_data(stream: _Stream, header: _Header) -> NDArray[Any]:
    content = bytearray()
    while len(content) < header.size:
        chunk = stream.read(min(_CHUNK, header.size - len(content)))
        if not chunk:
            raise EOFError(f"{header.size} bytes promised, {len(content)} found")
        content += chunk
    order: Any = "F" if header.fortran_order else "C"
    return np.frombuffer(content, header.dtype).reshape(header.shape, order=order)
