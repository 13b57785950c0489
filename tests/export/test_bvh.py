"""A BVH file holds the body's joints, as two libraries that know nothing of ours find them."""

import os
import warnings
from dataclasses import replace

import numpy as np
import pybvh
import pytest
import torch
from beartype.roar import BeartypeException
from jaxtyping import TypeCheckError

from posenet3d.errors import ConfigurationError, PoseNet3DError, ShapeError, StorageError
from posenet3d.export import write_bvh
from posenet3d.export.euler_angles import EULER_ORDERS
from posenet3d.plugins import GROUPS
from posenet3d.reconstruction import world_motion
from posenet3d.testing import check_exporter

TOLERANCE = 1e-5
"""Metres."""


@pytest.fixture(scope="module")
def bvhio():
    """The library; its import warns of the way it imports another."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import bvhio
    return bvhio


def joints_of(lifted, root="grounded"):
    """The body model's own joints in the world, by name."""
    world = world_motion(lifted, "y", root)
    betas = torch.tensor(lifted.body.betas, dtype=torch.float32)
    joints = lifted.body_model.joints(betas, torch.tensor(world.rotations, dtype=torch.float32))
    placed = joints.numpy() * lifted.body.scale + world.translation[:, None]
    return dict(zip(lifted.body_model.joint_names, np.moveaxis(placed, 1, 0), strict=True))


def read(path):
    """The file as pybvh has it, and its joints' positions by name."""
    file = pybvh.read_bvh_file(path, world_up="+y")
    positions = np.moveaxis(np.asarray(file.joint_positions()), 1, 0)
    return file, dict(zip(file.joint_names, positions, strict=True))


def check_joints(read, expected, units=1.0):
    assert read.keys() == expected.keys()
    for name, track in expected.items():
        np.testing.assert_allclose(read[name] / units, track, atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_pybvh_finds_the_body_models_joints(tmp_path, moving, order):
    lifted = moving()
    write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted, order=order)
    file, joints = read(tmp_path / "a.bvh")
    check_joints(joints, joints_of(lifted))
    assert set(map(tuple, file.euler_orders)) == {tuple(order)}


def test_bvhios_forward_kinematics_finds_the_same(tmp_path, moving, bvhio):
    lifted = moving()
    write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted)
    tree, expected = bvhio.readAsHierarchy(str(tmp_path / "a.bvh")), joints_of(lifted)
    for frame in range(len(lifted)):
        tree.loadPose(frame)
        found = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in tree.layout()}
        for name, track in expected.items():
            np.testing.assert_allclose(found[name], track[frame], atol=TOLERANCE, err_msg=name)


def test_centimetres_are_a_hundredth(tmp_path, moving):
    lifted = moving()
    write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted, unit="cm")
    check_joints(read(tmp_path / "a.bvh")[1], joints_of(lifted), units=100.0)


def test_the_root_can_be_held_still(tmp_path, moving):
    lifted = moving()
    write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted, root="still")
    check_joints(read(tmp_path / "a.bvh")[1], joints_of(lifted, "still"))
    assert not np.allclose(joints_of(lifted, "still")["pelvis"], joints_of(lifted)["pelvis"])


def test_the_roots_offset_is_zero_so_that_nobody_can_add_it_twice(tmp_path, moving):
    write_bvh(path=tmp_path / "a.bvh", reconstruction=moving())
    assert "ROOT pelvis\n{\n\tOFFSET 0.000000 0.000000 0.000000\n" in (
        tmp_path / "a.bvh"
    ).read_text(encoding="ascii")


def test_an_upright_person_before_a_level_camera_stands_along_y_and_faces_z(tmp_path, moving):
    lifted = moving(3)
    at_rest = np.broadcast_to(np.eye(3), (3, 24, 3, 3))
    upright = replace(
        lifted, body=replace(lifted.body, rotations=at_rest), up=np.array([0.0, -1.0, 0.0])
    )
    write_bvh(path=tmp_path / "a.bvh", reconstruction=upright)
    joints = read(tmp_path / "a.bvh")[1]
    assert (joints["head"] - joints["left_ankle"])[:, 1].min() > 1.3
    assert (joints["left_foot"] - joints["left_ankle"])[:, 2].min() > 0.1
    assert (joints["left_shoulder"] - joints["right_shoulder"])[:, 0].min() > 0.2


def test_end_sites_reach_to_the_end_of_the_skin(tmp_path, moving, bvhio):
    lifted = moving()
    write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted)
    eye = torch.eye(3).expand(24, 3, 3)
    betas = torch.tensor(lifted.body.betas, dtype=torch.float32)
    skin = lifted.body_model.vertices(betas, eye).numpy() * lifted.body.scale
    joints = lifted.body_model.joints(betas, eye).numpy() * lifted.body.scale
    ends = {}

    def walk(joint):
        for child in joint.Children:
            walk(child)
        if not joint.Children:
            ends[joint.Name] = np.array(joint.EndSite)

    walk(bvhio.readAsBvh(str(tmp_path / "a.bvh")).Root)
    assert set(ends) == {"head", "left_hand", "right_hand", "left_foot", "right_foot"}
    place = dict(zip(lifted.body_model.joint_names, joints, strict=True))
    assert (place["head"] + ends["head"])[1] == pytest.approx(skin[:, 1].max(), abs=0.02)
    assert (place["left_hand"] + ends["left_hand"])[0] == pytest.approx(skin[:, 0].max(), abs=0.02)
    assert (place["left_foot"] + ends["left_foot"])[2] == pytest.approx(skin[:, 2].max(), abs=0.03)


