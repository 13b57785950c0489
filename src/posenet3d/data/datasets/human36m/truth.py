"""Where Human3.6M's joints truly were, in a camera's frame, whichever files tell it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.human36m.archives import Seen, archive_world
from posenet3d.data.datasets.human36m.camera_files import Cameras, read_cameras
from posenet3d.data.datasets.human36m.camera_fitting import fit_camera
from posenet3d.data.datasets.human36m.joints import moving_joints
from posenet3d.data.datasets.human36m.release import (
    IN_CAMERA,
    IN_WORLD,
    has_release,
    release_files,
    release_joints,
)
from posenet3d.errors import DataError

WORLD_ARCHIVE = "data_3d_h36m.npz"
CAMERA_FILES = ("metadata.xml", "camera-parameters.json", "h36m_dataset.py")
"""What `find_truth` looks for, in this order."""

_FRAMES_A_VIEW = 24  # of each recording and camera, to fit the camera to


class Truth(NamedTuple):
    """The joints of recordings in the frames of the cameras that saw them."""

    source: Path
    """The file or folder that tells; errors name it."""
    joints: Callable[[str, str, str], Float[np.ndarray, "frames 17 3"]]
    """Subject, recording and camera to metres in the camera frame, layout ``h36m_17``; a
    ``KeyError`` where there is no such recording."""


class _World(NamedTuple):
    """The joints of recordings in the world."""

    source: Path
    joints: Callable[[str, str], Float[np.ndarray, "frames 17 3"]]


def find_truth(
    root: Path,
    subjects: tuple[str, ...],
    actions: tuple[str, ...],
    cameras: Path | None,
    exact: Callable[[], Iterable[Seen]] | None,
) -> Truth:
    """The truth in a folder: the first that is there.

    1. The release's ``D3_Positions_mono``, which are in the camera frame. No camera is needed.
    2. ``data_3d_h36m.npz`` of VideoPose3D.
    3. The release's ``D3_Positions``.

    The last two are in the world and need the cameras: the file named, else one of `CAMERA_FILES`
    in the folder, else they are fitted to the exact 2D of the same recordings.

    Args:
        root: the folder.
        subjects: whose truth.
        actions: of which actions.
        cameras: the camera file, or ``None``.
        exact: gives the exact 2D; ``None`` where there is none.

    Returns:
        The truth.

    Raises:
        DataError: there is none, it is not whole, or there is no way to the cameras.
        MissingExtraError: cdflib or scipy is not installed.
        StorageError: a file cannot be read.
    """
    if cameras is None and has_release(root, IN_CAMERA):
        return _in_camera(root, subjects, actions)
    world = _world(root, subjects, actions)
    named = cameras or next((root / n for n in CAMERA_FILES if (root / n).is_file()), None)
    if named is not None:
        return _seen_by(world, read_cameras(named), named)
    if exact is None:
        raise DataError(
            root,
            f"expected the cameras, as {', '.join(CAMERA_FILES)} or as exact 2D to fit them to "
            "(data_2d_h36m_gt.npz or D2_Positions), got neither.",
        )
    return _seen_by(world, _fitted(world, exact()), world.source)


def _in_camera(root: Path, subjects: tuple[str, ...], actions: tuple[str, ...]) -> Truth:
    files = {
        (subject, *view): path
        for subject in subjects
        for view, path in release_files(root, subject, IN_CAMERA, actions).items()
    }
    return Truth(
        root,
        lambda subject, recording, camera: moving_joints(
            release_joints(files[subject, recording, camera])
        ),
    )


def _world(root: Path, subjects: tuple[str, ...], actions: tuple[str, ...]) -> _World:
    archive = root / WORLD_ARCHIVE
    if archive.is_file():
        held = archive_world(archive, subjects, actions)
        return _World(archive, lambda subject, recording: moving_joints(held[subject, recording]))
    if not has_release(root, IN_WORLD):
        raise DataError(
            root,
            f"expected the true joints, {WORLD_ARCHIVE} or S*/MyPoseFeatures/{IN_CAMERA}/*.cdf or "
            f"S*/MyPoseFeatures/{IN_WORLD}/*.cdf, got none of them.",
        )
    files = {
        (subject, recording): path
        for subject in subjects
        for (recording, _), path in release_files(root, subject, IN_WORLD, actions).items()
    }
    return _World(
        root, lambda subject, recording: moving_joints(release_joints(files[subject, recording]))
    )


def _seen_by(world: _World, cameras: Cameras, source: Path) -> Truth:
    def joints(subject: str, recording: str, camera: str) -> np.ndarray:
        places = world.joints(subject, recording)
        if (subject, camera) not in cameras:
            raise DataError(source, f"expected camera {camera} of {subject}, got none.")
        return cameras[subject, camera].to_camera(places)

    return Truth(world.source, joints)


def _fitted(world: _World, exact: Iterable[Seen]) -> Cameras:
    """Each camera from some frames of each recording."""
    places: dict[tuple[str, str], list[np.ndarray]] = {}
    pixels: dict[tuple[str, str], list[np.ndarray]] = {}
    for seen in exact:
        try:
            truth = world.joints(seen.subject, seen.recording)
        except KeyError:
            raise DataError(
                world.source, f"expected {seen.recording!r} of {seen.subject}, got none."
            ) from None
        common = min(len(truth), len(seen.points))
        some = np.linspace(0, common - 1, min(common, _FRAMES_A_VIEW)).astype(np.int64)
        places.setdefault((seen.subject, seen.camera), []).append(truth[some].reshape(-1, 3))
        pixels.setdefault((seen.subject, seen.camera), []).append(seen.points[some].reshape(-1, 2))
    return {
        (subject, camera): fit_camera(
            np.concatenate(points),
            np.concatenate(pixels[subject, camera]),
            f"{world.source}, camera {camera} of {subject}",
        )
        for (subject, camera), points in places.items()
    }
