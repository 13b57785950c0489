"""Validation points: what a run looks like by 2D alone."""

from posenet3d.training.validation.asymmetry import limb_asymmetry
from posenet3d.training.validation.sliced_wasserstein import sliced_wasserstein, unit_directions
from posenet3d.training.validation.validation import Validation, ValidationPoint

__all__ = [
    "Validation",
    "ValidationPoint",
    "limb_asymmetry",
    "sliced_wasserstein",
    "unit_directions",
]
