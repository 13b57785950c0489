"""The files of AIST++'s annotations, as its page "Download, Data Formats" describes them.

Checked against ``google/aistplusplus_api`` (``aist_plusplus/loader.py``) and against code of others
that reads the files; no file itself was at hand.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.errors import DataError
from posenet3d.files import parse_json, pickled_value, read_capped, read_pickle
from posenet3d.geometry import rotvec_to_rotmat

VIEWS = tuple(f"c{number:02}" for number in range(1, 10))
"""The cameras' names, in the order of the views in a file."""

JOINTS = 17
METRES = 0.01
"""AIST++ has centimetres."""

_NAME = re.compile(r"g[A-Z]{2}_s[A-Z]{2}_cAll_(?P<dancer>d\d{2})_\w+_ch\d{2}")
_MAX_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class AistCamera:
    """A camera of AIST++, as OpenCV has them.

    Attributes:
        name: ``"c01"`` to ``"c09"``.
        size: (width, height) in pixels.
        matrix: (3, 3) from the camera's frame to pixels.
        rotation: (3, 3) from the world's frame to the camera's.
        translation: (3,) centimetres.

    Example:
        >>> front = AistCamera("c01", (8, 6), np.eye(3), np.eye(3), np.array([0.0, 0.0, 400.0]))
        >>> front.to_camera(np.zeros((1, 3))).tolist()
        [[0.0, 0.0, 4.0]]
    """

    name: str
    size: tuple[int, int]
    matrix: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]

    def to_camera(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Points of the world in the camera's frame.

        Args:
            points: (..., 3) centimetres, world.

        Returns:
            (..., 3) metres, camera frame: x right, y down, z forward.
        """
        return np.asarray(METRES * (points @ self.rotation.T + self.translation))

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Points of the camera's frame in an image that the lens does not distort.

        Args:
            points: (..., 3) any unit, camera frame.

        Returns:
            (..., 2) pixels.
        """
        homogeneous = points @ self.matrix.T
        return np.asarray(homogeneous[..., :2] / homogeneous[..., 2:])


def dancer_of(sequence: str, source: object) -> str:
    """Who dances in a sequence: ``"d04"`` of ``"gBR_sBM_cAll_d04_mBR0_ch01"``.

    Args:
        sequence: the sequence's name.
        source: what errors call the file that names it.

    Raises:
        DataError: it is no such name.

    Example:
        >>> dancer_of("gBR_sBM_cAll_d04_mBR0_ch01", "splits")
        'd04'
    """
    match = _NAME.fullmatch(sequence)
    if match is None:
        raise DataError(
            source,
            f"expected sequences such as 'gBR_sBM_cAll_d04_mBR0_ch01', got {sequence!r:.80}.",
        )
    return match["dancer"]


def read_names(path: Path) -> tuple[str, ...]:
    """The sequences that a list names, one a line; empty lines are left out.

    Args:
        path: such as ``splits/pose_train.txt`` or ``ignore_list.txt``.

    Raises:
        DataError: a line is no sequence's name.
        StorageError: it cannot be read.
    """
    names = tuple(line.strip() for line in _text(path).splitlines() if line.strip())
    for name in names:
        dancer_of(name, path)
    return names


def read_mapping(path: Path) -> dict[str, str]:
    """Each sequence's camera setting: ``cameras/mapping.txt``, two words a line.

    Args:
        path: the file.

    Raises:
        DataError: a line has not two words.
        StorageError: it cannot be read.
    """
    lines = [line.split() for line in _text(path).splitlines() if line.strip()]
    for number, words in enumerate(lines, start=1):
        if len(words) != 2 or "/" in words[1]:
            raise DataError(
                path, f"line {number}: expected a sequence and its setting, got {words!r:.80}."
            )
    return {words[0]: words[1] for words in lines}


def read_cameras(path: Path) -> dict[str, AistCamera]:
    """The cameras of a setting: ``cameras/<setting>.json``.

    Args:
        path: the file.

    Returns:
        Name to camera. Distortions are left out.

    Raises:
        DataError: it is no such file, or a camera is not what it should be.
        StorageError: it cannot be read.
    """
    told = parse_json(read_capped(path, _MAX_BYTES), path)
    if not isinstance(told, list) or not told:
        raise DataError(path, f"expected a list of cameras, got {type(told).__name__}.")
    cameras = [_camera(path, each) for each in told]
    return {camera.name: camera for camera in cameras}


def read_keypoints2d(path: Path) -> Float[np.ndarray, "views frames 17 3"]:
    """What was detected: ``keypoints2d/<sequence>.pkl``.

    Args:
        path: the file; it is read without running what is in it.

    Returns:
        (9, frames, 17, 3): x and y in pixels, and confidence; NaN where nobody was detected.

    Raises:
        DataError: it is no such file, or damaged.
        StorageError: it cannot be read.
    """
    points = _array(path, "keypoints2d")
    if points.ndim != 4 or points.shape[0] != len(VIEWS) or points.shape[2:] != (JOINTS, 3):
        raise DataError(
            path, f"keypoints2d: expected ({len(VIEWS)}, frames, 17, 3), got {points.shape}."
        )
    return points


def read_keypoints3d(path: Path) -> Float[np.ndarray, "frames 17 3"]:
    """The joints in 3D, smoothed over time: ``keypoints3d_optim`` in ``keypoints3d``.

    Args:
        path: the file; it is read without running what is in it.

    Returns:
        (frames, 17, 3) centimetres, world.

    Raises:
        DataError: it is no such file, or damaged.
        StorageError: it cannot be read.
    """
    points = _array(path, "keypoints3d_optim")
    if points.ndim != 3 or points.shape[1:] != (JOINTS, 3):
        raise DataError(path, f"keypoints3d_optim: expected (frames, 17, 3), got {points.shape}.")
    return points


def _array(path: Path, key: str) -> np.ndarray:
    told = read_pickle(path)
    if key not in told:
        raise DataError(path, f"expected AIST++'s {key!r}, got the keys {sorted(told)[:8]}.")
    array = pickled_value(told[key], str(path))
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise DataError(path, f"{key}: expected an array of numbers, got {type(array).__name__}.")
    return array.astype(np.float64)


def _camera(path: Path, told: Any) -> AistCamera:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise DataError(path, f"expected a camera with a name, got {told!r:.80}.")
    called = f"{path}: {told['name']:.20}"
    size = _numbers(called, told, "size", (2,))
    if told["name"] not in VIEWS or (size < 1).any() or (size % 1).any():
        raise DataError(called, f"expected one of {', '.join(VIEWS)} with a size in pixels.")
    matrix = _numbers(called, told, "matrix", (3, 3))
    if min(matrix[0, 0], matrix[1, 1]) <= 0 or matrix[2].tolist() != [0, 0, 1]:
        raise DataError(called, f"matrix: expected OpenCV's camera matrix, got {matrix.tolist()}.")
    turn = torch.as_tensor(_numbers(called, told, "rotation", (3,)))
    return AistCamera(
        told["name"],
        (int(size[0]), int(size[1])),
        matrix,
        rotvec_to_rotmat(turn).numpy(),
        _numbers(called, told, "translation", (3,)),
    )


def _numbers(called: str, told: dict[str, Any], key: str, shape: tuple[int, ...]) -> np.ndarray:
    try:
        values = np.array(told.get(key), dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.size == np.prod(shape):
        values = values.reshape(shape)  # OpenCV's vectors are columns at times
    if values.shape != shape or not np.isfinite(values).all():
        raise DataError(called, f"{key}: expected numbers {shape}, got {told.get(key)!r:.80}.")
    return values


def _text(path: Path) -> str:
    return read_capped(path, _MAX_BYTES).decode("latin-1")