def test_a_person_who_turns_round_and_round_has_no_jump_in_any_channel(tmp_path, moving):
    lifted = moving(120)
    angle = np.linspace(0.0, 6.0 * np.pi, 120)
    rotations = np.broadcast_to(np.eye(3), (120, 24, 3, 3)).copy()
    cosine, sine = np.cos(angle), np.sin(angle)
    rotations[:, 0] = np.stack(
        [cosine, 0 * cosine, sine, 0 * cosine, 1 + 0 * cosine, 0 * cosine, -sine, 0 * sine, cosine],
        axis=-1,
    ).reshape(-1, 3, 3)
    spinning = replace(lifted, body=replace(lifted.body, rotations=rotations))
    write_bvh(path=tmp_path / "a.bvh", reconstruction=spinning)
    rows = np.loadtxt((tmp_path / "a.bvh").read_text().split("Frame Time:")[1].splitlines()[1:])
    assert rows.shape == (120, 75)
    assert np.abs(np.diff(rows[:, 3:], axis=0)).max() < 20.0
    assert np.abs(rows[-1, 3:6] - rows[0, 3:6]).max() == pytest.approx(1080.0, abs=1.0)


def test_a_gap_keeps_its_time_and_is_filled_between_its_ends(tmp_path, moving):
    lifted = moving(4, frame_index=np.array([5, 6, 9, 10]))
    write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted)
    file, joints = read(tmp_path / "a.bvh")
    assert file.frame_count == 6
    seen = {name: track[[0, 1, 4, 5]] for name, track in joints.items()}
    check_joints(seen, joints_of(lifted))
    pelvis = joints["pelvis"]
    np.testing.assert_allclose(pelvis[2], pelvis[1] + (pelvis[4] - pelvis[1]) / 3, atol=1e-5)


def test_a_gap_of_years_is_refused_before_memory_is_taken(tmp_path, moving):
    lifted = moving(2, frame_index=np.array([0, 10**12]))
    with pytest.raises(PoseNet3DError, match="cut the reconstruction at its gaps"):
        write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted)


@pytest.mark.parametrize("fps", [23.976, 25.0, 29.97, 60.0, 120.0])
def test_the_frame_time_is_that_of_the_keypoints(tmp_path, moving, fps):
    write_bvh(path=tmp_path / "a.bvh", reconstruction=moving(2, fps=fps))
    assert 1.0 / read(tmp_path / "a.bvh")[0].frame_time == pytest.approx(fps, rel=1e-8)


def test_one_frame_is_a_file(tmp_path, moving):
    lifted = moving(1)
    write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted)
    check_joints(read(tmp_path / "a.bvh")[1], joints_of(lifted))


def test_a_skeleton_alone_is_refused_and_nothing_is_written(tmp_path, moving):
    with pytest.raises(PoseNet3DError, match="A BVH file holds a body"):
        write_bvh(path=tmp_path / "a.bvh", reconstruction=moving(body=None))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("field", ["rotations", "translation"])
def test_numbers_that_are_not_finite_are_refused_by_frame(tmp_path, moving, field):
    lifted = moving()
    broken = getattr(lifted.body, field).copy()
    broken[3] = np.nan
    lifted = replace(lifted, body=replace(lifted.body, **{field: broken}))
    with pytest.raises(ShapeError, match=f"body.{field}.*frame 3"):
        write_bvh(path=tmp_path / "a.bvh", reconstruction=lifted)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("option", [{"unit": "feet"}, {"order": "ZXZ"}, {"root": "gone"}])
def test_options_that_do_not_exist_are_refused(tmp_path, moving, option):
    with pytest.raises((PoseNet3DError, TypeCheckError, BeartypeException)):
        write_bvh(path=tmp_path / "a.bvh", reconstruction=moving(), **option)
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        moving().save(tmp_path / "a.bvh", **option)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_one_of_our_errors(tmp_path, moving):
    with pytest.raises(StorageError):
        write_bvh(path=tmp_path / "absent" / "a.bvh", reconstruction=moving())


def test_it_does_what_every_exporter_must():
    check_exporter(write_bvh, suffix=".bvh", needs_body=True, says=["ROOT pelvis", "Frame Time"])


def test_saving_by_suffix_finds_it(tmp_path, moving):
    if "bvh" not in GROUPS["exporters"].names():
        pytest.skip("this installation predates the exporter's entry point; install it again")
    lifted = moving()
    lifted.save(tmp_path / "a.bvh")
    check_joints(read(tmp_path / "a.bvh")[1], joints_of(lifted))
