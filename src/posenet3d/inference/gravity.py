"""Which way is up, from the lifted motion alone: for a camera that is tilted and does not move."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from jaxtyping import Bool, Float

from posenet3d.errors import ShapeError
from posenet3d.inference.balance import (
    ahead,
    centre_of_mass,
    leg_extension,
    support,
    trunk_axis,
    unit,
)
from posenet3d.skeletons import LSP_14

_LEGS = LSP_14.indices("right_hip", "left_hip", "right_ankle", "left_ankle")
_TRUNK = LSP_14.indices("right_hip", "left_hip", "neck")
_DIRECTIONS = 5000  # of the grid over the sphere: 2.9 degrees apart
_PITCHES = 4  # whose grids are kept: a network has one
_MOST_FRAMES = 200  # that are looked at, evenly spread
_ROUNDS = 2  # the support foot needs an up, the up a support foot
_PITCH_SPREAD, _ROLL_SPREAD = np.radians(12.0), np.radians(8.0)
_STRONG_TILTS = 0.1  # the share of cameras that are tilted twice as much
_UNRELATED = 0.1  # how often a body's axis has nothing to do with gravity: lying, crawling
_OUTLIERS = 0.1  # the share of frames of a person on their feet that say nothing
_AT_A_TIME = 8  # frames; the product of their densities is far from what a float32 holds
_SECONDS_APART = 0.5  # frames nearer than that say the same
_MOST_EVIDENCE = 8.0  # frames' worth: a person leans, and a lifter errs, all through a video
_PITCH_GAIN = 0.72
"""How much of a camera's pitch, as it differs from the usual one, is left in a lifted motion."""
_BODY_LEAN, _TRUNK_LEAN = np.radians(5.5), np.radians(4.0)
"""How far both axes lean forwards: feet bear the body ahead of the ankles.

The body's lean and the gain were measured on what the weights ``best-wild`` lift of the training
subjects S01, S05, S07, S13, S60 and S61; the trunk's, and the spreads below, were set with S02 and
S06 in view too.
"""
_BODY_SPREAD = ((0.5, 20.0), (0.7, 10.0), (0.85, 6.0), (1.0, 5.0))
_TRUNK_SPREAD = ((0.5, 40.0), (0.7, 20.0), (0.85, 12.0), (1.0, 8.0))
"""Degrees that an axis is off gravity by, by how far the legs are stretched out."""


@dataclass(frozen=True, eq=False)
class GravityEstimate:
    """A direction against gravity and how far it is to be trusted.

    Example:
        >>> GravityEstimate(np.array([0.0, -1.0, 0.0]), 12.0, 0.0).uncertainty_degrees
        12.0
    """

    up: Float[np.ndarray, " 3"]
    """Unit vector against gravity, camera frame (x right, y down, z forward)."""
    uncertainty_degrees: float
    """The angle that it is off by, root mean square, as far as the motion lets one know."""
    from_motion: float
    """How probable it is that the motion tells, from 0 to 1; the rest is the prior's."""


