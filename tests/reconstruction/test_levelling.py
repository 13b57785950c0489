"""Levelling: gravity along an axis, nothing mirrored, and feet on the floor."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import ShapeError
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import PluginSpec
from posenet3d.reconstruction import BodyMotion, Reconstruction, world_motion
from posenet3d.reconstruction.world import (
    ROOT_MOTIONS,
    SOLE_BELOW_ANKLE,
    followed_floor,
    levelling_rotation,
)
from posenet3d.skeletons import LSP_14

angles = st.floats(-180, 180) | st.sampled_from([0.0, 90.0, -90.0, 180.0, 89.9999999, 1e-7])


def direction(pitch, roll):
    p, r = np.radians(pitch), np.radians(roll)
    return np.array([np.sin(r) * np.cos(p), -np.cos(r) * np.cos(p), -np.sin(p)])


def skeleton(up, frames=4):
    random = np.random.default_rng(1)
    seen = KeypointSequence(np.ones((frames, 14, 2)), layout="lsp_14", fps=25.0)
    track = random.normal(size=(frames, 3)) + np.array([0.0, 0.0, 4.0])
    return Reconstruction(random.normal(size=(frames, 14, 3)), track, seen, up=up)


@given(pitch=angles, roll=angles)
def test_levelling_takes_up_to_the_axis_and_is_a_rotation(pitch, roll):
    up = direction(pitch, roll)
    turn = levelling_rotation(up)
    np.testing.assert_allclose(turn @ up, [0, 1, 0], atol=1e-9)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1.0)


@given(pitch=st.floats(-80, 80), roll=angles)
def test_the_camera_looks_along_minus_z(pitch, roll):
    ahead = levelling_rotation(direction(pitch, roll)) @ [0, 0, 1]
    assert ahead[0] == pytest.approx(0, abs=1e-9)
    assert (ahead[2] < 0) or abs(np.cos(np.radians(pitch))) < 1e-6


@pytest.mark.parametrize("pitch", [90.0, -90.0])
def test_straight_down_or_up_is_the_limit_of_nearly_so(pitch):
    exact = levelling_rotation(np.array([0.0, 0.0, -np.sign(pitch)]))
    near = levelling_rotation(direction(pitch * (1 - 1e-5), 0.0))
    np.testing.assert_allclose(exact, near, atol=1e-4)


@pytest.mark.parametrize("up", [np.zeros(3), np.full(3, np.nan)])
def test_no_direction_is_refused(up):
    with pytest.raises(ShapeError, match="direction"):
        levelling_rotation(up)


@given(pitch=st.floats(-60, 60), roll=st.floats(-60, 60), root=st.sampled_from(ROOT_MOTIONS))
def test_z_up_is_y_up_turned(pitch, roll, root):
    lifted = skeleton(direction(pitch, roll))
    y_up, z_up = (world_motion(lifted, axis, root).joints for axis in ("y", "z"))
    np.testing.assert_allclose(z_up, y_up[..., [0, 2, 1]] * (1, -1, 1), atol=1e-9)


@given(pitch=st.floats(-60, 60), roll=st.floats(-60, 60))
def test_the_stated_map_gives_the_joints_and_begins_over_the_origin(pitch, roll):
    lifted = skeleton(direction(pitch, roll))
    world = world_motion(lifted)
    seen = lifted.joints3d + lifted.root[:, None]
    np.testing.assert_allclose(
        seen @ world.from_camera.T + world.offset[:, None], world.joints, atol=1e-9
    )
    root = lifted.root[0] @ world.from_camera.T + world.offset[0]
    np.testing.assert_allclose(root[[0, 2]], 0, atol=1e-9)


def test_a_still_root_stays_over_the_origin_and_keeps_its_height():
    lifted = skeleton(direction(20, 10))
    track, still = (world_motion(lifted, "y", root).joints for root in ("track", "still"))
    np.testing.assert_allclose(
        still[:, :, 1] - still[:, :, 1].min(), track[:, :, 1] - track[:, :, 1].min(), atol=1e-9
    )
    hips = list(LSP_14.indices("right_hip", "left_hip"))
    middle = (lifted.joints3d @ world_motion(lifted).from_camera.T)[:, hips].mean(1)
    np.testing.assert_allclose(still[:, hips].mean(1)[:, [0, 2]], middle[:, [0, 2]], atol=1e-9)


def test_a_skeleton_alone_stands_a_sole_above_the_floor_and_a_jump_leaves_it():
    lifted = skeleton(np.array([0.0, -1.0, 0.0]), frames=100)
    one = np.broadcast_to(lifted.joints3d[:1], lifted.joints3d.shape)
    root = np.broadcast_to(lifted.root[:1], lifted.root.shape).copy()
    root[40:60, 1] -= 0.5  # y down: half a metre up
    jumping = Reconstruction(np.array(one), root, lifted.keypoints)
    low = world_motion(jumping).joints[..., 1].min(axis=1)
    assert low[0] == pytest.approx(SOLE_BELOW_ANKLE)
    assert low[50] == pytest.approx(SOLE_BELOW_ANKLE + 0.5)


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_a_bodys_soles_are_on_the_floor_whatever_its_size_and_ankles(scale):
    seen = KeypointSequence(np.ones((3, 14, 2)), layout="lsp_14", fps=25.0)
    eye = np.broadcast_to(np.eye(3), (3, 24, 3, 3)).copy()
    track = np.array([[0.0, 0.0, 4.0]] * 3)
    body = BodyMotion(np.zeros(10), eye, track, PluginSpec(name="mannequin"), scale=scale)
    world = world_motion(Reconstruction(np.zeros((3, 14, 3)), track, seen, body))
    model = Reconstruction(np.zeros((3, 14, 3)), track, seen, body).body_model
    rest = model.vertices(torch.zeros(10), torch.eye(3).expand(24, 3, 3)).numpy() * scale
    assert (rest + world.translation[0])[:, 1].min() == pytest.approx(0.0, abs=1e-5)


def standing(heights, fps=25.0):
    """A skeleton that stands still while its tracked root goes up and down."""
    frames = len(heights)
    joints = np.broadcast_to(np.random.default_rng(2).normal(size=(14, 3)), (frames, 14, 3))
    track = np.array([0.0, 0.0, 4.0]) - np.array([0.0, 1.0, 0.0]) * np.asarray(heights)[:, None]
    seen = KeypointSequence(np.ones((frames, 14, 2)), layout="lsp_14", fps=fps)
    return Reconstruction(joints, track, seen)


def test_a_grounded_root_stays_on_the_floor_while_its_track_drifts():
    drift = np.linspace(0.0, 0.5, 500)  # half a metre in twenty seconds
    grounded, tracked = (world_motion(standing(drift), "y", root) for root in ("grounded", "track"))
    assert np.ptp(tracked.joints[:, 0, 1]) == pytest.approx(0.5)
    np.testing.assert_allclose(grounded.joints[..., 1].min(axis=1), SOLE_BELOW_ANKLE, atol=0.05)
    np.testing.assert_allclose(grounded.joints[..., [0, 2]], tracked.joints[..., [0, 2]])


def test_a_jump_leaves_the_floor_that_is_followed():
    jump = np.zeros(200)
    jump[90:105] = 0.4 * np.sin(np.linspace(0, np.pi, 15))
    lowest = world_motion(standing(jump)).joints[..., 1].min(axis=1) - SOLE_BELOW_ANKLE
    np.testing.assert_allclose(lowest, jump, atol=1e-9)


@given(
    heights=st.lists(st.floats(-1, 1), min_size=1, max_size=60),
    shift=st.floats(-2, 2),
    fps=st.sampled_from([1.0, 10.0, 30.0]),
)
def test_the_followed_floor_moves_with_the_track_and_is_never_above_a_constant_one(
    heights, shift, fps
):
    lowest = np.array(heights)
    floor = followed_floor(lowest, fps)
    assert floor.shape == lowest.shape
    np.testing.assert_allclose(followed_floor(lowest + shift, fps), floor + shift, atol=1e-9)
    assert floor.max() <= lowest.max() + 1e-9
    assert floor.min() >= lowest.min() - 1e-9
    np.testing.assert_allclose(floor[::-1], followed_floor(lowest[::-1], fps), atol=1e-9)
