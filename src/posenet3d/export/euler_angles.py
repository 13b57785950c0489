"""Rotations as Euler angles that run on smoothly from frame to frame, for files that want them."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from posenet3d.errors import UnknownNameError

EulerOrder = Literal["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]
EULER_ORDERS: tuple[str, ...] = get_args(EulerOrder)

_LOCKED = 1e-6
"""Cosine of the middle angle below which the first angle is not taken from the rotation."""


def rotmat_to_euler_degrees(
    rotations: Float[np.ndarray, "frames 3 3"], order: EulerOrder = "ZXY"
) -> Float[np.ndarray, "frames 3"]:
    """Euler angles of a track of rotations, without jumps where there is none in the motion.

    ``ZXY`` stands for ``R = Rz(a) Rx(b) Ry(c)``, acting on column vectors. Of the two triples that
    give a rotation the one nearer to the previous frame's is taken, and whole turns are added as
    that needs, so angles may leave -180 to 180 degrees. In gimbal lock, where only a sum of the
    outer angles is known, the first keeps its value. At every frame the angles give the rotation
    within 1e-6 rad, in and near gimbal lock too.

    Args:
        rotations: (T, 3, 3), frames in order of time.
        order: the axes, first the one that turns last.

    Returns:
        (T, 3), degrees, in the order of the axes.

    Raises:
        UnknownNameError: no such order.

    Example:
        >>> quarter = np.array([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
        >>> rotmat_to_euler_degrees(quarter, "ZXY").round(6).tolist()
        [[90.0, 0.0, 0.0]]
    """
    if order not in EULER_ORDERS:
        raise UnknownNameError("order of Euler angles", order, EULER_ORDERS)
    i, j, k = axes = tuple("XYZ".index(axis) for axis in order)
    sign = 1.0 if axes in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1.0
    first = np.arctan2(-sign * rotations[:, j, k], rotations[:, k, k])
    locked = np.hypot(rotations[:, j, k], rotations[:, k, k]) < _LOCKED
    first = _hold(first, locked)
    # The first rotation undone: what is left of R is Rj(b) Rk(c), well conditioned everywhere.
    sine, cosine = np.sin(first)[:, None], np.cos(first)[:, None]
    row_j = cosine * rotations[:, j] + sign * sine * rotations[:, k]
    row_k = cosine * rotations[:, k] - sign * sine * rotations[:, j]
    middle = np.arctan2(sign * rotations[:, i, k], row_k[:, k])
    last = np.arctan2(sign * row_j[:, i], row_j[:, j])
    angles = _smoothly(np.stack([first, middle, last], axis=-1))
    return np.asarray(np.degrees(angles))


def _hold(angles: Float[np.ndarray, " frames"], locked: np.ndarray) -> Float[np.ndarray, " frames"]:
    """The angles with locked ones as they were last known; 0 before that."""
    known = np.maximum.accumulate(np.where(locked, -1, np.arange(len(angles))))
    return np.where(known >= 0, angles[known], 0.0)


def _smoothly(angles: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """Of the two triples of each rotation the one near the previous frame's, and no wrapping.

    The other triple is (a + pi, pi - b, c + pi). Passing to it keeps distances, so whether to
    change over between two frames does not depend on what was taken before: a running sum does.
    """
    other = _other(angles)
    stay = _distance(angles[1:], angles[:-1])
    change = _distance(other[1:], angles[:-1])
    taken = np.cumsum(np.concatenate([[0], change < stay])) % 2
    return np.unwrap(np.where(taken[:, None] == 1, other, angles), axis=0)


def _other(angles: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    return np.asarray(angles * np.array([1.0, -1.0, 1.0]) + np.pi)


def _distance(
    one: Float[np.ndarray, "frames 3"], two: Float[np.ndarray, "frames 3"]
) -> Float[np.ndarray, " frames"]:
    """How far apart angles are, whole turns aside."""
    return np.asarray((1.0 - np.cos(one - two)).sum(axis=-1))
