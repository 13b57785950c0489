import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posenet3d.data import RIGS, Camera, MotionClip, camera_rig, load_motion, observe
from posenet3d.errors import DataError, UnknownNameError

KEYS = st.text("abcS01/_", min_size=1, max_size=12)
FRONT = Camera(np.array([[1.0, 0, 0, 0], [0, 0, -1, 1], [0, 1, 0, 4]]), focal=2.0)


def clips(size=3.0):
    joints = arrays(np.float64, (2, 14, 3), elements=st.floats(-size, size))
    return st.builds(MotionClip, KEYS, joints, st.just("lsp_14"), st.just(50.0))


@pytest.mark.parametrize(
    ("name", "file", "split", "views"),
    [
        ("cmu14", "cmu14", "train", 4),
        ("cmu14", "cmu14", "test", 4),
        ("cmu14-wild", "wild", "train", 8),
        ("cmu14-wild", "wild", "test", 4),
    ],
)
def test_the_rigs_equal_the_camera_files(name, file, split, views, data_folder):
    rig = camera_rig(name, split)
    with np.load(data_folder / f"cameras_{split}_{file}.npz") as truth:
        for clip in load_motion(data_folder / f"cmu_{split}.npz"):
            cameras = rig.cameras(clip)
            assert len(cameras) == views
            extrinsics = np.stack([camera.extrinsics for camera in cameras])
            np.testing.assert_allclose(
                extrinsics, truth[f"{clip.key}:extrinsics"], atol=1e-9, rtol=0
            )
            focal = [camera.focal for camera in cameras]
            np.testing.assert_allclose(focal, truth[f"{clip.key}:focal"], atol=1e-9, rtol=0)


@given(name=st.sampled_from(RIGS), clip=clips())
def test_every_camera_looks_at_the_middle_from_a_metre_or_more(name, clip):
    for camera in camera_rig(name).cameras(clip):
        rotation = camera.extrinsics[:, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) > 0
        seen = camera.to_camera(clip.joints)
        assert seen[..., 2].min() >= 1 - 1e-9
        np.testing.assert_allclose(seen.reshape(-1, 3).mean(axis=0)[:2], 0, atol=1e-9)


@given(clip=clips())
def test_cameras_depend_on_nothing_but_key_and_joints(clip):
    again = MotionClip(clip.key, clip.joints, clip.layout, 25.0)
    for a, b in zip(
        camera_rig("cmu14").cameras(clip), camera_rig("cmu14").cameras(again), strict=True
    ):
        np.testing.assert_array_equal(a.extrinsics, b.extrinsics)


@given(clip=clips(size=0.5))
def test_human36m_like_cameras_look_down_from_about_five_metres(clip):
    for camera in camera_rig("cmu14").cameras(clip):
        forward = camera.extrinsics[2, :3]
        assert 0 < -np.degrees(np.arcsin(forward[2])) < 25
        assert 3 < camera.extrinsics[2] @ np.append(clip.joints.reshape(-1, 3).mean(0), 1) < 7


def test_up_in_the_world_is_up_in_the_image():
    joints = np.zeros((1, 14, 3))
    joints[:, 13, 2] = 1
    clip = MotionClip("S01/walk", joints, "lsp_14", 50.0)
    for camera in camera_rig("cmu14").cameras(clip):
        seen = observe(clip, camera).points[0]
        assert seen[13, 1] < seen[0, 1]


def test_what_a_camera_sees_is_flat_and_exact():
    joints = np.zeros((2, 14, 3))
    joints[:, 3] = (0.5, 0.0, 2.0)
    seen = observe(MotionClip("S01/walk", joints, "lsp_14", 50.0), FRONT, name="front")
    assert (seen.unit, seen.layout, seen.fps, seen.source) == (
        "normalized",
        "lsp_14",
        50.0,
        "front",
    )
    assert seen.points[0, 3].tolist() == [0.25, -0.5]
    assert (seen.confidence == 1).all()


def test_a_joint_behind_the_camera_is_an_error():
    clip = MotionClip("S01/walk", np.full((2, 14, 3), -5.0), "lsp_14", 50.0)
    with pytest.raises(DataError, match=r"S01/walk.*behind"):
        observe(clip, FRONT)


def test_joints_that_no_camera_can_see_are_an_error():
    joints = np.zeros((1, 14, 3))
    joints[0, 0] = 1e300
    with pytest.raises(DataError, match="S01/walk"):
        camera_rig("cmu14").cameras(MotionClip("S01/walk", joints, "lsp_14", 50.0))


def test_unknown_rigs_and_splits_are_errors():
    with pytest.raises(UnknownNameError, match="did you mean 'cmu14'"):
        camera_rig("cmu-14")
    with pytest.raises(UnknownNameError, match="'test', 'train'"):
        camera_rig("cmu14", split="validation")
