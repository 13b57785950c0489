"""A network on disk: ``model.safetensors`` for the numbers, ``model.json`` for everything else."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError

from posenet3d import __version__
from posenet3d.body import BodyModel
from posenet3d.errors import BodyFamilyError, DataError, StorageError
from posenet3d.files import atomic_write
from posenet3d.networks.config import NetworkConfig
from posenet3d.networks.posenet3d import PoseNet3D
from posenet3d.plugins import GROUPS

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "model.json"


def save_model(model: PoseNet3D, folder: str | Path) -> Path:
    """Write a network's weights and configuration into a folder.

    Each file is written whole or not at all. The body model itself is not stored, only its family
    and checksum. A part that was replaced by assignment is saved as numbers only: name it as a
    plug-in in the configuration, or :func:`load_model` cannot build it.

    Args:
        model: the network.
        folder: where to; made if it is missing.

    Returns:
        The folder.

    Raises:
        StorageError: if the folder cannot be written.

    Example:
        >>> import tempfile
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = load_model(save_model(model, folder))
        >>> torch.equal(again.backbone.entry.linear.weight, model.backbone.entry.linear.weight)
        True
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(folder, f"cannot be made: {error.strerror}.") from error
    for name, content in model_files(model.state_dict(), describe_model(model)).items():
        with atomic_write(folder / name) as file:
            file.write(content)
    return folder


def load_model(folder: str | Path, body: BodyModel | None = None) -> PoseNet3D:
    """Read a network that :func:`save_model` wrote.

    Args:
        folder: the folder with ``model.safetensors`` and ``model.json``.
        body: a body model of the family that the weights were trained with; by default the one
            that the configuration names.

    Returns:
        The network, in eval mode, on the CPU.

    Raises:
        BodyFamilyError: if the body is of another family than the weights'.
        ConfigurationError: if a part has options that its plug-in does not take.
        DataError: if a file is damaged, or the two do not fit together.
        StorageError: if a file is missing or cannot be read.
        UnknownPluginError: if a part is a plug-in that is not installed.

    Example:
        >>> load_model("no_such_run")
        Traceback (most recent call last):
            ...
        posenet3d.errors.StorageError: no_such_run...model.json: expected a file of a trained ...
    """
    folder = Path(folder)
    description = _read_description(folder / CONFIG_FILE)
    try:
        config = NetworkConfig.model_validate(description["network"])
        family = str(description["body"]["family"])
    except (KeyError, TypeError, ValidationError) as error:
        raise DataError(
            folder / CONFIG_FILE,
            f"expected a network's configuration, got {error}; write it with save_model.",
        ) from error
    body = body if body is not None else GROUPS["body_models"].build(config.body_model)
    if body.family != family:
        raise BodyFamilyError(family, body.family)
    model = PoseNet3D(config, body)
    _load_state(model, folder / WEIGHTS_FILE, description.get("weights_sha256"))
    return model.eval()


def model_files(
    weights: Mapping[str, torch.Tensor], description: Mapping[str, Any]
) -> dict[str, bytes]:
    """The files that :func:`load_model` reads, by name.

    Args:
        weights: the network's ``state_dict()``; every tensor is written in full and as it is, also
            where several share memory.
        description: what :func:`describe_model` says of the network.

    Returns:
        The contents of ``model.safetensors`` and ``model.json``.

    Example:
        >>> list(model_files({"bias": torch.zeros(2)}, {}))
        ['model.safetensors', 'model.json']
    """
    plain = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in weights.items()
    }
    content = safetensors.torch.save(plain)
    told = json.dumps({**description, "weights_sha256": _digest(content)}, indent=2)
    return {WEIGHTS_FILE: content, CONFIG_FILE: told.encode()}


def describe_model(model: PoseNet3D) -> dict[str, Any]:
    """What ``model.json`` says of a network: how to build it, and for which family of bodies.

    Args:
        model: the network.

    Returns:
        Plain values.

    Example:
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small))
        >>> list(describe_model(model))
        ['posenet3d', 'network', 'body', 'camera_pitch_degrees', 'metres_per_unit']
    """
    pitch = model.views.pitch
    return {
        "posenet3d": __version__,
        "network": model.config.model_dump(mode="json"),
        "body": {"family": model.body.family, "sha256": getattr(model.body, "sha256", "")},
        "camera_pitch_degrees": None if pitch is None else float(torch.rad2deg(pitch)),
        "metres_per_unit": float(model.metres_per_unit),
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(
            path,
            f"expected a file of a trained network, got {error.strerror!r}; give the folder of a "
            "finished run, or train one with 'posenet3d train'.",
        ) from error


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"expected JSON, got {error}; copy the file anew.") from error
    if not isinstance(description, dict):
        kind = type(description).__name__
        raise DataError(path, f"expected a JSON object, got {kind}; copy the file anew.")
    return description


def _load_state(model: PoseNet3D, path: Path, digest: str | None) -> None:
    content = _read(path)
    if digest is not None and _digest(content) != digest:
        raise DataError(
            path,
            f"expected the weights that {CONFIG_FILE} was written with (SHA-256 {digest}), got "
            f"{_digest(content)}; copy both files anew.",
        )
    try:
        model.load_state_dict(safetensors.torch.load(content))
    except (SafetensorError, RuntimeError) as error:
        raise DataError(
            path, f"expected weights that fit {CONFIG_FILE}, got {error}; copy both files anew."
        ) from error
