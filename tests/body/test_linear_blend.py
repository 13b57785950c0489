import copy
import io
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import BodyModel, LinearBlendBody, load_body_model
from posenet3d.errors import ShapeError
from posenet3d.testing.bodies import bodies, shapes_and_poses
from posenet3d.testing.strategies import rotation_matrices


@given(bodies())
def test_at_rest_the_mean_shape_is_the_template(data):
    body = LinearBlendBody(data, torch.float64)
    rest = torch.eye(3, dtype=torch.float64).expand(body.num_joints, 3, 3)
    betas = torch.zeros(body.num_betas, dtype=torch.float64)
    template = torch.tensor(data.v_template, dtype=torch.float64)
    torch.testing.assert_close(body.vertices(betas, rest), template, rtol=0, atol=1e-13)
    joints = torch.tensor(data.joint_regressor) @ template
    torch.testing.assert_close(body.joints(betas, rest), joints, rtol=0, atol=1e-13)


@given(st.data())
def test_turning_the_root_turns_the_body_about_the_root(draw):
    data = draw.draw(bodies())
    betas, rotations = draw.draw(shapes_and_poses(data))
    turn = draw.draw(rotation_matrices(batch=(), dtype=torch.float64))
    body = LinearBlendBody(data, torch.float64)
    turned = torch.cat([turn @ rotations[:1], rotations[1:]])
    root = body.joints(betas, rotations)[0]
    for part in (body.vertices, body.joints):
        expected = (part(betas, rotations) - root) @ turn.T + root
        torch.testing.assert_close(part(betas, turned), expected, rtol=0, atol=1e-12)


@settings(max_examples=15)
@given(st.data())
def test_betas_of_a_window_serve_all_its_frames(draw):
    data = draw.draw(bodies())
    betas, _ = draw.draw(shapes_and_poses(data, batch=(2, 1)))
    _, rotations = draw.draw(shapes_and_poses(data, batch=(2, 3)))
    body = LinearBlendBody(data, torch.float64)
    vertices, joints = body.vertices(betas, rotations), body.joints(betas, rotations)
    regressed = body.regress(betas, rotations, body.joint_regressor)
    for clip in range(2):
        for frame in range(3):
            one = (betas[clip, 0], rotations[clip, frame])
            for many, part in ((vertices, body.vertices(*one)), (joints, body.joints(*one))):
                torch.testing.assert_close(many[clip, frame], part, rtol=0, atol=1e-12)
            part = body.regress(*one, body.joint_regressor)
            torch.testing.assert_close(regressed[clip, frame], part, rtol=0, atol=1e-12)


def test_one_pose_takes_a_population_of_shapes():
    body = load_body_model("mannequin")
    rest = torch.eye(3).expand(24, 3, 3)
    assert body.joints(torch.randn(5, 10), rest).shape == (5, 24, 3)
    assert body.regress(torch.randn(5, 10), rest, body.joint_regressor).shape == (5, 24, 3)


@settings(max_examples=10)
@given(st.data())
def test_vertices_have_the_gradient_of_their_differences(draw):
    data = draw.draw(bodies(vertices=3, joints=3, betas=2))
    betas, rotations = draw.draw(shapes_and_poses(data))
    body = LinearBlendBody(data, torch.float64)
    inputs = (betas.requires_grad_(), rotations.requires_grad_())
    assert torch.autograd.gradcheck(body.vertices, inputs)


def test_the_body_is_not_part_of_a_networks_weights():
    body = load_body_model("mannequin")
    assert not body.state_dict()
    assert not list(body.parameters())


def test_the_body_follows_to_and_copies_and_pickles():
    body = load_body_model("mannequin")
    betas, rotations = torch.zeros(10), torch.eye(3).expand(24, 3, 3)
    body.regress(betas, rotations, body.joint_regressor)
    assert (
        copy.deepcopy(body).double().vertices(betas.double(), rotations.double()).dtype
        == torch.float64
    )
    saved = io.BytesIO()
    torch.save(body, saved)
    saved.seek(0)
    loaded = torch.load(saved, weights_only=False)
    assert torch.equal(loaded.joints(betas, rotations), body.joints(betas, rotations))


def test_the_body_tells_its_family_and_sizes():
    body = load_body_model("mannequin")
    assert "family='makehuman-cc0', vertices=6890, joints=24, betas=10" in repr(body)
    assert isinstance(body, BodyModel)
    assert re.fullmatch("[0-9a-f]{64}", body.sha256)
    assert body.license.startswith("CC0")


@pytest.mark.parametrize(
    ("betas", "rotations", "message"),
    [
        ((9,), (24, 3, 3), r"betas: expected \(..., 10\), got \(9,\)"),
        ((), (24, 3, 3), r"betas: expected \(..., 10\), got \(\)"),
        ((10,), (23, 3, 3), r"rotations: expected \(..., 24, 3, 3\), got \(23, 3, 3\)"),
        ((10,), (3, 3), r"rotations: expected \(..., 24, 3, 3\), got \(3, 3\)"),
        ((4, 10), (4, 9, 24, 3, 3), r"axes that broadcast to \(4, 9\), got \(4,\); add an axis"),
    ],
)
def test_wrong_shapes_are_named(betas, rotations, message):
    body = load_body_model("mannequin")
    for part in (body.vertices, body.joints):
        with pytest.raises(ShapeError, match=message):
            unchecked(part)(torch.zeros(betas), torch.zeros(rotations))


def test_a_regressor_for_another_mesh_is_refused():
    body = load_body_model("mannequin")
    rest = torch.eye(3).expand(24, 3, 3)
    with pytest.raises(ShapeError, match=r"weights: expected \(N, 6890\), got \(14, 100\)"):
        body.regress(torch.zeros(10), rest, torch.zeros(14, 100))


def unchecked(method):
    """The method itself, where the test session checks annotated shapes before it runs."""
    function = method.__func__
    return lambda *arguments: getattr(function, "__wrapped__", function)(
        method.__self__, *arguments
    )
