"""The library's still pictures: a sheet of skeletons, and the curves of a training run."""

from posenet3d.visualization.curves import training_curves
from posenet3d.visualization.sheet import skeleton_sheet

__all__ = ["skeleton_sheet", "training_curves"]
