"""VideoPose3D's files of Human3.6M: ``data_2d_h36m_*.npz`` and ``data_3d_h36m.npz``.

Each is one pickled dictionary, subject to recording to arrays; ``data/prepare_data_h36m.py`` and
``data/prepare_data_2d_h36m_sh.py`` of VideoPose3D write them. They are read without running
anything.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.human36m.joints import RELEASED
from posenet3d.data.datasets.human36m.recordings import (
    CAMERAS,
    check_complete,
    in_use,
    recording_name,
)
from posenet3d.errors import DataError
from posenet3d.files.object_npz import load_object_npz
from posenet3d.keypoints.readers.videopose3d import layout_by_sides

_FARTHEST = 100.0  # metres; the room is 5 m wide, and millimetres are a thousand times as many
_SHORTEST = 1e-3


class Seen(NamedTuple):
    """What one camera saw of a recording."""

    subject: str
    recording: str
    camera: str
    points: Float[np.ndarray, "frames joints 2"]
    """Pixels, as the file has them."""
    layout: str


def archive_keypoints(
    path: Path, subjects: tuple[str, ...], actions: tuple[str, ...]
) -> Iterator[Seen]:
    """The 2D in a ``data_2d_h36m_*.npz``, one camera's view at a time.

    ``positions_2d`` is subject to recording to a list of four (frames, joints, 2), the cameras in
    the order of `CAMERAS`; the layout is told by the left and right joints that ``metadata`` names:
    ``h36m_17`` (``gt``, ``cpn_ft_h36m_dbb``, ``detectron_ft_h36m``), ``coco_17``
    (``detectron_pt_coco``) or ``mpii_16`` (``sh_pt_mpii``, ``sh_ft_h36m``). The stacked hourglass
    that was tuned on Human3.6M has its spine and thorax where MPII has thorax and upper neck; of
    the 14 joints this is the neck.

    Args:
        path: the file.
        subjects: whose 2D.
        actions: which actions.

    Yields:
        Subject by subject, recording by recording, camera by camera.

    Raises:
        DataError: it is no such file, is damaged, or lacks a subject, recording or camera.
        StorageError: it cannot be read.
    """
    found = load_object_npz(path, "positions_2d", "metadata")
    metadata = found.get("metadata")
    kept = _recordings(path, "positions_2d", found, subjects, actions)
    del found
    for subject, recordings in kept.items():
        for recording in sorted(recordings):
            name = f"{subject}/{recording}"
            views = recordings.pop(recording)
            if not isinstance(views, list | np.ndarray) or len(views) != len(CAMERAS):
                count = len(views) if isinstance(views, list | np.ndarray) else "none"
                raise DataError(
                    path, f"{name}: expected {len(CAMERAS)} arrays, one a camera, got {count}."
                )
            for camera, points in zip(CAMERAS, views, strict=True):
                layout = _view(path, f"{name}/{camera}", points, metadata)
                yield Seen(subject, recording, camera, points, layout)


def archive_world(
    path: Path, subjects: tuple[str, ...], actions: tuple[str, ...]
) -> dict[tuple[str, str], Float[np.ndarray, "frames 32 3"]]:
    """The 3D in a ``data_3d_h36m.npz``.

    ``positions_3d`` is subject to recording to (frames, 32, 3) float32, metres, world frame.

    Args:
        path: the file.
        subjects: whose 3D.
        actions: which actions.

    Returns:
        Subject and recording to metres in the world frame, as the file has them.

    Raises:
        DataError: it is no such file, is damaged, or lacks a subject or recording.
        StorageError: it cannot be read.
    """
    found = load_object_npz(path, "positions_3d")
    kept = _recordings(path, "positions_3d", found, subjects, actions)
    made = {}
    for subject, recordings in kept.items():
        for recording, places in recordings.items():
            name = f"{subject}/{recording}"
            _check(path, name, places, f"(frames, {len(RELEASED)}, 3)", len(RELEASED), 3)
            size = float(np.abs(places[np.isfinite(places)]).max(initial=0.0))
            if not _SHORTEST < size < _FARTHEST:
                raise DataError(
                    path, f"{name}: expected metres, got numbers up to {size:.3g}; make the file "
                    "by VideoPose3D's prepare_data_h36m.py."
                )  # fmt: skip
            made[subject, recording] = places
    return made


def _recordings(
    path: Path,
    array: str,
    found: Mapping[str, Any],
    subjects: tuple[str, ...],
    actions: tuple[str, ...],
) -> dict[str, dict[str, Any]]:
    """Subject to the recordings in use by their names; all of them are there."""
    positions = found.get(array)
    if not isinstance(positions, dict):
        what = "nothing" if positions is None else type(positions).__name__
        raise DataError(path, f"{array}: expected a dictionary of subjects, got {what}.")
    kept: dict[str, dict[str, Any]] = {}
    for subject in subjects:
        recordings = positions.get(subject)
        if not isinstance(recordings, dict):
            listed = ", ".join(map(str, positions)) or "none"
            raise DataError(path, f"{array}: expected subject {subject!r}, got {listed}.")
        named = {recording_name(str(called)): value for called, value in recordings.items()}
        kept[subject] = {
            name: value for name, value in named.items() if in_use(subject, name, actions)
        }
        check_complete(kept[subject], subject, actions, path)
    return kept


def _view(path: Path, name: str, given: Any, metadata: Any) -> str:
    """The layout of one camera's 2D, if it is 2D."""
    _check(path, name, given, "(frames, joints, 2)", 2)
    layout = layout_by_sides(metadata if isinstance(metadata, dict) else {}, given.shape[1])
    if layout is None:
        raise DataError(
            path,
            f"{name}: expected as many joints as the layout has whose left and right joints "
            f"'keypoints_symmetry' in metadata names, got {given.shape[1]}.",
        )
    return layout


def _check(path: Path, name: str, given: Any, expected: str, *last: int) -> None:
    """Make sure that something is an array (frames, joints, axes) whose last sizes are these."""
    good = isinstance(given, np.ndarray) and given.ndim == 3 and given.dtype.kind == "f"
    if not good or len(given) == 0 or given.shape[-len(last) :] != last:
        got = f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else type(given)
        raise DataError(path, f"{name}: expected numbers {expected}, got {got}.")
