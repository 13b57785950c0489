"""Short gaps closed on straight lines in time."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from posenet3d.errors import ShapeError
from posenet3d.keypoints.repair.report import RepairReport
from posenet3d.keypoints.sequence import KeypointSequence


class _Line(NamedTuple):
    """One joint between frames in which it is known."""

    points: Float[np.ndarray, "frames 2"]
    confidence: Float[np.ndarray, " frames"]
    made: Bool[np.ndarray, " frames"]
    left_open: int


def fill_gaps(
    sequence: KeypointSequence,
    *,
    seconds: float | int | None = None,
    frames: int | None = None,
) -> tuple[KeypointSequence, RepairReport]:
    """The sequence with short gaps of each joint filled on straight lines, and what was made up.

    A gap is a run of the video's frames in which a joint is unknown, between two in which it is
    known; frames that the sequence lacks (jumps of `frame_index`) count, and are made where
    something can be said of them. A made joint has the smaller confidence of the gap's two ends.
    Longer gaps, and what comes before a joint's first or after its last sight, stay unknown. What
    is known is not touched, and filling twice is filling once.

    Args:
        sequence: any.
        seconds: the longest gap that is filled; give this or ``frames``.
        frames: the same in frames of the video.

    Returns:
        A new sequence, and a report whose mask is what was made up.

    Raises:
        ShapeError: not one of the two was given, or it is negative or no number.

    Example:
        >>> points = np.repeat(np.arange(5.0), 28).reshape(5, 14, 2)
        >>> seen = KeypointSequence(
        ...     points[[0, 1, 4]], layout="lsp_14", fps=25.0, frame_index=[0, 1, 4]
        ... )
        >>> filled, report = fill_gaps(seen, seconds=0.1)
        >>> filled.points[:, 0, 0].tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0]
        >>> print(report)
        fill_gaps: invented 28 of 70 joints, in 2 of 5 frames (2 of them new); gaps of up to 0.08 s
        (2 frames), none longer.
    """
    longest = _longest(sequence.fps, seconds, frames)
    index = _with_missing(sequence.frame_index, longest)
    lines = [_line(sequence, joint, index, longest) for joint in range(sequence.points.shape[1])]
    points = np.stack([line.points for line in lines], axis=1)
    confidence = np.stack([line.confidence for line in lines], axis=1)
    made = np.stack([line.made for line in lines], axis=1)
    there = np.isin(index, sequence.frame_index)
    kept = there | made.any(axis=1)
    filled = replace(
        sequence, points=points[kept], confidence=confidence[kept], frame_index=index[kept]
    )
    still_open = sum(line.left_open for line in lines)
    left = f"{still_open} longer left open" if still_open else "none longer"
    report = RepairReport(
        "fill_gaps",
        "invented",
        made[kept],
        filled.frame_index,
        sequence.layout,
        f"gaps of up to {longest / sequence.fps:.3g} s ({longest} frames), {left}",
        frames_made=int((kept & ~there).sum()),
    )
    return filled, report


def _longest(fps: float, seconds: float | int | None, frames: int | None) -> int:
    """The longest gap in frames."""
    if (seconds is None) == (frames is None):
        raise ShapeError("seconds", expected="seconds= or frames=", got="both or neither")
    longest = frames if frames is not None else (seconds or 0.0) * fps
    if not 0 <= longest < np.inf:
        raise ShapeError("seconds", expected="a number from 0", got=f"{seconds or frames!r}")
    return int(longest + 1e-6)


def _with_missing(index: Int[np.ndarray, " frames"], longest: int) -> Int[np.ndarray, " more"]:
    """The frames there are, and those of gaps that are short enough to be filled."""
    missing = np.diff(index) - 1
    short = np.flatnonzero((missing > 0) & (missing <= longest))
    new = [np.arange(index[at] + 1, index[at + 1]) for at in short]
    return np.sort(np.concatenate([index, *new]))


def _line(
    sequence: KeypointSequence, joint: int, index: Int[np.ndarray, " more"], longest: int
) -> _Line:
    """One joint over all frames, its short gaps filled."""
    given, certain = sequence.points[:, joint], sequence.confidence[:, joint]
    seen = np.isfinite(given[:, 0])
    points, confidence = np.full((len(index), 2), np.nan), np.zeros(len(index))
    places = np.searchsorted(index, sequence.frame_index)
    points[places], confidence[places] = given, certain
    made = np.zeros(len(index), dtype=np.bool_)
    if not seen.any():
        return _Line(points, confidence, made, 0)
    times, ends, sure = sequence.frame_index[seen], given[seen], certain[seen]
    after = np.searchsorted(times, index)
    known = times[np.minimum(after, len(times) - 1)] == index
    between = ~known & (after > 0) & (after < len(times))
    before = np.maximum(after, 1) - 1
    after = np.minimum(after, len(times) - 1)
    gap = times[after] - times[before] - 1
    made = between & (gap <= longest)
    share = (index - times[before])[made] / (gap[made] + 1)
    start, end = ends[before][made], ends[after][made]
    points[made] = start + share[:, None] * (end - start)
    confidence[made] = np.minimum(sure[before], sure[after])[made]
    return _Line(points, confidence, made, int((np.diff(times) - 1 > longest).sum()))
