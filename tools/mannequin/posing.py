"""Skinning in numpy for the builder: kinematics, dual quaternions, the T-pose."""

from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from mannequin.tree import JOINTS, PARENTS

ARMS = tuple(
    (sign, tuple(JOINTS.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist", "hand")))
    for sign, side in ((1.0, "left"), (-1.0, "right"))
)


def pose_joints(rotations: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transforms from rest, (24, 3, 4), and posed joints, (24, 3)."""
    world = np.zeros((len(PARENTS), 4, 4))
    for joint, parent in enumerate(PARENTS):
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if joint else 0)
        world[joint] = world[parent] @ local if joint else local
    posed = world[:, :3, 3].copy()
    world[:, :3, 3] -= np.einsum("kij,kj->ki", world[:, :3, :3], joints)
    return world[:, :3], posed


def skin_linear(vertices: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Linear blend skinning."""
    blended = np.einsum("vk,kij->vij", weights, transforms)
    return np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]


def skin_dual_quaternion(
    vertices: np.ndarray, weights: np.ndarray, transforms: np.ndarray
) -> np.ndarray:
    """Dual-quaternion skinning (Kavan et al. 2007), which keeps the volume of bent limbs."""
    real, dual = _dual_quaternions(transforms)
    real, dual = weights @ real, weights @ dual
    length = np.linalg.norm(real, axis=1, keepdims=True)
    (x, w), (dx, dw) = ((part[:, :3], part[:, 3:]) for part in (real / length, dual / length))
    shift = 2 * (w * dx - dw * x + np.cross(x, dx))
    return vertices + 2 * np.cross(x, np.cross(x, vertices) + w * vertices) + shift


def _dual_quaternions(transforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    real = Rotation.from_matrix(transforms[:, :, :3]).as_quat()
    real *= np.where(real[:, 3:] < 0, -1, 1)
    x, w, shift = real[:, :3], real[:, 3:], transforms[:, :, 3]
    imaginary = (w * shift + np.cross(shift, x)) / 2
    return real, np.concatenate([imaginary, -(shift * x).sum(1, keepdims=True) / 2], 1)


def t_pose_rotations(joints: np.ndarray) -> np.ndarray:
    """Local rotations that lay both arms, hands included, along the x axis."""
    rotations = np.tile(np.eye(3), (len(JOINTS), 1, 1))
    for sign, chain in ARMS:
        turned = np.eye(3)
        for start, end in pairwise(chain):
            bone = turned @ (joints[end] - joints[start])
            further = _rotation_between(bone, np.array([sign, 0.0, 0.0]))
            rotations[start] = turned.T @ further @ turned
            turned = further @ turned
    return rotations


def _rotation_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The shortest rotation from one direction to another that is not its opposite."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    x, y, z = np.cross(start, end)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + cross + cross @ cross / (1 + start @ end)
