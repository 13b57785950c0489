"""Joints that are missing for a while, put on a straight line between their neighbours in time."""

import numpy as np
from jaxtyping import Bool, Float


def fill_gaps(
    points: Float[np.ndarray, "frames joints axes"],
) -> Float[np.ndarray, "frames joints axes"]:
    """Points whose gaps are filled on straight lines in time; the ends are held.

    A guess for what must have a number (a centre, a scale, a baseline), no measurement.

    Args:
        points: NaN where a joint is missing.

    Returns:
        The same points with their gaps filled; a joint that is never known stays NaN.

    Example:
        >>> fill_gaps(np.array([0.0, np.nan, 2.0, np.nan]).reshape(4, 1, 1)).ravel()
        array([0., 1., 2., 2.])
    """
    made = np.array(points, dtype=np.float64)
    if np.isfinite(made).all():
        return made
    time = np.arange(len(made))
    known: Bool[np.ndarray, "frames joints"] = np.asarray(np.isfinite(made).all(axis=-1))
    for joint in np.flatnonzero(~known.all(axis=0) & known.any(axis=0)):
        seen = known[:, joint]
        for axis in range(made.shape[-1]):
            made[:, joint, axis] = np.interp(time, time[seen], made[seen, joint, axis])
    return made
