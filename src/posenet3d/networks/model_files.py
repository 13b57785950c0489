"""The two files of a network: ``model.safetensors`` for the numbers, ``model.json`` for the rest.

Here they are bytes and checked values; :mod:`posenet3d.networks.weights` takes networks.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn

from posenet3d.body import BodyModel
from posenet3d.errors import BodyFamilyError, DataError, StorageError
from posenet3d.networks.config import NetworkConfig
from posenet3d.plugins import GROUPS

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "model.json"
Precision = Literal["fp32", "fp16"]
"""How the numbers are stored; they are loaded as fp32 from either."""
_KEPT_WHOLE = ("joint_regressor.",)  # proportions over thousands of vertices, small in a file


@dataclass(frozen=True)
class StoredModel:
    """A network's description, read and checked; its numbers stay on the disk until they fit.

    Attributes:
        folder: where the files are.
        config: what the network is built from.
        family: the family of bodies that it was trained with.
        weights_sha256: the checksum of ``model.safetensors``; ``None`` if it was not kept.
        fps: frames a second of the 2D that it was trained on; ``None`` if that is not known.

    Example:
        >>> StoredModel.read("no_such_run")
        Traceback (most recent call last):
            ...
        posenet3d.errors.StorageError: no_such_run...model.json: expected a file of a trained ...
    """

    folder: Path
    config: NetworkConfig
    family: str
    weights_sha256: str | None = None
    fps: float | None = None

    @classmethod
    def read(cls, folder: str | Path) -> "StoredModel":
        """The description in a folder.

        Raises:
            DataError: if it is damaged.
            StorageError: if it is missing or cannot be read.
        """
        path = Path(folder) / CONFIG_FILE
        description = _read_description(path)
        try:
            config = NetworkConfig.model_validate(description["network"])
            family = str(description["body"]["family"])
        except (KeyError, TypeError, ValidationError) as error:
            raise DataError(
                path, f"expected a network's configuration, got {error}; write it with save_model."
            ) from error
        checksum, fps = description.get("weights_sha256"), _frame_rate(description, path)
        return cls(Path(folder), config, family, checksum, fps)

    def choose_body(self, body: BodyModel | None = None) -> BodyModel:
        """The body model at hand, or else the one that the configuration names.

        Raises:
            BodyFamilyError: if it is of another family than the weights'.
        """
        body = body if body is not None else GROUPS["body_models"].build(self.config.body_model)
        if body.family != self.family:
            raise BodyFamilyError(self.family, body.family)
        return body

    def fill(self, model: nn.Module) -> None:
        """Give a network its numbers; what was stored as fp16 becomes fp32.

        Raises:
            DataError: if they are not those of the description, or do not fit.
            StorageError: if they are missing or cannot be read.
        """
        path, numbers = self.folder / WEIGHTS_FILE, self.numbers()
        try:
            model.load_state_dict(numbers)
        except RuntimeError as error:
            raise DataError(path, _unfit(error)) from error

    def numbers(self) -> dict[str, Tensor]:
        """The numbers by name, as they are stored.

        Raises:
            DataError: if they are not those of the description.
            StorageError: if they are missing or cannot be read.
        """
        path = self.folder / WEIGHTS_FILE
        content = self._content()
        try:
            return safetensors.torch.load(content)
        except SafetensorError as error:
            raise DataError(path, _unfit(error)) from error

    def digest(self) -> str:
        """SHA-256 of the file of numbers.

        Raises:
            DataError: if it is not that of the description.
            StorageError: if the file is missing or cannot be read.
        """
        return _digest(self._content())

    def _content(self) -> bytes:
        path = self.folder / WEIGHTS_FILE
        content = _read(path)
        if self.weights_sha256 is not None and _digest(content) != self.weights_sha256:
            raise DataError(
                path,
                f"expected the weights that {CONFIG_FILE} was written with (SHA-256 "
                f"{self.weights_sha256}), got {_digest(content)}; copy both files anew.",
            )
        return content


def model_files(
    weights: Mapping[str, Tensor], description: Mapping[str, Any], precision: Precision = "fp32"
) -> dict[str, bytes]:
    """The files that :func:`~posenet3d.networks.load_model` reads, by name.

    Args:
        weights: the network's ``state_dict()``; every tensor is written in full, also where
            several share memory.
        description: what ``describe_model`` says of the network.
        precision: ``"fp32"`` writes the tensors as they are, ``"fp16"`` as :func:`halved` gives
            them.

    Returns:
        The contents of ``model.safetensors`` and ``model.json``.

    Example:
        >>> list(model_files({"bias": torch.zeros(2)}, {}))
        ['model.safetensors', 'model.json']
    """
    chosen = halved(weights) if precision == "fp16" else weights
    plain = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in chosen.items()
    }
    content = safetensors.torch.save(plain)
    stored = {} if precision == "fp32" else {"weights_precision": precision}
    told = {**description, **stored, "weights_sha256": _digest(content)}
    return {WEIGHTS_FILE: content, CONFIG_FILE: json.dumps(told, indent=2).encode()}


def halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The layers' matrices rounded to fp16, 11 significant bits; everything else as it is.

    Vectors (biases, BatchNorm's statistics), single numbers and the joint regressor stay: they are
    a small part of a file. So does a matrix with a number that fp16 cannot hold.

    Example:
        >>> whole = {"linear.weight": torch.full((1, 1), 0.1), "linear.bias": torch.zeros(1)}
        >>> [str(value.dtype) for value in halved(whole).values()]
        ['torch.float16', 'torch.float32']
    """
    return {
        name: value if name.startswith(_KEPT_WHOLE) else _halved_matrix(value)
        for name, value in weights.items()
    }


def _halved_matrix(value: Tensor) -> Tensor:
    if value.ndim < 2 or not value.is_floating_point():
        return value
    rounded = value.half()
    return rounded if bool(rounded.isfinite().all()) else value


def _unfit(error: Exception) -> str:
    return f"expected weights that fit {CONFIG_FILE}, got {error}; copy both files anew."


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


def _frame_rate(description: Mapping[str, Any], path: Path) -> float | None:
    """Frames a second; older files do not tell."""
    rate = description.get("fps")
    if rate is None:
        return None
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
        raise DataError(path, f"fps: expected a positive number or null, got {rate!r}.")
    return float(rate)


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"expected JSON, got {error}; copy the file anew.") from error
    if not isinstance(description, dict):
        kind = type(description).__name__
        raise DataError(path, f"expected a JSON object, got {kind}; copy the file anew.")
    return description
