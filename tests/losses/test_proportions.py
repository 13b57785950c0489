"""Bone proportions against loops from their definition, and what leaves them alone."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from posenet3d.geometry import rotvec_to_rotmat
from posenet3d.losses import bone_proportions, mirrored_bones
from posenet3d.skeletons import LSP_14

FEW = settings(max_examples=25, deadline=None)
BONES, MIRROR = ((0, 1), (1, 2), (1, 3)), (0, 2, 1)


@st.composite
def windows(draw):
    """Joints (batch, frames, 4, 3) in float64, every number drawn."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), 4, 3)
    count = math.prod(shape)
    values = draw(st.lists(st.floats(-3, 3, width=32), min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(shape) + torch.arange(12.0).view(4, 3)


def by_loops(points, bones, mirror):
    batch, frames = points.shape[:2]
    ratios = []
    for window in points:
        lengths = [[math.dist(f[m].tolist(), f[n].tolist()) for m, n in bones] for f in window]
        mean = sum(map(sum, lengths)) / (frames * len(bones))
        ratios.append([[length / mean for length in row] for row in lengths])
    every = [row for window in ratios for row in window]
    own = [sum(row[k] for row in every) / len(every) for k in range(len(bones))]
    common = [(own[k] + own[mirror[k]]) / 2 for k in range(len(bones))]
    apart = sum((row[k] - common[k]) ** 2 for row in every for k in range(len(bones)))
    return apart / (batch * frames)


@FEW
@given(windows())
def test_it_is_what_the_loops_say(points):
    expected = by_loops(points, BONES, MIRROR)
    assert bone_proportions(points, BONES, MIRROR).item() == pytest.approx(expected, abs=1e-12)


@FEW
@given(windows(), st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.floats(0.1, 10))
def test_size_and_place_and_direction_do_not_matter(points, vector, size):
    rotation = rotvec_to_rotmat(torch.tensor(vector, dtype=torch.float64))
    moved = size * points @ rotation.T + 1.5
    before, after = (bone_proportions(x, BONES, MIRROR).item() for x in (points, moved))
    assert after == pytest.approx(before, abs=1e-9)


def test_people_of_one_build_cost_nothing_in_any_pose_and_size():
    lengths = {1: 1.0, 2: 0.7, 3: 0.7}
    directions = torch.nn.functional.normalize(
        torch.linspace(-1, 2, 45).cos().view(5, 3, 3), dim=-1
    )
    points = torch.zeros(5, 1, 4, 3)
    for pose, (first, second, third) in enumerate(directions):
        points[pose, 0, 1] = lengths[1] * first
        points[pose, 0, 2] = points[pose, 0, 1] + lengths[2] * second
        points[pose, 0, 3] = points[pose, 0, 1] + lengths[3] * third
    sizes = torch.linspace(0.5, 3.0, 5)[:, None, None, None]
    assert bone_proportions(sizes * points, BONES, MIRROR).item() == pytest.approx(0, abs=1e-10)


def test_a_longer_left_side_costs_something_even_where_all_have_it():
    points = torch.zeros(3, 2, 4, 3)
    points[:, :, 1, 0], points[:, :, 2, 0], points[:, :, 3, 0] = 1.0, 1.5, 3.0
    assert bone_proportions(points, BONES, MIRROR).item() > 0.1
    assert bone_proportions(points, BONES, (0, 1, 2)).item() == pytest.approx(0, abs=1e-12)


def test_its_gradient_is_right():
    torch.manual_seed(0)
    points = torch.randn(2, 2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x: bone_proportions(x, BONES, MIRROR), points)


def test_a_window_without_extent_has_a_finite_gradient():
    points = torch.zeros(2, 1, 4, 3, requires_grad=True)
    loss = bone_proportions(points, BONES, MIRROR)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(points.grad).all()


def test_left_bones_of_the_canonical_skeleton_are_mirrored_to_right_ones():
    names = [{LSP_14.joint_names[joint] for joint in bone} for bone in LSP_14.bones]
    swap = {"left": "right", "right": "left"}
    images = mirrored_bones(LSP_14.bones, LSP_14.mirror)
    for mine, image in zip(names, images, strict=True):
        turned = {"_".join([swap.get(w, w) for w in name.split("_")]) for name in mine}
        assert names[image] == turned
