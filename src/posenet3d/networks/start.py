"""A network that begins as another one: what of its configuration may differ, and its numbers.

It may know more than the one before: be told which joints are missing, and move joints that are
seen. What it has more begins with weight 0, so that its first answers are those of the one before.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from posenet3d.errors import ConfigurationError
from posenet3d.networks.config import NetworkConfig
from posenet3d.networks.model_files import StoredModel
from posenet3d.networks.posenet3d import PoseNet3D
from posenet3d.networks.pretrained import pretrained_folder
from posenet3d.plugins import PluginSpec

_GAINED = ("teacher.places.weight", "teacher.places.bias")
"""What a head has more once it answers where joints are in the image."""


def network_from(name_or_folder: str | Path, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of stored weights with some fields changed.

    Args:
        name_or_folder: as for :meth:`PoseNet3D.from_pretrained`.
        changes: fields of :class:`~posenet3d.networks.NetworkConfig`. The options of a part are
            changed one by one, unless another plug-in is named.

    Returns:
        Plain values for a whole configuration; nothing of the changes is checked.

    Raises:
        DataError: if the stored configuration is damaged.
        StorageError: if there is none.
        UnknownNameError: if there are no such weights.

    Example:
        >>> more = {"missing_joints": True, "teacher": {"options": {"moves_joints": True}}}
        >>> network_from("best-wild", more)["teacher"]
        {'name': 'teacher', 'options': {'dropout': 0.0, 'moves_joints': True}}
    """
    stored = StoredModel.read(pretrained_folder(name_or_folder)).config.model_dump(mode="json")
    return {**stored, **{name: _changed(stored.get(name), new) for name, new in changes.items()}}


def _changed(before: Any, new: Any) -> Any:
    if not (isinstance(before, dict) and isinstance(new, Mapping)):
        return new
    if new.get("name", before["name"]) != before["name"]:
        return dict(new)
    return {**before, **new, "options": {**before["options"], **new.get("options", {})}}


def start_from(model: PoseNet3D, name_or_folder: str | Path) -> None:
    """Give a network the numbers of stored weights, from which a training is to go on.

    Its configuration may differ from the weights' in the options of its parts as long as the
    numbers fit, and in two things that it may gain: ``missing_joints`` (the first layers'
    weights of what tells them are 0), and a head that moves joints (its new layer is 0). So its
    answer for whole windows is that of the weights, but for rounding.

    Args:
        model: the network; its numbers change.
        name_or_folder: as for :meth:`PoseNet3D.from_pretrained`.

    Raises:
        BodyFamilyError: if the weights were trained with a body of another family.
        ConfigurationError: if the network differs in more; every difference is listed.
        DataError: if a file is damaged.
        StorageError: if a file is missing or cannot be read.
        UnknownNameError: if there are no such weights.

    Example:
        >>> more = {"missing_joints": True, "teacher": {"options": {"moves_joints": True}}}
        >>> config = NetworkConfig.model_validate(network_from("best-wild", more))
        >>> model, before = PoseNet3D(config).eval(), PoseNet3D.from_pretrained("best-wild")
        >>> start_from(model, "best-wild")
        >>> windows = 0.1 * torch.randn(2, 9, 14, 2)
        >>> torch.allclose(model.lift(windows)["mean"], before.lift(windows)["mean"], atol=1e-5)
        True
    """
    stored = StoredModel.read(pretrained_folder(name_or_folder))
    stored.choose_body(model.body)
    faults = list(_differences(stored.config, model.config))
    if faults:
        raise ConfigurationError(faults)
    given, numbers = stored.numbers(), model.state_dict()
    faults = list(_unfit(given, numbers))
    if faults:
        raise ConfigurationError(faults)
    model.load_state_dict({name: _fitted(given, name, new) for name, new in numbers.items()})


def _differences(before: NetworkConfig, now: NetworkConfig) -> Iterator[str]:
    """What may not differ, a line each."""
    for name in NetworkConfig.model_fields:
        old, new = getattr(before, name), getattr(now, name)
        if isinstance(old, PluginSpec):
            old, new, name = old.name, new.name, f"{name}.name"
        if old != new and (name, new) != ("missing_joints", True):
            yield f"network.{name}: expected {old!r} as in the weights to start from, got {new!r}"


def _unfit(given: Mapping[str, Tensor], numbers: Mapping[str, Tensor]) -> Iterator[str]:
    """The tensors of the weights and of the network that have no counterpart, a line each."""
    for name in dict.fromkeys([*given, *numbers]):
        if name not in numbers:
            yield f"network: expected {name} of the weights to start from, got none"
        elif name not in given and name not in _GAINED:
            yield f"network: got {name}, which the weights to start from lack"
        elif name in given and not _fits(given[name], numbers[name]):
            wanted, got = tuple(given[name].shape), tuple(numbers[name].shape)
            yield f"network: expected {name} of {wanted} as in the weights to start from, got {got}"


def _fits(given: Tensor, new: Tensor) -> bool:
    return given.shape == new.shape or _is_told_more(given, new)


def _is_told_more(given: Tensor, new: Tensor) -> bool:
    """Whether a first layer takes a third number a joint besides x and y."""
    flat = given.ndim == new.ndim == 2 and len(given) == len(new)
    return flat and 3 * given.shape[1] == 2 * new.shape[1]


def _fitted(given: Mapping[str, Tensor], name: str, new: Tensor) -> Tensor:
    """A tensor's first numbers: the weights', with 0 for what it has more."""
    made = torch.zeros_like(new)
    if name not in given:
        return made
    if given[name].shape == new.shape:
        return made.copy_(given[name])
    points = torch.arange(new.shape[1]).view(-1, 3)[:, :2].flatten()
    made[:, points] = given[name].to(made)
    return made
