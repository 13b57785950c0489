"""3D motion clips: where ground truth comes from, and what camera rigs film.

Training never sees them: a rig turns them into 2D before the trainer does (see `training_set`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError
from posenet3d.files.npz import load_npz
from posenet3d.skeletons import LAYOUTS, layout

_ABOUT_THE_FILE = ("joint_names", "fps", "bones", "licence", "layout")
_SIDES = {"L": "left_", "R": "right_"}


@dataclass(frozen=True, eq=False)
class MotionClip:
    """One person's motion in 3D.

    Attributes:
        key: the clip's name, ``"S<subject>/<clip>"`` for the motion capture.
        joints: (frames, joints, 3) float64, metres, world frame with z up; read-only.
        layout: the joints' layout.
        fps: frames a second.

    Raises:
        DataError: the joints are not (frames, joints of the layout, 3) with at least one frame,
            not finite, or the frame rate is not positive.
        UnknownNameError: no such layout.

    Example:
        >>> MotionClip("S01/walk", np.zeros((50, 17, 3)), "h36m_17", fps=50.0).subject
        'S01'
    """

    key: str
    joints: Float[np.ndarray, "frames joints 3"]
    layout: str
    fps: float | int

    def __post_init__(self) -> None:
        joints = np.array(self.joints, dtype=np.float64)
        expected = len(layout(self.layout))
        if joints.ndim != 3 or joints.shape[1:] != (expected, 3) or len(joints) == 0:
            raise DataError(
                self.key,
                f"expected (frames, {expected}, 3) joints for layout {self.layout!r}, "
                f"got {joints.shape}; name the right layout.",
            )
        if not np.isfinite(joints).all():
            frame = int(np.argwhere(~np.isfinite(joints))[0, 0])
            raise DataError(
                self.key, f"expected finite joints, got NaN or infinity in frame {frame}."
            )
        if not 0 < self.fps < np.inf:
            raise DataError(self.key, f"expected a positive frame rate, got {self.fps}.")
        joints.setflags(write=False)
        object.__setattr__(self, "joints", joints)

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def subject(self) -> str:
        """The part of the key before the first slash."""
        return self.key.partition("/")[0]


def load_motion(path: str | Path) -> tuple[MotionClip, ...]:
    """The clips of a motion file.

    The file is an npz with one array (frames, joints, 3) a clip, in metres with z up, under the
    clip's key; beside them `fps`, and `layout` or `joint_names`.

    Args:
        path: the npz file.

    Returns:
        The clips in the file's order.

    Raises:
        DataError: the file is no such file, has no clips, or a clip is damaged.
        StorageError: the file cannot be read.
        UnknownNameError: the file names an unknown layout.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "motion.npz")
        >>> clips = {"S01/walk": np.zeros((50, 14, 3))}
        >>> np.savez(path, fps=50.0, layout="lsp_14", **clips)
        >>> [(clip.key, len(clip), clip.fps) for clip in load_motion(path)]
        [('S01/walk', 50, 50.0)]
    """
    return tuple(each_motion(load_npz(Path(path)), Path(path)))


def each_motion(arrays: Mapping[str, np.ndarray], path: Path) -> Iterator[MotionClip]:
    """The clips that a motion file's arrays hold, one at a time; for files larger than memory.

    Args:
        arrays: key to array; each is asked for when its clip's turn comes.
        path: what errors call them.

    Yields:
        The clips in the order of the arrays.

    Raises:
        DataError: as in `load_motion`.
        UnknownNameError: the file names an unknown layout.

    Example:
        >>> file = {"fps": np.array(50.0), "layout": np.array("lsp_14")}
        >>> len(next(each_motion(file | {"walk": np.zeros((9, 14, 3))}, Path("motion.npz"))))
        9
    """
    keys = [key for key in arrays if key not in _ABOUT_THE_FILE]
    if "fps" not in arrays or not keys:
        raise DataError(
            path,
            "expected a motion file with 'fps' and an array (frames, joints, 3) a clip, "
            f"got the keys {sorted(arrays)[:8]}.",
        )
    fps, named = _frame_rate(path, arrays["fps"]), _layout_of(path, arrays)
    for key in keys:
        joints = arrays[key]
        if joints.dtype.kind not in "fiu" or joints.ndim != 3 or joints.shape[2] != 3:
            raise DataError(
                f"{path}: {key}",
                f"expected numbers (frames, joints, 3), got {joints.dtype} {joints.shape}.",
            )
        yield MotionClip(key, joints.astype(np.float64), named, fps)


def _frame_rate(path: Path, fps: np.ndarray) -> float:
    if fps.shape != () or fps.dtype.kind not in "fiu":
        raise DataError(path, f"expected one number for 'fps', got {fps.dtype} {fps.shape}.")
    return float(fps)


def _layout_of(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """The layout that a motion file names, or whose joints it lists."""
    if "layout" in arrays:
        return layout(str(arrays["layout"])).name
    if "joint_names" not in arrays:
        raise DataError(path, "expected 'layout' or 'joint_names' in the file, got neither.")
    names = tuple(_snake_case(str(name)) for name in arrays["joint_names"].ravel())
    for candidate in LAYOUTS.values():
        if candidate.joint_names == names:
            return candidate.name
    raise DataError(
        path,
        f"expected the joint names of one of the layouts {', '.join(LAYOUTS)}, got {names}; "
        "convert the joints and add 'layout' to the file.",
    )


def _snake_case(name: str) -> str:
    """``"RHip"`` as ``"right_hip"``; Human3.6M's ``"Head"`` is the head top."""
    if name == "Head":
        return "head_top"
    if len(name) > 1 and name[0] in _SIDES and name[1].isupper():
        name = _SIDES[name[0]] + name[1:]
    return name.lower()
