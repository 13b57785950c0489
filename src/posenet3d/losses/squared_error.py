"""The squared Euclidean distance between two skeleton windows, which Eq. 2, 3 and 7 share."""

from einops import reduce

from posenet3d.errors import ShapeError
from posenet3d.typing import Scalar, Windows3D


def summed_squared_error(first: Windows3D, second: Windows3D) -> Scalar:
    r"""Squared joint distances, summed over joints and frames, mean over the batch.

    :math:`\frac{1}{B} \sum_b \sum_j \sum_i \|a_{bji} - b_{bji}\|^2`

    Args:
        first: joints (batch, frames, joints, 3), any unit and frame.
        second: joints of the same shape, unit and frame; nothing is broadcast.

    Returns:
        A non-negative scalar in the square of the joints' unit. Zero for zero frames.

    Raises:
        ShapeError: the two shapes differ; broadcasting would hide a mistake.

    Example:
        >>> import torch
        >>> summed_squared_error(torch.zeros(2, 9, 14, 3), torch.ones(2, 9, 14, 3)).item()
        378.0
    """
    if first.shape != second.shape:
        raise ShapeError(
            "joints",
            expected=f"two equal shapes, {tuple(first.shape)}",
            got=f"{tuple(second.shape)}",
        )
    squared = (first - second).square()
    return reduce(squared, "batch frames joints xyz -> batch", "sum").mean()
