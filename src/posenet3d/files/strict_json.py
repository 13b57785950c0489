"""JSON as the standard says and no further: for files that nobody vouches for, and for ours."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from posenet3d.errors import DataError


def parse_json(content: bytes, source: str | Path) -> Any:
    """A JSON text's value.

    Stricter than `json.loads`: ``NaN`` and ``Infinity`` are refused, as are numbers too large for
    a float or 64 bits, and a key that comes twice.

    Args:
        content: UTF-8, with or without a byte order mark.
        source: what errors call it.

    Raises:
        DataError: it is no such text; the message tells the place.

    Example:
        >>> parse_json(b'{"people": []}', "frame.json")
        {'people': []}
        >>> parse_json(b'{"x": NaN}', "frame.json")
        Traceback (most recent call last):
        posenet3d.errors.DataError: frame.json: expected numbers as JSON has them, got NaN.
    """
    strict = _Strict(source)
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            parse_constant=strict.constant,
            parse_float=strict.number,
            parse_int=strict.whole,
            object_pairs_hook=strict.unique,
        )
    except json.JSONDecodeError as error:
        raise DataError(source, _what_is_wrong(error)) from None
    except UnicodeDecodeError as error:
        raise DataError(source, f"expected JSON in UTF-8, got {error.reason}.") from None
    except RecursionError:
        raise DataError(source, "expected JSON, got lists nested too deep.") from None


def json_text(values: Any) -> str:
    """Plain values as indented JSON, with null for what is not a finite number.

    Args:
        values: mappings, lists, tuples, texts, numbers.

    Returns:
        The text, with a line break at its end.

    Raises:
        TypeError: a value is of another kind.

    Example:
        >>> print(json_text({"auc": [float("nan"), 1.0]}), end="")
        {
          "auc": [
            null,
            1.0
          ]
        }
    """
    return json.dumps(_without_nan(values), indent=2, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _what_is_wrong(error: json.JSONDecodeError) -> str:
    """Where a text stops being JSON; or that it stops before its end."""
    text, rest = error.doc, error.doc[error.pos :].rstrip()
    if not text.strip():
        return "expected JSON, got an empty file."
    word_cut_short = re.fullmatch(r"[-.\w]{0,4}", rest) and error.msg != "Extra data"
    if error.msg.startswith("Unterminated string") or word_cut_short:
        line, last = text.count("\n") + 1, text.rpartition("\n")[2]
        return (
            f"expected a whole JSON file, got one that ends within its values, at line {line}, "
            f"column {len(last) + 1}; it was cut off: write or copy it again."
        )
    place = f"line {error.lineno}, column {error.colno}"
    return f"expected JSON, got {error.msg.lower()} at {place}."


class _Strict:
    """What becomes of each number and object; errors name the source."""

    def __init__(self, source: str | Path) -> None:
        self.source = source

    def constant(self, text: str) -> NoReturn:
        raise DataError(self.source, f"expected numbers as JSON has them, got {text}.")

    def number(self, text: str) -> float:
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise DataError(self.source, f"expected numbers that fit a float, got {text[:40]}.")
        return value

    def whole(self, text: str) -> int:
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            raise DataError(self.source, f"expected whole numbers of 64 bits, got {text[:40]}.")
        return int(text)

    def unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
            raise DataError(self.source, f"expected each key once, got {twice[:40]!r} twice.")
        return made
