"""The joints of a frozen regressor for many poses: no mesh, no gradient, the poses in rows.

The sum of :mod:`posenet3d.body.joints_only`, walked bone by bone with the poses as the last axis in
memory, where a processor adds and multiplies whole rows.
"""

from functools import lru_cache

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from posenet3d.body.joints_only import SparseJointTable
from posenet3d.body.shape_and_pose import shared_axes
from posenet3d.geometry.in_rows import add_up
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

    With G_k = G_parent R_k and bone k's joint at p_k = p_parent + G_parent (J_k - J_parent), the
    pair of regressed joint i and bone k is moved to G_k (a_ik - m_ik J_k) + m_ik p_k. The sums over
    pairs, and of steps along the tree, are one matrix product.

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
    bones, poses, pairs = len(parents), batch.numel(), len(table.bones)
    local, rest = _in_rows(rotations, batch, 3), _in_rows(rest_joints, batch, 2)
    anchors = _anchors(table, _in_rows(betas, batch, 1), local, rest)
    offsets = torch.cat([rest[:1], rest[1:] - rest[list(parents[1:])]])
    turned = local.new_empty(1 + bones, 3, 3, poses)  # after the identity, the root's parent
    turned[0] = torch.eye(3, dtype=local.dtype, device=local.device)[..., None]
    moved = local.new_empty(pairs + bones, 3, poses)
    sizes = torch.bincount(table.bones, minlength=bones).tolist()
    columns, stacked = _each(turned.unbind(2)), _each(turned.unsqueeze(2).unbind(3))
    some, places = torch.split(moved, [pairs, bones])
    of_bone = zip(
        parents,
        _each(local.unbind(1)),
        turned[1:].unbind(),
        zip(*(torch.split(axis, sizes) for axis in anchors.unbind(2)), strict=True),
        torch.split(some, sizes),
        _each(offsets.unbind(1)),
        places.unbind(),
        strict=True,
    )
    for bone, (parent, own, matrices, about, ends, offset, step) in enumerate(of_bone):
        add_up(stacked[1 + parent], own, out=matrices)
        add_up(columns[1 + bone], about, out=ends)
        add_up(columns[1 + parent], offset, out=step)
    joints = product(_sums(table, parents), moved.flatten(1))
    joints = rearrange(joints, "n (x b) -> b n x", x=3)
    return joints.reshape(*batch, *joints.shape[1:])


def _anchors(
    table: SparseJointTable,
    betas: Float[Tensor, "betas _"],
    local: Float[Tensor, "bones 3 3 poses"],
    rest: Float[Tensor, "bones 3 _"],
) -> Float[Tensor, "pairs 1 3 poses"]:
    """a - m J of each pair: what the table makes of shape and pose, about the bone's joint."""
    count = len(betas)
    directions = rearrange(table.directions, "c p x -> (p x) c")
    constant, shape, pose = directions.tensor_split((1, 1 + count), dim=1)
    identity = torch.eye(3, dtype=local.dtype, device=local.device).expand(len(local) - 1, 3, 3)
    constant = constant + shape @ betas - pose @ identity.reshape(-1, 1)
    constant = constant - (table.moments[:, None, None] * rest[table.bones]).flatten(0, 1)
    anchors = product(pose.contiguous(), local[1:].flatten(0, 2)).add_(constant)
    return rearrange(anchors, "(p x) b -> p 1 x b", x=3)


def _each(axes: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
    """The axes of each bone, of bones' values axis by axis: many views for a few calls."""
    return list(zip(*(axis.unbind() for axis in axes), strict=True))


def _sums(table: SparseJointTable, parents: tuple[int, ...]) -> Float[Tensor, "regressed moved"]:
    """What adds up pairs, and steps of the tree by their moments, to regressed joints."""
    bones = functional.one_hot(table.bones, len(parents))
    moments = (table.membership * table.moments) @ bones.to(table.moments)
    return torch.cat([table.membership, moments @ _ancestors(parents).to(moments)], dim=1)


@lru_cache
def _ancestors(parents: tuple[int, ...]) -> Float[Tensor, "bones bones"]:
    """1 where the second bone is the first one or above it."""
    above = torch.eye(len(parents))
    for bone, parent in enumerate(parents):
        if parent >= 0:
            above[bone] += above[parent]
    return above


def _in_rows(values: Tensor, batch: torch.Size, axes: int) -> Tensor:
    """Values (*leading, *own), with as many own axes as told, as (*own, poses) or (*own, 1).

    The latter where one serves all poses.
    """
    leading, own = values.shape[:-axes], values.shape[-axes:]
    if leading.numel() != 1:
        values, leading = values.expand(*batch, *own), batch
    rows = values.reshape(leading.numel(), own.numel()).T.contiguous()
    return rows.reshape(*own, leading.numel())
