"""Damaged copies of a file: what no reader may stumble over.

The same seed gives the same copies on every machine.
"""

import copy
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Damage = Callable[[random.Random], bytes]
"""Makes one damaged copy of a file."""

_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_TOKENS = (
    b"", b"nan", b"NaN", b"inf", b"-Infinity", b"-1", b"0", b"1e308", b"-1e308", b"1e400",
    b"1e9999", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    b"1" * 5000, b"0x10", b"1_000", b"1,5", b"null", b"true", b'""', b'"1"', b"[]", b"{}",
    b"x", b"\xc3\x28", b"\x00",
    b"\xef\xbb\xbf", b"\xd9\xa1", b"\r", b"1.5.2", b"20000000", b"2147483648", b" ",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, 1e-320, 1e308, -1e308, float("nan"), float("inf"), 2**31,
    2**63, -(2**63) - 1, 10**30, 20_000_000, "", "x", "0", "1.5", "nan", "../../x", "\ud800",
    "9" * 5000,
    [], {}, [[]], [None], [1, 2, 3], {"": 0}, [0.0] * 999, [[0.5, 0.5, 0.5]] * 50,
)  # fmt: skip


def damaged(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Damaged copies of a file's content, one after the other.

    Bytes are flipped, cut off, cut out, doubled and overwritten; numbers are replaced by
    ``nan``, ``1e400``, 64-bit limits and worse; lines are dropped, doubled and cut. JSON has
    besides its values swapped for others of any type, its keys dropped and renamed, its lists
    shortened, emptied and nested; arrays of an npz have their shapes and types changed.

    Args:
        content: the file's bytes; small ones (some kilobytes) damage where it hurts.
        count: how many copies.
        seed: the same seed gives the same copies.

    Yields:
        Bytes. Few of them may be as good as the original.

    Example:
        >>> copies = list(damaged(b'{"people": [1, 2]}', 100))
        >>> copies == list(damaged(b'{"people": [1, 2]}', 100))
        True
    """
    ways = [_of_bytes(content), _of_text(content), *_of_json(content), *_of_npz(content)]
    for number in range(count):
        draw = random.Random(f"{seed}/{number}")
        yield ways[number % len(ways)](draw)


def _of_bytes(content: bytes) -> Damage:
    def flip(data: bytearray, at: int, draw: random.Random) -> None:
        for _ in range(draw.choice((1, 1, 2, 8))):
            data[draw.randrange(len(data))] = draw.randrange(256)

    def cut_off(data: bytearray, at: int, draw: random.Random) -> None:
        del data[at:]

    def cut_out(data: bytearray, at: int, draw: random.Random) -> None:
        del data[at : at + draw.choice((1, 4, 50, 1000))]

    def double(data: bytearray, at: int, draw: random.Random) -> None:
        data[at:at] = data[at : at + draw.choice((1, 8, 100))]

    def blank(data: bytearray, at: int, draw: random.Random) -> None:
        long = len(data[at : at + draw.choice((1, 8, 64))])
        data[at : at + long] = bytes([draw.choice((0, 255))]) * long

    def damage(draw: random.Random) -> bytes:
        data = bytearray(content or b"\0")
        at = draw.randrange(len(data))
        draw.choice((flip, flip, cut_off, cut_out, double, blank))(data, at, draw)
        return bytes(data)

    return damage


def _of_text(content: bytes) -> Damage:
    numbers = [found.span() for found in _NUMBER.finditer(content)] or [(0, 0)]
    lines = content.splitlines(keepends=True)

    def token(draw: random.Random) -> bytes:
        start, end = draw.choice(numbers)
        return content[:start] + draw.choice(_TOKENS) + content[end:]

    def line(draw: random.Random) -> bytes:
        data = list(lines)
        at = draw.randrange(len(data))
        how = draw.randrange(4)
        if how == 0:
            del data[at]
        elif how == 1:
            data.insert(draw.randrange(len(data)), data[at])
        elif how == 2:
            data[at] = data[at][: draw.randrange(len(data[at]) + 1)] + b"\n"
        else:
            data[at] = data[at].rstrip() + draw.choice((b",", b" ", b"\t")) + data[at]
        return b"".join(data)

    return lambda draw: draw.choice((token, token, line) if lines else (token,))(draw)


def _of_json(content: bytes) -> tuple[Damage, ...]:
    """Twice, as it finds more than bytes do; empty if the content is no JSON."""
    try:
        json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ()

    def damage(draw: random.Random) -> bytes:
        holder = [json.loads(content.decode("utf-8-sig"))]
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            _change_node(holder, draw)
        value = holder[0] if holder else None
        if draw.random() < 0.01:
            return b"[" * 200_000
        return json.dumps(value).encode("utf-8")

    return (damage, damage)


def _change_node(holder: list[Any], draw: random.Random) -> None:
    """Changes one value of a JSON tree, which hangs in a list."""
    parent, key = _a_place(holder, draw)
    if key is None:
        return
    value = parent[key]
    how = draw.randrange(8)
    if how == 0 and parent is not holder:
        del parent[key]
    elif how == 1:
        parent[key] = [value] if draw.random() < 0.7 else {str(key): value}
    elif how == 2 and isinstance(value, list | dict) and value:
        parent[key] = value[0] if isinstance(value, list) else next(iter(value.values()))
    elif how == 3 and isinstance(value, list):
        parent[key] = value[: draw.randrange(len(value) + 1)] or value * draw.choice((2, 3))
    elif how == 4 and isinstance(value, int | float) and not isinstance(value, bool):
        parent[key] = draw.choice((-value, value * 1e6, value + 0.5, str(value)))
    elif how == 5 and isinstance(parent, dict):
        parent[draw.choice((str(key).upper(), "", f"{key}s"))] = parent.pop(key)
    elif how == 6:
        other, there = _a_place(holder, draw)
        parent[key] = None if there is None else json.loads(json.dumps(other[there]))
    else:
        parent[key] = copy.deepcopy(draw.choice(_VALUES))


def _a_place(holder: list[Any], draw: random.Random) -> tuple[Any, Any]:
    """A container of the tree and a key in it; values near the root come as often as deep ones."""
    parent: Any = holder
    while True:
        if not parent:
            return parent, None
        key = draw.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        if not isinstance(parent[key], list | dict) or not parent[key] or draw.random() < 0.25:
            return parent, key
        parent = parent[key]


def _of_npz(content: bytes) -> tuple[Damage, ...]:
    """Empty if the content is no archive of plain arrays."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError):
        return ()

    def damage(draw: random.Random) -> bytes:
        changed: dict[str, Any] = dict(arrays)
        name = draw.choice(sorted(changed))
        made = _changed_array(changed.pop(name), draw)
        if draw.random() < 0.9:
            changed[draw.choice((name, name, name, name, f"x{name}", name.upper()))] = made
        file = io.BytesIO()
        np.savez(file, **changed)
        return file.getvalue()

    return (damage,) if arrays else ()


def _changed_array(array: np.ndarray, draw: random.Random) -> np.ndarray:
    how = draw.randrange(6)
    if how == 0:
        return array[..., None] if draw.random() < 0.5 else array.reshape(-1)
    if how == 1 and array.ndim:
        return array.repeat(2, axis=draw.randrange(array.ndim))
    if how == 2 and array.ndim:
        return array[:0] if draw.random() < 0.5 else array[..., :-1]
    if how == 3 and array.dtype.kind in "fiu":
        kinds = (np.complex64, np.bool_, np.str_, np.float16, np.int8)
        with np.errstate(all="ignore"):
            return array.astype(draw.choice(kinds))
    if how == 4 and array.dtype.kind == "f":
        bad = draw.choice((np.nan, np.inf, -np.inf, -1.0, 1e300))
        spoilt = array.astype(np.float64)
        spoilt.reshape(-1)[: max(1, array.size // draw.choice((1, 2, 50)))] = bad
        return spoilt
    return np.asarray(draw.choice((0, -1, 1e300, np.nan, "x", [], [[1, 2], [3, 4]], 2**62)))
