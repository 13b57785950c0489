"""Shaped, T-posed, symmetric people of one topology, and the linear space they span."""

from dataclasses import dataclass

import numpy as np

from mannequin.makehuman import BODY_VERTICES, BaseMesh
from mannequin.phenotypes import Morphs, Phenotype
from mannequin.posing import pose_joints, skin_dual_quaternion, t_pose_rotations
from mannequin.tree import MIRROR_JOINTS

METRES = 0.1
FLIP_X = np.array([-1.0, 1.0, 1.0])
PELVIS = np.array([0.0, -0.22, 0.03])
"""Where the pelvis stands in the body frame, metres; not at the origin, as in SMPL."""


@dataclass(frozen=True)
class Sculptor:
    """Makes people of MakeHuman's base mesh.

    Attributes:
        mesh: the base mesh.
        morphs: the targets.
        joint_means: (24, n).
        weights: (13380, 24).
    """

    mesh: BaseMesh
    morphs: Morphs
    joint_means: np.ndarray
    weights: np.ndarray

    def sculpt(self, person: Phenotype) -> tuple[np.ndarray, np.ndarray]:
        """Body vertices (13380, 3) and joints (24, 3) in the T-pose, metres."""
        full = (self.mesh.vertices + self.morphs.offsets(person)) * METRES
        joints = self.joint_means @ full
        joints = (joints + (joints * FLIP_X)[MIRROR_JOINTS]) / 2
        vertices = symmetrized(full[:BODY_VERTICES], self.mesh.body_mirror)
        transforms, posed = pose_joints(t_pose_rotations(joints), joints)
        vertices = skin_dual_quaternion(vertices, self.weights, transforms)
        shift = PELVIS - posed[0]
        return vertices + shift, posed + shift


def symmetrized(vertices: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """The mean of (V, 3) and its mirror image."""
    return (vertices + vertices[mirror] * FLIP_X) / 2


def principal_shapes(
    samples: np.ndarray, mirror: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean shape, directions of unit variance, and the share of variance of each.

    Positive coefficients make the body taller; mean and directions are symmetric.

    Args:
        samples: (S, V, 3) metres.
        mirror: (V,).
        count: number of directions.

    Returns:
        (V, 3), (V, 3, count), (count,).
    """
    mean = samples.mean(0)
    apart = (samples - mean).reshape(len(samples), -1)
    variances, mixtures = np.linalg.eigh(apart @ apart.T)
    order = np.argsort(-variances, kind="stable")[:count]
    directions = (apart.T @ mixtures[:, order]).reshape(-1, 3, count) / np.sqrt(len(samples))
    mean = symmetrized(mean, mirror)
    directions = (directions + directions[mirror] * FLIP_X[:, None]) / 2
    taller = np.ptp(mean[:, 1, None] + directions[:, 1], axis=0) >= np.ptp(mean[:, 1])
    return mean, directions * np.where(taller, 1, -1), variances[order] / variances.sum()
