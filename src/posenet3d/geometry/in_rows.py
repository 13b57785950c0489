"""Matrices of 3 x 3 with the batch as their last axis: one entry of all of them is a row in memory.

A processor adds and multiplies whole rows many times as fast as it sums over axes of three numbers.
For inference alone: what is kept for a gradient would outweigh it.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_SMALL, _LARGE = 1e-9, 1e9  # lengths whose squares float32 holds
_PARALLEL = 0.1  # of a second column's length, at right angles to the first


class RotationsInRows(NamedTuple):
    """Rotations, and which of them are sound.

    Attributes:
        rotations: (..., 3, 3, batch).
        sound: (..., batch).
    """

    rotations: Float[Tensor, "*some 3 3 batch"]
    sound: Bool[Tensor, "*some batch"]


def gram_schmidt_in_rows(matrix: Float[Tensor, "*some 3 3 batch"]) -> RotationsInRows:
    """Rotations as :func:`~posenet3d.geometry.gram_schmidt` makes them of well-behaved matrices.

    Args:
        matrix: (..., 3, 3, batch), any finite numbers.

    Returns:
        The rotations. Those of matrices with a column that is next to zero or very long, or with
        two columns that are next to parallel, are not sound: they may be anything.

    Example:
        >>> gram_schmidt_in_rows(2 * torch.eye(3)[..., None]).rotations[..., 0].diagonal()
        tensor([1., 1., 1.])
    """
    rotations = torch.empty_like(matrix)
    first, second, third = rotations.unbind(-2)
    lengths = _length(matrix[..., 0, :]), _length(matrix[..., 1, :])
    torch.div(matrix[..., 0, :], lengths[0], out=first)
    rest = _rejected(matrix[..., 1, :], first)
    left = _length(rest)
    rest = _rejected(rest / left, first)  # once more, against rounding
    torch.div(rest, _length(rest), out=second)
    _cross(first, second, out=third)
    sound = left > _PARALLEL * lengths[1]
    for length in lengths:
        sound = sound & (length > _SMALL) & (length < _LARGE)
    return RotationsInRows(rotations, sound.squeeze(-2))


def _cross(
    first: Float[Tensor, "*some 3 batch"],
    second: Float[Tensor, "*some 3 batch"],
    out: Float[Tensor, "*some 3 batch"],
) -> None:
    """The cross product, several times as fast as torch's own on rows."""
    a, b, c = (each.unbind(-2) for each in (first, second, out))
    for x, y, z in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        torch.mul(a[y], b[z], out=c[x]).addcmul_(a[z], b[y], value=-1)


def _length(vectors: Float[Tensor, "*some 3 batch"]) -> Float[Tensor, "*some 1 batch"]:
    return vectors.square().sum(-2, keepdim=True).sqrt()


def _rejected(
    vectors: Float[Tensor, "*some 3 batch"], unit: Float[Tensor, "*some 3 batch"]
) -> Float[Tensor, "*some 3 batch"]:
    """What is left of vectors without their parts along unit vectors."""
    return vectors - (vectors * unit).sum(-2, keepdim=True) * unit
