"""The joint regressor: sparse convex rows by non-negative least squares.

PoseNet3D reads joints off the posed mesh, so the rows are fitted to rest shapes (twice the weight)
and to posed bodies; a ridge spreads the weight over the ring of skin around the joint.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.spatial.transform import Rotation

from mannequin.posing import pose_joints, skin_linear
from mannequin.tree import JOINTS, MIRROR_JOINTS

CANDIDATES = 500
RIDGE = 0.3
SUM_WEIGHT = 100.0
POSES = 160
POSE_DEVIATION = 0.4
"""Standard deviation of the rotation vectors' entries, radians."""


@dataclass(frozen=True)
class Examples:
    """Bodies and where their joints are: vertices (S, V, 3), joints (S, 24, 3), metres."""

    vertices: np.ndarray
    joints: np.ndarray

    def offsets(self, joint: int, candidates: np.ndarray) -> np.ndarray:
        """(3 S, C): what a convex combination must bring to zero."""
        apart = self.vertices[:, candidates] - self.joints[:, joint, None]
        return apart.transpose(0, 2, 1).reshape(-1, len(candidates))


def posed_examples(rest: Examples, weights: np.ndarray, rng: np.random.Generator) -> Examples:
    """The rest examples in random poses."""
    vertices, joints = [], []
    for index in range(POSES):
        person = index % len(rest.joints)
        turns = Rotation.from_rotvec(rng.normal(size=(len(JOINTS), 3)) * POSE_DEVIATION)
        transforms, posed = pose_joints(turns.as_matrix(), rest.joints[person])
        vertices.append(skin_linear(rest.vertices[person], weights, transforms))
        joints.append(posed)
    return Examples(np.array(vertices), np.array(joints))


def fit_regressor(
    rest: Examples, posed: Examples, template: np.ndarray, mirror: np.ndarray
) -> np.ndarray:
    """(24, V) rows; a right joint's is the mirror image of the left one's."""
    regressor = np.zeros((len(JOINTS), len(template)))
    for joint, image in enumerate(MIRROR_JOINTS):
        if image < joint:
            regressor[joint] = regressor[image][mirror]
            continue
        near = np.linalg.norm(template - rest.joints[:, joint].mean(0), axis=1)
        candidates = np.argsort(near, kind="stable")[:CANDIDATES]
        if image == joint:
            candidates = np.union1d(candidates, mirror[candidates])
        regressor[joint, candidates] = _convex_row(rest, posed, joint, candidates)
        if image == joint:
            regressor[joint] = (regressor[joint] + regressor[joint][mirror]) / 2
    regressor[regressor < 1e-3] = 0
    return regressor / regressor.sum(1, keepdims=True)


def _convex_row(rest: Examples, posed: Examples, joint: int, candidates: np.ndarray) -> np.ndarray:
    system = np.vstack(
        [
            2 * rest.offsets(joint, candidates),
            posed.offsets(joint, candidates),
            RIDGE * np.eye(len(candidates)),
            np.full((1, len(candidates)), SUM_WEIGHT),
        ]
    )
    wanted = np.zeros(len(system))
    wanted[-1] = SUM_WEIGHT
    return nnls(system, wanted, maxiter=50000)[0]
