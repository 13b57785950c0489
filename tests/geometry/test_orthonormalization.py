"""Ortho-normalisation gives rotations and finite gradients, whatever the matrix."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from posenet3d import geometry as geo
from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.geometry.orthonormalization import nearest_orthogonal
from posenet3d.testing.strategies import (
    CRITICAL_MATRICES,
    matrices,
    regular_matrices,
    rotation_matrices,
)

METHODS = ("gram_schmidt", "svd")
TOLERANCE = {torch.float32: 2e-6, torch.float64: 4e-15}

both_methods = pytest.mark.parametrize("method", METHODS)


def assert_near(got: Tensor, wanted: Tensor, times: float = 1.0) -> None:
    assert got.dtype == wanted.dtype
    torch.testing.assert_close(got, wanted, rtol=0, atol=times * TOLERANCE[got.dtype])


few = settings(max_examples=10)
"""For the tests that take finite differences."""


@both_methods
@given(matrix=matrices())
def test_any_matrix_becomes_a_rotation(method, matrix: Tensor) -> None:
    rotation = geo.orthonormalize(matrix, method)
    assert rotation.shape == matrix.shape
    assert_near(rotation @ rotation.mT, torch.eye(3, dtype=matrix.dtype).expand_as(matrix))
    assert_near(torch.linalg.det(rotation), torch.ones(matrix.shape[:-2], dtype=matrix.dtype))


@both_methods
@given(rotation=rotation_matrices())
def test_a_rotation_is_left_alone(method, rotation: Tensor) -> None:
    assert_near(geo.orthonormalize(rotation, method), rotation)


@both_methods
@given(matrix=matrices(dtype=torch.float64))
def test_a_second_time_changes_nothing(method, matrix: Tensor) -> None:
    once = geo.orthonormalize(matrix, method)
    assert_near(geo.orthonormalize(once, method), once)


@both_methods
@given(
    matrix=regular_matrices(batch=(2,), dtype=torch.float64),
    turn=rotation_matrices(batch=(), dtype=torch.float64),
)
def test_it_is_equivariant_under_rotations_from_the_left(method, matrix: Tensor, turn) -> None:
    before = geo.orthonormalize(turn @ matrix, method)
    assert_near(before, turn @ geo.orthonormalize(matrix, method), times=100)


@given(
    matrix=regular_matrices(batch=(2,), dtype=torch.float64),
    turn=rotation_matrices(batch=(), dtype=torch.float64),
)
def test_the_svd_is_equivariant_from_the_right_too(matrix: Tensor, turn: Tensor) -> None:
    before = geo.svd_orthonormalize(matrix @ turn)
    assert_near(before, geo.svd_orthonormalize(matrix) @ turn, times=100)


@both_methods
@given(matrix=regular_matrices(batch=(2,), dtype=torch.float64), factor=st.floats(1e-3, 1e3))
def test_a_positive_factor_changes_nothing(method, matrix: Tensor, factor: float) -> None:
    scaled = geo.orthonormalize(factor * matrix, method)
    assert_near(scaled, geo.orthonormalize(matrix, method), times=100)


@given(matrix=matrices(batch=(2,), dtype=torch.float64), data=st.data())
def test_no_rotation_is_nearer_than_the_one_by_svd(matrix: Tensor, data) -> None:
    other = data.draw(rotation_matrices(batch=(2,), dtype=torch.float64))
    scale = matrix.abs().amax((-2, -1), keepdim=True).clamp(min=1)
    agreement = (geo.svd_orthonormalize(matrix) * (matrix / scale)).sum((-2, -1))
    assert (agreement >= (other * (matrix / scale)).sum((-2, -1)) - 1e-14).all()


@given(regular_matrices(batch=(2,), dtype=torch.float64))
def test_gram_schmidt_keeps_the_first_direction_and_the_first_plane(matrix: Tensor) -> None:
    rotation = geo.gram_schmidt(matrix)
    inside = rotation.mT @ matrix
    assert (inside[..., 0, 0] > 0).all()
    assert (inside[..., 1, 1] > 0).all()
    below = torch.stack([inside[..., 1, 0], inside[..., 2, 0], inside[..., 2, 1]])
    assert below.abs().max() < 1e-13


@few
@both_methods
@given(matrix=regular_matrices(batch=(2,), dtype=torch.float64))
def test_the_derivative_is_right(method, matrix: Tensor) -> None:
    assert gradcheck(lambda free: geo.orthonormalize(free, method), matrix.requires_grad_())


@few
@both_methods
@given(rotation=rotation_matrices(batch=(2,), dtype=torch.float64))
def test_the_derivative_is_right_where_all_singular_values_are_equal(method, rotation) -> None:
    assert gradcheck(lambda free: geo.orthonormalize(free, method), rotation.requires_grad_())


@both_methods
def test_the_second_derivative_is_right(method) -> None:
    matrix = torch.tensor(
        [[[1.0, 0.2, 0.1], [0.3, 1.5, 0.0], [0.2, 0.4, -0.7]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]],
        dtype=torch.float64,
        requires_grad=True,
    )
    assert gradgradcheck(lambda free: geo.orthonormalize(free, method), matrix)


@both_methods
@pytest.mark.parametrize("name", CRITICAL_MATRICES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_gradient_is_finite_at_degenerate_matrices(method, name, dtype) -> None:
    matrix = torch.tensor(CRITICAL_MATRICES[name], dtype=dtype).reshape(3, 3).requires_grad_()
    weights = torch.arange(9, dtype=dtype).reshape(3, 3)
    (gradient,) = torch.autograd.grad((weights * geo.orthonormalize(matrix, method)).sum(), matrix)
    assert gradient.isfinite().all()


@both_methods
@given(matrix=matrices())
def test_the_gradient_is_finite_everywhere(method, matrix: Tensor) -> None:
    weights = torch.arange(9, dtype=matrix.dtype).reshape(3, 3)
    total = (weights * geo.orthonormalize(matrix.requires_grad_(), method)).sum()
    (gradient,) = torch.autograd.grad(total, matrix)
    assert gradient.isfinite().all()


@both_methods
def test_the_zero_matrix_becomes_the_identity_without_a_gradient(method) -> None:
    zero = torch.zeros(3, 3, requires_grad=True)
    rotation = geo.orthonormalize(zero, method)
    (gradient,) = torch.autograd.grad((rotation * torch.arange(9.0).reshape(3, 3)).sum(), zero)
    assert torch.equal(rotation, torch.eye(3))
    assert not gradient.any()


@both_methods
def test_a_matrix_that_is_not_a_number_gives_no_rotation(method) -> None:
    """A fault upstream shows; it does not become the identity."""
    matrix = torch.eye(3)
    matrix[0, 0] = torch.nan
    if method == "svd":  # LAPACK refuses to decompose it
        with pytest.raises(torch.linalg.LinAlgError):
            geo.orthonormalize(matrix, method)
    else:
        assert geo.orthonormalize(matrix, method).isnan().any()


@both_methods
def test_vmap_and_jacobians_of_torch_func_work(method) -> None:
    matrix = torch.eye(3, dtype=torch.float64).repeat(4, 1, 1)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda m: geo.orthonormalize(m, method)))(matrix)
    batched = torch.autograd.functional.jacobian(lambda m: geo.orthonormalize(m, method), matrix[0])
    assert_near(jacobian[2], batched)


@both_methods
def test_half_precision_is_raised_to_float32(method) -> None:
    assert geo.orthonormalize(torch.eye(3, dtype=torch.bfloat16), method).dtype == torch.float32


@both_methods
def test_autocast_does_not_touch_the_precision(method) -> None:
    matrix = torch.tensor([[1.0, 0.2, 0.1], [0.3, 1.5, 0.0], [0.2, 0.4, 0.7]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = geo.orthonormalize(matrix, method)
    assert torch.equal(inside, geo.orthonormalize(matrix, method))


@given(matrices(batch=(2,), dtype=torch.float64))
def test_with_reflections_allowed_the_nearest_matrix_agrees_at_least_as_well(matrix) -> None:
    scale = matrix.abs().amax((-2, -1), keepdim=True).clamp(min=1)
    free = (nearest_orthogonal(matrix, reflection=True) * matrix / scale).sum((-2, -1))
    proper = (nearest_orthogonal(matrix, reflection=False) * matrix / scale).sum((-2, -1))
    assert (free >= proper - 1e-14).all()


def test_a_mirror_stays_a_mirror_only_where_reflections_are_allowed() -> None:
    mirror = torch.diag(torch.tensor([1.0, 1.0, -1.0]))
    assert torch.equal(nearest_orthogonal(mirror, reflection=True), mirror)
    assert torch.linalg.det(nearest_orthogonal(mirror, reflection=False)) > 0


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises((UnknownNameError, TypeCheckError), match="gram_schmid"):
        geo.orthonormalize(torch.eye(3), "gram_schmid")  # type: ignore[arg-type]


@both_methods
def test_a_matrix_of_another_shape_is_refused(method) -> None:
    with pytest.raises((ShapeError, TypeCheckError), match="matrix"):
        geo.orthonormalize(torch.zeros(2, 9), method)
