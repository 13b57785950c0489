"""The sizes of what a body model takes: shape coefficients and joint rotations."""

import torch
from torch import Tensor

from posenet3d.errors import ShapeError


def shared_axes(betas: Tensor, rotations: Tensor) -> torch.Size:
    """The leading axes that (..., B) betas and (..., K, 3, 3) rotations broadcast to.

    Args:
        betas: (..., B).
        rotations: (..., K, 3, 3).

    Raises:
        RuntimeError: They do not broadcast.

    Example:
        >>> shared_axes(torch.zeros(4, 1, 10), torch.zeros(9, 24, 3, 3))
        torch.Size([4, 9])
    """
    if betas.ndim == 1:
        return rotations.shape[:-3]
    shape: torch.Size = torch.broadcast_shapes(  # type: ignore[no-untyped-call]
        betas.shape[:-1], rotations.shape[:-3]
    )
    return shape


def check_shape_and_pose(betas: Tensor, rotations: Tensor, num_betas: int, num_joints: int) -> None:
    """Refuses betas and rotations of the wrong size.

    Args:
        betas: to be (..., num_betas).
        rotations: to be (..., num_joints, 3, 3).
        num_betas: B of the body.
        num_joints: K of the body.

    Raises:
        ShapeError: One has the wrong size, or their leading axes do not broadcast.

    Example:
        >>> check_shape_and_pose(torch.zeros(10), torch.zeros(24, 3, 3), 10, 24)
    """
    if betas.ndim < 1 or betas.shape[-1] != num_betas:
        raise ShapeError("betas", expected=f"(..., {num_betas})", got=str(tuple(betas.shape)))
    if rotations.ndim < 3 or rotations.shape[-3:] != (num_joints, 3, 3):
        expected = f"(..., {num_joints}, 3, 3)"
        raise ShapeError("rotations", expected=expected, got=str(tuple(rotations.shape)))
    try:
        shared_axes(betas, rotations)
    except RuntimeError as error:
        raise ShapeError(
            "betas",
            expected=f"leading axes that broadcast to {tuple(rotations.shape[:-3])}",
            got=str(tuple(betas.shape[:-1])),
            do="add an axis for the frames: betas[:, None]",
        ) from error
