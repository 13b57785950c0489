"""NumPy arrays from the notes that :mod:`posenet3d.files.safe_pickle` takes of a pickle.

Arrays, NumPy scalars, scipy's csc matrices and chumpy's arrays; chumpy and scipy themselves are
not needed. Every size is checked against the data that is there.
"""

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posenet3d.errors import DataError
from posenet3d.files.safe_pickle import Record

MAX_DENSE = 2**24
"""The most entries of a sparse matrix that is filled up with zeros."""

_MAX_DEPTH = 8
_PLAIN_TYPE = re.compile(r"(?P<order>[<>|=]?)(?P<code>[fiu][1248]|b1)")


def pickled_value(value: object, source: str) -> Any:
    """A value of a pickle with its arrays made real.

    Args:
        value: what :func:`posenet3d.files.read_pickle` gave for a key.
        source: what to call it in messages.

    Returns:
        An array for a NumPy, scipy (csc, made dense) or chumpy array; texts and numbers as they
        are.

    Raises:
        DataError: it is none of these, or its sizes contradict each other.

    Example:
        >>> pickled_value("lbs", "body.pkl")
        'lbs'
        >>> pickled_value(Record("set"), "body.pkl")
        Traceback (most recent call last):
            ...
        posenet3d.errors.DataError: body.pkl: expected an array, a text or a number (no array).
    """
    if type(value) in (str, int, float, bool):
        return value
    try:
        return _array(value, 0)
    except (
        ValueError,
        LookupError,
        TypeError,
        OverflowError,
        MemoryError,
        AttributeError,
    ) as error:
        raise DataError(source, f"expected an array, a text or a number ({error}).") from error


def _array(value: Any, depth: int) -> NDArray[Any]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if type(value) is Record:
        if value.kind in ("_reconstruct", "ndarray", "_frombuffer", "scalar"):
            return _numpy(value)
        if value.kind == "csc":
            return _dense(_state(value), depth)
        if value.kind == "chumpy":
            return _chumpy(_state(value), depth)
    raise ValueError("no array")


def _numpy(record: Record) -> NDArray[Any]:
    """What ``numpy`` would have made; the four ways in which it pickles arrays."""
    if record.kind == "scalar":
        dtype, data = record.arguments
        return _filled(data, dtype, (), fortran=False)
    if record.kind == "_frombuffer":
        data, dtype, shape, order, *axes = record.arguments
        made = _filled(data, dtype, shape, fortran=order == "F")
        return made.transpose(_axes(*axes, count=made.ndim)) if order == "K" else made
    *_, shape, dtype, fortran, data = record.state
    return _filled(data, dtype, shape, fortran=bool(fortran))


def _filled(data: Any, dtype: Any, shape: Any, *, fortran: bool) -> NDArray[Any]:
    kind, content, sizes = _dtype(dtype), _bytes(data), _shape(shape)
    if len(content) != math.prod(sizes) * kind.itemsize:
        raise ValueError(f"{len(content)} bytes for {kind} {sizes}")
    return np.frombuffer(content, kind).reshape(sizes, order="F" if fortran else "C")


def _axes(order: Any = None, *, count: int) -> tuple[int, ...]:
    """The order of the axes in an array that is neither C's nor Fortran's; NumPy 2.4 has it."""
    axes = tuple(range(count)) if order is None else order
    if type(axes) is not tuple or not all(type(axis) is int for axis in axes):
        raise ValueError("an order of axes that is none")
    return axes


def _dtype(record: Any) -> np.dtype[Any]:
    """Plain numbers only: no objects, no structures, no texts."""
    if type(record) is not Record or record.kind != "dtype":
        raise ValueError("a type of array that is none")
    text = record.arguments[0]
    match = _PLAIN_TYPE.fullmatch(text) if type(text) is str else None
    if match is None:
        raise ValueError("an array of something else than plain numbers")
    order = match["order"]
    if type(record.state) is tuple:
        order = record.state[1]
    if order not in ("", "<", ">", "|", "="):
        raise ValueError("an unknown byte order")
    return np.dtype(order + match["code"])


def _bytes(data: Any) -> bytes:
    """Bytes as Python 2 (a text), 3 and protocols 0 to 2 (by way of an encoding) write them."""
    if type(data) is Record and data.kind == "encode":
        data, encoding = data.arguments
        if encoding not in ("latin1", "latin-1"):
            raise ValueError("bytes in an unknown encoding")
    if type(data) is Record and data.kind == "bytes" and not data.arguments:
        return b""
    if type(data) is str:
        return data.encode("latin-1")
    if type(data) not in (bytes, bytearray):
        raise ValueError("an array without bytes")
    return bytes(data)


def _shape(shape: Any) -> tuple[int, ...]:
    if type(shape) is not tuple or len(shape) > 8:
        raise ValueError("a shape that is none")
    if not all(type(size) is int and 0 <= size < 2**40 for size in shape):
        raise ValueError("a shape that is none")
    return shape


def _state(record: Record) -> dict[str, Any]:
    state = record.state
    if type(state) is tuple and len(state) == 2:  # with the slots, which are empty
        state = state[0]
    if type(state) is not dict:
        raise ValueError("an object without state")
    return state


def _chumpy(state: dict[str, Any], depth: int) -> NDArray[Any]:
    """``Ch`` holds its array as ``x``; ``Select`` takes the entries ``idxs`` of another one."""
    if "x" in state:
        return _array(state["x"], depth + 1)
    if "a" not in state or "idxs" not in state:
        raise ValueError(f"a chumpy object of {len(state)} unknown parts")
    places = _array(state["idxs"], depth + 1).ravel()
    taken: NDArray[Any] = _array(state["a"], depth + 1).ravel()[_integers(places)]
    if "preferred_shape" not in state:
        return taken
    return taken.reshape(_shape(state["preferred_shape"]))


def _dense(state: dict[str, Any], depth: int) -> NDArray[Any]:
    """A matrix from its compressed columns."""
    rows, columns = _shape(state["_shape"] if "_shape" in state else state["shape"])
    if rows * columns > MAX_DENSE:
        raise ValueError(f"a matrix of {rows} times {columns} entries")
    data, places, starts = (
        _array(state[name], depth + 1).ravel() for name in ("data", "indices", "indptr")
    )
    edges = _integers(starts).astype(np.int64)
    counts = edges[1:] - edges[:-1]
    good = len(starts) == columns + 1 and starts[0] == 0 and bool((counts >= 0).all())
    if not good or not len(data) == len(places) == starts[-1]:
        raise ValueError("a sparse matrix whose parts do not fit")
    if len(places) and not 0 <= _integers(places).min() <= places.max() < rows:
        raise ValueError("a sparse matrix with entries outside")
    dense = np.zeros((rows, columns), data.dtype)
    np.add.at(dense, (places, np.repeat(np.arange(columns), counts)), data)
    return dense


def _integers(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "iu":
        raise ValueError("indices that are no integers")
    return array
