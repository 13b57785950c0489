"""What is wrong with a configuration, one line a fault, all of them at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from posenet3d.errors import UnknownNameError
from posenet3d.plugins import GROUPS, PluginSpec

NETWORK_GROUPS: Mapping[str, str] = {
    "backbone": "backbones",
    "teacher": "lifters",
    "student": "students",
    "discriminator": "discriminators",
    "views": "view_samplers",
    "joint_regressor": "joint_regressors",
    "body_model": "body_models",
}
"""Field of :class:`~posenet3d.networks.NetworkConfig`, and the group of plug-ins it names."""

Path = tuple[int | str, ...]


def known(kind: str, names: Callable[[], Iterable[str]]) -> Callable[[str], str]:
    """A check for pydantic that a name is among the known ones.

    Args:
        kind: what is named, in words.
        names: gives the known names when the check is made.

    Returns:
        A function that gives the name back.

    Raises:
        ValueError: by that function, with the known names and the nearest.

    Example:
        >>> known("part", lambda: ["teacher", "student"])("techer")
        Traceback (most recent call last):
        ValueError: Unknown part 'techer'; did you mean 'teacher'? Known: 'student', 'teacher'.
    """

    def check(name: str) -> str:
        listed = tuple(names())
        if name not in listed:
            raise ValueError(str(UnknownNameError(kind, name, listed)))
        return name

    return check


def described(error: ValidationError, model: type[BaseModel], values: Any) -> Iterator[str]:
    """The faults that pydantic found, as a user would say where they are.

    Args:
        error: what pydantic raised.
        model: the model that refused the values.
        values: the values; items of a list are called by their names.

    Yields:
        ``path: what is wrong``; an unknown field comes with the nearest known one.
    """
    faults = error.errors()
    for fault in faults:
        path = fault["loc"]
        where = ".".join(_called(path, values)) or "configuration"
        if fault["type"] == "extra_forbidden":
            owner = _model_at(model, path[:-1])
            yield f"{where}: {UnknownNameError('field', str(path[-1]), owner.model_fields)}"
        elif fault["type"] == "value_error":
            yield f"{where}: {fault['msg'].removeprefix('Value error, ')}"
        elif fault["type"] == "missing":
            yield f"{where}: {fault['msg']}"
        elif fault["type"] != "too_short" or not _lies_deeper(
            path, (each["loc"] for each in faults)
        ):
            yield f"{where}: {fault['msg']}, got {_shortened(fault['input'])}"


def plugin_faults(network: Any) -> Iterator[str]:
    """What is wrong with the plug-ins that plain values of a network's configuration name.

    Args:
        network: field to plug-in; what is no specification at all is left to pydantic.

    Yields:
        ``network.field: what is wrong``.

    Example:
        >>> list(plugin_faults({"views": "unifrm"}))
        ["network.views: Unknown view sampler 'unifrm'; did you mean 'uniform'? Known: ..."]
    """
    if not isinstance(network, Mapping):
        return
    for field, group in NETWORK_GROUPS.items():
        if field not in network:
            continue
        try:
            spec = PluginSpec.model_validate(network[field])
        except ValidationError:
            continue
        for fault in GROUPS[group].faults(spec):
            yield f"network.{field}: {fault}"


def _called(path: Path, values: Any) -> Iterator[str]:
    """The steps of a path, with an item's name for its number where it has one."""
    for step in path:
        if step == "[key]":  # pydantic's mark for a mapping's key
            continue
        try:
            values = values[step]
        except (LookupError, TypeError):
            values = None
        name = values.get("name") if isinstance(step, int) and isinstance(values, Mapping) else None
        yield name if isinstance(name, str) and name else str(step)


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The model that the field at the end of a path is declared with."""
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            annotation = model.model_fields[step].annotation
            candidates = (annotation, *get_args(annotation))
            models = [
                each
                for each in candidates
                if isinstance(each, type) and issubclass(each, BaseModel)
            ]
            model = models[0] if models else model
    return model


def _lies_deeper(path: Path, others: Iterable[Path]) -> bool:
    """Whether another fault explains this one: the items of a tuple were wrong, not missing."""
    return any(len(other) > len(path) and other[: len(path)] == path for other in others)


def _shortened(value: Any, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"
