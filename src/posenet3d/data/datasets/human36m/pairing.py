"""Whether 2D and 3D are of one recording: files that are mixed up make a table that looks fine."""

import numpy as np
from jaxtyping import Float

from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import convert

MAX_DISTANCE = 150.0
"""Pixels from 2D to where the 3D would be seen, the median over joints; a person is some 400 tall.
Detections are off by some ten, the 3D of three recordings of S9 by as much as a third of a metre.
"""

_FOCAL, _CENTRE = 1146.0, 512.0  # pixels; the four cameras differ by a few
_EVERY = 10  # frames


def median_distance(
    seen: KeypointSequence, joints: Float[np.ndarray, "frames 17 3"]
) -> float | None:
    """How far 2D is from where a camera such as Human3.6M's would see the 3D.

    Args:
        seen: the 2D in pixels.
        joints: metres, camera frame, layout ``h36m_17``; as many frames.

    Returns:
        Pixels, the median over the joints of every tenth frame; ``None`` where none is known.

    Example:
        >>> ahead = np.tile([0.0, 0.0, 5.0], (50, 17, 1))
        >>> median_distance(
        ...     KeypointSequence(np.full((50, 17, 2), 515.0), layout="h36m_17", fps=50.0), ahead
        ... )  # 3 pixels in x and y
        4.242640687119285
    """
    some = slice(None, None, _EVERY)
    pixels = convert(seen.points[some], seen.layout).points
    places = convert(joints[some], "h36m_17").points
    off = _CENTRE + _FOCAL * places[..., :2] / places[..., 2:] - pixels
    known = np.isfinite(off).all(axis=-1)
    return float(np.median(np.linalg.norm(off[known], axis=-1))) if known.any() else None
