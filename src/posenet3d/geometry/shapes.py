"""Checks of the tensors that a caller hands in: the kind and the trailing axes, never the values.

A look at the values would make a GPU wait; these checks read metadata only and vanish under
``torch.compile``.
"""

import torch
from torch import Tensor

from posenet3d.errors import ShapeError

Axis = int | str
"""A fixed length, or the name of an axis that may have any length."""


def require_axes(what: str, tensor: object, *axes: Axis) -> None:
    """Pass silently when a floating-point tensor ends in the given axes.

    Args:
        what: the argument's name, for the message.
        tensor: what the caller handed in; any leading axes are allowed.
        *axes: the trailing axes, an int for a fixed length, a name for any length.

    Raises:
        ShapeError: ``tensor`` is no tensor, holds no real floating-point numbers, or ends in
            other axes.

    Example:
        >>> require_axes("points", torch.zeros(2, 14, 3), "joints", 3)
        >>> require_axes("points", torch.zeros(2, 14, 2), "joints", 3)
        Traceback (most recent call last):
        posenet3d.errors.ShapeError: points: expected shape (..., joints, 3), got shape (2, 14, 2).
    """
    if not isinstance(tensor, Tensor):
        kind = f"{type(tensor).__module__}.{type(tensor).__qualname__}"
        raise ShapeError(what, expected="a torch.Tensor", got=kind, do="wrap it in torch.as_tensor")
    if not tensor.is_floating_point():
        raise ShapeError(
            what, expected="floating-point numbers", got=str(tensor.dtype), do="call .float() on it"
        )
    ends_so = tensor.ndim >= len(axes) and all(
        isinstance(axis, str) or tensor.shape[place - len(axes)] == axis
        for place, axis in enumerate(axes)
    )
    if not ends_so:
        wanted = ", ".join(["...", *map(str, axes)])
        raise ShapeError(what, expected=f"shape ({wanted})", got=f"shape {tuple(tensor.shape)}")


def at_least_float32(tensor: Tensor) -> Tensor:
    """The tensor itself, or its float32 copy where it holds half-precision numbers.

    Eight bits of mantissa cannot tell a depth of 10.03 from one of 10; mixed-precision training
    hands such numbers over.

    Example:
        >>> at_least_float32(torch.ones(1, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
