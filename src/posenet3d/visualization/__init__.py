"""Pictures of what goes in and what comes out. Needs the extra ``viz``."""

from posenet3d.visualization.plots import skeleton_sheet, training_curves

__all__ = ["skeleton_sheet", "training_curves"]
