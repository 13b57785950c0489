"""Rotations, cameras, reprojection and alignment: pure functions, tensors in and tensors out.

Every function takes any leading axes, float32 or float64, and computes on the device of its input.
"""

from posenet3d.geometry.alignment import Similarity, least_squares_scale, procrustes
from posenet3d.geometry.cameras import depth_from_offset, lift, project
from posenet3d.geometry.orthonormalization import (
    gram_schmidt,
    orthonormalize,
    svd_orthonormalize,
)
from posenet3d.geometry.reprojection import (
    reproject,
    root_centre,
    root_position,
    rotate_about_root,
)
from posenet3d.geometry.rotations import (
    geodesic_distance,
    random_rotmat,
    rotate,
    rotation_about_x,
    rotation_about_y,
    rotation_about_z,
    rotmat_to_rotvec,
    rotmat_to_unitquat,
    rotvec_to_rotmat,
    unitquat_to_rotmat,
)
from posenet3d.geometry.winding import winding_number

__all__ = [
    "Similarity",
    "depth_from_offset",
    "geodesic_distance",
    "gram_schmidt",
    "least_squares_scale",
    "lift",
    "orthonormalize",
    "procrustes",
    "project",
    "random_rotmat",
    "reproject",
    "root_centre",
    "root_position",
    "rotate",
    "rotate_about_root",
    "rotation_about_x",
    "rotation_about_y",
    "rotation_about_z",
    "rotmat_to_rotvec",
    "rotmat_to_unitquat",
    "rotvec_to_rotmat",
    "svd_orthonormalize",
    "unitquat_to_rotmat",
    "winding_number",
]
