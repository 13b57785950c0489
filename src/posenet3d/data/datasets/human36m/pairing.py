"""Whether 2D and 3D are of one recording: files that are mixed up make a table that looks fine."""

import numpy as np
from jaxtyping import Float

from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import convert

MAX_DISTANCE = 60.0
"""Pixels from 2D to where a camera sees the 3D, the median over joints. The worst of the public
detections are off by some ten, a person is some 400 tall."""

_EVERY = 10  # frames
_FEWEST = 20


def median_distance(
    seen: KeypointSequence, joints: Float[np.ndarray, "frames 17 3"]
) -> float | None:
    """How far 2D is from a projection of the 3D, whatever the camera's lens.

    Focal lengths and centre are fitted to the sequence; a lens's distortion is some pixels.

    Args:
        seen: the 2D in pixels.
        joints: metres, camera frame, layout ``h36m_17``; as many frames.

    Returns:
        Pixels, the median over the joints of every tenth frame; ``None`` where too few are known.

    Example:
        >>> joints = np.random.default_rng(0).uniform(-1, 1, (50, 17, 3)) + [0, 0, 5]
        >>> at = 500 + 1000 * joints[..., :2] / joints[..., 2:]
        >>> median_distance(KeypointSequence(at, layout="h36m_17", fps=50.0), joints) < 1e-6
        True
    """
    some = slice(None, None, _EVERY)
    pixels = convert(seen.points[some], seen.layout).points.reshape(-1, 2)
    places = convert(joints[some], "h36m_17").points.reshape(-1, 3)
    known = np.isfinite(pixels).all(axis=1)
    if known.sum() < _FEWEST:
        return None
    pixels, rays = pixels[known], places[known, :2] / places[known, 2:]
    off = [
        pixels[:, axis] - np.polyval(np.polyfit(rays[:, axis], pixels[:, axis], 1), rays[:, axis])
        for axis in range(2)
    ]
    return float(np.median(np.hypot(*off)))
