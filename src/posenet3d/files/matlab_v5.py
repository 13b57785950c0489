"""MATLAB's files of versions 5 to 7.2, read without trusting them.

A file is a head of 128 bytes and a row of variables, each compressed or not. Only what is asked for
is unpacked. The format is The MathWorks' "MAT-File Format" (Level 5). scipy's reader is not used
here: it goes down into cells in cells without end, so that a made-up file ends the program.
"""

import io
import math
import os
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

MatlabValue = np.ndarray | list[np.ndarray]
"""A variable: numbers in MATLAB's shape, or a cell's arrays of numbers, column by column."""

HEAD = 128
"""Bytes before the first variable."""

_MATRIX, _COMPRESSED = 14, 15
_CELL = 1
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_CLASSES = dict(enumerate(("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), start=6))
_OTHER_CLASSES = {2: "a structure", 3: "an object", 4: "a text", 5: "a sparse matrix"}
_COMPLEX = 0x800
_TO_THE_NAME = 512  # unpacked bytes of a variable that reach beyond its name
_MAX_NAME = 64
_MAX_AXES = 8


class _Element(NamedTuple):
    """A piece of the file: what it is, and its bytes."""

    kind: int
    content: memoryview


class _Order(NamedTuple):
    """The file's byte order, for `struct` and NumPy."""

    sign: str

    def pair(self, content: bytes | memoryview) -> tuple[int, int]:
        """Two unsigned numbers of four bytes."""
        first, second = struct.unpack_from(f"{self.sign}II", content)
        return first, second


def read_v5(file: io.BufferedIOBase, names: tuple[str, ...], most: int) -> dict[str, MatlabValue]:
    r"""The variables of these names.

    Args:
        file: the file, open at its beginning.
        names: the variables wanted; those that it lacks are left out.
        most: the most bytes that they may take once unpacked.

    Returns:
        Name to value.

    Raises:
        ValueError: it is damaged, cut off, or something else.
        zlib.error: a variable cannot be unpacked.
        struct.error: it is cut off.

    Example:
        >>> head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
        >>> read_v5(io.BytesIO(head), ("x",), most=10**6)
        {}
    """
    order = _order_of(file.read(HEAD))
    length = file.seek(0, os.SEEK_END)
    found: dict[str, MatlabValue] = {}
    at = HEAD
    while at < length and len(found) < len(names):
        file.seek(at)
        kind, count = order.pair(file.read(8))
        at += 8 + count
        if at > length:
            raise ValueError(f"{at - length} bytes of a variable are missing at the end")
        if kind == _COMPRESSED:
            value = _unpacked(file, count, order, names, most)
        elif kind == _MATRIX:
            value = _whole(file, count, order, names, most)
        else:
            raise ValueError(f"a variable of unknown kind {kind}")
        if value is not None:
            name, what = value
            found[name] = what
            most -= sum(each.nbytes for each in (what if isinstance(what, list) else [what]))
    return found


def _order_of(head: bytes) -> _Order:
    for sign, mark in (("<", b"IM"), (">", b"MI")):
        if head[126:128] == mark and struct.unpack(f"{sign}H", head[124:126]) == (0x100,):
            return _Order(sign)
    raise ValueError("no file of MATLAB 5 to 7.3")


def _whole(
    file: io.BufferedIOBase, count: int, order: _Order, names: tuple[str, ...], most: int
) -> tuple[str, MatlabValue] | None:
    """A variable that is not compressed, if it is wanted."""
    start = file.tell()
    if _name(file.read(min(count, _TO_THE_NAME)), order) not in names:
        return None
    if count > most:
        raise ValueError(f"{count} bytes, more than may be read")
    file.seek(start)
    return _variable(memoryview(file.read(count)), order)


def _unpacked(
    file: io.BufferedIOBase, count: int, order: _Order, names: tuple[str, ...], most: int
) -> tuple[str, MatlabValue] | None:
    """A compressed variable, if it is wanted; of the others only the name is unpacked."""
    packed = file.read(count)
    begins = zlib.decompressobj().decompress(packed, 8 + _TO_THE_NAME)
    kind, size = order.pair(begins)
    if kind != _MATRIX:
        raise ValueError(f"a variable of unknown kind {kind}")
    if _name(begins[8:], order) not in names:
        return None
    if size > most:
        raise ValueError(f"{size} bytes once unpacked, more than may be read")
    content = zlib.decompressobj().decompress(packed, 8 + size)
    return _variable(memoryview(content)[8:], order)


def _name(begins: bytes, order: _Order) -> str:
    _, _, name = islice(_elements(memoryview(begins), order), 3)
    return _text(name)


def _text(element: _Element) -> str:
    if len(element.content) > _MAX_NAME:
        raise ValueError("a name that is too long")
    return bytes(element.content).decode("latin-1")


def _elements(content: memoryview, order: _Order) -> Iterator[_Element]:
    """The pieces that follow each other in a variable."""
    at = 0
    while at < len(content):
        kind, count = order.pair(content[at : at + 8])
        first = at + 8
        if kind >> 16:  # four bytes or fewer, kept in the tag itself
            kind, count, first = kind & 0xFFFF, kind >> 16, at + 4
            if count > 4:
                raise ValueError("a small piece that is too long")
            at += 8
        else:
            at = first + count + -count % 8
        if first + count > len(content):
            raise ValueError("a piece that is cut off")
        yield _Element(kind, content[first : first + count])


def _variable(content: memoryview, order: _Order) -> tuple[str, MatlabValue]:
    flags, shape, name, *rest = _elements(content, order)
    kind, _ = order.pair(flags.content)
    if kind & 0xFF != _CELL:
        return _text(name), _numbers(kind, shape, rest, order)
    if len(rest) != math.prod(_shape(shape, order)):
        raise ValueError(f"a cell of {len(rest)} parts that should have another number")
    return _text(name), [_part(each, order) for each in rest]


def _part(element: _Element, order: _Order) -> np.ndarray:
    """What one place of a cell holds."""
    if element.kind != _MATRIX:
        raise ValueError("a cell with a part that is no matrix")
    if not len(element.content):
        return np.zeros((0, 0))
    flags, shape, _, *rest = _elements(element.content, order)
    kind, _ = order.pair(flags.content)
    return _numbers(kind, shape, rest, order)


def _numbers(kind: int, shape: _Element, parts: list[_Element], order: _Order) -> np.ndarray:
    named = _CLASSES.get(kind & 0xFF)
    if named is None or kind & _COMPLEX:
        what = "complex numbers" if named else _OTHER_CLASSES.get(kind & 0xFF, "something else")
        raise ValueError(f"{what} where numbers should be")
    if len(parts) != 1 or parts[0].kind not in _TYPES:
        raise ValueError("numbers of unknown type")
    sizes = _shape(shape, order)
    stored = np.frombuffer(parts[0].content, order.sign + _TYPES[parts[0].kind])
    if stored.size != math.prod(sizes):
        raise ValueError(f"{stored.size} numbers for the shape {sizes}")
    array: np.ndarray = stored.reshape(sizes, order="F").astype(named, copy=False)
    return array


def _shape(element: _Element, order: _Order) -> tuple[int, ...]:
    sizes = np.frombuffer(element.content, f"{order.sign}i4").tolist()
    if element.kind != 5 or not 2 <= len(sizes) <= _MAX_AXES or min(sizes) < 0:
        raise ValueError("a shape that is none")
    return tuple(sizes)
