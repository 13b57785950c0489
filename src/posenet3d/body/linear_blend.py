"""A body of SMPL's format as a module: mesh, joints, and joints of any linear regressor."""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from posenet3d.body.body_model import BodyModelData
from posenet3d.body.joints_in_rows import joints_in_rows
from posenet3d.body.joints_only import JointTable, JointTables, SparseJointTable
from posenet3d.body.lbs import (
    combine,
    forward_kinematics,
    pose_features,
    relative_translations,
    skin,
)
from posenet3d.body.shape_and_pose import check_shape_and_pose, shared_axes
from posenet3d.body.tabulated_joints import TabulatedJoints
from posenet3d.errors import ShapeError
from posenet3d.typing import Betas, BodyRotations, JointRegression, Points3D, Vertices

MESH_PATH_POSES = 8
"""With a regressor that is being learnt, fewer poses than this go through the mesh."""

ROWS_PATH_POSES = 64
"""So many poses, where no gradient is asked, go through `joints_in_rows`."""


class LinearBlendBody(nn.Module):
    """A linear-blend-skinned body model (SMPL's mathematics, any mesh and tree).

    The model's arrays are buffers that follow ``.to()`` but are not part of ``state_dict``: the
    body is named by ``family`` and ``sha256``, not stored with a network's weights. There are no
    parameters.

    Args:
        data: the validated body.
        dtype: floating type of the buffers and so of the outputs.

    Example:
        >>> from posenet3d.body import load_body_model
        >>> body = load_body_model("mannequin")
        >>> at_rest = torch.eye(3).expand(4, 9, 24, 3, 3)
        >>> body.vertices(torch.zeros(4, 1, 10), at_rest).shape
        torch.Size([4, 9, 6890, 3])
    """

    _faces: Tensor
    _joint_regressor: Tensor
    template: Tensor
    shape_directions: Tensor
    pose_directions: Tensor
    blend_weights: Tensor
    rest_template: Tensor
    rest_directions: Tensor

    def __init__(self, data: BodyModelData, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.num_betas = data.num_betas
        self.num_joints = data.num_joints
        self.num_vertices = data.num_vertices
        self.parents = data.parents
        self.joint_names = data.joint_names
        self.family = data.family
        self.sha256 = data.sha256
        self.license = data.license
        for name, array in _buffers(data).items():
            self.register_buffer(name, torch.tensor(array, dtype=dtype), persistent=False)
        self.register_buffer("_faces", torch.tensor(data.faces), persistent=False)
        directions = [self.template[None], self.shape_directions, self.pose_directions]
        self._tables = JointTables(self.blend_weights, torch.cat(directions))

    @property
    def faces(self) -> Int[Tensor, "faces 3"]:
        """(F, 3) vertex indices, counter-clockwise seen from outside."""
        return self._faces

    @property
    def joint_regressor(self) -> Float[Tensor, "body_joints vertices"]:
        """(K, V) the body's own regressor W, convex rows."""
        return self._joint_regressor

    def rest_joints(self, betas: Betas) -> Points3D:
        """J(beta) = W (T + S beta): joints of the shaped body at rest, (..., K, 3), metres."""
        return self.rest_template + combine(betas, self.rest_directions)

    def joints(self, betas: Betas, rotations: BodyRotations) -> Points3D:
        """Posed joints of the kinematic tree, the points the rotations turn about.

        At rest they equal ``regress(..., joint_regressor)``; in other poses the regressed ones
        follow the skin and differ by some millimetres.

        Args:
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., K, 3, 3), relative to the parent joint.

        Returns:
            (..., K, 3), metres, body frame.

        Raises:
            ShapeError: Wrong number of betas or joints.
        """
        check_shape_and_pose(betas, rotations, self.num_betas, self.num_joints)
        return forward_kinematics(rotations, self.rest_joints(betas), self.parents)[1]

    def vertices(self, betas: Betas, rotations: BodyRotations) -> Vertices:
        """Posed vertices M(beta, R) of SMPL's Eq. 2-9.

        Args:
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., K, 3, 3), relative to the parent joint.

        Returns:
            (..., V, 3), metres, body frame.

        Raises:
            ShapeError: Wrong number of betas or joints.
        """
        check_shape_and_pose(betas, rotations, self.num_betas, self.num_joints)
        rest = self.rest_joints(betas)
        turned, posed = forward_kinematics(rotations, rest, self.parents)
        shaped = self.template + combine(betas, self.shape_directions)
        shaped = shaped + combine(pose_features(rotations), self.pose_directions)
        return skin(shaped, self.blend_weights, turned, rest, posed)

    def regress(self, betas: Betas, rotations: BodyRotations, weights: JointRegression) -> Points3D:
        """``weights @ vertices(betas, rotations)``, exactly, mostly without making the mesh.

        The joints-only path (:mod:`posenet3d.body.joints_only`) costs a table of the weights and
        then next to nothing a pose; the table is kept while the weights are frozen. With weights
        that require a gradient the table is due at every call, so a handful of poses go through
        the mesh. Compiled (``fullgraph=True`` too) or exported, the table is due at every call
        whatever the weights; where they are frozen, compile :meth:`tabulate`'s module instead.

        Args:
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., K, 3, 3), relative to the parent joint.
            weights: W', (N, V); rows need not be convex, but only where they sum to 1 does the
                result move with the body.

        Returns:
            (..., N, 3), metres, body frame.

        Raises:
            ShapeError: Wrong number of betas, joints or vertices.
        """
        check_shape_and_pose(betas, rotations, self.num_betas, self.num_joints)
        self._check_weights(weights)
        poses = shared_axes(betas, rotations).numel()
        if weights.requires_grad and poses < MESH_PATH_POSES:
            return weights @ self.vertices(betas, rotations)
        return self._regress_without_mesh(betas, rotations, weights)

    def tabulate(self, weights: JointRegression) -> TabulatedJoints:
        """``regress`` for one frozen regressor as a small module, without the mesh in it.

        What :meth:`regress` keeps to itself while its weights rest, for a caller who wants to hold
        it: to compile it, to export it, or to use several regressors in turn.

        Args:
            weights: W', (N, V), taken as they are now; later changes are not seen.

        Returns:
            A module that takes betas and rotations and gives (..., N, 3) joints.

        Raises:
            ShapeError: Wrong number of vertices.

        Example:
            >>> from posenet3d.body import load_body_model
            >>> body = load_body_model("mannequin")
            >>> joints = body.tabulate(body.joint_regressor)
            >>> joints(torch.zeros(4, 1, 10), torch.eye(3).expand(4, 9, 24, 3, 3)).shape
            torch.Size([4, 9, 24, 3])
        """
        self._check_weights(weights)
        table = self._tables.tabulate(weights)
        return TabulatedJoints(table, self.rest_template, self.rest_directions, self.parents)

    def extra_repr(self) -> str:
        """Family and sizes."""
        return (
            f"family={self.family!r}, vertices={self.num_vertices}, "
            f"joints={self.num_joints}, betas={self.num_betas}"
        )

    def _check_weights(self, weights: Tensor) -> None:
        if weights.ndim != 2 or weights.shape[-1] != self.num_vertices:
            raise ShapeError(
                "weights", expected=f"(N, {self.num_vertices})", got=str(tuple(weights.shape))
            )

    def _regress_without_mesh(self, betas: Tensor, rotations: Tensor, weights: Tensor) -> Tensor:
        rest = self.rest_joints(betas)
        table: JointTable | SparseJointTable = self._tables(weights)
        if isinstance(table, SparseJointTable) and _suits_rows(betas, rotations):
            return joints_in_rows(table, betas, rotations, rest, self.parents)
        turned, posed = forward_kinematics(rotations, rest, self.parents)
        shift = relative_translations(turned, rest, posed)
        return table.joints(betas, pose_features(rotations), turned, shift)


def _suits_rows(betas: Tensor, rotations: Tensor) -> bool:
    """Whether these are many poses for a processor, and nothing is differentiated."""
    if torch.is_grad_enabled() or rotations.device.type != "cpu":
        return False
    return shared_axes(betas, rotations).numel() >= ROWS_PATH_POSES


def _buffers(data: BodyModelData) -> dict[str, np.ndarray]:
    """The arrays in float64, the joints of the template and of each shape direction included."""
    template, shape, regressor = (
        array.astype(np.float64)
        for array in (data.v_template, data.shapedirs, data.joint_regressor)
    )
    return {
        "template": template,
        "shape_directions": rearrange(shape, "v xyz b -> b v xyz"),
        "pose_directions": rearrange(data.posedirs, "v xyz p -> p v xyz"),
        "blend_weights": data.weights,
        "_joint_regressor": regressor,
        "rest_template": regressor @ template,
        "rest_directions": np.einsum("kv,vxb->bkx", regressor, shape),
    }
