"""What a caller asks of a reconstruction, checked before anything is read or computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.inference.resampling import lifting_rate
from posenet3d.inference.stitching import STITCHES
from posenet3d.inference.tilt import unit_vector

FUSIONS = ("mean", "teacher", "student")
"""Whose skeleton a reconstruction has: the branches' mean (Sect. 4.3 of PoseNet3D), or one's."""

TALLEST_M = 4.0
"""What a person's height may be: centimetres or feet by mistake are told."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a caller asks of a reconstruction, checked.

    Example:
        >>> Wanted().fusion
        'mean'
    """

    fusion: str = "mean"
    """Whose skeleton: ``mean``, ``teacher`` or ``student``."""
    height_m: float | None = None
    """The person's height in metres, if it is known."""
    focal: float | None = None
    """The focal length in the keypoints' unit, if it is known."""
    up: tuple[float, float, float] | None = None
    """Unit vector against gravity, camera frame, if it is known."""


def wanted_of(
    *,
    fusion: str = "mean",
    stitch: str = STITCHES[0],
    resample: str | float | int = "auto",
    height_m: float | int | None = None,
    focal: float | int | None = None,
    up: Sequence[float] | np.ndarray | None = None,
    batch_size: int = 1,
) -> Wanted:
    """What is asked for, or the first thing that is wrong with it.

    Args:
        fusion: as for `Estimator.predict`, as are the others.
        stitch: see there.
        resample: see there.
        height_m: see there.
        focal: see there.
        up: see there.
        batch_size: see there.

    Raises:
        ShapeError: a height, focal length, batch size, frame rate or direction that is none.
        UnknownNameError: no such fusion, stitching or resampling.

    Example:
        >>> wanted_of(height_m=178)
        Traceback (most recent call last):
        posenet3d.errors.ShapeError: height_m: expected metres, more than 0 and at most 4, got 178.
    """
    for kind, name, known in (("fusion", fusion, FUSIONS), ("stitching", stitch, STITCHES)):
        if name not in known:
            raise UnknownNameError(kind, name, known)
    lifting_rate(resample, own=1.0, learnt=None)  # refuses what can be no rate of any sequence
    if focal is not None and not 0 < focal < np.inf:
        raise ShapeError("focal", expected="a positive number", got=repr(focal))
    if height_m is not None and not 0 < height_m <= TALLEST_M:
        expected = f"metres, more than 0 and at most {TALLEST_M:g}"
        raise ShapeError("height_m", expected=expected, got=repr(height_m))
    if batch_size < 1:
        raise ShapeError("batch_size", expected="1 or more", got=repr(batch_size))
    return Wanted(
        fusion=fusion,
        height_m=None if height_m is None else float(height_m),
        focal=None if focal is None else float(focal),
        up=None if up is None else unit_vector(up),
    )
