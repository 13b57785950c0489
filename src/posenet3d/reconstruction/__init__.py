"""The result of lifting, and the frames it can be looked at in."""

from posenet3d.reconstruction.camera import AssumedCamera
from posenet3d.reconstruction.reconstruction import BodyMotion, Reconstruction
from posenet3d.reconstruction.world import WorldMotion, levelling_rotation, world_motion

__all__ = [
    "AssumedCamera",
    "BodyMotion",
    "Reconstruction",
    "WorldMotion",
    "levelling_rotation",
    "world_motion",
]
