"""The files of Human3.6M's release: ``S9/MyPoseFeatures/D3_Positions_mono/Walking.60457274.cdf``.

``D2_Positions`` has the 2D of each camera in pixels, ``D3_Positions_mono`` the 3D in the camera
frame and ``D3_Positions`` (one file a recording, without a camera's name) in the world, both in
millimetres.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.human36m.archives import Seen
from posenet3d.data.datasets.human36m.cdf_files import read_pose
from posenet3d.data.datasets.human36m.joints import moving_joints
from posenet3d.data.datasets.human36m.recordings import (
    CAMERAS,
    check_complete,
    in_use,
    recording_name,
)
from posenet3d.errors import DataError

PIXELS, IN_CAMERA, IN_WORLD = "D2_Positions", "D3_Positions_mono", "D3_Positions"
"""The folders of a subject's ``MyPoseFeatures``."""

_MILLIMETRES = 1000.0
_LARGEST = 100.0  # metres
_SMALLEST = 0.1


def has_release(root: Path, folder: str) -> bool:
    """Whether a folder has any pose files of a kind.

    Args:
        root: where the subjects' folders are.
        folder: `PIXELS`, `IN_CAMERA` or `IN_WORLD`.

    Example:
        >>> has_release(Path("nowhere"), PIXELS)
        False
    """
    return next(root.glob(f"S*/MyPoseFeatures/{folder}/*.cdf"), None) is not None


def release_files(
    root: Path, subject: str, folder: str, actions: tuple[str, ...]
) -> dict[tuple[str, str], Path]:
    """The pose files of a subject.

    Args:
        root: where the subjects' folders are.
        subject: the subject.
        folder: `PIXELS`, `IN_CAMERA` or `IN_WORLD`.
        actions: which actions.

    Returns:
        Recording and camera (``""`` in `IN_WORLD`) to the file, sorted by recording, cameras in
        the order of `CAMERAS`.

    Raises:
        DataError: a recording, or a camera's file of one, is missing.
    """
    place = root / subject / "MyPoseFeatures" / folder
    cameras = ("",) if folder == IN_WORLD else CAMERAS
    found: dict[tuple[str, str], Path] = {}
    for path in place.glob("*.cdf"):
        called, _, camera = path.stem.partition(".")
        found[recording_name(called), camera] = path
    recordings = sorted({name for name, _ in found if in_use(subject, name, actions)})
    check_complete(recordings, subject, actions, place)
    for recording in recordings:
        for camera in cameras:
            if (recording, camera) not in found:
                wanted = f"'{recording}{'.' if camera else ''}{camera}.cdf'"
                raise DataError(place, f"expected {wanted}, got none; unpack the archive again.")
    return {(name, camera): found[name, camera] for name in recordings for camera in cameras}


def release_keypoints(
    root: Path, subjects: tuple[str, ...], actions: tuple[str, ...]
) -> Iterator[Seen]:
    """The exact 2D of the release, a file at a time.

    Args:
        root: where the subjects' folders are.
        subjects: whose 2D.
        actions: which actions.

    Yields:
        Subject by subject, recording by recording, camera by camera; layout ``h36m_17``.

    Raises:
        DataError: a file is missing, damaged or another one.
        MissingExtraError: cdflib is not installed.
        StorageError: a file cannot be read.
    """
    for subject in subjects:
        for (recording, camera), path in release_files(root, subject, PIXELS, actions).items():
            points = moving_joints(read_pose(path, 2))
            yield Seen(subject, recording, camera, points, "h36m_17")


def release_joints(path: Path) -> Float[np.ndarray, "frames 32 3"]:
    """The 3D of one of the release's files.

    Args:
        path: a file of `IN_CAMERA` or `IN_WORLD`.

    Returns:
        Metres, in the file's frame.

    Raises:
        DataError: it is damaged, another file, or not in millimetres.
        MissingExtraError: cdflib is not installed.
        StorageError: it cannot be read.
    """
    places = read_pose(path, 3).astype(np.float64) / _MILLIMETRES
    size = float(np.abs(places[np.isfinite(places)]).max(initial=0.0))
    if not _SMALLEST < size < _LARGEST:
        raise DataError(path, f"expected millimetres, got numbers up to {size * _MILLIMETRES:.3g}.")
    return places
