"""Draws of angles that the view samplers share."""

import torch
from jaxtyping import Float
from torch import Tensor


def uniform_angles(batch: int, limit: float, like: Tensor) -> Float[Tensor, " batch"]:
    """``batch`` angles from U[-limit, limit], radians, on the device and of the type of ``like``.

    Example:
        >>> bool((uniform_angles(8, 0.5, torch.zeros(())).abs() <= 0.5).all())
        True
    """
    return (2 * torch.rand(batch, device=like.device, dtype=like.dtype) - 1) * limit
