"""Teacher, student and discriminator: first answers, laws and sizes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from posenet3d.errors import ShapeError
from posenet3d.geometry import project
from posenet3d.networks import Lifter, Student, TeacherHead, TemporalDiscriminator
from posenet3d.nn import TemporalBackbone, fill_windows, hide

FRAMES = st.sampled_from([1, 3, 9])
seeds = st.integers(0, 2**31)
few = settings(max_examples=25)


def count(module):
    return sum(each.numel() for each in module.parameters())


def normalised(*shape, seed=0):
    """2D skeletons of the size of normalised input, 0.1 head to root."""
    return 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@few
@given(frames=FRAMES, seed=seeds, spread=st.floats(0.1, 3.0))
@torch.no_grad()
def test_a_lifted_skeleton_projects_onto_the_input_wherever_the_lifter_puts_it(
    frames, seed, spread
):
    torch.manual_seed(seed)
    lifter = Lifter(TemporalBackbone(frames=frames, channels=8)).eval()
    lifter.head.offsets.weight.normal_(std=spread)
    windows = normalised(4, frames, 14, 2, seed=seed)
    lifted = lifter(windows)
    torch.testing.assert_close(project(lifted), windows, atol=1e-6, rtol=1e-5)
    assert (lifted[..., 2] >= 1).all()


@few
@given(seed=seeds)
@torch.no_grad()
def test_a_joint_that_would_come_nearer_than_one_stops_there_and_still_projects_right(seed):
    head = TeacherHead(8).eval()
    head.offsets.bias.fill_(-20.0)
    windows = normalised(2, 9, 14, 2, seed=seed)
    lifted = head(torch.zeros(2, 8), windows)
    assert (lifted[..., 2] == 1).all()
    torch.testing.assert_close(project(lifted), windows)


@given(frames=FRAMES, distance=st.floats(2.0, 20.0), seed=seeds)
@settings(max_examples=15)
@torch.no_grad()
def test_the_teacher_s_first_answer_is_nearly_flat_at_the_camera_s_distance(frames, distance, seed):
    torch.manual_seed(seed)
    lifter = Lifter(TemporalBackbone(frames=frames, channels=64), distance=distance)
    depth = lifter(normalised(8, frames, 14, 2, seed=seed))[..., 2]  # train mode
    assert (depth - distance).abs().max() < 0.3
    assert depth.std() > 0


@torch.no_grad()
def test_negating_the_mirrored_parameters_negates_every_offset():
    torch.manual_seed(0)
    lifter = Lifter(TemporalBackbone(channels=16)).eval()
    lifter.head.offsets.weight.normal_()
    windows = normalised(4, 9, 14, 2)
    before = lifter(windows)[..., 2] - 10
    for parameter in lifter.head.mirrored_parameters():
        parameter.neg_()
    torch.testing.assert_close(lifter(windows)[..., 2] - 10, -before, atol=1e-5, rtol=1e-5)


def test_a_lifter_takes_a_head_of_one_s_own_and_tells_its_window():
    lifter = Lifter(TemporalBackbone(frames=27, channels=4), TeacherHead(4, frames=27))
    assert lifter.receptive_field == 27
    assert lifter(torch.zeros(2, 27, 14, 2)).shape == (2, 27, 14, 3)
    own = Lifter(TemporalBackbone(frames=9, channels=4), TeacherHead(4, distance=5.0))
    assert own.head.distance == 5.0


def test_a_lifter_refuses_windows_of_other_frames():
    with pytest.raises(ShapeError, match="9 frames"):
        Lifter(TemporalBackbone(channels=4))(torch.zeros(2, 3, 14, 2))


@pytest.mark.parametrize("method", ["gram_schmidt", "svd"])
@few
@given(seed=seeds, spread=st.floats(0.0, 3.0))
@torch.no_grad()
def test_the_student_s_matrices_are_rotations_whatever_it_has_learnt(method, seed, spread):
    torch.manual_seed(seed)
    student = Student(8, frames=3, method=method).double().eval()
    student.parameters_layer.weight.normal_(std=spread)
    rotations = student(torch.randn(4, 8, dtype=torch.float64)).rotations
    identity = torch.eye(3, dtype=torch.float64).expand_as(rotations)
    torch.testing.assert_close(rotations @ rotations.mT, identity, atol=1e-9, rtol=0)
    torch.testing.assert_close(torch.det(rotations), identity[..., 0, 0], atol=1e-9, rtol=0)


@pytest.mark.parametrize("method", ["gram_schmidt", "svd"])
@given(frames=FRAMES, seed=seeds)
@settings(max_examples=10)
@torch.no_grad()
def test_the_student_s_first_answer_is_nearly_the_rest_pose(method, frames, seed):
    torch.manual_seed(seed)
    student = Student(64, frames=frames, method=method)
    parameters = student(torch.randn(8, 64))  # train mode
    assert parameters.betas.shape == (8, 10)
    assert parameters.rotations.shape == (8, frames, 24, 3, 3)
    assert parameters.betas.abs().max() < 0.3
    assert (parameters.rotations - torch.eye(3)).abs().max() < 0.3
    assert parameters.rotations.std(0).max() > 0


def test_the_student_has_one_shape_a_window_and_as_many_blocks_and_bones_as_asked():
    student = Student(8, frames=27, bones=5, betas=3, blocks=2).eval()
    betas, rotations = student(torch.zeros(2, 8))
    assert (betas.shape, rotations.shape) == ((2, 3), (2, 27, 5, 3, 3))
    assert len(student.blocks) == 2
    assert Student(8, blocks=0).eval()(torch.zeros(2, 8)).betas.shape == (2, 10)


@pytest.mark.parametrize("method", ["gram_schmidt", "svd"])
def test_every_parameter_of_the_branches_gets_a_finite_gradient(method):
    torch.manual_seed(0)
    features = torch.randn(16, 8)
    student = Student(8, frames=3, dropout=0.0, method=method)
    betas, rotations = student(features)
    (betas.square().sum() + (rotations * torch.randn_like(rotations)).sum()).backward()
    teacher = TeacherHead(8, frames=3, dropout=0.0)
    teacher(features, normalised(16, 3, 14, 2)).square().sum().backward()
    for parameter in [*student.parameters(), *teacher.parameters()]:
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.abs().sum() > 0


def test_the_discriminator_has_no_batchnorm_no_dropout_and_leaky_activations():
    kinds = {type(module) for module in TemporalDiscriminator(channels=4).modules()}
    assert not kinds & {nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.ReLU}
    assert nn.LeakyReLU in kinds
    dropouts = [m for m in TemporalDiscriminator(channels=4).modules() if isinstance(m, nn.Dropout)]
    assert all(dropout.p == 0 for dropout in dropouts)


@given(frames=FRAMES, seed=seeds)
@settings(max_examples=15)
@torch.no_grad()
def test_a_logit_depends_on_its_own_window_only_even_in_train_mode(frames, seed):
    torch.manual_seed(seed)
    discriminator = TemporalDiscriminator(frames=frames, channels=8)
    windows = normalised(3, frames, 14, 2, seed=seed)
    logits = discriminator(windows)
    assert logits.shape == (3,)
    torch.testing.assert_close(logits[1:2], discriminator(windows[1:2]))


@given(gain=st.floats(0.1, 20.0))
@settings(max_examples=10)
@torch.no_grad()
def test_the_input_gain_is_a_factor_on_the_input(gain):
    torch.manual_seed(0)
    plain = TemporalDiscriminator(channels=8)
    loud = TemporalDiscriminator(channels=8, input_gain=gain)
    loud.load_state_dict(plain.state_dict())
    windows = normalised(3, 9, 14, 2)
    torch.testing.assert_close(loud(windows), plain(gain * windows))


def test_the_gradient_of_a_logit_can_itself_be_differentiated():
    """A gradient penalty needs it."""
    torch.manual_seed(0)
    discriminator = TemporalDiscriminator(channels=8)
    windows = normalised(3, 9, 14, 2).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(windows).sum(), windows, create_graph=True)
    slope.square().sum().backward()
    assert discriminator.logit.weight.grad.abs().sum() > 0


CHANNELS, BATCH_NORM = 1024, 2 * 1024
FC_BLOCK = CHANNELS * CHANNELS + CHANNELS + BATCH_NORM  # layer with bias, then BatchNorm
RESIDUAL_BLOCK = 2 * FC_BLOCK
"""The paper's sizes; a BatchNorm has a weight and a bias a channel."""


