"""The SMPL-X Blender add-on takes the npz file, and stands the body where we have it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from posenet3d.errors import ConfigurationError
from posenet3d.export.amass import BODY_JOINTS, REST_PELVIS, amass_arrays
from posenet3d.geometry import geodesic_distance, rotvec_to_rotmat
from posenet3d.plugins import PluginSpec
from posenet3d.reconstruction import BodyMotion, world_motion


def added_animation(path, target=30):
    """What the add-on makes of a file: a pose and a place of the pelvis for each keyframe.

    After ``SMPLXAddAnimation.execute`` of the SMPL-X Blender add-on (``__init__.py``, version
    2022-06-23, https://gitlab.tuebingen.mpg.de/jtesch/smplx_blender_addon): the same keys asked
    for, the same integer rates and steps, all 55 joints of each frame read. Where it reports an
    error and stops, this raises ValueError.
    """
    with np.load(path) as data:
        if any(key not in data for key in ("trans", "gender", "betas", "poses")) or not (
            "mocap_frame_rate" in data or "mocap_framerate" in data
        ):
            raise ValueError("Invalid AMASS animation data file")
        trans, poses, betas = data["trans"], data["poses"], data["betas"]
        key = "mocap_frame_rate" if "mocap_frame_rate" in data else "mocap_framerate"
        rate, gender = int(data[key]), str(data["gender"])
    if rate < target:
        raise ValueError(f"Mocap framerate ({rate}) below target framerate ({target})")
    assert gender in ("female", "male", "neutral")  # names of its models
    assert len(betas) <= 300  # its shape keys; each is set to a number
    assert np.isfinite([float(beta) for beta in betas]).all()
    step = int(rate / target)
    frames = range(0, len(trans), step)
    joints = [[poses[frame].reshape(-1, 3)[joint] for joint in range(55)] for frame in frames]
    return np.array(joints), trans[::step]


def fps_of(lifted, fps):
    seen = lifted.keypoints
    return replace(lifted, keypoints=type(seen)(seen.points, layout=seen.layout, fps=fps))


@pytest.mark.parametrize("fps", [10.0, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0, 120.0, 240.0])
def test_the_add_on_plays_it_at_the_right_speed(tmp_path, moving, fps):
    lifted = fps_of(moving(frames=40), fps)
    lifted.save(tmp_path / "walk.npz")
    joints, places = added_animation(tmp_path / "walk.npz")
    assert len(joints) == len(places)
    seconds = 39 / fps
    assert (len(joints) - 1) / 30 == pytest.approx(seconds, abs=1 / 30)


def test_the_body_stands_where_the_world_motion_has_it(tmp_path, moving):
    """With our own skeleton in place of SMPL-X's, joints are where ours are, z up."""
    lifted = moving(frames=9, fps=30.0)
    lifted.save(tmp_path / "walk.npz")
    joints, trans = added_animation(tmp_path / "walk.npz")
    model, body = lifted.body_model, lifted.body
    betas = torch.tensor(body.betas, dtype=torch.float32)
    rotations = torch.eye(3).repeat(9, 24, 1, 1)
    rotations[:, :22] = rotvec_to_rotmat(torch.tensor(joints[:, :22]))
    rest = model.joints(betas, torch.eye(3).expand(24, 3, 3))[0].numpy() * body.scale
    posed = model.joints(betas, rotations).numpy() * body.scale
    pelvis_at = trans + np.array(REST_PELVIS["smplx"])
    world = world_motion(lifted, "z")
    ours = model.joints(betas, torch.tensor(world.rotations, dtype=torch.float32)).numpy()
    ours = ours * body.scale + world.translation[:, None]
    np.testing.assert_allclose((posed - rest + pelvis_at[:, None])[:, :22], ours[:, :22], atol=1e-5)
    np.testing.assert_allclose(joints[:, 22:], 0)


def test_an_upright_person_has_the_quarter_turn_of_amass(moving):
    eye = np.broadcast_to(np.eye(3), (4, 24, 3, 3))
    body = BodyMotion(np.zeros(10), eye, np.zeros((4, 3)), PluginSpec(name="mannequin"))
    lifted = replace(moving(frames=4, body=body), up=np.array([0.0, -1.0, 0.0]))
    arrays = amass_arrays(lifted)
    np.testing.assert_allclose(arrays["poses"][:, :3], [[np.pi / 2, 0, 0]] * 4, atol=1e-6)
    assert (arrays["poses"][:, 3:] == 0).all()
    pelvis = arrays["trans"][0] + REST_PELVIS["smplx"]
    ours = world_motion(lifted, "z").translation[0] + [0.0, -0.2203, 0.0297]  # the mannequin's
    np.testing.assert_allclose(pelvis, ours, atol=1e-3)


def test_rotations_turn_steadily_between_frames(moving):
    """Half a turn a second about one axis, at 10 frames a second, comes out at 30."""
    angle = np.pi * np.arange(6) / 10
    turns = np.zeros((6, 24, 3))
    turns[:, BODY_JOINTS.index("left_knee"), 0] = angle
    body = BodyMotion(
        np.zeros(10),
        rotvec_to_rotmat(torch.tensor(turns)).numpy(),
        np.zeros((6, 3)),
        PluginSpec(name="mannequin"),
    )
    arrays = amass_arrays(moving(frames=6, body=body, fps=10.0))
    knee = arrays["poses"].reshape(-1, 55, 3)[:, BODY_JOINTS.index("left_knee")]
    np.testing.assert_allclose(knee[:, 0], np.pi * np.arange(16) / 30, atol=1e-6)
    assert arrays["mocap_frame_rate"] == arrays["mocap_framerate"] == 30


def test_frames_that_are_kept_are_kept_exactly(moving):
    lifted = moving(frames=7, fps=30.0)
    poses = amass_arrays(lifted, fps=90)["poses"][::3].reshape(7, -1, 3)[:, :22]
    back = rotvec_to_rotmat(torch.tensor(poses).double())
    world = torch.tensor(world_motion(lifted, "z").rotations[:, :22])
    assert float(geodesic_distance(back, world).max()) < 1e-6


def test_a_gap_takes_its_time(moving):
    gap = np.array([10, 11, 20, 21])
    arrays = amass_arrays(moving(frames=4, fps=30.0, frame_index=gap))
    assert arrays["poses"].shape == (12, 165)
    step = np.diff(arrays["trans"][1:11], axis=0)
    np.testing.assert_allclose(step, np.broadcast_to(step[0], step.shape), atol=1e-9)


def test_betas_are_zero_but_for_smpl_in_smplh(moving):
    lifted = moving(frames=3)
    assert (amass_arrays(lifted)["betas"] == 0).all()
    assert "makehuman-cc0" in str(amass_arrays(lifted)["amass_note"])
    smpl = replace(lifted, body=replace(lifted.body, family="smpl:1234"))
    arrays = amass_arrays(smpl, "smplh")
    assert arrays["poses"].shape[1] == 156
    np.testing.assert_array_equal(arrays["betas"][:10], lifted.body.betas)
    assert (amass_arrays(smpl)["betas"] == 0).all()


def test_a_skeleton_tells_why_it_has_no_amass_motion(moving):
    arrays = amass_arrays(moving(body=None))
    assert list(arrays) == ["amass_note"]
    assert "no body" in str(arrays["amass_note"])


def test_a_gap_of_years_does_not_fill_the_memory(moving):
    arrays = amass_arrays(moving(frames=2, frame_index=np.array([0, 10**12])))
    assert "1000000000000 frames" in str(arrays["amass_note"])


def test_a_rate_that_the_add_on_refuses_is_no_option(tmp_path, moving):
    with pytest.raises(ConfigurationError, match=r"amass_fps: .*30, got 25"):
        moving().save(tmp_path / "walk.npz", amass_fps=25)
    moving().save(tmp_path / "walk.npz", amass_fps=48)
    with np.load(tmp_path / "walk.npz") as arrays:
        assert arrays["mocap_frame_rate"] == 48
