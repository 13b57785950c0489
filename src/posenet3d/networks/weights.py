"""A network on disk: ``model.safetensors`` for the numbers, ``model.json`` for everything else."""

from pathlib import Path
from typing import Any

import torch

from posenet3d import __version__
from posenet3d.body import BodyModel
from posenet3d.files import atomic_write, make_folder
from posenet3d.networks.model_files import Precision, model_files
from posenet3d.networks.posenet3d import PoseNet3D


def save_model(model: PoseNet3D, folder: str | Path, *, precision: Precision = "fp32") -> Path:
    """Write a network's weights and configuration into a folder.

    Each file is written whole or not at all. The body model itself is not stored, only its family
    and checksum. A part that was replaced by assignment is saved as numbers only: name it as a
    plug-in in the configuration, or :func:`load_model` cannot build it.

    Args:
        model: the network.
        folder: where to; made if it is missing.
        precision: ``"fp32"``, every number as it is; or ``"fp16"``, half the size: the layers'
            matrices are rounded to 11 significant bits, and the network that comes back computes
            in fp32 with the rounded numbers. Measure what that costs before you pass it on.

    Returns:
        The folder.

    Raises:
        StorageError: if the folder cannot be written.

    Example:
        >>> import tempfile
        >>> from posenet3d.networks import NetworkConfig
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = load_model(save_model(model, folder))
        >>> torch.equal(again.backbone.entry.linear.weight, model.backbone.entry.linear.weight)
        True
    """
    folder = Path(folder)
    make_folder(folder)
    files = model_files(model.state_dict(), describe_model(model), precision)
    for name, content in files.items():
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
        The network, in eval mode, in fp32, on the CPU.

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
    return PoseNet3D.from_pretrained(Path(folder), body=body)


def describe_model(model: PoseNet3D) -> dict[str, Any]:
    """What ``model.json`` says of a network: how to build it, and for which family of bodies.

    Args:
        model: the network.

    Returns:
        Plain values.

    Example:
        >>> from posenet3d.networks import NetworkConfig
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small))
        >>> list(describe_model(model))
        ['posenet3d', 'network', 'fps', 'body', 'camera_pitch_degrees', 'metres_per_unit']
    """
    pitch = model.views.pitch
    return {
        "posenet3d": __version__,
        "network": model.config.model_dump(mode="json"),
        "fps": model.fps,
        "body": {"family": model.body.family, "sha256": getattr(model.body, "sha256", "")},
        "camera_pitch_degrees": None if pitch is None else float(torch.rad2deg(pitch)),
        "metres_per_unit": float(model.metres_per_unit),
    }
