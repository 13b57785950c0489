"""Lifting at another frame rate than the footage's: at the one that the network learnt from."""

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.geometry.resampling import frames_around
from posenet3d.inference.stitching import Stitched

RESAMPLINGS = ("auto", "none")
"""At which frame rate a sequence is lifted.

* ``auto``: at the rate that the network learnt from (`PoseNet3D.fps`), where the sequence is faster
  and that rate is known; else at its own.
* ``none``: at its own.

A number is frames a second. With a detector's errors, clips of 60 to 240 frames a second come out 1
to 8 mm better at the network's 50, and with exact 2D no worse; slower ones come out worse
(``benchmarks/results/frame_rates.md``, and ``frame_rates_detected.md`` for the default weights).
"""

_SLOWEST, _FASTEST = 1.0, 1000.0
_CHUNK = 4096


def lifting_rate(resample: str | float | int, own: float, learnt: float | None) -> float:
    """Frames a second to lift at.

    Args:
        resample: one of `RESAMPLINGS`, or frames a second.
        own: the sequence's rate.
        learnt: the network's, if it is known.

    Raises:
        ShapeError: a rate that cannot be.
        UnknownNameError: no such word.

    Example:
        >>> lifting_rate("auto", 60.0, 50.0), lifting_rate("auto", 25.0, 50.0)
        (50.0, 25.0)
    """
    if isinstance(resample, str):
        if resample not in RESAMPLINGS:
            raise UnknownNameError("resampling", resample, RESAMPLINGS)
        return own if resample == "none" or learnt is None else min(own, learnt)
    if isinstance(resample, bool) or not _SLOWEST <= resample <= _FASTEST:
        expected = f"'auto', 'none' or {_SLOWEST:g} to {_FASTEST:g} frames a second"
        raise ShapeError("resample", expected=expected, got=repr(resample))
    return float(resample)


def stitched_at(stitched: Stitched, places: Float[np.ndarray, " frames"]) -> Stitched:
    """An answer at other times: skeletons on straight lines, rotations on the shortest way.

    The shape is one for all frames and stays; so the body's bones keep their lengths.

    Args:
        stitched: an answer, a row a frame.
        places: the times, in its frames.

    Example:
        >>> answer = Stitched(torch.tensor([[[0.0] * 3] * 14, [[1.0] * 3] * 14]), None, None)
        >>> stitched_at(answer, np.array([0.0, 0.5, 1.0])).teacher[:, 0, 0]
        tensor([0.0000, 0.5000, 1.0000])
    """
    teacher = torch.empty(len(places), *stitched.teacher.shape[1:])
    turned = stitched.rotations
    rotations = None if turned is None else torch.empty(len(places), *turned.shape[1:])
    times = np.arange(len(stitched.teacher), dtype=np.float64)
    for start in range(0, len(places), _CHUNK):
        some = slice(start, start + _CHUNK)
        between = frames_around(times, places[some])
        teacher[some] = torch.from_numpy(between.positions(stitched.teacher.numpy()))
        if turned is not None and rotations is not None:
            rotations[some] = torch.from_numpy(between.rotations(turned.numpy()))
    return Stitched(teacher, stitched.betas, rotations)
