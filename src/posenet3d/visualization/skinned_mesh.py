"""A body's mesh as arrays that a program without this library can pose: skin, bones, correctives.

A page or a file that holds these and a rotation a bone and frame stays small however long the
motion is: posed vertices of the mannequin would take 80 KB a frame, rotations take 200 bytes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from posenet3d.body import LinearBlendBody
from posenet3d.body.lbs import combine

SHORTEST_CORRECTIVE = 0.003
"""Pose correctives are left out for vertices that they move by less than this, metres."""


@dataclass(frozen=True, eq=False)
class SkinnedMesh:
    """A shaped body at rest, its bones, and how the mesh follows them.

    v' = sum_i weights_i (G_i (v + correctives) + t_i - G_i J_i) over a vertex's bones i, with the
    global rotations G and positions t of the joints; body frame, metres.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    """The shaped body at rest."""
    faces: Int[np.ndarray, "faces 3"]
    """Counter-clockwise seen from outside."""
    joints: Float[np.ndarray, "bones 3"]
    """J: where the bones turn, at rest."""
    parents: tuple[int, ...]
    """Each bone's parent; -1 for the root, which comes first."""
    bones: Int[np.ndarray, "vertices influences"]
    """The bones that move a vertex, strongest first."""
    weights: Float[np.ndarray, "vertices influences"]
    """How much; each row sums to 1."""
    corrective_feature: Int[np.ndarray, " correctives"]
    """Which entry of vec(R_2 - I, ..., R_K - I) a corrective follows."""
    corrective_vertex: Int[np.ndarray, " correctives"]
    """Which vertex it moves."""
    corrective: Float[np.ndarray, "correctives 3"]
    """By how much a unit of that entry."""


def skinned_mesh(
    model: LinearBlendBody, betas: Float[np.ndarray, " betas"], scale: float = 1.0
) -> SkinnedMesh:
    """The mesh of one shape, ready to be posed elsewhere.

    Bones beyond a vertex's five strongest and correctives below `SHORTEST_CORRECTIVE` are left
    out, which changes the skin around bent joints a little.

    Args:
        model: the body.
        betas: its shape.
        scale: metres a metre of the model.

    Example:
        >>> from posenet3d.body import load_body_model
        >>> mesh = skinned_mesh(load_body_model("mannequin"), np.zeros(10))
        >>> mesh.vertices.shape, mesh.weights.shape
        ((6890, 3), (6890, 5))
    """
    with torch.no_grad():
        shape = torch.tensor(betas, dtype=model.template.dtype)
        rest = model.template + combine(shape, model.shape_directions)
        joints = model.rest_joints(shape)
    weights = model.blend_weights.numpy()
    bones = np.argsort(-weights, axis=1, kind="stable")[:, :5]
    strongest = np.take_along_axis(weights, bones, axis=1)
    directions = model.pose_directions.numpy() * scale
    feature, vertex = np.nonzero(np.linalg.norm(directions, axis=-1) > SHORTEST_CORRECTIVE)
    return SkinnedMesh(
        vertices=rest.numpy().astype(np.float64) * scale,
        faces=model.faces.numpy(),
        joints=joints.numpy().astype(np.float64) * scale,
        parents=model.parents,
        bones=bones,
        weights=strongest / strongest.sum(axis=1, keepdims=True),
        corrective_feature=feature,
        corrective_vertex=vertex,
        corrective=directions[feature, vertex].astype(np.float64),
    )
