"""Human3.6M's cameras out of the files that publish them."""

import ast
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from posenet3d.data.datasets.human36m.cameras import Human36mCamera
from posenet3d.data.datasets.human36m.recordings import CAMERAS
from posenet3d.errors import DataError
from posenet3d.files.capped import read_capped
from posenet3d.files.strict_json import parse_json

Cameras = Mapping[tuple[str, str], Human36mCamera]
"""Subject and camera to the camera; it stood elsewhere for each subject."""

MAX_BYTES = 2**24
"""The longest camera file that is read; the release's has some 100 kB."""

_SUBJECTS = 11  # that metadata.xml and camera-parameters.json know
_PLACES, _OPTICS = 6, 9  # numbers a camera and subject, and a camera, in w0
_MILLIMETRES = 1000.0
_PYTHON_NAMES = ("h36m_cameras_intrinsic_params", "h36m_cameras_extrinsic_params")


def read_cameras(path: str | Path) -> Cameras:
    """The cameras of one of the files that publish them.

    * ``*.xml``: ``metadata.xml`` of the release's code. Its ``w0`` lists three angles and a
      position for each of 11 subjects, camera by camera, then focal lengths, centre, three radial
      and two tangential coefficients of each camera; as 3d-pose-baseline
      (``src/cameras.py``) reads it.
    * ``*.json``: ``camera-parameters.json`` of karfly/human36m-camera-parameters.
    * ``*.py``: ``common/h36m_dataset.py`` of VideoPose3D. Its two tables are read; nothing of it
      is run.

    Args:
        path: the file.

    Returns:
        Subject (``"S9"``) and camera (``"60457274"``) to the camera.

    Raises:
        DataError: it is none of these files, or is damaged.
        StorageError: it cannot be read.

    Example:
        >>> read_cameras("cameras.txt")
        Traceback (most recent call last):
            ...
        posenet3d.errors.DataError: cameras.txt: expected a camera file that ends in .json, .py...
    """
    path = Path(path)
    if path.suffix not in _READERS:
        raise DataError(path, f"expected a camera file that ends in {', '.join(sorted(_READERS))}.")
    content = read_capped(path, MAX_BYTES)
    try:
        made = _READERS[path.suffix](content, path)
        for camera in made.values():
            _check(camera)
    except (ValueError, LookupError, TypeError, SyntaxError, AttributeError, RecursionError,
            MemoryError) as error:  # fmt: skip
        if isinstance(error, DataError):
            raise
        raise DataError(
            path, f"expected the cameras of Human3.6M, got a damaged or another file ({error})."
        ) from None
    if not made:
        raise DataError(path, "expected the cameras of Human3.6M, got none.")
    return MappingProxyType(made)


def _from_xml(content: bytes, path: Path) -> dict[tuple[str, str], Human36mCamera]:
    """``w0``: 6 numbers for each camera and subject, then 9 for each camera."""
    found = re.search(rb"<w0>\s*\[([^<\]]*)\]\s*</w0>", content)
    if found is None:
        raise DataError(path, "expected metadata.xml with the cameras in <w0>, got none.")
    numbers = np.array([float(text) for text in found[1].split()])
    places = _PLACES * _SUBJECTS * len(CAMERAS)
    expected = places + _OPTICS * len(CAMERAS)
    if len(numbers) != expected:
        raise DataError(path, f"expected {expected} numbers in <w0>, got {len(numbers)}.")
    standing = numbers[:places].reshape(len(CAMERAS), _SUBJECTS, _PLACES)
    optics = numbers[places:].reshape(len(CAMERAS), _OPTICS)
    made = {}
    for number, name in enumerate(CAMERAS):
        focal, centre, radial, (p1, p2) = np.split(optics[number], [2, 4, 7])
        for subject in range(_SUBJECTS):
            angles, position = np.split(standing[number, subject], 2)
            made[f"S{subject + 1}", name] = Human36mCamera(
                _turned(*angles), position / _MILLIMETRES, focal, centre, radial, np.array([p2, p1])
            )
    return made


def _turned(x: float, y: float, z: float) -> np.ndarray:
    """The rotation about z, then y, then x."""
    (sx, sy, sz), (cx, cy, cz) = np.sin([x, y, z]), np.cos([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)


def _from_json(content: bytes, path: Path) -> dict[tuple[str, str], Human36mCamera]:
    """World to camera is R X + t in millimetres; distortion is k1, k2, p1, p2, k3."""
    said = parse_json(content, path)
    made = {}
    for subject, cameras in said["extrinsics"].items():
        for name, standing in cameras.items():
            optics = said["intrinsics"][name]
            lens, bent = _numbers(optics["calibration_matrix"]), _numbers(optics["distortion"])
            rotation, shift = _numbers(standing["R"]), _numbers(standing["t"]).ravel()
            made[str(subject), str(name)] = Human36mCamera(
                rotation,
                -rotation.T @ shift / _MILLIMETRES,
                lens[[0, 1], [0, 1]],
                lens[:2, 2],
                bent[[0, 1, 4]],
                bent[[3, 2]],
            )
    return made


def _from_python(content: bytes, path: Path) -> dict[tuple[str, str], Human36mCamera]:
    """The orientation is the camera's in the world, as a quaternion w, x, y, z."""
    tables = {
        target.id: ast.literal_eval(statement.value)
        for statement in ast.parse(content).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id in _PYTHON_NAMES
    }
    if len(tables) < len(_PYTHON_NAMES):
        raise DataError(path, f"expected the tables {' and '.join(_PYTHON_NAMES)}.")
    optics, standing = (tables[name] for name in _PYTHON_NAMES)
    return {
        (str(subject), str(lens["id"])): Human36mCamera(
            _of_quaternion(_numbers(place["orientation"])).T,
            _numbers(place["translation"]) / _MILLIMETRES,
            *(
                _numbers(lens[key])
                for key in ("focal_length", "center", "radial_distortion", "tangential_distortion")
            ),
        )
        for subject, places in standing.items()
        for lens, place in zip(optics, places, strict=True)
        if place  # some subjects have empty ones
    }


def _of_quaternion(given: np.ndarray) -> np.ndarray:
    w, x, y, z = given / np.linalg.norm(given)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _numbers(given: Any) -> np.ndarray:
    return np.asarray(given, dtype=np.float64)


def _check(camera: Human36mCamera) -> None:
    shapes = {"rotation": (3, 3), "position": (3,), "focal": (2,), "centre": (2,), "radial": (3,),
              "tangential": (2,)}  # fmt: skip
    for name, shape in shapes.items():
        value = getattr(camera, name)
        if value.shape != shape or not np.isfinite(value).all():
            raise ValueError(f"{name} is not {shape} finite numbers")
    turned = camera.rotation @ camera.rotation.T
    if np.abs(turned - np.eye(3)).max() > 1e-3 or np.linalg.det(camera.rotation) < 0:
        raise ValueError("a rotation that is none")


_READERS: Mapping[str, Callable[[bytes, Path], dict[tuple[str, str], Human36mCamera]]] = (
    MappingProxyType({".xml": _from_xml, ".json": _from_json, ".py": _from_python})
)
