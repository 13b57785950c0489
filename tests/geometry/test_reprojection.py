"""Eq. 1: skeletons turned about their root and seen anew."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor
from torch.autograd import gradcheck

from posenet3d import geometry as geo
from posenet3d.errors import ShapeError
from posenet3d.testing.strategies import (
    batch_shapes,
    points,
    rotation_matrices,
    tensors,
)

HIPS = (2, 3)
FORWARD_TEN = torch.tensor([0.0, 0.0, 10.0], dtype=torch.float64)


@st.composite
def scenes(draw, *, batch=None, dtype=torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Skeletons of five joints before the camera, their roots, and a rotation for each."""
    batch = draw(batch_shapes()) if batch is None else batch
    skeleton = draw(points(5, batch=batch, dtype=dtype))
    skeleton = skeleton + torch.tensor([0.0, 0.0, 10.0], dtype=dtype)
    rotation = draw(rotation_matrices(batch=batch, dtype=dtype))
    return skeleton, geo.root_position(skeleton, HIPS), rotation


def assert_near(got: Tensor, wanted: Tensor, atol: float = 1e-13) -> None:
    torch.testing.assert_close(got, wanted, rtol=0, atol=atol)


@given(scenes(batch=(2,)), st.floats(5, 20))
def test_equation_1_holds_joint_by_joint(scene, distance: float) -> None:
    skeleton, root, rotation = scene
    turned = geo.rotate_about_root(skeleton, root, rotation, distance)
    for sample in range(2):
        for joint in range(5):
            wanted = rotation[sample] @ (skeleton[sample, joint] - root[sample, 0])
            wanted = wanted + torch.tensor([0.0, 0.0, distance], dtype=torch.float64)
            assert_near(turned[sample, joint], wanted)


@given(scenes())
def test_the_root_comes_to_lie_on_the_optical_axis(scene) -> None:
    skeleton, root, rotation = scene
    turned, image = geo.reproject(skeleton, root, rotation)
    middle = geo.root_position(turned, HIPS)
    assert_near(middle, FORWARD_TEN.expand_as(middle))
    assert_near(geo.project(middle), torch.zeros_like(middle[..., :2]))
    assert image.shape == (*skeleton.shape[:-1], 2)


@given(scenes())
def test_the_opposite_turn_undoes_a_turn(scene) -> None:
    skeleton, root, rotation = scene
    turned = geo.rotate_about_root(skeleton, root, rotation)
    back = geo.rotate_about_root(turned, geo.root_position(turned, HIPS), rotation.mT)
    assert_near(back, skeleton - root + FORWARD_TEN)


@given(scenes(batch=(2,)), rotation_matrices(batch=(2,), dtype=torch.float64))
def test_two_turns_are_the_turn_by_their_product(scene, second: Tensor) -> None:
    skeleton, root, first = scene
    once = geo.rotate_about_root(skeleton, root, first)
    twice = geo.rotate_about_root(once, geo.root_position(once, HIPS), second)
    assert_near(twice, geo.rotate_about_root(skeleton, root, second @ first))


@given(scenes(batch=(2,)), tensors(1, 3, batch=(2,), dtype=torch.float64))
def test_where_the_skeleton_stood_does_not_matter(scene, shift: Tensor) -> None:
    skeleton, root, rotation = scene
    moved = geo.rotate_about_root(skeleton + shift, root + shift, rotation)
    assert_near(moved, geo.rotate_about_root(skeleton, root, rotation))


@given(scenes(batch=(2,)))
def test_turning_keeps_every_bone_s_length(scene) -> None:
    skeleton, root, rotation = scene
    turned = geo.rotate_about_root(skeleton, root, rotation)
    assert_near(torch.cdist(turned, turned), torch.cdist(skeleton, skeleton), atol=1e-6)


