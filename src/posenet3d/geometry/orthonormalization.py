"""Differentiable ortho-normalisation: from any 3 x 3 matrix to a rotation (Sect. 3.3 of PoseNet3D).

The student network predicts nine free numbers a joint; these functions make rotations of them. Both
always give a rotation with determinant +1 and finite gradients, for singular matrices and the zero
matrix as well; along a direction which the matrix does not determine the gradient is zero.
"""

from typing import Any, Literal

import torch
from torch import Tensor

from posenet3d.errors import UnknownNameError
from posenet3d.geometry.in_rows import gram_schmidt_in_rows
from posenet3d.geometry.shapes import at_least_float32, require_axes
from posenet3d.typing import Rotations

Method = Literal["gram_schmidt", "svd"]

_MANY = 64
"""So many matrices along the first axis are made rotations in rows, where no gradient is asked."""


def orthonormalize(matrix: Rotations, method: Method = "gram_schmidt") -> Rotations:
    """Rotations made of arbitrary 3 x 3 matrices by the named method.

    Args:
        matrix: ``(*batch, 3, 3)``, any finite numbers.
        method: ``"gram_schmidt"`` (:func:`gram_schmidt`; fast, trusts the first column most) or
            ``"svd"`` (:func:`svd_orthonormalize`; the nearest rotation, treats all columns alike).

    Returns:
        ``(*batch, 3, 3)``, determinant +1.

    Raises:
        ShapeError: the last axes are not (3, 3).
        UnknownNameError: there is no such method.

    Example:
        >>> orthonormalize(2 * torch.eye(3), method="svd").diagonal().tolist()
        [1.0, 1.0, 1.0]
    """
    if method == "gram_schmidt":
        return gram_schmidt(matrix)
    if method == "svd":
        return svd_orthonormalize(matrix)
    raise UnknownNameError("ortho-normalisation", method, ["gram_schmidt", "svd"])


def gram_schmidt(matrix: Rotations) -> Rotations:
    """Rotations by the Gram-Schmidt process on the first two columns; the third is their product.

    ``r1 = m1 / |m1|``, ``r2 = (m2 - (r1.m2) r1) / |...|``, ``r3 = r1 x r2``. Of the third column
    the process would use but the sign, which is fixed by the determinant +1; hence it has no
    influence and no gradient (Zhou et al. 2019 leave it out for that reason).

    Args:
        matrix: ``(*batch, 3, 3)``, any finite numbers; half precision is raised to float32.

    Returns:
        ``(*batch, 3, 3)``, determinant +1. A first column of length zero counts as the x axis; a
        second column that is zero or parallel to the first counts as the coordinate axis most
        perpendicular to it. So the zero matrix gives the identity.

    Raises:
        ShapeError: the last axes are not (3, 3).

    Example:
        >>> gram_schmidt(torch.tensor([[2.0, 5.0, 9.0], [0.0, 3.0, 9.0], [0.0, 0.0, 9.0]])).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        >>> gram_schmidt(torch.zeros(3, 3)).diagonal().tolist()
        [1.0, 1.0, 1.0]
    """
    require_axes("matrix", matrix, 3, 3)
    matrix = at_least_float32(matrix)
    return _quickly(matrix) if _suits_rows(matrix) else _gram_schmidt(matrix)


def _suits_rows(matrix: Tensor) -> bool:
    """Whether these are many matrices for a processor, and nothing but their rotations is asked."""
    if torch.is_grad_enabled() or torch.compiler.is_compiling():
        return False
    many = matrix.ndim > 2 and len(matrix) >= _MANY and matrix.numel() > 0
    return many and matrix.device.type == "cpu"


def _quickly(matrix: Rotations) -> Rotations:
    """As `_gram_schmidt`, which is asked for those matrices alone that need its care."""
    rows = matrix.flatten(1).T.contiguous().reshape(-1, 3, 3, len(matrix))
    rotations, sound = gram_schmidt_in_rows(rows)
    if not bool(sound.all()):
        which, batch = torch.nonzero(~sound, as_tuple=True)
        rotations[which, :, :, batch] = _gram_schmidt(rows[which, :, :, batch])
    return rotations.flatten(0, 2).T.reshape(matrix.shape)


