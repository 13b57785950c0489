"""The pitch of a camera from that of its rays to the hips, which is the one that is learnt."""

import numpy as np
from jaxtyping import Float

from posenet3d.errors import ShapeError

_ROUNDS = 200
_CLOSE = 1e-6  # radians


def hips_pitch(
    pitch: float, hips: Float[np.ndarray, "frames 2"], focal: float | int
) -> Float[np.ndarray, " frames"]:
    r"""How steeply a camera looks down on the hips, in each frame.

    The ray to hips at :math:`(u, v)` of a camera of pitch :math:`\theta` and focal length
    :math:`f` goes down by :math:`\arcsin((v \cos\theta + f \sin\theta) / |(u, v, f)|)`. Hips at the
    principal point give the camera's own pitch; lower ones are
    looked at more steeply.

    Args:
        pitch: the camera's, radians, positive when it looks down; it has no roll.
        hips: the middle of the hips (frames, 2) from the principal point, x right, y down.
        focal: the focal length in the same unit.

    Returns:
        Radians (frames,), positive downwards.

    Raises:
        ShapeError: there are no frames, a value is not finite, or the focal length not positive.

    Example:
        >>> below = np.array([[0.0, 0.0], [0.0, 100.0]])  # pixels
        >>> np.degrees(hips_pitch(np.radians(10.0), below, focal=1000.0)).round(2)
        array([10.  , 15.71])
    """
    _check(pitch, hips, focal)
    across, down = np.moveaxis(hips, -1, 0)
    sines = (down * np.cos(pitch) + focal * np.sin(pitch)) / np.sqrt(across**2 + down**2 + focal**2)
    return np.asarray(np.arcsin(np.clip(sines, -1.0, 1.0)))


def camera_pitch(pitch: float, hips: Float[np.ndarray, "frames 2"], focal: float | int) -> float:
    r"""The camera's pitch, for which its rays to the hips have this mean pitch.

    A network sees people centred on their hips, so the pitch that
    :class:`~posenet3d.views.LearnedViews` find is that of the rays to the hips. It is the camera's
    own only if the hips are at the principal point on average; with the focal length it can be
    told from where they are. The inverse of the mean of :func:`hips_pitch`.

    Args:
        pitch: the mean pitch of the rays, radians, positive downwards:
            ``float(model.views.pitch)``.
        hips: the middle of the hips (frames, 2) in the training footage, from the principal point,
            x right, y down: ``normalize(points).root`` of points that are counted from there. Of
            cameras that differ: each divided by its focal length.
        focal: the focal length in the same unit; 1 for hips that were divided by it.

    Returns:
        Radians, positive when the camera looks down: the mean, where cameras differ.

    Raises:
        ShapeError: there are no frames, a value is not finite, the focal length is not positive,
            or no camera has rays to these hips as steep as that.

    Example:
        >>> hips = np.array([[0.0, 20.0], [0.0, 30.0]])  # pixels below the image's centre
        >>> round(float(np.degrees(camera_pitch(np.radians(14.0), hips, focal=1000.0))), 2)
        12.57
    """
    found = float(pitch)
    for _ in range(_ROUNDS):
        short = float(pitch) - float(hips_pitch(found, hips, focal).mean())
        if abs(short) < _CLOSE:
            return found
        found += short  # the mean rises with the pitch, at most as fast as it
    raise ShapeError("pitch", expected="one that rays to these hips can have", got=f"{pitch!r}")


def _check(pitch: float, hips: Float[np.ndarray, "frames 2"], focal: float | int) -> None:
    if not len(hips) or not np.isfinite(hips).all():
        raise ShapeError("hips", expected="finite points of some frames", got=f"{hips!r}")
    if not 0 < focal < np.inf:
        raise ShapeError("focal", expected="a positive number", got=repr(focal))
    if not np.isfinite(pitch):
        raise ShapeError("pitch", expected="a finite angle", got=repr(pitch))
