"""Knees bend forwards, elbows backwards: laws of the evidence, known figures, real motion."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data import load_motion
from posenet3d.geometry import rotate, rotation_about_x, rotation_about_y
from posenet3d.skeletons import LSP_14, convert
from posenet3d.skeletons.anatomy import (
    ARMS,
    HIPS,
    LEGS,
    centre_on_hips,
    flexion,
    forward_direction,
    middle_of_hips,
    mirror_evidence,
)
from posenet3d.testing.strategies import points, rotation_matrices, tensors

DEPTH_MIRROR = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
LEFT_RIGHT_MIRROR = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)

ordinary = points(14, batch=(3,), dtype=torch.float64)
shifts = tensors(1, 3, batch=(), dtype=torch.float64)


def person(**moved):
    """A standing person in the camera frame (y down), facing the camera; metres."""
    height = {"ankle": 0.9, "knee": 0.45, "hip": 0.0, "wrist": 0.0, "elbow": -0.25}
    height |= {"shoulder": -0.5, "neck": -0.55, "head_top": -0.8}
    width = {"ankle": 0.1, "knee": 0.1, "hip": 0.1, "wrist": 0.2, "elbow": 0.2, "shoulder": 0.2}
    body = torch.zeros(14, 3, dtype=torch.float64)
    for joint, name in enumerate(LSP_14.joint_names):
        part = name.removeprefix("right_").removeprefix("left_")
        side = -1.0 if name.startswith("right_") else 1.0  # facing us: their right is our left
        body[joint, 0] = side * width.get(part, 0.0)
        body[joint, 1] = height[part]
        body[joint, 2] = moved.get(part, 0.0)
    return body


def bent(length, by):
    """The flexion of one limb of two parts, each of this length straight, bent by this much."""
    return length * by / math.hypot(length, by)


def only(*hidden):
    """All joints are seen but these."""
    visible = torch.ones(14, dtype=torch.bool)
    visible[list(LSP_14.indices(*hidden))] = False
    return visible


# Standing people with joints moved by up to 4 cm, so that up and right have some length.
sound = ordinary.map(lambda moves: person() + 0.04 * moves.clamp(-1, 1))


def test_a_person_who_faces_the_camera_faces_minus_z():
    torch.testing.assert_close(
        forward_direction(person()), torch.tensor([0, 0, -1], dtype=torch.float64)
    )


def test_bent_knees_are_positive_and_count_both_legs():
    figure = person(knee=-0.1)  # towards the camera, which is forwards
    assert float(flexion(figure, LEGS)) == pytest.approx(2 * bent(0.45, 0.1))
    assert float(flexion(figure, ARMS)) == pytest.approx(0)
    assert float(mirror_evidence(figure)) == pytest.approx(2 * bent(0.45, 0.1))


def test_bent_elbows_are_negative_and_count_as_evidence():
    figure = person(elbow=0.05)
    assert float(flexion(figure, ARMS)) == pytest.approx(-2 * bent(0.25, 0.05))
    assert float(mirror_evidence(figure)) == pytest.approx(2 * bent(0.25, 0.05))


def test_a_slight_bend_counts_as_far_as_the_joint_lies_off_the_line():
    assert float(flexion(person(knee=-0.001), LEGS)) == pytest.approx(0.002, rel=1e-4)


@pytest.mark.parametrize("degrees", [-90.0, 60.0, 150.0])
def test_the_trunk_may_lean_anyhow_and_the_knees_say_the_same(degrees):
    """Bent over or leaning back at the hips: the legs stay, all above the hips turns."""
    figure = person(knee=-0.1)
    trunk = [n for n in LSP_14.joint_names if not n.endswith(("hip", "knee", "ankle"))]
    joints = list(LSP_14.indices(*trunk))
    turn = rotation_about_x(torch.tensor(math.radians(degrees), dtype=torch.float64))
    folded = figure.clone()
    folded[joints] = rotate(figure[joints], turn)
    assert float(flexion(folded, LEGS)) == pytest.approx(float(flexion(figure, LEGS)))


@given(azimuth=st.floats(-math.pi, math.pi), pitch=st.floats(-math.pi, math.pi))
def test_a_person_with_bent_knees_is_told_from_every_side(azimuth, pitch):
    angle = torch.tensor(azimuth, dtype=torch.float64)
    turn = rotation_about_x(torch.tensor(pitch, dtype=torch.float64)) @ rotation_about_y(angle)
    figure = rotate(person(knee=-0.1, elbow=0.05), turn)
    expected = 2 * bent(0.45, 0.1) + 2 * bent(0.25, 0.05)
    assert float(mirror_evidence(figure)) == pytest.approx(expected)
    assert float(mirror_evidence(figure * DEPTH_MIRROR)) == pytest.approx(-expected)


@pytest.mark.parametrize("joint", ["right_hip", "right_knee", "right_ankle"])
def test_a_limb_of_which_a_joint_is_hidden_says_nothing(joint):
    figure = person(knee=-0.1, elbow=0.05)
    one_leg = bent(0.45, 0.1)
    assert float(flexion(figure, LEGS, only(joint))) == pytest.approx(one_leg)
    expected = one_leg + 2 * bent(0.25, 0.05)
    assert float(mirror_evidence(figure, only(joint))) == pytest.approx(expected)


@given(ordinary, ordinary)
def test_where_hidden_joints_are_said_to_be_changes_no_evidence(skeletons, others):
    legs = only(*(name for limb in LEGS for name in limb))
    mixed = torch.where(legs[:, None], skeletons, others)
    visible = legs.expand(skeletons.shape[:-1])
    assert torch.equal(mirror_evidence(mixed, visible), mirror_evidence(skeletons, visible))


def test_where_hips_or_shoulders_are_hidden_the_others_say_where_right_is():
    figure = person(knee=-0.1, elbow=0.05)
    figure[list(LSP_14.indices("right_shoulder", "right_elbow", "right_wrist")), 2] += 0.3
    arms = float(flexion(figure, ARMS))
    assert float(mirror_evidence(figure, only("right_hip", "left_hip"))) == pytest.approx(arms * -1)
    assert float(flexion(figure, LEGS, only("left_shoulder"))) == pytest.approx(2 * bent(0.45, 0.1))
    other = figure.clone()
    other[LSP_14.index("left_hip")] += torch.tensor([0.0, 0.0, 0.5], dtype=torch.float64)
    assert float(flexion(other, ARMS)) == float(flexion(figure, ARMS))


def test_of_an_arm_alone_the_hips_say_where_right_is():
    figure = person(elbow=0.05)
    seen = only("left_shoulder")
    assert float(flexion(figure, ARMS, seen)) == pytest.approx(-bent(0.25, 0.05))
    seen[list(HIPS)] = False
    assert float(flexion(figure, ARMS, seen)) == 0


def test_what_is_all_hidden_is_no_evidence():
    skeletons = torch.randn(3, 14, 3, generator=torch.Generator().manual_seed(0))
    hidden = torch.zeros(3, 14, dtype=torch.bool)
    assert not mirror_evidence(skeletons, hidden).any()
    shown = torch.ones(3, 14, dtype=torch.bool)
    assert torch.equal(mirror_evidence(skeletons, shown), mirror_evidence(skeletons))


def test_a_straight_person_gives_no_evidence():
    assert float(mirror_evidence(person())) == pytest.approx(0)


@given(ordinary)
def test_the_depth_mirror_negates_the_evidence(skeletons):
    torch.testing.assert_close(
        mirror_evidence(skeletons * DEPTH_MIRROR), -mirror_evidence(skeletons)
    )


@given(sound, rotation_matrices(batch=(), dtype=torch.float64))
def test_turning_a_skeleton_about_any_axis_changes_no_evidence(skeletons, rotation):
    turned = mirror_evidence(rotate(skeletons, rotation))
    torch.testing.assert_close(turned, mirror_evidence(skeletons), atol=1e-9, rtol=1e-9)


@given(sound, shifts)
def test_moving_a_skeleton_changes_no_evidence(skeletons, shift):
    torch.testing.assert_close(
        mirror_evidence(skeletons + shift), mirror_evidence(skeletons), atol=1e-9, rtol=1e-9
    )


@given(sound, st.floats(0.01, 100))
def test_the_evidence_grows_with_the_skeleton(skeletons, factor):
    torch.testing.assert_close(
        mirror_evidence(skeletons * factor), mirror_evidence(skeletons) * factor
    )


@given(sound)
def test_swapping_left_and_right_with_the_image_changes_no_evidence(skeletons):
    """A person seen in a mirror on the wall is a person still."""
    swapped = (skeletons * LEFT_RIGHT_MIRROR)[..., list(LSP_14.mirror), :]
    torch.testing.assert_close(mirror_evidence(swapped), mirror_evidence(skeletons))


@given(ordinary)
def test_the_middle_of_the_hips_becomes_the_origin_once_and_for_all(skeletons):
    centred = centre_on_hips(skeletons)
    torch.testing.assert_close(
        middle_of_hips(centred), torch.zeros_like(skeletons[:, :1]), atol=1e-12, rtol=0
    )
    torch.testing.assert_close(centre_on_hips(centred), centred)


def test_two_dimensional_skeletons_are_centred_too():
    assert centre_on_hips(torch.ones(4, 9, 14, 2)).abs().max() == 0


def test_hips_in_one_place_give_no_direction_and_no_nan():
    skeletons = torch.zeros(2, 14, 3, requires_grad=True)
    evidence = mirror_evidence(skeletons)
    evidence.sum().backward()
    assert not evidence.any()
    assert torch.isfinite(skeletons.grad).all()


def in_camera_frame(motion):
    """In the frame of a level camera: x right, y down, z forward, from z up."""
    joints = convert(motion.joints.astype(np.float64), motion.layout, "lsp_14").points
    x, y, z = joints[..., 0], joints[..., 1], joints[..., 2]
    return torch.from_numpy(np.stack([x, -z, y], axis=-1))


def test_real_motion_is_the_right_way_round(data_folder):
    """On everyday motion: knees +0.23 m, positive in all frames; elbows negative in 98 %."""
    motion = load_motion(data_folder / "cmu_train.npz")
    poses = torch.cat([in_camera_frame(each) for each in motion])
    legs, arms = flexion(poses, LEGS), flexion(poses, ARMS)
    assert float(legs.mean()) == pytest.approx(0.23, abs=0.02)
    assert float((legs > 0).double().mean()) > 0.999
    assert float(arms.mean()) == pytest.approx(-0.17, abs=0.02)
    assert float((arms < 0).double().mean()) == pytest.approx(0.985, abs=0.005)
    assert bool((mirror_evidence(poses) > 0).all())
    without_hips = only("right_hip", "left_hip").expand(poses.shape[:-1])
    assert torch.equal(mirror_evidence(poses, without_hips), -arms)