def _gram_schmidt(matrix: Rotations) -> Rotations:
    """The process with care for columns that vanish or are parallel, and with all derivatives."""
    places = torch.arange(3, device=matrix.device)
    first, vanishes = _scaled(matrix[..., 0])
    first = _normalized(torch.where(vanishes, (places == 0).to(matrix.dtype), first))
    second, _ = _scaled(matrix[..., 1])
    rest = torch.linalg.vector_norm(_rejected(second, first), dim=-1, keepdim=True)
    farthest = first.abs().argmin(-1, keepdim=True)
    most_perpendicular = (places == farthest).to(matrix.dtype)
    parallel = rest <= 16 * torch.finfo(matrix.dtype).eps
    second = torch.where(parallel, most_perpendicular, second)
    # Once more: after one rejection of a nearly parallel vector, rounding is a large part of it.
    second = _normalized(_rejected(_normalized(_rejected(second, first)), first))
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def svd_orthonormalize(matrix: Rotations) -> Rotations:
    """The rotations nearest to the given matrices in the Frobenius norm.

    ``M = U S V^T`` gives ``R = U diag(1, 1, det(U V^T)) V^T``. The derivative is taken of the
    nearest rotation itself, ``dR = R [w]_x`` with ``(tr(P) I - P) w = axial(R^T dM)`` and
    ``P = R^T M``, and not of the singular vectors, which have none where singular values are equal
    (as they are for every rotation matrix).

    Args:
        matrix: ``(*batch, 3, 3)``, any finite numbers; half precision is raised to float32.

    Returns:
        ``(*batch, 3, 3)``, determinant +1. Where the nearest rotation is not unique (rank 0 or 1;
        a reflection with its two smallest singular values equal), one of the nearest. It can be
        differentiated twice; :func:`gram_schmidt` any number of times.

    Raises:
        ShapeError: the last axes are not (3, 3).

    Example:
        >>> svd_orthonormalize(torch.diag(torch.tensor([3.0, 2.0, -1.0]))).diagonal().tolist()
        [1.0, 1.0, 1.0]
    """
    require_axes("matrix", matrix, 3, 3)
    return nearest_orthogonal(at_least_float32(matrix), reflection=False)


def nearest_orthogonal(matrix: Rotations, *, reflection: bool) -> Rotations:
    """The orthogonal matrices nearest to the given ones; proper rotations unless told otherwise.

    Args:
        matrix: ``(*batch, 3, 3)``.
        reflection: whether the determinant may be -1.

    Returns:
        ``(*batch, 3, 3)``.

    Example:
        >>> mirror = torch.diag(torch.tensor([3.0, 2.0, -1.0]))
        >>> nearest_orthogonal(mirror, reflection=True).diagonal().tolist()
        [1.0, 1.0, -1.0]
    """
    nearest: Rotations = _NearestOrthogonal.apply(matrix, reflection)[0]  # type: ignore[no-untyped-call]
    return nearest


class _NearestOrthogonal(torch.autograd.Function):
    """The polar factor with the derivative that exists for equal singular values as well."""

    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Tensor, reflection: bool) -> tuple[Tensor, Tensor, Tensor]:
        left, values, right = torch.linalg.svd(matrix)
        if not reflection:
            handedness = torch.linalg.det(left) * torch.linalg.det(right)
            sign = torch.where(handedness < 0, -1, 1).to(matrix.dtype)
            left = torch.cat([left[..., :2], left[..., 2:] * sign[..., None, None]], -1)
            values = torch.cat([values[..., :2], values[..., 2:] * sign[..., None]], -1)
        return _product(left, right), values, right

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0], *output)
        ctx.mark_non_differentiable(*output[1:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor, None]:
        matrix, nearest, values, right = ctx.saved_tensors
        back = _product(nearest.mT, gradient)
        back = back - back.mT
        turn = _solve_rotation(back, values, right)
        if torch.is_grad_enabled():
            # For the second derivative: one Newton step from the solution leaves its value alone
            # and gives it the derivative with respect to the matrix and the gradient.
            polar = _product(nearest.mT, matrix)
            polar, turn = (polar + polar.mT) / 2, turn.detach()
            rest = back - _product(turn, polar) - _product(polar, turn)
            turn = turn + _solve_rotation(rest, values, right)
        return _product(nearest, turn), None


def _solve_rotation(right_side: Tensor, values: Tensor, right: Tensor) -> Tensor:
    """The skew-symmetric W of ``W P + P W = A``, zero along what P does not determine.

    In the basis of the right singular vectors P is diagonal and the equation falls apart: entry
    (i, j) is divided by the sum of two singular values.
    """
    sums = values[..., :, None] + values[..., None, :]
    info = torch.finfo(values.dtype)
    floor = (16 * info.eps * values[..., :1, None]).clamp(min=info.tiny)
    undetermined = sums <= floor
    inside = _product(_product(right, right_side), right.mT)
    inside = torch.where(undetermined, 0, inside / torch.where(undetermined, 1, sums))
    return _product(_product(right.mT, inside), right)


def _product(first: Tensor, second: Tensor) -> Tensor:
    """The matrix product, in full precision under autocast and TF32 as well."""
    return (first[..., :, :, None] * second[..., None, :, :]).sum(-2)


def _scaled(vector: Tensor) -> tuple[Tensor, Tensor]:
    """The vector with its largest component at 1, and whether it vanishes.

    The factor is a constant to the gradient, which is exact for a function of the direction alone.
    """
    largest = vector.detach().abs().amax(-1, keepdim=True)
    vanishes = largest <= torch.finfo(vector.dtype).tiny ** 0.5
    return vector / torch.where(vanishes, 1, largest), vanishes


def _normalized(vector: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    return vector / length


def _rejected(vector: Tensor, unit: Tensor) -> Tensor:
    """What is left of the vector without its part along the unit vector."""
    return vector - (vector * unit).sum(-1, keepdim=True) * unit
