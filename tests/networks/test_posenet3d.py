"""The assembly: what it answers, in which frame, and how its parts are replaced."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from posenet3d.body import BodyModelData, LinearBlendBody, load_body_model
from posenet3d.errors import (
    ConfigurationError,
    PoseNet3DError,
    ShapeError,
    UnknownNameError,
    UnknownPluginError,
)
from posenet3d.networks import (
    PARTS,
    NetworkConfig,
    PoseNet3D,
    TeacherHead,
    TemporalDiscriminator,
    evaluating,
    limb_length,
)
from posenet3d.nn import TemporalBackbone
from posenet3d.plugins import PluginSpec
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import centre_on_hips, forward_direction, middle_of_hips
from posenet3d.views import GravityViews

SMALL = {"name": "temporal", "options": {"channels": 16}}


def small_config(**parts):
    return NetworkConfig(**{"backbone": SMALL, "discriminator": SMALL, **parts})


@pytest.fixture(scope="module")
def mannequin():
    return load_body_model("mannequin")


@pytest.fixture
def model(mannequin):
    torch.manual_seed(0)
    return PoseNet3D(small_config(), mannequin)


@pytest.fixture
def whole(model):
    """A network whose scale is known, as from its second stage on."""
    model.metres_per_unit.fill_(0.7)
    return model


def windows_like_input(batch=4, frames=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    windows = 0.1 * torch.randn(batch, frames, 14, 2, generator=generator)
    return windows - middle_of_hips(windows)


def rest_pose_student(model):
    """The network with a student that answers exactly the rest pose."""
    nn.init.zeros_(model.student.parameters_layer.weight)
    return model


def at(name):
    return LSP_14.index(name)


def test_before_the_student_s_first_stage_only_the_teacher_answers(model):
    assert not model.has_student
    lifted = model.lift(windows_like_input())
    assert list(lifted) == ["teacher"]
    assert lifted["teacher"].shape == (4, 9, 14, 3)
    with pytest.raises(PoseNet3DError, match="train it through the stage 'distillation'"):
        model.parameters_of(windows_like_input())


def test_every_head_is_centred_on_the_hips_and_the_mean_is_the_mean(whole):
    lifted = whole.lift(windows_like_input())
    assert sorted(lifted) == ["mean", "student", "teacher"]
    for skeletons in lifted.values():
        assert skeletons.shape == (4, 9, 14, 3)
        assert middle_of_hips(skeletons).abs().max() < 1e-5
        assert not skeletons.requires_grad
    torch.testing.assert_close(lifted["mean"], (lifted["teacher"] + lifted["student"]) / 2)


def test_the_student_s_head_is_in_the_teacher_s_unit(whole):
    windows = windows_like_input()
    with evaluating(whole), torch.no_grad():
        metres = whole.student_skeleton(whole.backbone(windows)).joints
    torch.testing.assert_close(whole.lift(windows)["student"] * 0.7, metres)


def test_the_teacher_s_head_projects_onto_the_input(whole):
    """Before centring; the hips of the input are the origin, yet their depths may differ."""
    windows = windows_like_input()
    with evaluating(whole), torch.no_grad():
        skeletons = whole.teacher_skeleton(windows)
    torch.testing.assert_close(skeletons[..., :2] / skeletons[..., 2:], windows)


def test_lifting_brings_back_the_mode_of_every_part(whole):
    whole.train()
    whole.backbone.eval()
    whole.student.blocks[1].eval()
    modes = {name: module.training for name, module in whole.named_modules()}
    state = copy.deepcopy(whole.state_dict())
    whole.lift(windows_like_input())
    whole.parameters_of(windows_like_input())
    assert {name: module.training for name, module in whole.named_modules()} == modes
    assert all(torch.equal(state[name], value) for name, value in whole.state_dict().items())


def test_modes_come_back_after_an_error_too(whole):
    whole.train()
    with pytest.raises(ShapeError, match="9 frames"):
        whole.lift(torch.zeros(2, 3, 14, 2))
    assert all(module.training for module in whole.modules())


def test_lifting_twice_gives_the_same_bits_even_in_train_mode(whole):
    whole.train()
    once, twice = whole.lift(windows_like_input()), whole.lift(windows_like_input())
    assert all(torch.equal(once[head], twice[head]) for head in once)


def test_windows_of_a_batch_do_not_mix(whole):
    windows = windows_like_input()
    alone = whole.lift(windows[1:2])
    for head, skeletons in whole.lift(windows).items():
        torch.testing.assert_close(skeletons[1:2], alone[head], atol=1e-5, rtol=1e-4)


def test_no_windows_give_no_skeletons(whole):
    assert whole.lift(torch.zeros(0, 9, 14, 2))["mean"].shape == (0, 9, 14, 3)


def test_body_parameters_are_those_of_the_student_s_skeleton(whole):
    windows = windows_like_input()
    parameters = whole.parameters_of(windows)
    assert parameters.betas.shape == (4, 10)
    assert parameters.rotations.shape == (4, 9, 24, 3, 3)
    assert not parameters.betas.requires_grad


@settings(max_examples=15)
@given(scale=st.floats(0.05, 20.0), width=st.floats(0.0, 5.0))
@torch.no_grad()
def test_a_planted_scale_is_recovered(mannequin, scale, width):
    """Skeletons that are the body's own rest pose, in units of ``scale`` metres."""
    model = PoseNet3D(small_config(), mannequin)
    joints = rest_pose_student(model).eval().student_skeleton(torch.zeros(5, 16)).joints
    joints = joints.clone()
    joints[..., at("head_top"), :] += width  # the head is left out of the measure
    model.measure_scale(joints / scale)
    assert float(model.metres_per_unit) == pytest.approx(scale, rel=1e-4)
    assert model.has_student


