"""From 2D keypoints to motion in 3D with a trained network."""

from posenet3d.inference.estimator import Estimator
from posenet3d.inference.live import LiveFrame
from posenet3d.inference.resampling import RESAMPLINGS
from posenet3d.inference.stitching import STITCHES
from posenet3d.inference.tilt import up_of_tilt
from posenet3d.inference.wanted import FUSIONS

__all__ = ["FUSIONS", "RESAMPLINGS", "STITCHES", "Estimator", "LiveFrame", "up_of_tilt"]
