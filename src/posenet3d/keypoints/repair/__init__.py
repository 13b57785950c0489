"""Gaps, low confidence and jitter of a 2D sequence, mended in explicit steps that report."""

from posenet3d.keypoints.repair.confidence import drop_below
from posenet3d.keypoints.repair.gaps import fill_gaps
from posenet3d.keypoints.repair.repairing import SMOOTHERS, repair
from posenet3d.keypoints.repair.report import RepairLog, RepairReport
from posenet3d.keypoints.repair.smoothing import one_euro, savitzky_golay

__all__ = [
    "SMOOTHERS",
    "RepairLog",
    "RepairReport",
    "drop_below",
    "fill_gaps",
    "one_euro",
    "repair",
    "savitzky_golay",
]