def estimate_up(
    joints3d: Float[np.ndarray, "frames 14 3"],
    fps: float | int,
    *,
    pitch: float | int = 0.0,
    seen: Bool[np.ndarray, "frames 14"] | None = None,
) -> GravityEstimate:
    r"""The direction against gravity that a lifted motion shows.

    People on their feet keep the centre of their mass over the foot that bears it, and their
    trunk upright. Both axes, frame by frame, are noisy sightings of up: von Mises-Fisher about it,
    the narrower the further the legs are stretched out, with some frames that say nothing. A
    camera's tilt has a prior: pitch about a mean by 12 degrees, roll about 0 by 8, and in one of
    ten twice that. The answer is the mean of the posterior on the sphere,

    .. math:: p(u \mid x) \propto (1 - q) \, p(u) \, L(x \mid u) + q \, p(u) \, \bar{L}(x),

    where q is how often a body's axis has nothing to do with gravity (somebody lies, crawls, does
    a handstand) and :math:`\bar{L}` is the likelihood's mean over the sphere: an axis far from
    where up can be is taken for such a motion, however steady, and the prior is left.

    The camera must not move against gravity. ``benchmarks/gravity.py`` measures how good this is.

    Args:
        joints3d: lifted ``lsp_14`` skeletons, camera frame, metres; where the root is does not
            matter.
        fps: frames a second; frames close in time say the same.
        pitch: the mean pitch of the prior in radians, positive for a camera that looks down:
            what the network learnt, ``model.views.pitch``, where it learnt one.
        seen: which joints were seen (frames, 14); an axis between others is not looked at.
            ``None``: all.

    Returns:
        The direction; for no frames, or none that says anything, the prior's.

    Raises:
        ShapeError: joints that are not (frames, 14, 3) or not finite, a mask of another shape, a
            frame rate that is not positive, or a pitch that is no angle.

    Example:
        >>> lying = np.zeros((50, 14, 3))
        >>> lying[:, :, 0] = np.linspace(-0.9, 0.9, 14)
        >>> estimate_up(lying, fps=25, pitch=0.0).up.round(1) + 0.0
        array([ 0., -1.,  0.])
    """
    points, visible = _checked(joints3d, fps, pitch, seen)
    telling_frames = np.flatnonzero(_all_seen(visible, _LEGS) | _all_seen(visible, _TRUNK))
    evenly = np.linspace(0, len(telling_frames) - 1, min(len(telling_frames), _MOST_FRAMES))
    keep = telling_frames[np.unique(evenly.astype(int))]
    evidence = min(1.0 + len(telling_frames) / fps / _SECONDS_APART, _MOST_EVIDENCE)
    grid, prior = _fibonacci_sphere(), np.exp(_log_prior(float(pitch)))
    lifted = _as_lifted(float(pitch))
    up = _mean_direction(prior)
    posterior, telling = prior, 0.0
    if len(keep):
        points, visible = points[keep].astype(np.float64), visible[keep]
        share = evidence / (2 * len(keep))
        of_trunk = _log_likelihood(
            _trunk(points), points, _all_seen(visible, _TRUNK), _TRUNK_SPREAD, lifted
        )
        for _ in range(_ROUNDS):
            body = _body(points, up)
            of_body = _log_likelihood(body, points, _all_seen(visible, _LEGS), _BODY_SPREAD, lifted)
            posterior, telling = _posterior(prior, share * (of_body + of_trunk))
            up = _mean_direction(posterior)
    off = np.arccos(np.clip(grid @ up, -1.0, 1.0))
    return GravityEstimate(up, float(np.degrees(np.sqrt(posterior @ off**2))), telling)


def _checked(
    joints3d: Float[np.ndarray, "frames 14 3"],
    fps: float | int,
    pitch: float | int,
    seen: Bool[np.ndarray, "frames 14"] | None,
) -> tuple[Float[np.ndarray, "frames 14 3"], Bool[np.ndarray, "frames 14"]]:
    points = np.asarray(joints3d)
    if points.ndim != 3 or points.shape[1:] != (len(LSP_14), 3) or not np.isfinite(points).all():
        got = f"{points.shape}" + ("" if np.isfinite(points).all() else " with NaN or infinity")
        raise ShapeError("joints3d", expected="(frames, 14, 3), finite", got=got)
    if not 0 < fps < np.inf:
        raise ShapeError("fps", expected="a positive number", got=repr(fps))
    if not abs(pitch) <= np.pi / 2:
        raise ShapeError("pitch", expected="radians from -pi/2 to pi/2", got=repr(pitch))
    visible = np.ones(points.shape[:2], dtype=np.bool_) if seen is None else np.asarray(seen)
    if visible.shape != points.shape[:2] or visible.dtype != np.bool_:
        got = f"{visible.dtype} {visible.shape}"
        raise ShapeError("seen", expected=f"truth values {points.shape[:2]}", got=got)
    return points, visible


def _all_seen(
    visible: Bool[np.ndarray, "frames 14"], joints: tuple[int, ...]
) -> Bool[np.ndarray, " frames"]:
    """Where all of these joints are seen; joint by joint, for short rows are slow to go through."""
    return np.asarray(np.logical_and.reduce([visible[:, joint] for joint in joints]))


@cache
def _fibonacci_sphere(count: int = _DIRECTIONS) -> Float[np.ndarray, "count 3"]:
    """Directions that share the sphere evenly."""
    place = np.arange(count) + 0.5
    turn = np.pi * (1 + np.sqrt(5)) * place
    y = 1 - 2 * place / count
    across = np.sqrt(1 - y**2)
    return np.stack([across * np.cos(turn), y, across * np.sin(turn)], axis=1)


