"""A mesh that bones carry along, as files of games and animation hold it: four bones a vertex."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

INFLUENCES = 4
"""Bones a vertex: as many as every program reads; three.js drops further ones.

The mannequin has a fifth bone at 14 of its 6890 vertices, SMPL at none.
"""

_STICK_WIDTH = 0.1
"""Half the width of a stick, over its length."""
_STICK_SHOULDER = 0.15
"""Where a stick is widest, over its length."""


@dataclass(frozen=True, eq=False)
class Skin:
    """A triangle mesh at rest and the bones that move each of its vertices.

    Example:
        >>> skin = stick_skin(
        ...     np.array([[0.0, 0, 0], [0, 1, 0]]), (-1, 0), {1: np.array([0, 0.5, 0])}
        ... )
        >>> skin.vertices.shape, skin.bones.shape
        ((48, 3), (48, 4))
    """

    vertices: Float[np.ndarray, "vertices 3"]
    """At rest, metres."""
    faces: Int[np.ndarray, "faces 3"]
    """Counter-clockwise seen from outside."""
    bones: Int[np.ndarray, "vertices 4"]
    """The joints that move a vertex, the strongest first; 0 where the weight is 0."""
    weights: Float[np.ndarray, "vertices 4"]
    """How much; each row sums to 1."""

    @property
    def normals(self) -> Float[np.ndarray, "vertices 3"]:
        """Unit normals, each the mean of the faces around a vertex, weighted by area.

        Where the faces cancel out, or there are none, it points up.
        """
        corners = self.vertices[self.faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sums = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(sums, self.faces[:, corner], across)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        up = np.array([0.0, 1.0, 0.0])
        return np.asarray(np.where(lengths > 1e-12, sums / np.maximum(lengths, 1e-12), up))


def body_skin(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    weights: Float[np.ndarray, "vertices bones"],
) -> Skin:
    """A body's mesh with its `INFLUENCES` strongest bones a vertex, their weights summing to 1.

    Args:
        vertices: (V, 3) at rest, metres.
        faces: (F, 3) vertex indices.
        weights: (V, K) blend weights, convex rows.

    Example:
        >>> corners, row = np.eye(3), [0.4, 0.0, 0.1, 0.2, 0.2, 0.1]
        >>> skin = body_skin(corners, np.array([[0, 1, 2]]), np.array([row] * 3))
        >>> skin.bones[0].tolist(), skin.weights[0].round(3).tolist()
        ([0, 3, 4, 2], [0.444, 0.222, 0.222, 0.111])
    """
    wide = np.pad(weights.astype(np.float64), ((0, 0), (0, max(0, INFLUENCES - weights.shape[1]))))
    bones = np.argsort(-wide, axis=1, kind="stable")[:, :INFLUENCES]
    strongest = np.clip(np.take_along_axis(wide, bones, axis=1), 0.0, None)
    return Skin(
        vertices=vertices,
        faces=faces,
        bones=np.where(strongest > 0, bones, 0),
        weights=strongest / strongest.sum(axis=1, keepdims=True),
    )


def stick_skin(
    joints: Float[np.ndarray, "bones 3"],
    parents: tuple[int, ...],
    ends: dict[int, Float[np.ndarray, " 3"]],
) -> Skin:
    """A figure of sticks, one a bone, each carried by the joint that it starts at.

    Args:
        joints: (K, 3) at rest, metres.
        parents: each joint's parent; -1 for the root.
        ends: the ways from the last joints to their bones' ends.
    """
    sticks = [(parent, joints[joint]) for joint, parent in enumerate(parents) if parent >= 0]
    sticks += [(joint, joints[joint] + way) for joint, way in ends.items()]
    vertices = np.concatenate([_stick(joints[joint], end) for joint, end in sticks])
    bones = np.zeros((len(vertices), INFLUENCES), dtype=np.int64)
    bones[:, 0] = np.repeat([joint for joint, _ in sticks], len(vertices) // len(sticks))
    weights = np.zeros((len(vertices), INFLUENCES))
    weights[:, 0] = 1.0
    return Skin(vertices, np.arange(len(vertices)).reshape(-1, 3), bones, weights)


def _stick(
    start: Float[np.ndarray, " 3"], end: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "corners 3"]:
    """An octahedron between two points: eight triangles with corners of their own."""
    along = end - start
    least = np.eye(3)[np.abs(along).argmin()]
    side = np.cross(along, least)
    side *= _STICK_WIDTH * np.linalg.norm(along) / max(float(np.linalg.norm(side)), 1e-12)
    other = np.cross(along, side) / max(float(np.linalg.norm(along)), 1e-12)
    ring = start + _STICK_SHOULDER * along + np.stack([side, other, -side, -other])
    triangles = []
    for one, two in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        triangles += [start, two, one, end, one, two]
    return np.stack(triangles)
