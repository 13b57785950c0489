"""Which way is up, for a camera whose pitch and roll are known."""

from collections.abc import Sequence

import numpy as np

from posenet3d.errors import ShapeError

Direction = tuple[float, float, float]


def up_of_tilt(pitch_degrees: float | int = 0.0, roll_degrees: float | int = 0.0) -> Direction:
    """The direction against gravity in the frame of a tilted camera.

    Args:
        pitch_degrees: positive where the camera looks down.
        roll_degrees: positive where the camera is turned so that the world stands turned
            clockwise in its image: what is up points to the image's right.

    Returns:
        A unit vector, camera frame (x right, y down, z forward).

    Raises:
        ShapeError: an angle is not finite.

    Example:
        >>> up_of_tilt(pitch_degrees=90.0)  # it looks straight down
        (0.0, -0.0, -1.0)
    """
    if not np.isfinite([pitch_degrees, roll_degrees]).all():
        got = f"{pitch_degrees!r} and {roll_degrees!r}"
        raise ShapeError("pitch and roll", expected="finite angles in degrees", got=got)
    pitch, roll = np.radians(pitch_degrees), np.radians(roll_degrees)
    level = round(float(np.cos(pitch)), 15)
    return float(np.sin(roll) * level), float(-np.cos(roll) * level), float(-np.sin(pitch))


def unit_vector(direction: Sequence[float | int] | np.ndarray) -> Direction:
    """A direction of length 1.

    Raises:
        ShapeError: it has not three finite numbers, or no length.

    Example:
        >>> unit_vector([0, -2, 0])
        (0.0, -1.0, 0.0)
    """
    vector = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(vector)
    if vector.shape != (3,) or not np.isfinite(vector).all() or length < 1e-9:
        raise ShapeError("up", expected="three numbers that are not all 0", got=repr(direction))
    x, y, z = (vector / length).tolist()
    return x, y, z
