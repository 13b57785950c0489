"""What differs between two nested configurations."""

from collections.abc import Iterator, Mapping
from typing import Any

_MISSING = object()


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """A line for each value that two nested configurations do not share, with its dotted path.

    Example:
        >>> list(differences({"seed": 0, "stages": [1, 2]}, {"seed": 0, "stages": [1, 3]}))
        ['stages.1: 2 before, 3 now']
    """
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            where = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, _MISSING), now.get(key, _MISSING), where)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from differences(one, other, f"{path}.{index}")
    elif before != now:
        yield f"{path}: {_said(before)} before, {_said(now)} now"


def _said(value: Any) -> str:
    text = "nothing" if value is _MISSING else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
