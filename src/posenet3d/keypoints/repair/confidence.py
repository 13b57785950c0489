"""Joints that the detector was not sure of, made unknown."""

from dataclasses import replace

import numpy as np

from posenet3d.errors import ShapeError
from posenet3d.keypoints.repair.report import RepairReport
from posenet3d.keypoints.sequence import KeypointSequence


def drop_below(
    sequence: KeypointSequence, confidence: float | int
) -> tuple[KeypointSequence, RepairReport]:
    """The sequence with joints of low confidence unknown, and which they are.

    Args:
        sequence: any.
        confidence: joints with less become NaN; 0 drops none.

    Returns:
        A new sequence of the same frames, and a report whose mask is what was dropped.

    Raises:
        ShapeError: the threshold is negative or no number.

    Example:
        >>> certain = np.full((9, 14), 0.9)
        >>> certain[3, 0] = 0.1
        >>> walk = KeypointSequence(np.ones((9, 14, 2)), certain, layout="lsp_14", fps=25.0)
        >>> kept, report = drop_below(walk, 0.3)
        >>> int(np.isnan(kept.points[..., 0]).sum()), report.by_joint
        (1, {'right_ankle': 1})
    """
    if not 0 <= confidence < np.inf:
        raise ShapeError("confidence", expected="a number from 0", got=f"{confidence!r}")
    known = np.isfinite(sequence.points[..., 0])
    low = known & (sequence.confidence < confidence)
    kept = replace(
        sequence,
        points=np.where(low[..., None], np.nan, sequence.points),
        confidence=np.where(low, 0.0, sequence.confidence),
    )
    details = f"confidence below {confidence:g}"
    report = RepairReport(
        "drop_below", "dropped", low, sequence.frame_index, sequence.layout, details
    )
    return kept, report
