"""Changing fields of a configuration by their paths: ``stages.teacher.steps=10``."""

import json
from collections.abc import Mapping
from typing import Any

from posenet3d.errors import ConfigurationError, UnknownNameError


def overridden(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with some of them changed.

    Args:
        values: nested mappings and lists; items of a list are reached by their ``name`` or number.
        changes: dotted path to new value. A value that is a text is read as JSON where it is
            JSON, as from a command line.

    Returns:
        A copy with the changes.

    Raises:
        ConfigurationError: if a path leads nowhere; all faults are listed.

    Example:
        >>> overridden({"stages": [{"name": "teacher", "steps": 5}]}, {"stages.teacher.steps": "9"})
        {'stages': [{'name': 'teacher', 'steps': 9}]}
    """
    copy: dict[str, Any] = json.loads(json.dumps(values))
    faults = []
    for path, value in changes.items():
        try:
            _set(copy, path.split("."), _read(value))
        except (KeyError, IndexError, ValueError, TypeError) as error:
            faults.append(f"{path}: {error}")
    if faults:
        raise ConfigurationError(faults)
    return copy


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _set(values: Any, path: list[str], new: Any) -> None:
    *parents, last = path
    for name in parents:
        values = _inside(values, name)
    if isinstance(values, list):
        values[_position(values, last)] = new
    elif isinstance(values, dict):
        values[last] = new
    else:
        raise ValueError(f"expected a path into the configuration, got nothing below {values!r}")


def _inside(values: Any, name: str) -> Any:
    if isinstance(values, list):
        return values[_position(values, name)]
    if isinstance(values, dict) and name in values:
        return values[name]
    raise UnknownNameError("field", name, values if isinstance(values, dict) else ())


def _position(values: list[Any], name: str) -> int:
    if name.isdigit() and int(name) < len(values):
        return int(name)
    names = [str(item.get("name")) for item in values if isinstance(item, dict)]
    if name not in names:
        raise UnknownNameError("item", name, names)
    return names.index(name)
