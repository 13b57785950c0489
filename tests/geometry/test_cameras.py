"""Projection and lifting undo each other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor
from torch.autograd import gradcheck

from posenet3d import geometry as geo
from posenet3d.errors import ShapeError
from posenet3d.testing.strategies import batch_shapes, depths, dtypes, points, tensors


@st.composite
def images_and_depths(draw, joints: int = 3) -> tuple[Tensor, Tensor]:
    batch, dtype = draw(batch_shapes()), draw(dtypes())
    image = draw(points(joints, axes=2, spread=0.5, batch=batch, dtype=dtype))
    return image, draw(depths(joints, batch=batch, dtype=dtype))


@given(images_and_depths())
def test_projection_undoes_lifting(image_and_depth) -> None:
    image, depth = image_and_depth
    lifted = geo.lift(image, depth)
    assert lifted.shape == (*depth.shape, 3)
    assert torch.equal(lifted[..., 2], depth)
    torch.testing.assert_close(geo.project(lifted), image, rtol=1e-6, atol=1e-30)


@given(images_and_depths())
def test_lifting_undoes_projection(image_and_depth) -> None:
    lifted = geo.lift(*image_and_depth)
    again = geo.lift(geo.project(lifted), lifted[..., 2])
    torch.testing.assert_close(again, lifted, rtol=1e-6, atol=1e-30)


@given(images_and_depths(), st.floats(0.1, 10))
def test_the_image_does_not_tell_the_scale(image_and_depth, factor: float) -> None:
    lifted = geo.lift(*image_and_depth)
    torch.testing.assert_close(
        geo.project(factor * lifted), geo.project(lifted), rtol=1e-5, atol=1e-30
    )


@given(tensors(4, low=-40, high=40), st.floats(2, 20))
def test_depth_is_distance_and_offset_and_never_below_one(offset: Tensor, distance) -> None:
    depth = geo.depth_from_offset(offset, distance)
    assert depth.dtype == offset.dtype
    assert torch.equal(depth, torch.maximum(offset + distance, torch.ones_like(offset)))


def test_no_offset_puts_every_joint_at_the_paper_s_distance() -> None:
    assert torch.equal(geo.depth_from_offset(torch.zeros(2, 14)), torch.full((2, 14), 10.0))


def test_a_half_precision_offset_keeps_its_digits() -> None:
    """In bfloat16, 10 + 0.01 is 10."""
    offset = torch.tensor([0.01], dtype=torch.bfloat16)
    assert geo.depth_from_offset(offset).item() == pytest.approx(10 + offset.item(), abs=1e-6)


@settings(max_examples=10)
@given(st.data())
def test_the_derivatives_of_projection_and_lifting_are_right(data) -> None:
    image = data.draw(points(2, axes=2, batch=(2,), dtype=torch.float64)).requires_grad_()
    depth = data.draw(depths(2, batch=(2,), dtype=torch.float64)).requires_grad_()
    assert gradcheck(geo.lift, (image, depth))
    assert gradcheck(geo.project, geo.lift(image, depth).detach().requires_grad_())


@given(tensors(3, low=-8.5, high=8.5, batch=(), dtype=torch.float64))
def test_the_derivative_of_the_depth_is_right(offset: Tensor) -> None:
    assert gradcheck(geo.depth_from_offset, offset.requires_grad_())


@given(points(4, spread=3.0))
def test_with_a_least_depth_no_image_and_no_gradient_is_infinite(skeleton: Tensor) -> None:
    image = geo.project(skeleton.requires_grad_(), minimum_depth=1.0)
    (gradient,) = torch.autograd.grad(image.sum(), skeleton)
    assert image.isfinite().all()
    assert (image.abs() <= 3).all()
    assert gradient.isfinite().all()


def test_a_point_behind_the_camera_appears_mirrored_without_a_least_depth() -> None:
    behind = torch.tensor([[1.0, 2.0, -2.0]])
    assert geo.project(behind).tolist() == [[-0.5, -1.0]]
    assert geo.project(behind, minimum_depth=1.0).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: geo.project(torch.zeros(4, 2)), "points"),
        (lambda: geo.project(torch.zeros(3)), "points"),
        (lambda: geo.lift(torch.zeros(4, 3), torch.ones(4)), "points2d"),
        (lambda: geo.lift(torch.zeros(4, 2), torch.ones(4, 1)), "depth"),
        (lambda: geo.lift(torch.zeros(4, 2), torch.ones(5)), "depth"),
        (lambda: geo.depth_from_offset(torch.zeros(3, dtype=torch.long)), "offset"),
    ],
)
def test_wrong_shapes_are_refused_by_name(call, name) -> None:
    with pytest.raises((ShapeError, TypeCheckError), match=name):
        call()


def test_the_camera_s_functions_stay_on_the_device() -> None:
    image, depth = torch.zeros(2, 5, 2, device="meta"), torch.ones(2, 5, device="meta")
    assert geo.project(geo.lift(image, geo.depth_from_offset(depth))).device.type == "meta"