@given(points(5, batch=(2, 3), dtype=torch.float64), st.data())
def test_one_rotation_serves_all_frames_of_a_window(windows: Tensor, data) -> None:
    rotation = data.draw(rotation_matrices(batch=(2, 1), dtype=torch.float64))
    root = geo.root_position(windows, HIPS)
    shared = geo.rotate_about_root(windows, root, rotation)
    repeated = geo.rotate_about_root(windows, root, rotation.expand(2, 3, 3, 3))
    assert torch.equal(shared, repeated)


@given(scenes())
def test_the_image_is_the_projection_of_the_turned_skeleton(scene) -> None:
    turned, image = geo.reproject(*scene)
    plain_turned, plain = geo.reproject(*scene, minimum_depth=None)
    assert torch.equal(turned, plain_turned)
    assert torch.equal(plain, geo.project(turned))
    assert torch.equal(image, plain), "the bound must not touch points in front of the camera"


@given(scenes(batch=(2,)))
def test_lifting_the_image_at_its_true_depth_gives_the_turned_skeleton(scene) -> None:
    turned, image = geo.reproject(*scene)
    assert_near(geo.lift(image, turned[..., 2]), turned)


@given(points(4, spread=40.0), st.data())
def test_a_skeleton_around_the_camera_has_a_finite_image_and_gradient(skeleton, data) -> None:
    rotation = data.draw(rotation_matrices(batch=(), dtype=skeleton.dtype))
    skeleton.requires_grad_()
    turned, image = geo.reproject(skeleton, geo.root_position(skeleton, HIPS), rotation)
    (gradient,) = torch.autograd.grad(turned.sum() + image.sum(), skeleton)
    assert image.isfinite().all()
    assert gradient.isfinite().all()


@settings(max_examples=10)
@given(scenes(batch=(2,)))
def test_the_derivative_of_reprojection_is_right(scene) -> None:
    assert gradcheck(geo.reproject, tuple(part.detach().requires_grad_() for part in scene))


@pytest.mark.parametrize("axes", [2, 3])
@given(data=st.data())
def test_root_centring_is_idempotent_and_forgets_the_place(axes: int, data) -> None:
    skeleton = data.draw(points(5, axes=axes, batch=(2,), dtype=torch.float64))
    shift = data.draw(tensors(1, axes, batch=(2,), dtype=torch.float64))
    centred = geo.root_centre(skeleton, HIPS)
    middle = geo.root_position(centred, HIPS)
    assert_near(middle, torch.zeros_like(middle))
    assert_near(geo.root_centre(centred, HIPS), centred)
    assert_near(geo.root_centre(skeleton + shift, HIPS), centred)


@pytest.mark.parametrize("joints", [(), (5,), (-1,)])
def test_a_root_of_no_joint_or_of_a_missing_one_is_refused(joints) -> None:
    with pytest.raises(ShapeError, match="indices from 0 to 4"):
        geo.root_centre(torch.zeros(2, 5, 3), joints)


@pytest.mark.parametrize(
    ("skeleton", "root", "rotation", "name"),
    [
        ((5, 2), (1, 3), (3, 3), "points"),
        ((5, 3), (2, 3), (3, 3), "root"),
        ((5, 3), (1, 3), (3, 4), "rotation"),
    ],
)
def test_wrong_shapes_are_refused_by_name(skeleton, root, rotation, name) -> None:
    with pytest.raises((ShapeError, TypeCheckError), match=name):
        geo.reproject(torch.zeros(skeleton), torch.zeros(root), torch.zeros(rotation))


def test_reprojection_stays_on_the_device_and_in_precision_under_autocast() -> None:
    meta = torch.zeros(2, 9, 14, 3, device="meta")
    turned, image = geo.reproject(meta, meta[..., :1, :], torch.eye(3, device="meta"))
    assert (turned.device.type, image.device.type) == ("meta", "meta")
    skeleton = torch.linspace(-1, 1, 15).reshape(5, 3)
    rotation = geo.rotation_about_y(torch.tensor(1.0))
    plain = geo.reproject(skeleton, skeleton[:1], rotation)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = geo.reproject(skeleton, skeleton[:1], rotation)
    assert torch.equal(mixed[1], plain[1])
