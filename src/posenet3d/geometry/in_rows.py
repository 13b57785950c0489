"""Matrices of 3 x 3 with the batch as their last axis: one entry of all of them is a row in memory.

A processor adds and multiplies whole rows many times as fast as it sums over axes of three numbers.
For inference alone: what is kept for a gradient would outweigh it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_SMALL, _LARGE = 1e-9, 1e9  # lengths whose squares float32 holds
_PARALLEL = 1e-3  # of a second column, off the first: so much two rejections are good for


class RotationsInRows(NamedTuple):
    """Rotations, and which of them are sound.

    Attributes:
        rotations: (..., 3, 3, batch).
        sound: (..., batch).
    """

    rotations: Float[Tensor, "*some 3 3 batch"]
    sound: Bool[Tensor, "*some batch"]


def add_up(columns: Sequence[Tensor], numbers: Sequence[Tensor], *, out: Tensor) -> None:
    """Columns times numbers, added up: a matrix times a vector, or times a matrix, in rows.

    Each product is added at once, row by row, which is faster than all of them and then their sum.

    Args:
        columns: a matrix's columns, each (..., batch).
        numbers: what each is multiplied with, as many; shapes as broadcast.
        out: where the sum goes, (..., batch); not what it is made of.

    Example:
        >>> columns, both = [torch.ones(3, 5), torch.ones(3, 5)], torch.empty(3, 5)
        >>> add_up(columns, [torch.tensor(2.0), torch.tensor(3.0)], out=both)
        >>> both.unique()
        tensor([5.])
    """
    torch.mul(columns[0], numbers[0], out=out)
    for column, number in zip(columns[1:], numbers[1:], strict=True):
        out.addcmul_(column, number)


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
    lengths = [_dot(matrix[..., axis, :], matrix[..., axis, :]).sqrt_() for axis in (0, 1)]
    torch.div(matrix[..., 0, :], lengths[0].unsqueeze(-2), out=first)
    rest = matrix[..., 1, :].clone()
    for _ in range(2):  # once more, against rounding
        rest.addcmul_(_dot(rest, first).unsqueeze(-2), first, value=-1)
    left = _dot(rest, rest).sqrt_()
    torch.div(rest, left.unsqueeze(-2), out=second)
    _cross(first, second, out=third)
    sound = left > _PARALLEL * lengths[1]
    for length in lengths:
        sound = sound & (length > _SMALL) & (length < _LARGE)
    return RotationsInRows(rotations, sound)


def _cross(
    first: Float[Tensor, "*some 3 batch"],
    second: Float[Tensor, "*some 3 batch"],
    out: Float[Tensor, "*some 3 batch"],
) -> None:
    """The cross product, several times as fast as torch's own on rows."""
    a, b, c = (each.unbind(-2) for each in (first, second, out))
    for x, y, z in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        torch.mul(a[y], b[z], out=c[x]).addcmul_(a[z], b[y], value=-1)


def _dot(
    first: Float[Tensor, "*some 3 batch"], second: Float[Tensor, "*some 3 batch"]
) -> Float[Tensor, "*some batch"]:
    (x, y, z), (u, v, w) = first.unbind(-2), second.unbind(-2)
    return (x * u).addcmul_(y, v).addcmul_(z, w)
