"""Linear blend skinning, written from the formulas of SMPL (Loper et al. 2015, Eq. 2-4 and 6-9).

Pure functions over any leading axes. Rotations are relative to the parent joint; ``parents`` is a
tuple with the root first, so the functions compile and export.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from posenet3d.typing import BodyRotations, Vertices


def kinematic_levels(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Joints by their depth in the tree, the root's children first; parents come a level earlier.

    Args:
        parents: parent of each joint; -1 for the root, which comes first.

    Returns:
        One tuple of joint indices a level; the root is in none.

    Example:
        >>> kinematic_levels((-1, 0, 0, 1))
        ((1, 2), (3,))
    """
    depth = [0] * len(parents)
    for joint, parent in enumerate(parents[1:], start=1):
        depth[joint] = depth[parent] + 1
    deepest = max(depth, default=0)
    return tuple(
        tuple(joint for joint, level in enumerate(depth) if level == wanted)
        for wanted in range(1, deepest + 1)
    )


def pose_features(rotations: BodyRotations) -> Float[Tensor, "*batch features"]:
    """psi = vec(R_2 - I, ..., R_K - I), row by row: what pose directions are multiplied with.

    Source: SMPL Eq. 9; R_1, the root's, does not deform the body.

    Args:
        rotations: (..., K, 3, 3).

    Returns:
        (..., 9 (K - 1)); zero at rest.

    Example:
        >>> pose_features(torch.eye(3).expand(5, 24, 3, 3)).shape
        torch.Size([5, 207])
    """
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    return rearrange(rotations[..., 1:, :, :] - eye, "... k i j -> ... (k i j)")


def forward_kinematics(
    rotations: BodyRotations,
    rest_joints: Float[Tensor, "*#batch bones 3"],
    parents: tuple[int, ...],
) -> tuple[BodyRotations, Float[Tensor, "*#batch bones 3"]]:
    """Global rotation and position of each joint.

    G_k = G_parent(k) R_k and t_k = t_parent(k) + G_parent(k) (J_k - J_parent(k)), with G_1 = R_1
    and t_1 = J_1. Source: SMPL Eq. 3-4. The tree is walked a level at a time.

    Args:
        rotations: R, (..., K, 3, 3), relative to the parent.
        rest_joints: J, (..., K, 3), metres, body frame.
        parents: parent of each joint; -1 for the root, which comes first.

    Returns:
        G, (..., K, 3, 3), and t, (..., K, 3), metres, body frame. The root stays where it is.

    Example:
        >>> from posenet3d.geometry import rotation_about_z
        >>> quarter = rotation_about_z(torch.tensor(torch.pi / 2))
        >>> rest = torch.tensor([[0.0, 0, 0], [1, 0, 0]])
        >>> turned, joints = forward_kinematics(torch.stack([quarter, torch.eye(3)]), rest, (-1, 0))
        >>> joints.round(decimals=3).abs()
        tensor([[0., 0., 0.],
                [0., 1., 0.]])
    """
    local = _local_transforms(rotations, rest_joints, parents).unbind(-3)
    world = list(local)
    for level in kinematic_levels(parents):
        above = torch.stack([world[parents[joint]] for joint in level], -3)
        placed = _compose(above, torch.stack([local[joint] for joint in level], -3))
        for joint, transform in zip(level, placed.unbind(-3), strict=True):
            world[joint] = transform
    transforms = torch.stack(world, -3)
    return transforms[..., :3, :3], transforms[..., :3, 3]


def skin(
    vertices: Vertices,
    weights: Float[Tensor, "vertices bones"],
    rotations: BodyRotations,
    rest_joints: Float[Tensor, "*#batch bones 3"],
    posed_joints: Float[Tensor, "*#batch bones 3"],
) -> Vertices:
    """Vertices carried along by the joints.

    v' = sum_k w_k (G_k v + g_k) with g_k = t_k - G_k J_k. Source: SMPL Eq. 2 and 7.

    Args:
        vertices: (..., V, 3) at rest, shaped, metres.
        weights: (V, K), convex rows.
        rotations: G, (..., K, 3, 3), global.
        rest_joints: J, (..., K, 3), metres.
        posed_joints: t, (..., K, 3), metres.

    Returns:
        (..., V, 3), metres, body frame.

    Example:
        >>> vertices, joints = torch.rand(4, 3), torch.zeros(1, 3)
        >>> moved = skin(vertices, torch.ones(4, 1), torch.eye(3)[None], joints, joints + 1)
        >>> torch.equal(moved, vertices + 1)
        True
    """
    shift = relative_translations(rotations, rest_joints, posed_joints)
    transforms = torch.cat([rotations, shift[..., None]], -1)
    flat = rearrange(transforms, "... k i j -> ... k (i j)")
    blended = rearrange(weights @ flat, "... v (i j) -> ... v i j", i=3)
    return (blended[..., :3] @ vertices[..., None])[..., 0] + blended[..., 3]


def relative_translations(
    rotations: BodyRotations,
    rest_joints: Float[Tensor, "*#batch bones 3"],
    posed_joints: Float[Tensor, "*#batch bones 3"],
) -> Float[Tensor, "*#batch bones 3"]:
    """g_k = t_k - G_k J_k: what is left of each joint's motion when its rotation is about 0.

    Args:
        rotations: G, (..., K, 3, 3), global.
        rest_joints: J, (..., K, 3), metres.
        posed_joints: t, (..., K, 3), metres.

    Returns:
        (..., K, 3), metres; zero at rest.

    Example:
        >>> joints = torch.rand(2, 3)
        >>> relative_translations(torch.eye(3).expand(2, 3, 3), joints, joints).abs().sum()
        tensor(0.)
    """
    return posed_joints - (rotations @ rest_joints[..., None])[..., 0]


def combine(
    coefficients: Float[Tensor, "*batch terms"], directions: Float[Tensor, "terms points 3"]
) -> Float[Tensor, "*batch points 3"]:
    """sum_t c_t D_t, as one matrix product over all leading axes.

    Args:
        coefficients: c, (..., C).
        directions: D, (C, P, 3), metres a unit of each coefficient.

    Returns:
        (..., P, 3), metres.

    Example:
        >>> combine(torch.tensor([2.0]), torch.ones(1, 4, 3)).sum()
        tensor(24.)
    """
    flat = rearrange(directions, "terms points xyz -> terms (points xyz)")
    return rearrange(coefficients @ flat, "... (points xyz) -> ... points xyz", xyz=3)


def _local_transforms(
    rotations: Tensor, rest_joints: Tensor, parents: tuple[int, ...]
) -> Float[Tensor, "*batch bones 3 4"]:
    """[R_k | J_k - J_parent(k)], the root's offset being its own position."""
    apart = rest_joints.unbind(-2)
    offsets = [apart[0], *(apart[k] - apart[p] for k, p in enumerate(parents[1:], start=1))]
    offset = torch.stack(offsets, -2)[..., None]
    batch = torch.broadcast_shapes(  # type: ignore[no-untyped-call]
        rotations.shape[:-3], offset.shape[:-3]
    )
    parts = [part.expand(*batch, *part.shape[-3:]) for part in (rotations, offset)]
    return torch.cat(parts, -1)


def _compose(above: Tensor, local: Tensor) -> Tensor:
    """The rigid motion ``local`` followed by ``above``, both [R | t]."""
    moved = above[..., :3] @ local
    return torch.cat([moved[..., :3], moved[..., 3:] + above[..., 3:]], -1)
