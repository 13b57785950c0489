"""JSON is read and written as the standard says, and whatever else comes is told in words."""

import json
import math
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import DataError
from posenet3d.files.strict_json import json_text, parse_json

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_what_json_writes_is_read_as_it_was(value):
    for text in (json.dumps(value), json_text(value)):
        assert parse_json(text.encode(), "a.json") == value


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_the_librarys_error(content):
    with suppress(DataError):
        json.dumps(parse_json(content, "a.json"), allow_nan=False)


def test_a_byte_order_mark_is_skipped():
    assert parse_json(b'\xef\xbb\xbf{"a": 1}', "a.json") == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected JSON, got an empty file"),
        (b'{"a": [1, 2', "at line 1, column 12"),
        (b'{"a": 1} x', "extra data"),
        (b'{"a": NaN}', "got NaN"),
        (b"[Infinity]", "got Infinity"),
        (b"[-Infinity]", "got -Infinity"),
        (b"[1e400]", "fit a float, got 1e400"),
        (b"[9223372036854775808]", "64 bits"),
        (b"[-9223372036854775809]", "64 bits"),
        (b"[" + b"1" * 100_000 + b"]", "64 bits"),
        (b'{"a": 1, "b": 2, "a": 3}', "got 'a' twice"),
        (b'{"x": {"a": 1, "a": 1}}', "got 'a' twice"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"a":' * 200_000, "nested too deep"),
        (b"\xff\xfe[\x001\x00]\x00", "UTF-8"),
        (b'["\xc3\x28"]', "UTF-8"),
        (b"\0", "expected JSON"),
        (b"['a']", "expected JSON"),
        (b"[01]", "expected JSON"),
        (b"[1_000]", "expected JSON"),
    ],
)
def test_anything_else_is_refused_with_its_place(content, message):
    with pytest.raises(DataError, match=r"^a\.json: expected ") as caught:
        parse_json(content, "a.json")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


def test_the_smallest_and_largest_numbers_are_read():
    value = parse_json(b"[-9223372036854775808, 9223372036854775807, 1e308, 1e-999]", "a.json")
    assert value == [-(2**63), 2**63 - 1, 1e308, 0.0]
    assert math.isfinite(value[2])


def test_a_key_that_comes_twice_among_many_is_found_quickly():
    keys = ", ".join(f'"{number}": 0' for number in range(30_000))
    started = time.process_time()
    with pytest.raises(DataError, match="got '29999' twice"):
        parse_json(f'{{{keys}, "29999": 1}}'.encode(), "a.json")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("content", "column"),
    [
        ('[{"people": [1, 2, 3', 21),
        ('[{"peop', 8),
        ("[true, fal", 11),
        ('{"a": 1,', 9),
        ("[1, 2.", 7),
        ('[\n"a', 3),
    ],
)
def test_a_text_that_was_cut_off_is_told_by_where_it_ends(content, column):
    with pytest.raises(DataError, match=rf"whole JSON .*column {column}; it was cut off"):
        parse_json(content.encode(), "a.json")


@pytest.mark.parametrize("content", ["[1, 2}", '{"a": 1]', '{"a" 1}', "[1, 2] 3", "{1: 2}"])
def test_a_text_that_is_wrong_inside_is_not_called_cut_off(content):
    with pytest.raises(DataError, match=r"expected JSON, got .* at line 1, column"):
        parse_json(content.encode(), "a.json")


def test_what_is_not_a_finite_number_is_written_as_null():
    assert json.loads(json_text({"a": (1.0, math.inf), "b": [{"c": math.nan}]})) == {
        "a": [1.0, None],
        "b": [{"c": None}],
    }