@pytest.mark.parametrize("number", [0.0, float("nan"), float("inf")])
def test_a_scale_cannot_be_measured_on_skeletons_without_finite_size(model, number):
    with pytest.raises(ShapeError, match="finite length"):
        model.measure_scale(torch.full((2, 9, 14, 3), number))
    assert not model.has_student


def test_limbs_are_eight_bones_and_grow_with_the_skeleton():
    skeleton = torch.zeros(14, 3)
    skeleton[at("right_knee"), 1] = 1.0  # upper and lower leg are 1 long now
    skeleton[at("head_top"), 1] = -9.0
    assert float(limb_length(skeleton)) == 2.0
    assert float(limb_length(3 * skeleton)) == 6.0


@torch.no_grad()
def test_at_rest_the_student_stands_upright_facing_the_camera(model):
    skeleton = rest_pose_student(model).eval().student_skeleton(torch.zeros(1, 16)).joints[0, 0]
    y = skeleton[:, 1]  # down
    ankles = y[[at("right_ankle"), at("left_ankle")]]
    assert y[at("head_top")] < y[at("neck")] < y[at("right_hip")] < ankles.min()
    assert 0.7 < ankles.mean() < 1.1  # metres below the hips
    forward = forward_direction(skeleton)
    assert forward[2] < -0.98
    # facing us, a person's right is on our left
    assert skeleton[at("right_shoulder"), 0] < 0 < skeleton[at("left_shoulder"), 0]
    torch.testing.assert_close(forward, torch.tensor([0.0, 0.0, -1.0]), atol=0.1, rtol=0)


@torch.no_grad()
def test_the_head_top_starts_at_the_head_joint_or_at_the_crown(mannequin):
    def head_height(head_top):
        model = rest_pose_student(PoseNet3D(small_config(head_top=head_top), mannequin)).eval()
        return -float(model.student_skeleton(torch.zeros(1, 16)).joints[0, 0, at("head_top"), 1])

    assert 0.55 < head_height("head") < 0.72
    assert head_height("vertex") > head_height("head") + 0.08


@pytest.mark.parametrize("name", ["convex", "linear", "fixed"])
@torch.no_grad()
def test_at_the_start_every_joint_regressor_gives_the_body_s_own_joints(mannequin, name):
    torch.manual_seed(0)
    model = PoseNet3D(small_config(joint_regressor=name), mannequin).eval()
    features = torch.randn(2, 16)
    skeleton, (betas, rotations) = model.student_skeleton(features)
    body = mannequin.regress(betas[:, None], rotations, mannequin.joint_regressor)
    expected = body[:, :, list(model.rows)] * torch.tensor([1.0, -1.0, -1.0])
    torch.testing.assert_close(skeleton, expected - middle_of_hips(expected), atol=1e-5, rtol=1e-5)


def test_joint_regressors_swap_and_learn_but_for_the_fixed_one(mannequin):
    learns = {}
    for name in ("convex", "linear", "fixed"):
        torch.manual_seed(0)
        model = PoseNet3D(small_config(joint_regressor=name), mannequin)
        loss = model.student_skeleton(torch.randn(2, 16)).joints.square().sum()
        loss.backward()
        assert model.student.parameters_layer.weight.grad.abs().sum() > 0
        learns[name] = [float(p.grad.abs().sum()) for p in model.joint_regressor.parameters()]
    assert len(learns["convex"]) == 1
    assert len(learns["linear"]) == 2
    assert min(learns["convex"] + learns["linear"]) > 0
    assert learns["fixed"] == []


def test_parts_are_reached_by_name_and_an_unknown_one_suggests_the_nearest(model):
    assert all(model.part(name) is getattr(model, name) for name in PARTS)
    with pytest.raises(UnknownNameError, match="did you mean 'teacher'"):
        model.part("teachr")
    with pytest.raises(UnknownNameError):
        model.part("body")


def test_parts_share_no_parameter_and_together_they_are_all(model):
    owned = [id(p) for name in PARTS for p in model.part(name).parameters()]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(p) for p in model.parameters()}


