"""What anatomy says of a 3D skeleton: knees bend forwards, elbows backwards.

The depth mirror is a symmetry of any game over 2D views, so a lifter may learn the mirrored body
as well as the true one. This one bit tells them apart without any 3D data.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from posenet3d.geometry import orthonormalize, root_position
from posenet3d.skeletons.layouts import LSP_14
from posenet3d.typing import Points3D, Rotations

HIPS = LSP_14.indices("right_hip", "left_hip")
"""The two joints whose middle is the root of ``lsp_14``."""

LEGS = (("right_hip", "right_knee", "right_ankle"), ("left_hip", "left_knee", "left_ankle"))
"""The legs as (near, middle, far) joints."""

ARMS = (
    ("right_shoulder", "right_elbow", "right_wrist"),
    ("left_shoulder", "left_elbow", "left_wrist"),
)
"""The arms as (near, middle, far) joints."""


def middle_of_hips(points: Float[Tensor, "*batch 14 dims"]) -> Float[Tensor, "*batch 1 dims"]:
    """The root of ``lsp_14``, which has no joint of its own: the middle of the hips.

    Args:
        points: skeletons (..., 14, D), 2D or 3D, any frame and unit.

    Returns:
        The roots (..., 1, D).

    Example:
        >>> middle_of_hips(torch.ones(5, 14, 3)).shape
        torch.Size([5, 1, 3])
    """
    return root_position(points, HIPS)


def centre_on_hips(points: Float[Tensor, "*batch 14 dims"]) -> Float[Tensor, "*batch 14 dims"]:
    """The skeletons with the middle of their hips at the origin.

    Args:
        points: skeletons (..., 14, D), 2D or 3D.

    Example:
        >>> bool(centre_on_hips(torch.ones(14, 3)).abs().max() == 0)
        True
    """
    return points - middle_of_hips(points)


def forward_direction(points: Points3D) -> Float[Tensor, "*batch 3"]:
    """Where the person faces: up × right, with up from root to neck and right from hip to hip.

    Args:
        points: 3D skeletons (..., 14, 3) in ``lsp_14`` order, camera frame.

    Returns:
        Directions (..., 3), as long as the sine of the angle between up and right: 1 for a person
        who stands straight, 0 where a direction is undefined (hips in one place, parallel axes).

    Example:
        >>> from posenet3d.skeletons import LSP_14
        >>> body = torch.zeros(14, 3)
        >>> body[LSP_14.index("neck")] = torch.tensor([0.0, -1.0, 0.0])  # y points down
        >>> body[LSP_14.index("right_hip")] = torch.tensor([-0.2, 0.0, 0.0])
        >>> body[LSP_14.index("left_hip")] = torch.tensor([0.2, 0.0, 0.0])
        >>> forward_direction(body)[2].item()  # towards the camera
        -1.0
    """
    neck, right, left = LSP_14.indices("neck", "right_hip", "left_hip")
    up = normalize(points[..., neck, :] - middle_of_hips(points)[..., 0, :], dim=-1)
    to_the_right = normalize(points[..., right, :] - points[..., left, :], dim=-1)
    forward: Tensor = torch.linalg.cross(up, to_the_right)
    return forward


def torso_rotation(points: Points3D) -> Rotations:
    """How the trunk is turned: what takes a body that faces along +z, y up, to the skeleton's pose.

    Its columns are the person's left, up and forward. Up is exact, from root to neck; left, from
    hip to hip, gives what is at right angles to it.

    Args:
        points: 3D skeletons (..., 14, 3) in ``lsp_14`` order, camera frame.

    Returns:
        Rotations (..., 3, 3). Gradients stay finite where a direction is undefined (hips in one
        place, or in line with the trunk); the rotation is then any.

    Example:
        >>> body = torch.zeros(14, 3)
        >>> body[LSP_14.index("neck")] = torch.tensor([0.0, -1.0, 0.0])  # y points down
        >>> body[LSP_14.index("right_hip")] = torch.tensor([-0.2, 0.0, 0.0])
        >>> body[LSP_14.index("left_hip")] = torch.tensor([0.2, 0.0, 0.0])
        >>> torso_rotation(body).diagonal()  # upright, towards the camera
        tensor([ 1., -1., -1.])
    """
    neck, right, left = LSP_14.indices("neck", "right_hip", "left_hip")
    up = points[..., neck, :] - middle_of_hips(points)[..., 0, :]
    to_the_left = points[..., left, :] - points[..., right, :]
    third = torch.linalg.cross(up, to_the_left)
    axes = orthonormalize(torch.stack([up, to_the_left, third], dim=-1))
    return torch.stack([axes[..., 1], axes[..., 0], -axes[..., 2]], dim=-1)


def bend(points: Points3D, limbs: tuple[tuple[str, str, str], ...]) -> Float[Tensor, "*batch"]:
    """How far the middle joints of limbs lie in front of the middle of their ends, summed.

    Args:
        points: 3D skeletons (..., 14, 3) in ``lsp_14`` order, camera frame.
        limbs: name triples (near, middle, far), :data:`LEGS` or :data:`ARMS`.

    Returns:
        Signed lengths (...), positive forwards, in the unit of the points.

    Example:
        >>> bend(torch.zeros(5, 14, 3), LEGS).shape
        torch.Size([5])
    """
    forward = forward_direction(points)
    total = torch.zeros_like(forward[..., 0])
    for limb in limbs:
        near, middle, far = LSP_14.indices(*limb)
        offset = points[..., middle, :] - (points[..., near, :] + points[..., far, :]) / 2
        total = total + (offset * forward).sum(-1)
    return total


def mirror_evidence(points: Points3D) -> Float[Tensor, "*batch"]:
    """Evidence that a skeleton is not depth-mirrored: knees forwards less elbows forwards.

    Negating depth negates it. On everyday motion capture its mean is about +0.4 m, and
    averaged over a batch the sign is decisive; for one pose (arms behind the back) it is not.

    Args:
        points: 3D skeletons (..., 14, 3) in ``lsp_14`` order, camera frame.

    Returns:
        Signed lengths (...) in the unit of the points: positive for the right way round.

    Example:
        >>> skeleton = torch.randn(14, 3, generator=torch.Generator().manual_seed(0))
        >>> flipped = skeleton * torch.tensor([1.0, 1.0, -1.0])
        >>> torch.allclose(mirror_evidence(flipped), -mirror_evidence(skeleton))
        True
    """
    return bend(points, LEGS) - bend(points, ARMS)
