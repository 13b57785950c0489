"""Whether points lie inside a closed triangle mesh."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from posenet3d.typing import Points3D, Vertices


def winding_number(
    points: Points3D, vertices: Vertices, faces: Int[Tensor, "faces 3"]
) -> Float[Tensor, "*batch joints"]:
    """How often a mesh wraps around each point: 1 inside a watertight mesh, 0 outside.

    The solid angles of all triangles as the point sees them, summed, over 4 pi (Jacobson et al.
    2013), each by tan(angle / 2) = det[a b c] / (abc + (a.b) c + (b.c) a + (c.a) b) (Van Oosterom
    and Strackee 1983). Where parts of the mesh overlap, as in the bend of a limb, it counts them:
    2 is inside both. A mesh with holes gives numbers between; above 0.5 counts as inside.

    Args:
        points: (..., N, 3), of the vertices' unit and frame.
        vertices: (..., V, 3); leading axes broadcast against those of the points.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.

    Returns:
        (..., N). On the surface itself, where it jumps, any number from 0 to 1.

    Example:
        >>> corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> faces = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
        >>> points = torch.tensor([[0.1, 0.1, 0.1], [2.0, 0.0, 0.0]])
        >>> winding_number(points, corners, faces).round().abs()
        tensor([1., 0.])
    """
    corners = vertices[..., None, faces, :] - points[..., None, None, :]
    a, b, c = corners.unbind(-2)
    long_a, long_b, long_c = corners.norm(dim=-1).unbind(-1)
    volume = (a * torch.linalg.cross(b, c)).sum(-1)
    spread = long_a * long_b * long_c
    spread = spread + (a * b).sum(-1) * long_c + (b * c).sum(-1) * long_a + (c * a).sum(-1) * long_b
    return torch.atan2(volume, spread).sum(-1) / (2 * torch.pi)
