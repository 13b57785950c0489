import contextlib
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from posenet3d.errors import DataError, StorageError
from posenet3d.files import parse_pickle, pickled_value, read_pickle, safe_pickle
from posenet3d.files.pickled_arrays import MAX_DENSE
from posenet3d.files.safe_pickle import Record

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip
ARRAYS = npst.arrays(
    npst.integer_dtypes(endianness="?")
    | npst.unsigned_integer_dtypes(endianness="?")
    | npst.floating_dtypes(sizes=(16, 32, 64), endianness="?")
    | npst.boolean_dtypes(),
    npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


def has_bytes(value):
    """Protocols below 3 write bytes as a call, which stays a note."""
    if isinstance(value, dict):
        return any(map(has_bytes, value.values()))
    return isinstance(value, bytes) or (
        isinstance(value, list | tuple) and any(map(has_bytes, value))
    )


@given(st.dictionaries(st.text(), PLAIN), st.sampled_from(PROTOCOLS))
def test_plain_values_come_back_in_every_protocol(value, protocol):
    read = parse_pickle(pickle.dumps(value, protocol), "it")
    if protocol > 2 or not has_bytes(value):
        assert read == value


@given(ARRAYS, st.sampled_from(PROTOCOLS), st.booleans())
def test_arrays_come_back_in_every_protocol(array, protocol, transposed):
    array = array.T if transposed else array
    read = parse_pickle(pickle.dumps({"a": array, "s": array.dtype.type(1)}, protocol), "it")
    found = pickled_value(read["a"], "it")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    assert pickled_value(read["s"], "it") == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_arrays_come_back_whatever_the_order_of_their_axes(axes, protocol):
    array = np.arange(24.0).reshape(2, 3, 4).transpose(axes)
    read = parse_pickle(pickle.dumps({"a": array}, protocol), "it")
    np.testing.assert_array_equal(pickled_value(read["a"], "it"), array)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content):
    with contextlib.suppress(DataError):
        parse_pickle(b"}" + content, "it")


@given(st.data(), ARRAYS, st.sampled_from(PROTOCOLS))
def test_damage_anywhere_is_read_or_refused(data, array, protocol):
    content = bytearray(pickle.dumps({"a": array}, protocol))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        for value in parse_pickle(bytes(content), "it").values():
            pickled_value(value, "it")
    except DataError:
        pass


def test_shared_and_circular_values_are_kept():
    shared = [1]
    circle = {"a": shared, "b": shared}
    circle["c"] = circle
    read = parse_pickle(pickle.dumps(circle, 4), "it")
    assert read["a"] is read["b"]
    assert read["c"] is read


def test_a_name_off_the_list_is_told_and_nothing_is_made():
    with pytest.raises(DataError, match=r"names 'fractions\.Fraction'.*nothing of it was executed"):
        parse_pickle(pickle.dumps({"a": __import__("fractions").Fraction(1, 2)}), "it")


def test_sets_are_notes_and_no_arrays():
    read = parse_pickle(pickle.dumps({"a": {1}}, 2), "it")
    assert isinstance(read["a"], Record)
    with pytest.raises(DataError, match="expected an array, a text or a number"):
        pickled_value(read["a"], "it")


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"indptr": np.array([0, 1])}, "parts do not fit"),
        ({"indptr": np.array([0, 2, 1])}, "parts do not fit"),
        ({"indptr": np.array([0.0, 1.0, 2.0])}, "no integers"),
        ({"indices": np.array([0, 3])}, "entries outside"),
        ({"indices": np.array([-1, 0])}, "entries outside"),
        ({"data": np.array([1.0])}, "parts do not fit"),
        ({"_shape": (MAX_DENSE, 2)}, "matrix of"),
        ({"_shape": (3,)}, "expected an array"),
        ({"_shape": [3, 2]}, "a shape that is none"),
    ],
)
def test_a_sparse_matrix_is_checked(parts, fault):
    whole = {"_shape": (3, 2), "data": np.array([5.0, 7.0]), "indices": np.array([2, 0]),
             "indptr": np.array([0, 1, 2])}  # fmt: skip

    def pickled(state):
        read = parse_pickle(pickle.dumps(state), "it")
        return pickled_value(Record("csc", state=read), "it")

    np.testing.assert_array_equal(pickled(whole), [[0, 7], [0, 0], [5, 0]])
    with pytest.raises(DataError, match=fault):
        pickled(whole | parts)


def test_a_sparse_matrix_of_scipy_itself_comes_back():
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    for protocol in PROTOCOLS:
        read = parse_pickle(pickle.dumps({"a": sparse.csc_matrix(dense)}, protocol), "it")
        np.testing.assert_array_equal(pickled_value(read["a"], "it"), dense)


def test_a_file_that_is_missing_or_too_long_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be read"):
        read_pickle(tmp_path / "nowhere.pkl")
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"a": 1}))
    assert read_pickle(path) == {"a": 1}
    with pytest.raises(DataError, match="expected at most 5 bytes"):
        read_pickle(path, max_bytes=5)


def test_instructions_are_counted(monkeypatch):
    monkeypatch.setattr(safe_pickle, "MAX_STEPS", 10)
    with pytest.raises(DataError, match="expected at most 10 instructions"):
        parse_pickle(b"N0" * 10, "it")
