"""NumPy archives of Python objects, read without running them.

``numpy.savez`` pickles whatever is no plain array: dictionaries, lists of arrays. Such a file is
read by the machine of :mod:`posenet3d.files.safe_pickle`, which calls nothing, and comes out as
plain lists, dictionaries, texts, numbers and arrays of numbers.
"""

import io
import math
import os
import struct
import warnings
import zipfile
import zlib
from typing import IO, Any

import numpy as np

from posenet3d.errors import DataError, StorageError
from posenet3d.files.capped import most_unpacked
from posenet3d.files.pickled_arrays import pickled_value
from posenet3d.files.safe_pickle import MAX_STEPS, Record, pickled_notes

MAX_BYTES = 2**31
"""The most that the arrays asked for may take once unpacked."""

MAX_RATIO = 20
"""How many times its packed size an archive may take once unpacked, beyond
`posenet3d.files.capped.ALWAYS_BYTES`."""

_MAX_DEPTH = 12
_PACKED_BYTES_A_STEP = 4
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError),
    *(ValueError, LookupError, OverflowError, RuntimeError, TypeError, MemoryError, SyntaxError),
)


def npz_names(path: str | os.PathLike[str]) -> frozenset[str]:
    """The names of an archive's arrays; none where it is no such archive.

    Args:
        path: the file.

    Example:
        >>> npz_names("nothing.npz")
        frozenset()
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _DAMAGE:
        return frozenset()
    return frozenset(name.removesuffix(".npy") for name in names)


def load_object_npz(path: str | os.PathLike[str], *names: str) -> dict[str, Any]:
    """Some arrays of an ``.npz`` archive, those of Python objects too.

    Args:
        path: the archive.
        *names: the arrays wanted; those that it lacks are left out.

    Returns:
        Name to value: an array of numbers or texts as it is; an array of objects as nested lists
        (a single object as itself) of plain values and arrays of numbers.

    Raises:
        StorageError: the file is missing or cannot be read.
        DataError: it is no such archive, damaged, would take too much memory, or names something
            that is not plain data. Nothing of it was executed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "poses.npz"
        >>> np.savez(path, poses=np.array({"walk": [np.zeros((9, 2))]}, dtype=object))
        >>> load_object_npz(path, "poses")["poses"]["walk"][0].shape
        (9, 2)
    """
    source = os.fspath(path)
    try:
        with open(path, "rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size, source, names)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error


def _read(file: IO[bytes], length: int, source: str, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            wanted = {name: entries[f"{name}.npy"] for name in names if f"{name}.npy" in entries}
            _check_sizes(list(wanted.values()), length, source)
            return {
                name: _value(_unpacked(archive, entry), length, f"{source}, array {name!r}")
                for name, entry in wanted.items()
            }
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(
            source, f"expected an .npz archive, got one that is damaged or cut off ({error})."
        ) from None


def _check_sizes(entries: list[zipfile.ZipInfo], length: int, source: str) -> None:
    total = sum(entry.file_size for entry in entries)
    most = most_unpacked(length, MAX_BYTES, MAX_RATIO)
    if total > most:
        raise DataError(
            source, f"expected at most {most} bytes of arrays in a file of {length}, got {total}."
        )
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
           for entry in entries):  # fmt: skip
        raise DataError(source, "expected arrays stored or deflated, as NumPy writes them.")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise EOFError(f"{entry.file_size} bytes promised, {len(content)} found")
    return content


def _value(content: bytes, length: int, source: str) -> Any:
    """An array's value: the header as NumPy reads it, then its numbers or its pickle."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        shape, fortran, dtype = header(stream)
    rest = memoryview(content)[stream.tell() :]
    if dtype.hasobject:
        steps = max(MAX_STEPS, length // _PACKED_BYTES_A_STEP)
        notes = pickled_notes(bytes(rest), source, max_steps=steps)
        value = _Plain(source, steps, 2 * len(content)).value(notes, 0)
        return value[0] if shape == () and type(value) is list and len(value) == 1 else value
    if dtype.kind not in "biufU" or math.prod(shape) * dtype.itemsize != len(rest):
        raise ValueError(f"{len(rest)} bytes for {dtype} {shape}")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C")


class _Plain:
    """Notes of a pickle as plain values; what is shared in the pickle counts each time."""

    def __init__(self, source: str, items: int, size: int) -> None:
        self.source, self.items, self.size = source, items, size

    def value(self, note: Any, depth: int) -> Any:
        self.items -= 1
        if depth > _MAX_DEPTH or self.items < 0:
            raise ValueError("objects nested too deeply, or too many")
        if note is None or type(note) in (str, int, float, bool):
            return note
        if type(note) in (list, tuple):
            return [self.value(item, depth + 1) for item in note]
        if type(note) is dict:
            return {key: self.value(item, depth + 1) for key, item in note.items()}
        if type(note) is Record and note.kind == "_reconstruct" and _of_objects(note):
            return self._nested(note, depth)
        array = np.asarray(pickled_value(note, self.source))
        self.size -= array.nbytes
        if self.size < 0:
            raise ValueError("more numbers than the file can hold")
        return array

    def _nested(self, record: Record, depth: int) -> Any:
        """An array of objects as nested lists."""
        *_, shape, _, fortran, items = record.state
        good = type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape)
        if not good or len(shape) > 8 or type(items) is not list or len(items) != math.prod(shape):
            raise ValueError("an array of objects with another number of them")
        made: list[Any] = [self.value(item, depth + 1) for item in items]
        if fortran and len(shape) > 1:
            raise ValueError("an array of objects in Fortran's order")
        for size in reversed(shape[1:]):
            count = max(size, 1)
            made = [made[at : at + count] for at in range(0, len(made), count)]
        return made


def _of_objects(record: Record) -> bool:
    state = record.state
    if type(state) is not tuple or len(state) < 4:
        return False
    dtype = state[-3]
    return (
        type(dtype) is Record and bool(dtype.arguments) and dtype.arguments[0] in ("O8", "O4", "O")
    )
