"""The result of lifting, and the frames it can be looked at in."""

from posenet3d.reconstruction.camera import AssumedCamera
from posenet3d.reconstruction.facts import AXES, body_of, check_finite, facts_of
from posenet3d.reconstruction.npz_file import load_reconstruction, reconstruction_arrays
from posenet3d.reconstruction.reconstruction import BodyMotion, Reconstruction
from posenet3d.reconstruction.world import (
    ROOT_MOTIONS,
    WorldMotion,
    levelling_rotation,
    world_motion,
)

__all__ = [
    "AXES",
    "ROOT_MOTIONS",
    "AssumedCamera",
    "BodyMotion",
    "Reconstruction",
    "WorldMotion",
    "body_of",
    "check_finite",
    "facts_of",
    "levelling_rotation",
    "load_reconstruction",
    "reconstruction_arrays",
    "world_motion",
]
