"""The recordings in a folder of CMU's motion capture, and their joints."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.cmu.amc import read_amc
from posenet3d.data.datasets.cmu.asf import INCH, read_asf
from posenet3d.data.datasets.cmu.bvh import BvhMotion, read_bvh
from posenet3d.data.datasets.cmu.joint_map import human36m_joints, with_lost_bones
from posenet3d.data.datasets.cmu.motion_clips import Cutting, y_up_to_z_up
from posenet3d.data.motion import MotionClip
from posenet3d.errors import DataError

CMU_METRES = INCH / 0.45
"""A unit of length of CMU's files: they are in inches times 0.45, says the database's page."""

CMU_FPS = 120.0
"""Frames a second of CMU's recordings; ``.amc`` files do not tell theirs."""

_KINDS = (".amc", ".bvh")


@dataclass(frozen=True)
class Recording:
    """One recording's file.

    Attributes:
        path: an ``.amc`` or a ``.bvh`` file, called ``<subject>_<number>`` as CMU's are.
        skeleton: the ``.asf`` file of an ``.amc``; ``None`` for a ``.bvh``.

    Example:
        >>> Recording(Path("subjects/07/07_01.amc"), Path("subjects/07/07.asf")).key
        'S07/07_01'
    """

    path: Path
    skeleton: Path | None = None

    @property
    def subject(self) -> str:
        """What stands before the underscore in the file's name: ``"07"``."""
        return self.path.stem.partition("_")[0]

    @property
    def key(self) -> str:
        """The name of its clip: ``"S07/07_01"``."""
        return f"S{self.subject}/{self.path.stem}"

    def joints(
        self, metres: float | None = None, fps: float | int = CMU_FPS
    ) -> tuple[Float[np.ndarray, "frames 17 3"], float]:
        """Human3.6M's joints in every frame, and frames a second.

        Args:
            metres: a unit of the file's length; CMU's if ``None``, of an ``.amc`` as its skeleton
                says.
            fps: frames a second of an ``.amc``, which does not say.

        Returns:
            (frames, 17, 3) in layout ``h36m_17``, metres, z up; and frames a second.

        Raises:
            DataError: a file is damaged, or not of CMU's skeleton.
            StorageError: a file cannot be read.
        """
        if self.skeleton is not None:
            skeleton = read_asf(self.skeleton)
            tracks, unit = read_amc(self.path, skeleton), skeleton.metres
        else:
            tracks = with_lost_bones(without_t_pose(read_bvh(self.path))).tracks()
            unit = CMU_METRES
        rate = float(fps) if tracks.fps is None else tracks.fps
        joints = human36m_joints(tracks) * (unit if metres is None else metres)
        return y_up_to_z_up(joints), rate


def without_t_pose(motion: BvhMotion) -> BvhMotion:
    """A motion without the T-pose that B. Hahne's conversion puts before the first frame.

    It is told by its root: not turned, in the very place of the next frame.

    Args:
        motion: any.

    Returns:
        The motion from its second frame on if the first is such a pose, else as it was.

    Example:
        >>> rows = np.array([[1.0, 0.0], [1.0, 5.0], [1.0, 6.0]])
        >>> channels = (("Yposition", "Zrotation"),)
        >>> walk = BvhMotion("a.bvh", ("Hips",), (-1,), np.zeros((1, 3)), channels, rows, 120.0)
        >>> len(without_t_pose(walk).values)
        2
    """
    root = len(motion.channels[0])
    turns = [at for at, name in enumerate(motion.channels[0]) if name.endswith("rotation")]
    moves = [at for at in range(root) if at not in turns]
    if len(motion.values) < 2 or not turns or not moves:
        return motion
    first, second = motion.values[:2]
    same_place = np.array_equal(first[moves], second[moves])
    if same_place and not first[turns].any() and second[turns].any():
        return replace(motion, values=motion.values[1:])
    return motion


def find_recordings(
    root: Path, subjects: Collection[str] | None = None, names: Collection[str] | None = None
) -> tuple[Recording, ...]:
    """The recordings in a folder, at any depth.

    Where a recording is there as ``.amc`` and as ``.bvh``, the ``.amc`` counts, which lost
    nothing. Its skeleton is ``<subject>.asf`` in the same folder.

    Args:
        root: the folder.
        subjects: only these, such as ``("07", "14")``; all if ``None``.
        names: only these, such as ``("07_01",)``; all if ``None``.

    Returns:
        The recordings in the order of subject and name.

    Raises:
        DataError: there is no folder, or there are no such recordings; an ``.amc`` has no
            skeleton; a recording is there twice.

    Example:
        >>> find_recordings(Path("nowhere"))
        Traceback (most recent call last):
        posenet3d.errors.DataError: nowhere: expected a folder of CMU's ...
    """
    if not root.is_dir():
        raise DataError(root, "expected a folder of CMU's .amc and .asf, or .bvh files, got none.")
    wanted = None if subjects is None else {_plain(subject) for subject in subjects}
    found: dict[str, Path] = {}
    for path in sorted(each for each in root.rglob("*") if each.suffix.lower() in _KINDS):
        other = found.get(path.stem)
        if other is not None and other.suffix.lower() == path.suffix.lower():
            raise DataError(path, f"expected each recording once, got another in {other}.")
        if other is None or path.suffix.lower() == ".amc":
            found[path.stem] = path
    made = [_recording(path) for path in found.values()]
    chosen = [
        each
        for each in made
        if (wanted is None or _plain(each.subject) in wanted)
        and (names is None or each.path.stem in names)
    ]
    if not chosen:
        who = "" if wanted is None else f" of subjects {', '.join(sorted(wanted))}"
        raise DataError(
            root,
            f"expected .amc or .bvh files{who} with names such as 07_01.bvh, got "
            f"{len(found)} others.",
        )
    for each in chosen:
        if each.skeleton is not None and not each.skeleton.is_file():
            raise DataError(
                each.skeleton, f"expected the skeleton of {each.path.name}, got none; get it too."
            )
    return tuple(sorted(chosen, key=lambda each: (_order(each.subject), each.path.stem)))


def each_clip(
    recordings: Iterable[Recording],
    cutting: Cutting,
    *,
    metres: float | None = None,
    fps: float | int = CMU_FPS,
    on_recording: Callable[[Recording], None] | None = None,
) -> Iterator[MotionClip]:
    """The clips of recordings, one recording in memory at a time.

    Args:
        recordings: see `find_recordings`.
        cutting: how they become clips.
        metres: as for `Recording.joints`.
        fps: as for `Recording.joints`.
        on_recording: called with each recording before it is read.

    Yields:
        The clips.

    Raises:
        DataError: as `Recording.joints`.
        StorageError: as `Recording.joints`.

    Example:
        >>> list(each_clip((), Cutting()))
        []
    """
    for recording in recordings:
        if on_recording is not None:
            on_recording(recording)
        joints, rate = recording.joints(metres, fps)
        yield from cutting.clips(recording.key, joints, rate)


def _recording(path: Path) -> Recording:
    if path.suffix.lower() == ".bvh":
        return Recording(path)
    return Recording(path, path.with_name(f"{path.stem.partition('_')[0]}.asf"))


def _plain(subject: str) -> str:
    """``"S07"``, ``"07"`` and ``"7"`` are one."""
    return subject.removeprefix("S").lstrip("0") or "0"


def _order(subject: str) -> tuple[bool, int, str]:
    return (not subject.isdigit(), int(subject) if subject.isdigit() else 0, subject)