def test_the_paper_s_teacher_branch_has_the_parameters_counted_by_hand():
    offsets = 9 * 14  # N T depths
    expected = RESIDUAL_BLOCK + CHANNELS * offsets + offsets
    with torch.device("meta"):
        assert count(TeacherHead(CHANNELS)) == expected == 2_232_446


def test_the_paper_s_student_branch_has_the_parameters_counted_by_hand():
    numbers = 10 + 216 * 9  # betas, and 24 matrices of 9 a frame
    expected = 4 * RESIDUAL_BLOCK + CHANNELS * numbers + numbers
    with torch.device("meta"):
        assert count(Student(CHANNELS)) == expected == 10_416_034


def test_the_paper_s_discriminator_has_the_parameters_counted_by_hand():
    entry = 3 * 28 * CHANNELS + CHANNELS  # k = 3 over 14 points of 2 coordinates
    wide = 3 * CHANNELS * CHANNELS + CHANNELS  # k = 3, d = 3
    narrow = CHANNELS * CHANNELS + CHANNELS  # k = 1
    logit = CHANNELS + 1
    with torch.device("meta"):
        assert count(TemporalDiscriminator()) == entry + wide + narrow + logit == 4_284_417


def test_an_untrained_discriminator_s_logits_are_moderate():
    torch.manual_seed(0)
    logits = TemporalDiscriminator(channels=256)(normalised(64, 9, 14, 2))
    assert logits.abs().max() < math.log(9)  # at most 90 % sure


@pytest.mark.parametrize("missing_joints", [False, True])
def test_a_head_that_moves_joints_moves_those_that_are_seen_by_its_own_layer(missing_joints):
    torch.manual_seed(0)
    head = TeacherHead(8, missing_joints=missing_joints, moves_joints=True).eval()
    features, windows = torch.randn(3, 8), torch.randn(3, 9, 14, 2) / 10
    torch.nn.init.zeros_(head.places.weight)
    torch.nn.init.constant_(head.places.bias, 0.25)
    skeletons = head(features, windows)
    torch.testing.assert_close(skeletons[..., :2] / skeletons[..., 2:], windows + 0.25)
    hidden = hide(windows, torch.rand(3, 9, 14) < 0.3)
    answer = head(features, hidden)
    if missing_joints:
        torch.testing.assert_close(answer[..., :2] / answer[..., 2:], fill_windows(hidden) + 0.25)
    else:
        assert torch.equal(answer[..., 0].isnan(), hidden[..., 0].isnan())
