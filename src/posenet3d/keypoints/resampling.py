"""A sequence at another frame rate, for networks that learnt at one."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from posenet3d.errors import ShapeError
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.stretches import stretches_of

_CHUNK = 4096  # frames that are made at a time
_UNSURE = 1e-6  # what a joint of no confidence counts: nothing, beside one that has some
_ONE_PLACE = 1e-6  # own frames squared: less spread in time tells no slope


@dataclass(frozen=True, eq=False)
class Resampled:
    """A sequence at another frame rate, and where its first one's frames are in it.

    Example:
        >>> walk = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=100.0)
        >>> resample(walk, 50).places
        array([0. , 0.5, 1. , 1.5, 2. ])
    """

    sequence: KeypointSequence
    """The frames at the new rate."""
    places: Float[np.ndarray, " frames"]
    """Where each old frame lies among the new ones: 1.5 is halfway from the second to the third."""


def resample(sequence: KeypointSequence, fps: float | int) -> Resampled:
    """A sequence at another frame rate, without frames where it has a gap.

    A joint of a new frame lies on the straight line through what was seen of it around that time:
    weighted least squares, with a weight that falls evenly to nothing at one frame of the slower
    rate, times the confidence. From a fast rate to a slow one this averages a detector's errors;
    from a slow one to a fast one it is the straight line between two frames. A steady motion comes
    out exactly.

    Each stretch without a gap begins and ends with its own first and last frame. The new frames
    are spread evenly between them, so that a short stretch has the rate only about. A joint is
    known where it was seen both before and after within the weight's reach, or nearer than half a
    new frame: what is missing stays so, and nothing that was seen is lost.

    Args:
        sequence: what was seen.
        fps: frames a second.

    Raises:
        ShapeError: the rate is no positive number.

    Example:
        >>> walk = KeypointSequence(np.ones((121, 14, 2)), layout="lsp_14", fps=120.0)
        >>> resample(walk, 50).sequence
        KeypointSequence('keypoints': 51 frames of 'lsp_14', 50 fps, pixels)
    """
    if not 0 < fps < np.inf:
        raise ShapeError("fps", expected="a positive number", got=repr(fps))
    ratio = fps / sequence.fps
    points, confidence, numbers, places = [], [], [], []
    rows, last = 0, -2
    for start, stop in stretches_of(sequence.frame_index):
        steps = stop - start - 1
        made = max(round(steps * ratio), min(steps, 1))
        wanted = np.arange(made + 1) * (steps / max(made, 1))
        own = slice(start, stop)
        seen = _lines(sequence.points[own], sequence.confidence[own], wanted)
        points.append(seen[0])
        confidence.append(seen[1])
        first = max(round(sequence.frame_index[start] * ratio), last + 2)
        numbers.append(first + np.arange(made + 1))
        places.append(rows + np.arange(steps + 1) * made / max(steps, 1))
        rows, last = rows + made + 1, first + made
    resampled = replace(
        sequence,
        points=np.concatenate(points),
        confidence=np.concatenate(confidence),
        fps=fps,
        frame_index=np.concatenate(numbers),
    )
    return Resampled(resampled, np.concatenate(places))


def _lines(
    points: Float[np.ndarray, "frames joints 2"],
    confidence: Float[np.ndarray, "frames joints"],
    wanted: Float[np.ndarray, " wanted"],
) -> tuple[Float[np.ndarray, "wanted joints 2"], Float[np.ndarray, "wanted joints"]]:
    """Points and confidence of a stretch at some places among its frames, evenly spaced."""
    step = float(wanted[-1]) / max(len(wanted) - 1, 1)
    made = np.empty((len(wanted), points.shape[1], 2))
    sure = np.empty((len(wanted), points.shape[1]))
    for start in range(0, len(wanted), _CHUNK):
        some = slice(start, start + _CHUNK)
        made[some], sure[some] = _sums(points, confidence, wanted[some], step).lines()
    return made, sure


def _sums(
    points: Float[np.ndarray, "frames joints 2"],
    confidence: Float[np.ndarray, "frames joints"],
    wanted: Float[np.ndarray, " wanted"],
    step: float,
) -> "_Sums":
    """The sums over all frames that count at some places, which are ``step`` frames apart."""
    sums, reach = _Sums(len(wanted), points.shape[1]), max(1.0, step)
    nearest = np.rint(wanted).astype(np.int64)
    for offset in range(-int(reach + 0.5), int(reach + 0.5) + 1):
        frames = nearest + offset
        inside, away = (frames >= 0) & (frames < len(points)), frames - wanted
        weight = np.where(inside, 1 - np.abs(away) / reach, 0.0).clip(0)
        frames = frames.clip(0, len(points) - 1)
        sums.add(points[frames], confidence[frames], away, weight, near=step / 2)
    return sums


class _Sums:
    """What weighted least squares needs of the frames around some places."""

    def __init__(self, wanted: int, joints: int) -> None:
        self._reach = np.zeros((wanted, joints))
        self._confidence = np.zeros((wanted, joints))
        self._moments = np.zeros((3, wanted, joints))
        self._points = np.zeros((2, wanted, joints, 2))
        self._sides = np.zeros((2, wanted, joints), dtype=np.bool_)

    def add(
        self,
        points: Float[np.ndarray, "wanted joints 2"],
        confidence: Float[np.ndarray, "wanted joints"],
        away: Float[np.ndarray, " wanted"],
        weight: Float[np.ndarray, " wanted"],
        near: float,
    ) -> None:
        """Add a frame around each place, ``away`` from it; one within ``near`` is enough."""
        known = np.isfinite(points[..., 0]) & (weight > 0)[:, None]
        self._sides |= known & np.stack([away <= near, away >= -near])[..., None]
        reach = np.where(known, weight[:, None], 0.0)
        self._reach += reach
        self._confidence += reach * confidence
        counted = reach * (confidence + _UNSURE)
        turned = counted * away[:, None]
        self._moments += np.stack([counted, turned, turned * away[:, None]])
        seen = np.where(known[..., None], points, 0.0)
        self._points += np.stack([counted, turned])[..., None] * seen

    def lines(
        self,
    ) -> tuple[Float[np.ndarray, "wanted joints 2"], Float[np.ndarray, "wanted joints"]]:
        """The lines' points and the mean confidence; NaN and 0 where a joint is not known."""
        known = np.asarray(self._sides.all(axis=0))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, lean = self._points / self._moments[0, ..., None]
            middle, spread = self._moments[1:] / self._moments[0]
            spread = spread - middle**2
            back = np.where(spread > _ONE_PLACE, middle / spread, 0.0)[..., None]
            line = mean - back * (lean - middle[..., None] * mean)
            confidence = self._confidence / self._reach
        return np.where(known[..., None], line, np.nan), np.where(known, confidence, 0.0)
