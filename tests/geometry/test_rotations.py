"""Laws of the rotation group, at the angles where formulas break as well."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from posenet3d import geometry as geo
from posenet3d.testing.strategies import (
    CRITICAL_ANGLES,
    angles,
    points,
    rotation_matrices,
    rotation_vectors,
    unit_vectors,
)

TOLERANCE = {torch.float32: 2e-6, torch.float64: 4e-15}
"""Some roundings of numbers near one."""

ABOUT = (geo.rotation_about_x, geo.rotation_about_y, geo.rotation_about_z)


def assert_near(got: Tensor, wanted: Tensor, times: float = 1.0) -> None:
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    torch.testing.assert_close(got, wanted, rtol=0, atol=times * TOLERANCE[got.dtype])


def assert_rotations(matrices: Tensor) -> None:
    identity = torch.eye(3, dtype=matrices.dtype).expand_as(matrices)
    assert_near(matrices @ matrices.mT, identity)
    assert_near(torch.linalg.det(matrices), torch.ones(matrices.shape[:-2], dtype=matrices.dtype))


@given(rotation_vectors())
def test_the_exponential_map_gives_rotations(rotvec: Tensor) -> None:
    assert_rotations(geo.rotvec_to_rotmat(rotvec))


@given(rotation_vectors(dtype=torch.float64, batch=(2,)))
def test_the_exponential_map_equals_the_matrix_exponential(rotvec: Tensor) -> None:
    x, y, z = rotvec.unbind(-1)
    none = torch.zeros_like(x)
    skew = torch.stack([none, -z, y, z, none, -x, -y, x, none], -1).reshape(2, 3, 3)
    assert_near(geo.rotvec_to_rotmat(rotvec), torch.linalg.matrix_exp(skew))


@given(rotation_vectors(dtype=torch.float64, batch=(3,)))
def test_the_maps_agree_with_scipy(rotvec: Tensor) -> None:
    reference = Rotation.from_rotvec(rotvec.numpy())
    rotmat = geo.rotvec_to_rotmat(rotvec)
    assert_near(rotmat, torch.from_numpy(reference.as_matrix()))
    quaternion = torch.from_numpy(reference.as_quat(canonical=True))
    sign = (quaternion * geo.rotmat_to_unitquat(rotmat)).sum(-1, keepdim=True).sign()
    assert_near(geo.rotmat_to_unitquat(rotmat), sign * quaternion)


@given(rotation_vectors(max_angle=math.pi - 1e-4))
def test_the_logarithm_undoes_the_exponential_map(rotvec: Tensor) -> None:
    assert_near(geo.rotmat_to_rotvec(geo.rotvec_to_rotmat(rotvec)), rotvec, times=4)


@given(rotation_matrices())
def test_the_exponential_map_undoes_the_logarithm(rotmat: Tensor) -> None:
    assert_near(geo.rotvec_to_rotmat(geo.rotmat_to_rotvec(rotmat)), rotmat, times=4)


@given(rotation_matrices())
def test_quaternions_come_back_as_the_same_rotation(rotmat: Tensor) -> None:
    quaternion = geo.rotmat_to_unitquat(rotmat)
    assert_near(quaternion.norm(dim=-1), torch.ones_like(quaternion[..., 0]))
    assert (quaternion[..., 3] >= 0).all()
    assert_near(geo.unitquat_to_rotmat(quaternion), rotmat, times=4)
    assert_near(geo.unitquat_to_rotmat(-quaternion), geo.unitquat_to_rotmat(quaternion))


@given(unit_vectors(batch=(2,), dtype=torch.float64), st.sampled_from(CRITICAL_ANGLES))
def test_the_logarithm_keeps_its_digits_at_every_critical_angle(axis: Tensor, angle: float) -> None:
    rotvec = geo.rotmat_to_rotvec(geo.rotvec_to_rotmat(angle * axis))
    wanted = torch.full((2,), angle, dtype=torch.float64)
    assert_near(rotvec.norm(dim=-1), wanted)
    if 0 < angle < math.pi:
        torch.testing.assert_close(rotvec / angle, axis, rtol=0, atol=1e-8)


@given(unit_vectors(batch=(2,)))
def test_a_half_turn_gives_back_its_axis_up_to_sign(axis: Tensor) -> None:
    half_turn = 2 * axis[..., :, None] * axis[..., None, :] - torch.eye(3, dtype=axis.dtype)
    rotvec = geo.rotmat_to_rotvec(half_turn)
    sign = (rotvec * axis).sum(-1, keepdim=True).sign()
    assert_near(rotvec, sign * math.pi * axis, times=4)
    largest = rotvec.abs().argmax(-1, keepdim=True)
    assert (rotvec.gather(-1, largest) > 0).all()


@given(rotation_vectors(batch=(2,)))
def test_the_opposite_vector_is_the_inverse_rotation(rotvec: Tensor) -> None:
    assert_near(geo.rotvec_to_rotmat(-rotvec), geo.rotvec_to_rotmat(rotvec).mT)


@given(unit_vectors(batch=(), dtype=torch.float64), angles(), angles())
def test_turns_about_one_axis_add_up(axis: Tensor, first: float, second: float) -> None:
    one_after_other = geo.rotvec_to_rotmat(first * axis) @ geo.rotvec_to_rotmat(second * axis)
    assert_near(geo.rotvec_to_rotmat((first + second) * axis), one_after_other)


@given(rotation_matrices(batch=(), dtype=torch.float64), rotation_vectors(batch=(2,)))
def test_the_exponential_map_is_equivariant(rotation: Tensor, rotvec: Tensor) -> None:
    rotvec = rotvec.double()
    turned = geo.rotvec_to_rotmat(geo.rotate(rotvec, rotation))
    assert_near(turned, rotation @ geo.rotvec_to_rotmat(rotvec) @ rotation.T, times=2)


@pytest.mark.parametrize("axis", [0, 1, 2])
@given(angle=angles(low=-math.pi))
def test_a_turn_about_a_coordinate_axis_is_the_exponential_map(axis: int, angle: float) -> None:
    turn = torch.tensor([angle], dtype=torch.float64)
    rotvec = torch.nn.functional.one_hot(torch.tensor([axis]), 3) * turn[:, None]
    assert_near(ABOUT[axis](turn), geo.rotvec_to_rotmat(rotvec))


def test_a_quarter_turn_follows_the_right_hand_rule() -> None:
    quarter = torch.tensor(math.pi / 2, dtype=torch.float64)
    x, y, z = torch.eye(3, dtype=torch.float64)
    for about, before, after in zip(ABOUT, (y, z, x), (z, x, y), strict=True):
        assert_near(geo.rotate(before[None], about(quarter)), after[None])


@given(points(5, batch=(2, 3)), st.data())
def test_rotating_is_the_matrix_product_and_keeps_lengths(skeletons: Tensor, data) -> None:
    rotation = data.draw(rotation_matrices(batch=(2, 1), dtype=skeletons.dtype))
    turned = geo.rotate(skeletons, rotation)
    assert_near(turned, skeletons @ rotation.mT, times=4)
    assert_near(turned.norm(dim=-1), skeletons.norm(dim=-1), times=4)


@given(points(3, batch=(2,), dtype=torch.float64), st.data())
def test_rotating_twice_is_rotating_by_the_product(skeletons: Tensor, data) -> None:
    first = data.draw(rotation_matrices(batch=(2,), dtype=torch.float64))
    second = data.draw(rotation_matrices(batch=(2,), dtype=torch.float64))
    twice = geo.rotate(geo.rotate(skeletons, first), second)
    assert_near(twice, geo.rotate(skeletons, second @ first), times=4)


@given(rotation_vectors(batch=(2,)))
def test_the_distance_from_the_identity_is_the_angle(rotvec: Tensor) -> None:
    identity = torch.eye(3, dtype=rotvec.dtype)
    distance = geo.geodesic_distance(identity, geo.rotvec_to_rotmat(rotvec))
    assert_near(distance, rotvec.norm(dim=-1), times=4)


@given(st.data())
def test_the_geodesic_distance_is_a_metric_that_turning_both_leaves_alone(data) -> None:
    a, b, c = (data.draw(rotation_matrices(batch=(2,), dtype=torch.float64)) for _ in range(3))
    distance = geo.geodesic_distance(a, b)
    assert_near(geo.geodesic_distance(a, a), torch.zeros(2, dtype=torch.float64), times=4)
    assert_near(geo.geodesic_distance(b, a), distance, times=4)
    assert_near(geo.geodesic_distance(c @ a, c @ b), distance, times=4)
    assert_near(geo.geodesic_distance(a @ c, b @ c), distance, times=4)
    detour = geo.geodesic_distance(a, c) + geo.geodesic_distance(c, b)
    assert (distance <= detour + 1e-14).all()
    assert (distance <= math.pi + 1e-14).all()


@given(st.integers(0, 2**32 - 1))
def test_random_rotations_are_rotations_that_their_seed_repeats(seed: int) -> None:
    first = geo.random_rotmat(4, generator=torch.Generator().manual_seed(seed))
    again = geo.random_rotmat(4, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(first, again)
    assert_rotations(first)


def test_random_rotations_follow_the_haar_measure() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = geo.random_rotmat(20000, generator=generator, dtype=torch.float64)
    identity = torch.eye(3, dtype=torch.float64)
    angle = geo.geodesic_distance(identity, drawn).sort().values
    cumulative = (angle - angle.sin()) / math.pi
    uniform = torch.linspace(0, 1, len(angle), dtype=torch.float64)
    assert (cumulative - uniform).abs().max() < 0.015
    assert drawn.mean(0).abs().max() < 0.02
    assert geo.random_rotmat().shape == (3, 3)
    assert geo.random_rotmat(2, device="meta").device.type == "meta"


@settings(max_examples=10)
@given(rotation_vectors(batch=(2,), dtype=torch.float64, max_angle=math.pi - 1e-4))
def test_the_derivatives_of_exponential_map_and_logarithm_are_right(rotvec: Tensor) -> None:
    rotvec.requires_grad_()
    assert gradcheck(geo.rotvec_to_rotmat, rotvec)
    generic = (
        geo.random_rotmat(2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        @ geo.rotvec_to_rotmat(rotvec).detach()
    )
    rotmat = geo.rotvec_to_rotmat(geo.rotmat_to_rotvec(generic)).detach().requires_grad_()
    assert gradcheck(geo.rotmat_to_unitquat, rotmat)


@given(rotation_vectors(batch=(2,), dtype=torch.float64, max_angle=math.pi - 1e-4))
def test_the_logarithm_of_the_exponential_map_has_the_derivative_of_the_identity(
    rotvec: Tensor,
) -> None:
    def there_and_back(vector: Tensor) -> Tensor:
        return geo.rotmat_to_rotvec(geo.rotvec_to_rotmat(vector))

    jacobian = torch.func.vmap(torch.func.jacrev(there_and_back))(rotvec)
    torch.testing.assert_close(
        jacobian, torch.eye(3, dtype=torch.float64).expand(2, 3, 3), rtol=0, atol=1e-7
    )


def test_the_exponential_map_has_second_derivatives_at_zero() -> None:
    rotvec = torch.tensor([[0.0, 0.0, 0.0], [1e-7, 0.0, 0.0]], dtype=torch.float64)
    assert gradgradcheck(geo.rotvec_to_rotmat, rotvec.requires_grad_())


@given(rotation_vectors(batch=(3,)))
def test_no_gradient_is_infinite_at_any_angle(rotvec: Tensor) -> None:
    rotvec.requires_grad_()
    rotmat = geo.rotvec_to_rotmat(rotvec)
    identity = torch.eye(3, dtype=rotvec.dtype)
    weights = torch.arange(1.0, 4.0, dtype=rotvec.dtype)
    total = (geo.rotmat_to_rotvec(rotmat) * weights).sum()
    total = total + geo.geodesic_distance(identity, rotmat).sum()
    total = total + geo.geodesic_distance(rotmat, rotmat).sum()
    (gradient,) = torch.autograd.grad(total, rotvec)
    assert gradient.isfinite().all()


def test_equal_rotations_have_distance_zero_and_gradient_zero() -> None:
    rotation = torch.eye(3, requires_grad=True)
    distance = geo.geodesic_distance(rotation, torch.eye(3))
    (gradient,) = torch.autograd.grad(distance, rotation)
    assert distance == 0
    assert not gradient.any()


@pytest.mark.parametrize(
    ("function", "axes"),
    [
        (geo.rotvec_to_rotmat, (3,)),
        (geo.rotmat_to_rotvec, (3, 3)),
        (geo.unitquat_to_rotmat, (4,)),
        (geo.rotmat_to_unitquat, (3, 3)),
        *((about, ()) for about in ABOUT),
    ],
)
@pytest.mark.parametrize("batch", [(), (0,), (2, 1, 3)])
def test_the_maps_take_any_leading_axes_and_stay_on_the_device(function, axes, batch) -> None:
    for device in ("cpu", "meta"):
        result = function(torch.ones((*batch, *axes), device=device))
        assert result.device.type == device
        assert result.shape[: len(batch)] == batch
