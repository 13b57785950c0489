"""Eq. 2, 3 and 4 against loops written straight from the paper, and the laws they obey."""

import math

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from posenet3d.errors import ShapeError
from posenet3d.losses import bone_length_variance, self_supervision, temporal_consistency

FEW = settings(max_examples=25, deadline=None)
COORDINATES = st.floats(-3, 3, width=32)
CHAIN = ((0, 1), (1, 2), (1, 3))


@st.composite
def windows(draw, batch=None, frames=None, joints=4):
    """Joints (batch, frames, joints, 3) in float64, every number drawn."""
    shape = (
        draw(st.integers(1, 3)) if batch is None else batch,
        draw(st.integers(1, 4)) if frames is None else frames,
        joints,
        3,
    )
    count = math.prod(shape)
    values = draw(st.lists(COORDINATES, min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


@st.composite
def window_pairs(draw):
    first = draw(windows())
    return first, draw(windows(batch=first.shape[0], frames=first.shape[1]))


def equation_2(rotated, relifted):
    batch, frames, joints, _ = rotated.shape
    total = 0.0
    for sample in range(batch):
        for i in range(joints):
            for j in range(frames):
                apart = rotated[sample, j, i] - relifted[sample, j, i]
                total += sum(float(d) ** 2 for d in apart)
    return total / batch


def equation_3(now, later):
    batch, frames, joints, _ = now.shape
    total = 0.0
    for sample in range(batch):
        for i in range(joints):
            for j in range(frames - 1):
                apart = now[sample, j + 1, i] - later[sample, j, i]
                total += sum(float(d) ** 2 for d in apart)
    return total / batch


def equation_4(points, bones):
    batch, frames, joints, _ = points.shape
    neighbours = {m: [] for m in range(joints)}
    for m, n in bones:
        neighbours[m].append(n)
        neighbours[n].append(m)
    total = 0.0
    for sample in range(batch):
        for m in range(joints):
            for n in neighbours[m]:
                lengths = [
                    math.dist(points[sample, j, m].tolist(), points[sample, j, n].tolist())
                    for j in range(frames)
                ]
                mean = sum(lengths) / frames
                total += sum((length - mean) ** 2 for length in lengths) / frames
    return total / batch


def close(value, expected):
    return value.item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


@FEW
@given(window_pairs())
def test_self_supervision_is_equation_2(pair):
    assert close(self_supervision(*pair), equation_2(*pair))


@FEW
@given(window_pairs())
def test_temporal_consistency_is_equation_3_with_the_sum_over_joints(pair):
    assert close(temporal_consistency(*pair), equation_3(*pair))


@FEW
@given(windows())
def test_bone_length_variance_is_equation_4_with_each_bone_from_both_ends(points):
    assert close(bone_length_variance(points, CHAIN), equation_4(points, CHAIN))


def test_bones_may_be_pairs_or_a_tensor():
    points = torch.linspace(-9, 9, 2 * 9 * 4 * 3, dtype=torch.float64).sin().reshape(2, 9, 4, 3)
    value = bone_length_variance(points, CHAIN)
    assert value > 0
    assert bone_length_variance(points, torch.tensor(CHAIN)) == value


@FEW
@given(window_pairs(), st.floats(0, 5))
def test_squared_distances_are_symmetric_non_negative_and_scale_quadratically(pair, scale):
    first, second = pair
    for loss in (self_supervision, temporal_consistency):
        value = loss(first, second)
        assert value >= 0
        assert close(loss(first * scale, second * scale), value.item() * scale**2)
    assert self_supervision(second, first) == self_supervision(first, second)


@FEW
@given(windows(), st.floats(0, 5))
def test_bone_length_variance_is_non_negative_and_scales_quadratically(points, scale):
    value = bone_length_variance(points, CHAIN)
    assert value >= 0
    assert close(bone_length_variance(points * scale, CHAIN), value.item() * scale**2)


@FEW
@given(window_pairs())
def test_self_supervision_is_zero_only_for_equal_skeletons(pair):
    first, second = pair
    assert self_supervision(first, first) == 0
    assert (self_supervision(first, second) == 0) == torch.equal(first, second)


@FEW
@given(windows(frames=5))
def test_windows_cut_from_one_sequence_are_temporally_consistent(sequence):
    assert temporal_consistency(sequence[:, :4], sequence[:, 1:]) == 0


@FEW
@given(windows(frames=1), windows(frames=3, batch=2))
def test_rigid_motion_keeps_the_bone_length_loss_at_zero(single, moving):
    held = moving[:, :1].expand_as(moving)
    shift = moving.mean(dim=2, keepdim=True)
    assert bone_length_variance(single, CHAIN) == 0
    assert bone_length_variance(held + shift, CHAIN) < 1e-25


@FEW
@given(window_pairs(), st.randoms(use_true_random=False))
def test_order_of_samples_and_joints_does_not_matter(pair, random):
    first, second = pair
    samples = random.sample(range(first.shape[0]), first.shape[0])
    joints = random.sample(range(4), 4)
    for loss in (self_supervision, temporal_consistency):
        shuffled = loss(first[samples][:, :, joints], second[samples][:, :, joints])
        assert close(shuffled, loss(first, second).item())
    renamed = [(joints.index(m), joints.index(n)) for m, n in CHAIN]
    turned = [(n, m) for m, n in renamed]
    expected = bone_length_variance(first, CHAIN).item()
    assert close(bone_length_variance(first[samples][:, :, joints], turned), expected)


@FEW
@given(window_pairs())
def test_a_mirror_of_the_body_changes_nothing(pair):
    mirror = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
    first, second = pair
    for loss in (self_supervision, temporal_consistency):
        assert loss(first * mirror, second * mirror) == loss(first, second)
    assert bone_length_variance(first * mirror, CHAIN) == bone_length_variance(first, CHAIN)


@FEW
@given(window_pairs())
def test_a_batch_weighs_each_of_its_samples_alike(pair):
    first, second = pair
    for loss in (
        self_supervision,
        temporal_consistency,
        lambda a, _: bone_length_variance(a, CHAIN),
    ):
        alone = [loss(a[None], b[None]).item() for a, b in zip(first, second, strict=True)]
        assert close(loss(first, second), sum(alone) / len(alone))
        assert close(
            loss(first.repeat(3, 1, 1, 1), second.repeat(3, 1, 1, 1)), sum(alone) / len(alone)
        )


def test_losses_have_correct_gradients():
    values = torch.linspace(-2, 2, 2 * 2 * 3 * 4 * 3, dtype=torch.float64).mul(7).sin()
    first, second = values.reshape(2, 2, 3, 4, 3).unbind(0)
    first.requires_grad_()
    second.requires_grad_()
    assert gradcheck(self_supervision, (first, second))
    assert gradcheck(temporal_consistency, (first, second))
    assert gradcheck(lambda points: bone_length_variance(points, CHAIN), (first,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("length", [0.0, 1e-45, 1e-30, 1e-12])
def test_bones_of_no_length_have_a_finite_gradient(dtype, length):
    points = torch.zeros(1, 3, 4, 3, dtype=dtype)
    points[0, 1, 0] = 1.0
    points[0, 2, 2, 0] = length
    points.requires_grad_()
    bone_length_variance(points, CHAIN).backward()
    assert torch.isfinite(points.grad).all()


def test_one_frame_or_no_bones_give_zero_with_a_gradient():
    points = torch.ones(2, 1, 4, 3, requires_grad=True)
    loss = temporal_consistency(points, points + 1) + bone_length_variance(points, CHAIN)
    loss = loss + bone_length_variance(points, ())
    loss.backward()
    assert loss == 0
    assert torch.equal(points.grad, torch.zeros_like(points))


def test_a_bone_without_its_joint_is_refused():
    with pytest.raises(IndexError):
        bone_length_variance(torch.zeros(1, 2, 4, 3), [(0, 4)])


@pytest.mark.parametrize("loss", [self_supervision, temporal_consistency])
def test_windows_of_other_shapes_are_refused_not_broadcast(loss, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ShapeError, match="two equal shapes"):
        loss(torch.zeros(2, 3, 4, 3), torch.zeros(2, 3, 1, 3))