@lru_cache(_PITCHES)
def _log_prior(pitch: float) -> Float[np.ndarray, " directions"]:
    """The prior's logarithm on the grid; its exponentials sum to 1."""
    x, y, z = _fibonacci_sphere().T
    off = ((np.arcsin(-z) - pitch) / _PITCH_SPREAD) ** 2 + (np.arctan2(x, -y) / _ROLL_SPREAD) ** 2
    log = np.logaddexp(np.log(1 - _STRONG_TILTS) - off / 2, np.log(_STRONG_TILTS / 4) - off / 8)
    return np.asarray(log - np.logaddexp.reduce(log))


def _body(
    points: Float[np.ndarray, "frames 14 3"], up: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "frames 3"]:
    """The axis from what bears the body to the centre of its mass, less its lean."""
    axis = unit(centre_of_mass(points) - support(points, up))
    return unit(axis - _BODY_LEAN * ahead(points))


def _trunk(points: Float[np.ndarray, "frames 14 3"]) -> Float[np.ndarray, "frames 3"]:
    """The axis of the trunk, less its lean."""
    return unit(trunk_axis(points) - _TRUNK_LEAN * ahead(points))


def _log_likelihood(
    axes: Float[np.ndarray, "frames 3"],
    points: Float[np.ndarray, "frames 14 3"],
    seen: Bool[np.ndarray, " frames"],
    spread: tuple[tuple[float, float], ...],
    lifted: Float[np.ndarray, "directions 3"],
) -> Float[np.ndarray, " directions"]:
    """The sum over frames of what one axis says, on the grid; only where its joints are seen."""
    known = seen & (np.linalg.norm(axes, axis=1) > 0.5)
    sigma = np.radians(np.interp(leg_extension(points)[known], *np.transpose(spread)))
    kappa = sigma**-2.0
    log_scale = np.log(kappa / (2 * np.pi * -np.expm1(-2 * kappa))) + np.log(1 - _OUTLIERS)
    return _log_density(axes[known], kappa, log_scale, lifted)


def _log_density(
    axes: Float[np.ndarray, "frames 3"],
    kappa: Float[np.ndarray, " frames"],
    log_scale: Float[np.ndarray, " frames"],
    lifted: Float[np.ndarray, "directions 3"],
) -> Float[np.ndarray, " directions"]:
    """The logarithm of the product over frames of each one's density, outliers included.

    Some frames at a time, in one buffer and in float32, and one logarithm for them all. That is
    within 1e-4 of the exact sum for all the frames that are looked at.
    """
    # kappa (axis . direction - 1) + log_scale, as one product
    slopes = np.c_[axes * kappa[:, None], log_scale - kappa].astype(np.float32)
    directions = np.r_[lifted.T, np.ones((1, len(lifted)))].astype(np.float32)
    total = np.zeros(len(lifted))
    buffer = np.empty((_AT_A_TIME, len(lifted)), dtype=np.float32)
    for first in range(0, len(slopes), _AT_A_TIME):
        some = slice(first, first + _AT_A_TIME)
        density = np.matmul(slopes[some], directions, out=buffer[: len(slopes[some])])
        np.exp(density, out=density)
        density += np.float32(_OUTLIERS / (4 * np.pi))
        total += np.log(np.multiply.reduce(density, axis=0))
    return total


def _posterior(
    prior: Float[np.ndarray, " directions"], log_likelihood: Float[np.ndarray, " directions"]
) -> tuple[Float[np.ndarray, " directions"], float]:
    """The posterior on the grid, and how probable it is that the motion tells."""
    likelihood = np.exp(log_likelihood - log_likelihood.max())
    related = (1 - _UNRELATED) * prior * likelihood
    unrelated = _UNRELATED * prior * likelihood.mean()
    both = related + unrelated
    return both / both.sum(), float(related.sum() / both.sum())


@lru_cache(_PITCHES)
def _as_lifted(pitch: float) -> Float[np.ndarray, "directions 3"]:
    """Where each up of the grid comes to lie in a lifted motion: its pitch is pulled to the usual.

    Args:
        pitch: the usual one, radians.
    """
    x, y, z = _fibonacci_sphere().T
    pulled = pitch + _PITCH_GAIN * (np.arcsin(np.clip(-z, -1.0, 1.0)) - pitch)
    roll = np.arctan2(x, -y)
    level = np.cos(pulled)
    return np.stack([np.sin(roll) * level, -np.cos(roll) * level, -np.sin(pulled)], axis=1)


def _mean_direction(weights: Float[np.ndarray, " directions"]) -> Float[np.ndarray, " 3"]:
    return unit(weights @ _fibonacci_sphere())
