"""The pose files of Human3.6M's release: NASA's Common Data Format, one variable ``Pose``.

They are read by cdflib, which is written for files that one trusts: where the bits of a file's
first kilobytes are turned round, it can take minutes to fail. Files that are cut off, or damaged
anywhere else, are found out at once.
"""

import math
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.human36m.joints import RELEASED
from posenet3d.errors import DataError, MissingExtraError, StorageError

MAX_BYTES = 2**28
"""The longest pose file that is read; the release's take some MB."""

MAX_VALUES = 2**26
"""The most numbers in a pose file; the release's have less than a million."""

_MOST_DIMENSIONS = 3
_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(RuntimeError, MemoryError, EOFError, struct.error, zlib.error),
)


def read_pose(path: Path, axes: int) -> Float[np.ndarray, "frames 32 axes"]:
    """The poses in a file of the release.

    ``Pose`` is (1, frames, 32 · axes), joint by joint: 3d-pose-baseline (``load_data``),
    VideoPose3D (``data/prepare_data_h36m.py``) and SPIN (``datasets/preprocess/h36m.py``) read it
    so. One without the leading axis is taken, too.

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
    try:
        with path.open("rb"):
            length = path.stat().st_size
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    if length > MAX_BYTES:
        raise DataError(path, f"expected at most {MAX_BYTES} bytes, got {length}.")
    pose = _variable(path)
    if pose.ndim == 3 and len(pose) == 1:
        pose = pose[0]
    expected = len(RELEASED) * axes
    if pose.ndim != 2 or pose.dtype.kind != "f" or pose.shape[1] != expected or not len(pose):
        raise DataError(
            path,
            f"Pose: expected numbers (1, frames, {expected}), {axes} of each of {len(RELEASED)} "
            f"joints, got {pose.dtype} {pose.shape}.",
        )
    return pose.reshape(len(pose), len(RELEASED), axes)


def _variable(path: Path) -> np.ndarray:
    try:
        import cdflib
    except ImportError as error:
        raise MissingExtraError("cdflib", "io", "Human3.6M's CDF files") from error
    try:
        file = cdflib.CDF(path.resolve())
        said = file.varinq("Pose")
        values = math.prod((said.Last_Rec + 1, *said.Dim_Sizes[:_MOST_DIMENSIONS]))
        if len(said.Dim_Sizes) > _MOST_DIMENSIONS or values > MAX_VALUES:
            raise ValueError(f"{len(said.Dim_Sizes)} dimensions, {values} numbers")
        return np.asarray(file.varget("Pose"))
    except _DAMAGE as error:
        raise DataError(
            path,
            "expected a CDF file with the variable 'Pose', got one that is damaged, cut off or "
            f"something else ({error}); unpack it again.",
        ) from None
