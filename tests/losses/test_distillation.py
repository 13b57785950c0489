"""Eq. 7, 8 and L_beta against loops written straight from the paper, and the laws they obey."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from posenet3d.losses import knowledge_distillation, pose_regularizer, shape_regularizer

FEW = settings(max_examples=25, deadline=None)
NUMBERS = st.floats(-3, 3, width=32)
ANGLES = st.one_of(
    st.sampled_from([0.0, 1e-7, 1e-4, math.pi - 1e-4, math.pi - 1e-7, math.pi]),
    st.floats(-math.pi, math.pi),
)


def close(value, expected):
    return value.item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


@st.composite
def tensors(draw, *shape):
    count = math.prod(shape)
    values = draw(st.lists(NUMBERS, min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


@st.composite
def turns(draw, batch=2, frames=3, bones=4):
    """Rotations (batch, frames, bones, 3, 3) about a coordinate axis, and their angles."""
    count = batch * frames * bones
    angles = draw(st.lists(ANGLES, min_size=count, max_size=count))
    matrix = torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)
    axis = draw(st.integers(0, 2))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    for turn, angle in zip(matrix, angles, strict=True):
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[second, first] = math.sin(angle)
        turn[first, second] = -math.sin(angle)
    shape = (batch, frames, bones)
    return matrix.reshape(*shape, 3, 3), torch.tensor(angles, dtype=torch.float64).reshape(shape)


def equation_7(teacher, student):
    batch, frames, joints, _ = teacher.shape
    total = 0.0
    for sample in range(batch):
        for j in range(frames):
            for i in range(joints):
                apart = teacher[sample, j, i] - student[sample, j, i]
                total += sum(float(d) ** 2 for d in apart)
    return total / batch


def equation_8(rotations, first_bone=0):
    batch, frames, bones, _, _ = rotations.shape
    total = 0.0
    for sample in range(batch):
        for j in range(frames):
            for i in range(first_bone, bones):
                for row in range(3):
                    for column in range(3):
                        entry = float(rotations[sample, j, i, row, column])
                        total += (entry - (row == column)) ** 2
    return total / batch


@FEW
@given(tensors(2, 3, 4, 3), tensors(2, 3, 4, 3))
def test_knowledge_distillation_is_equation_7(teacher, student):
    value = knowledge_distillation(teacher, student)
    assert close(value, equation_7(teacher, student))
    assert (value == 0) == torch.equal(teacher, student)
    assert knowledge_distillation(teacher, teacher) == 0


@FEW
@given(tensors(2, 3, 4, 3), tensors(2, 3, 4, 3))
def test_a_thousand_times_the_unit_is_a_million_times_the_loss(teacher, student):
    value = knowledge_distillation(teacher, student)
    assert close(knowledge_distillation(teacher * 1000, student * 1000), value.item() * 1e6)


@FEW
@given(tensors(2, 2, 3, 3, 3))
def test_pose_regularizer_is_equation_8(matrices):
    assert close(pose_regularizer(matrices), equation_8(matrices))
    assert close(pose_regularizer(matrices, regularize_root=False), equation_8(matrices, 1))


@FEW
@given(turns())
def test_a_rotation_by_an_angle_costs_eight_squared_sines_of_its_half(drawn):
    rotations, angles = drawn
    expected = (8 * (angles / 2).sin().square()).sum().item() / 2
    assert pose_regularizer(rotations).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@FEW
@given(turns(), turns())
def test_only_the_first_bone_is_the_root(drawn, other):
    rotations, turned = drawn[0], drawn[0].clone()
    turned[:, :, 0] = other[0][:, :, 0]
    without = pose_regularizer(rotations, regularize_root=False)
    assert pose_regularizer(turned, regularize_root=False) == without
    root = pose_regularizer(rotations[:, :, :1])
    assert close(pose_regularizer(rotations), without.item() + root.item())


@FEW
@given(turns())
def test_a_mirrored_or_reversed_pose_costs_the_same(drawn):
    rotations = drawn[0]
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64))
    expected = pose_regularizer(rotations).item()
    assert close(pose_regularizer(mirror @ rotations @ mirror), expected)
    assert close(pose_regularizer(rotations.mT), expected)


def test_the_rest_pose_costs_nothing():
    assert pose_regularizer(torch.eye(3).expand(2, 9, 24, 3, 3)) == 0


@FEW
@given(tensors(3, 10), st.floats(-4, 4))
def test_shape_regularizer_is_the_squared_norm(betas, scale):
    value = shape_regularizer(betas)
    assert close(value, sum(float(b) ** 2 for b in betas.flatten()) / 3)
    assert close(shape_regularizer(betas * scale), value.item() * scale**2)
    assert shape_regularizer(-betas) == value
    assert (value == 0) == (not betas.any())
    assert close(shape_regularizer(betas[:, None]), value.item())


def test_losses_have_correct_gradients():
    values = torch.linspace(-2, 2, 2 * 2 * 3 * 4 * 3, dtype=torch.float64).mul(7).sin()
    teacher, student = values.reshape(2, 2, 3, 4, 3).unbind(0)
    teacher.requires_grad_()
    student.requires_grad_()
    rotations = values[:108].reshape(2, 2, 3, 3, 3).requires_grad_()
    betas = values[:20].reshape(2, 10).requires_grad_()
    assert gradcheck(knowledge_distillation, (teacher, student))
    assert gradcheck(pose_regularizer, (rotations,))
    assert gradcheck(lambda turns: pose_regularizer(turns, regularize_root=False), (rotations,))
    assert gradcheck(shape_regularizer, (betas,))
