"""Pose directions that make linear blend skinning bend as dual quaternions do.

For each joint alone, the rest-pose offsets that turn the linear result into the dual-quaternion
one are fitted, with a ridge, to the entries of R - I.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from mannequin.people import FLIP_X
from mannequin.posing import pose_joints, skin_dual_quaternion, skin_linear
from mannequin.tree import JOINTS, MIRROR_JOINTS, subtree

SAMPLES = 80
LARGEST_ANGLE = 1.9
"""Radians."""
RIDGE = 0.5
NEGLIGIBLE = 2e-5
"""Metres."""


def fit_pose_directions(
    template: np.ndarray,
    weights: np.ndarray,
    joints: np.ndarray,
    mirror: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """(V, 3, 207) metres, in the order vec(R_2 - I, ..., R_24 - I), row by row."""
    directions = np.zeros((len(template), 3, len(JOINTS) - 1, 9))
    for joint in range(1, len(JOINTS)):
        carried = weights[:, subtree(joint)].sum(1)
        near = np.flatnonzero((carried > 0.005) & (carried < 0.995))
        if len(near):
            directions[near, :, joint - 1] = _fit_joint(
                joint, template[near], weights[near], joints, rng
            )
    directions = (directions + _mirrored(directions, mirror)) / 2
    directions[np.abs(directions) < NEGLIGIBLE] = 0
    return directions.reshape(len(template), 3, -1)


def _fit_joint(
    joint: int,
    vertices: np.ndarray,
    weights: np.ndarray,
    joints: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    features, offsets = [], []
    for _ in range(SAMPLES):
        axis = rng.normal(size=3)
        turn = axis / np.linalg.norm(axis) * rng.uniform(0, LARGEST_ANGLE)
        rotations = np.tile(np.eye(3), (len(JOINTS), 1, 1))
        rotations[joint] = Rotation.from_rotvec(turn).as_matrix()
        transforms, _ = pose_joints(rotations, joints)
        wanted = skin_dual_quaternion(vertices, weights, transforms)
        offsets.append(_unskinned(wanted, weights, transforms) - vertices)
        features.append((rotations[joint] - np.eye(3)).ravel())
    phi, target = np.array(features), np.array(offsets).reshape(SAMPLES, -1)
    fitted = np.linalg.solve(phi.T @ phi + RIDGE * np.eye(9), phi.T @ target)
    return fitted.reshape(9, len(vertices), 3).transpose(1, 2, 0)


def _unskinned(posed: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """The rest positions that linear blend skinning takes to ``posed``."""
    origin = skin_linear(np.zeros_like(posed), weights, transforms)
    blended = np.einsum("vk,kij->vij", weights, transforms[:, :, :3])
    return np.linalg.solve(blended, (posed - origin)[..., None])[..., 0]


def _mirrored(directions: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """The directions of the mirrored body.

    Entry (a, b) of a mirrored rotation changes sign once for each of a, b that is x.
    """
    signs = (FLIP_X[:, None] * FLIP_X[None]).ravel()
    flipped = directions[mirror][:, :, MIRROR_JOINTS[1:] - 1]
    return flipped * FLIP_X[:, None, None] * signs
