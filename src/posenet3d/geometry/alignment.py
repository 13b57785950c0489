"""Similarity transforms that lay one set of points upon another (Procrustes analysis)."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.errors import ShapeError
from posenet3d.geometry.orthonormalization import nearest_orthogonal
from posenet3d.geometry.rotations import rotate
from posenet3d.geometry.shapes import at_least_float32, require_axes
from posenet3d.typing import Points3D, Rotations


class Similarity(NamedTuple):
    """A scaled rotation and a shift: ``x -> s R x + t``.

    Attributes:
        scale: s, ``(*batch)``.
        rotation: R, ``(*batch, 3, 3)``; determinant -1 only where a reflection was allowed.
        translation: t, ``(*batch, 3)``.

    Example:
        >>> double = Similarity(torch.tensor(2.0), torch.eye(3), torch.zeros(3))
        >>> double.apply(torch.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[2.0, 4.0, 6.0]]
    """

    scale: Float[Tensor, "*batch"]
    rotation: Rotations
    translation: Float[Tensor, "*batch 3"]

    def apply(self, points: Points3D) -> Points3D:
        """The transformed points.

        Args:
            points: ``(*batch, joints, 3)``.

        Returns:
            ``(*batch, joints, 3)``, in the unit of the target.

        Raises:
            ShapeError: the last axis is not 3.
        """
        turned = rotate(points, self.rotation)
        return self.scale[..., None, None] * turned + self.translation[..., None, :]


def procrustes(
    source: Points3D, target: Points3D, *, scale: bool = True, reflection: bool = False
) -> Similarity:
    """The similarity that lays ``source`` upon ``target`` with the least sum of squared distances.

    With both sets centred and ``K = sum_i y_i x_i^T``, the rotation is the one nearest to K, and
    ``s = tr(R^T K) / sum_i |x_i|^2`` (Kabsch 1976, Umeyama 1991). Every entry of the leading axes
    is aligned for itself. The gradient is finite, also for degenerate points.

    Args:
        source: x, ``(*batch, joints, 3)``, any unit.
        target: y, ``(*batch, joints, 3)``, any unit.
        scale: whether the size may change; otherwise ``scale`` is 1.
        reflection: whether the determinant may be -1. Off by default, because a mirrored pose is a
            wrong pose; figures with it on must be labelled so.

    Returns:
        The similarity; ``.apply(source)`` is the aligned source. Points on one line leave the turn
        about that line open, and points in one place leave all of the rotation open: one of the
        optimal rotations comes back. A source whose points all coincide (up to rounding) keeps
        scale 1, a target whose points all coincide gives scale 0.

    Raises:
        ShapeError: a trailing axis has the wrong length, the shapes differ, or there is no point.

    Example:
        >>> triangle = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        >>> similarity = procrustes(triangle, 3 * triangle + 1)
        >>> round(similarity.scale.item(), 5)
        3.0
        >>> torch.allclose(similarity.apply(triangle), 3 * triangle + 1, atol=1e-5)
        True
    """
    source, target = _comparable(source, target)
    source_mean, target_mean = source.mean(-2, keepdim=True), target.mean(-2, keepdim=True)
    centred, wanted = source - source_mean, target - target_mean
    covariance = (wanted[..., :, :, None] * centred[..., :, None, :]).sum(-3)
    rotation = nearest_orthogonal(covariance, reflection=reflection)
    factor = torch.ones_like(covariance[..., 0, 0])
    if scale:
        # Coincident points differ from their mean by rounding; that is no size to be scaled.
        rounding = 16 * torch.finfo(source.dtype).eps * source.detach().abs().amax((-2, -1))
        factor = _ratio(
            (rotation * covariance).sum((-2, -1)),
            centred.square().sum((-2, -1)),
            negligible=source.shape[-2] * rounding.square(),
        )
    moved = factor[..., None, None] * rotate(source_mean, rotation)
    return Similarity(factor, rotation, (target_mean - moved)[..., 0, :])


def least_squares_scale(source: Points3D, target: Points3D) -> Float[Tensor, "*batch"]:
    """The factor by which ``source`` comes closest to ``target``: ``sum x.y / sum x.x``.

    Nothing is centred: hand over root-relative points. For one factor a sequence, let its frames
    and joints share an axis.

    Args:
        source: x, ``(*batch, joints, 3)``, any unit.
        target: y, ``(*batch, joints, 3)``, any unit.

    Returns:
        ``(*batch)``; negative where the two point in opposite directions; 1 with gradient zero
        where every point of ``source`` is the origin.

    Raises:
        ShapeError: a trailing axis has the wrong length, the shapes differ, or there is no point.

    Example:
        >>> points = torch.tensor([[1.0, 2.0, 3.0]])
        >>> least_squares_scale(points, 2 * points).item()
        2.0
    """
    source, target = _comparable(source, target)
    nothing = torch.zeros_like(source[..., 0, 0])
    return _ratio(
        (source * target).sum((-2, -1)), source.square().sum((-2, -1)), negligible=nothing
    )


def _comparable(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both point sets in the precision to compute in.

    Raises:
        ShapeError: the two cannot be compared.
    """
    require_axes("source", source, "joints", 3)
    require_axes("target", target, "joints", 3)
    if source.shape != target.shape:
        same = f"the shape of target, {tuple(target.shape)}"
        raise ShapeError("source", expected=same, got=str(tuple(source.shape)))
    if source.shape[-2] == 0:
        raise ShapeError("source", expected="at least one point", got=str(tuple(source.shape)))
    return at_least_float32(source), at_least_float32(target)


def _ratio(numerator: Tensor, denominator: Tensor, *, negligible: Tensor) -> Tensor:
    """``numerator / denominator``, and 1 with gradient zero where the denominator is negligible."""
    # The gradient grows with the power -3/2 of the denominator; below the floor it overflows.
    floor = torch.finfo(denominator.dtype).tiny ** 0.5
    vanishes = denominator <= negligible.clamp(min=floor)
    return torch.where(vanishes, 1, numerator / torch.where(vanishes, 1, denominator))
