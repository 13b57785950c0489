"""The pose files of Human3.6M's release: NASA's Common Data Format, one variable ``Pose``."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.human36m.joints import RELEASED
from posenet3d.errors import DataError
from posenet3d.files.cdf import read_cdf

_FARTHEST = 1e6  # millimetres or pixels
_MOST_MOVEMENT = 0.5


def read_pose(path: Path, axes: int) -> Float[np.ndarray, "frames 32 axes"]:
    """The poses in a file of the release.

    ``Pose`` is (1, frames, 32 · axes), joint by joint: 3d-pose-baseline (``load_data``),
    VideoPose3D (``data/prepare_data_h36m.py``) and SPIN (``datasets/preprocess/h36m.py``) read it
    so. One without the leading axis is taken, too.

    The format has no checksum of its own, so numbers that cannot be a person's are taken for
    damage: enormous ones, a frame of zeros, and joints that from one frame to the next move
    halfway across the body.

    Args:
        path: the file.
        axes: 3 for ``D3_Positions*`` (millimetres), 2 for ``D2_Positions`` (pixels).

    Returns:
        (frames, 32, axes) in the file's unit, in the order of
        `posenet3d.data.datasets.human36m.joints.RELEASED`.

    Raises:
        DataError: it is no CDF file, is damaged or cut off, or holds something else.
        MissingExtraError: cdflib is not installed.
        StorageError: it is missing or cannot be read.

    Example:
        >>> read_pose(Path("nothing.cdf"), 3)
        Traceback (most recent call last):
            ...
        posenet3d.errors.StorageError: nothing.cdf: cannot be read: No such file or directory.
    """
    pose = read_cdf(path, "Pose")
    if pose.ndim == 3 and len(pose) == 1:
        pose = pose[0]
    expected = len(RELEASED) * axes
    if pose.ndim != 2 or pose.dtype.kind != "f" or pose.shape[1] != expected or not len(pose):
        raise DataError(
            path,
            f"Pose: expected numbers (1, frames, {expected}), {axes} of each of {len(RELEASED)} "
            f"joints, got {pose.dtype} {pose.shape}.",
        )
    joints = pose.reshape(len(pose), len(RELEASED), axes)
    fault = _no_person(joints)
    if fault:
        raise DataError(path, f"Pose: expected a person, got {fault}; unpack the file again.")
    return joints


def _no_person(joints: Float[np.ndarray, "frames joints axes"]) -> str:
    """What no person does; empty where there is nothing of the kind."""
    farthest = float(np.abs(joints).max())
    if not farthest < _FARTHEST:
        return f"numbers up to {farthest:.3g}"
    nowhere = ~joints.any(axis=(1, 2))
    if nowhere.any():
        return f"only zeros in frame {int(nowhere.argmax())}"
    extent = np.median(np.abs(joints - joints.mean(axis=1, keepdims=True)))
    steps = np.abs(np.diff(joints, axis=0))
    if len(steps) and np.median(steps) > _MOST_MOVEMENT * extent:
        return "joints that jump from frame to frame"
    return ""
