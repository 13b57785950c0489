"""The steps of a repair, one after the other."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.keypoints.repair.confidence import drop_below
from posenet3d.keypoints.repair.gaps import fill_gaps
from posenet3d.keypoints.repair.report import RepairLog, RepairReport
from posenet3d.keypoints.repair.smoothing import check_scipy, one_euro, savitzky_golay
from posenet3d.keypoints.sequence import KeypointSequence

Step = Callable[[KeypointSequence], tuple[KeypointSequence, RepairReport]]

SMOOTHERS: Mapping[str, Step] = MappingProxyType(
    {"one_euro": one_euro, "savitzky_golay": savitzky_golay}
)
"""The smoothing filters by name."""


def repair(
    sequence: KeypointSequence,
    *,
    min_confidence: float | int | None = None,
    longest_gap: float | int | None = None,
    smooth: str | Step | None = None,
) -> tuple[KeypointSequence, RepairLog]:
    """The sequence repaired as asked, and a log of all that was dropped, invented or moved.

    First joints of low confidence are dropped, then short gaps are filled, then what is known is
    smoothed. Nothing that was not asked for is done. What is still unknown stays NaN, which the
    lifter takes as missing.

    Args:
        sequence: any.
        min_confidence: joints with less are dropped, see `drop_below`; ``None``: none.
        longest_gap: in seconds, gaps up to that are filled, see `fill_gaps`; ``None``: none.
        smooth: ``"one_euro"``, ``"savitzky_golay"``, a step of one's own such as
            ``functools.partial(one_euro, beta=1.0)``, or ``None``.

    Returns:
        A new sequence and the log, a report a step.

    Raises:
        MissingExtraError: Savitzky-Golay without SciPy.
        ShapeError: a number is out of range.
        UnknownNameError: no such filter.

    Example:
        >>> import numpy as np
        >>> points = np.ones((9, 14, 2))
        >>> points[3, 0] = np.nan
        >>> walk = KeypointSequence(points, layout="lsp_14", fps=25.0)
        >>> whole, log = repair(walk, longest_gap=0.2)
        >>> log.invented
        1
        >>> print(log)
        fill_gaps: invented 1 of 126 joints, in 1 of 9 frames; gaps of up to 0.2 s (5 frames),
        none longer.
    """
    check_repair(min_confidence=min_confidence, longest_gap=longest_gap, smooth=smooth)
    steps: list[Step] = []
    if min_confidence is not None:
        steps.append(lambda given: drop_below(given, min_confidence))
    if longest_gap is not None:
        steps.append(lambda given: fill_gaps(given, seconds=longest_gap))
    if smooth is not None:
        steps.append(SMOOTHERS[smooth] if isinstance(smooth, str) else smooth)
    reports = []
    for step in steps:
        sequence, report = step(sequence)
        reports.append(report)
    return sequence, RepairLog(tuple(reports))


def check_repair(
    *,
    min_confidence: float | int | None = None,
    longest_gap: float | int | None = None,
    smooth: str | Step | None = None,
) -> None:
    """Nothing, if a sequence can be repaired so; nothing needs to be read to know it.

    Args:
        min_confidence: as for `repair`, as are the others.
        longest_gap: see there.
        smooth: see there.

    Raises:
        MissingExtraError: Savitzky-Golay without SciPy.
        ShapeError: a number is out of range.
        UnknownNameError: no such filter.

    Example:
        >>> check_repair(longest_gap=-1)
        Traceback (most recent call last):
        posenet3d.errors.ShapeError: longest_gap: expected a number from 0, got -1.
    """
    for name, value in (("min_confidence", min_confidence), ("longest_gap", longest_gap)):
        if value is not None and not 0 <= value < np.inf:
            raise ShapeError(name, expected="a number from 0", got=repr(value))
    if isinstance(smooth, str) and smooth not in SMOOTHERS:
        raise UnknownNameError("filter", smooth, SMOOTHERS)
    if smooth == "savitzky_golay":
        check_scipy()