def test_a_part_is_replaced_by_assignment(whole):
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.depth = nn.Parameter(torch.tensor(20.0))

        def forward(self, features, windows):
            depth = self.depth.expand(*windows.shape[:-1], 1)
            return torch.cat([windows * depth, depth], -1)

    whole.teacher = Deep()
    whole.views = GravityViews(12.7)
    windows = windows_like_input()
    expected = torch.cat([20 * windows, torch.zeros(*windows.shape[:-1], 1)], -1)
    torch.testing.assert_close(whole.lift(windows)["teacher"], expected)
    assert "teacher.depth" in whole.state_dict()
    assert whole.part("views").pitch is not None


@pytest.mark.parametrize("frames", [1, 3, 27])
def test_a_network_for_any_window_is_consistent_in_itself(mannequin, frames):
    model = PoseNet3D(small_config(frames=frames), mannequin)
    model.metres_per_unit.fill_(1.0)
    assert model.receptive_field == model.backbone.receptive_field == frames
    windows = windows_like_input(frames=frames)
    assert model.lift(windows)["mean"].shape == (4, frames, 14, 3)
    assert model.discriminator(windows).shape == (4,)


def test_the_default_configuration_is_the_paper_s(mannequin):
    config = NetworkConfig()
    assert (config.frames, config.distance, config.normalization) == (9, 10.0, "sequence")
    assert config.joint_regressor == PluginSpec(name="convex")
    assert config.views == PluginSpec(name="uniform")
    model = PoseNet3D(config, mannequin)
    assert isinstance(model.backbone, TemporalBackbone)
    assert isinstance(model.teacher, TeacherHead)
    assert isinstance(model.discriminator, TemporalDiscriminator)
    assert model.backbone.channels == model.discriminator.backbone.channels == 1024
    assert len(model.student.blocks) == 4


def test_in_double_precision_everything_is_double(mannequin):
    model = PoseNet3D(small_config(), copy.deepcopy(mannequin)).double()
    windows = windows_like_input().double()
    model.measure_scale(model.lift(windows)["teacher"])
    assert {each.dtype for each in model.lift(windows).values()} == {torch.float64}


@pytest.mark.parametrize("frames", [0, 2, 8, 2187])
def test_a_window_that_is_no_power_of_three_is_refused_by_the_configuration(frames):
    with pytest.raises(ValidationError, match="power of three"):
        NetworkConfig(frames=frames)


@pytest.mark.parametrize("distance", [1.0, -10.0, float("nan"), float("inf")])
def test_a_camera_distance_within_the_depth_bound_is_refused(distance):
    with pytest.raises(ValidationError):
        NetworkConfig(distance=distance)


@pytest.mark.parametrize(
    ("part", "options", "fault"),
    [
        ("backbone", {"channels": 0}, "channels"),
        ("backbone", {"chanels": 16}, "did you mean 'channels'"),
        ("teacher", {"dropout": 1.0}, "dropout"),
        ("student", {"blocks": -1}, "blocks"),
        ("student", {"method": "qr"}, "method"),
        ("discriminator", {"input_gain": 0}, "input_gain"),
        ("views", {"elevation_degrees": 91}, "elevation_degrees"),
        ("joint_regressor", {"rows": 14}, "rows"),
        ("body_model", {"sex": "male"}, "sex"),
    ],
)
def test_bad_options_of_a_part_are_a_configuration_error_that_names_them(part, options, fault):
    name = getattr(NetworkConfig(), part).name
    with pytest.raises(ConfigurationError, match=fault):
        PoseNet3D(small_config(**{part: {"name": name, "options": options}}))


@pytest.mark.parametrize(
    "part",
    ["backbone", "teacher", "student", "discriminator", "views", "joint_regressor", "body_model"],
)
def test_an_unknown_plug_in_for_any_part_is_an_error(part):
    with pytest.raises(UnknownPluginError, match="'nobody'"):
        PoseNet3D(small_config(**{part: "nobody"}))


def test_a_body_without_the_joints_that_are_compared_is_an_error():
    stick = BodyModelData(
        v_template=np.zeros((3, 3)),
        shapedirs=np.zeros((3, 3, 1)),
        posedirs=np.zeros((3, 3, 0)),
        joint_regressor=np.array([[1.0, 0.0, 0.0]]),
        weights=np.ones((3, 1)),
        faces=np.array([[0, 1, 2]]),
        parents=(-1,),
        joint_names=("pelvis",),
        family="stick",
    )
    with pytest.raises(UnknownNameError, match="right_ankle"):
        PoseNet3D(small_config(), LinearBlendBody(stick))


def test_under_autocast_the_body_stays_exact(whole):
    whole.eval()
    features = whole.backbone(torch.randn(3, 9, 14, 2, generator=torch.Generator().manual_seed(2)))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        skeleton = whole.student_skeleton(features)
    parameters = skeleton.parameters
    with torch.no_grad():
        betas = parameters.betas.float()[:, None]
        joints = whole.joint_regressor.joints(whole.body, betas, parameters.rotations, whole.rows)
    expected = centre_on_hips(joints * whole.body_to_camera)
    assert skeleton.joints.dtype == torch.float32
    assert torch.equal(skeleton.joints, expected)
