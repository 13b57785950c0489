"""The joints of a frozen regressor for many poses: no mesh, no gradient, the poses in rows.

The sum of :mod:`posenet3d.body.joints_only`, walked bone by bone with the poses as the last axis in
memory, where a processor adds and multiplies whole rows.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from posenet3d.body.joints_only import SparseJointTable
from posenet3d.body.shape_and_pose import shared_axes
from posenet3d.geometry.in_rows import product_in_rows
from posenet3d.nn import product
from posenet3d.typing import Betas, BodyRotations, Points3D


def joints_in_rows(
    table: SparseJointTable,
    betas: Betas,
    rotations: BodyRotations,
    rest_joints: Float[Tensor, "*#batch bones 3"],
    parents: tuple[int, ...],
) -> Points3D:
    """J' of shapes and poses, as :meth:`SparseJointTable.joints` gives it, some times as fast.

    With G_k = G_parent R_k the translation that is left of a bone's motion about 0 is
    g_k = g_parent + (G_parent - G_k) J_k, and the pair of regressed joint i and bone k is moved to
    G_k a_ik + m_ik g_k.

    Args:
        table: Z of the regressor.
        betas: (..., B).
        rotations: R, (..., K, 3, 3), relative to the parent.
        rest_joints: J, (..., K, 3), metres, of these betas.
        parents: parent of each joint; -1 for the root, which comes first.

    Returns:
        (..., N, 3), metres, body frame.
    """
    batch = shared_axes(betas, rotations)
    local, rest = _in_rows(rotations, batch, 3), _in_rows(rest_joints, batch, 2)
    sizes = torch.bincount(table.bones, minlength=len(parents)).tolist()
    anchors = torch.split(_anchors(table, _in_rows(betas, batch, 1), local), sizes)
    moments = torch.split(table.moments[:, None, None], sizes)
    turned = [local[0]]
    shift = [rest[0] - _applied(local[0], rest[0])]
    for bone, parent in enumerate(parents[1:], start=1):
        turned.append(product_in_rows(turned[parent], local[bone]))
        shift.append(shift[parent] + _applied(turned[parent] - turned[bone], rest[bone]))
    pairs = [
        _applied(turned[bone], some).add_(moments[bone] * shift[bone])
        for bone, some in enumerate(anchors)
    ]
    joints = product(table.membership, torch.cat(pairs).flatten(1))
    joints = rearrange(joints, "n (x b) -> b n x", x=3)
    return joints.reshape(*batch, *joints.shape[1:])


def _anchors(
    table: SparseJointTable,
    betas: Float[Tensor, "betas _"],
    local: Float[Tensor, "bones 3 3 poses"],
) -> Float[Tensor, "pairs 3 poses"]:
    """a of each pair: what the table makes of shape and pose."""
    count = len(betas)
    directions = rearrange(table.directions, "c p x -> (p x) c")
    constant, shape, pose = directions.tensor_split((1, 1 + count), dim=1)
    identity = torch.eye(3, dtype=local.dtype, device=local.device).expand(len(local) - 1, 3, 3)
    constant = constant + shape @ betas - pose @ identity.reshape(-1, 1)
    anchors = product(pose, local[1:].flatten(0, 2)).add_(constant)
    return rearrange(anchors, "(p x) b -> p x b", x=3)


def _applied(
    matrices: Float[Tensor, "*#some 3 3 poses"], vectors: Float[Tensor, "*#some 3 #poses"]
) -> Float[Tensor, "*some 3 poses"]:
    """Matrices times vectors."""
    return (matrices * vectors[..., None, :, :]).sum(-2)


def _in_rows(values: Tensor, batch: torch.Size, axes: int) -> Tensor:
    """Values (*leading, *own), with as many own axes as told, as (*own, poses) or (*own, 1).

    The latter where one serves all poses.
    """
    leading, own = values.shape[:-axes], values.shape[-axes:]
    if leading.numel() != 1:
        values, leading = values.expand(*batch, *own), batch
    return (
        values.reshape(leading.numel(), own.numel()).T.contiguous().reshape(*own, leading.numel())
    )
