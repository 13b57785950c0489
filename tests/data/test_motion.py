import numpy as np
import pytest

from posenet3d.data import MotionClip, load_motion
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.skeletons import layout

CMU_NAMES = [
    "Pelvis",
    "RHip",
    "RKnee",
    "RAnkle",
    "LHip",
    "LKnee",
    "LAnkle",
    "Spine",
    "Thorax",
    "Nose",
    "Head",
    "LShoulder",
    "LElbow",
    "LWrist",
    "RShoulder",
    "RElbow",
    "RWrist",
]


def clip(joints=None, **facts):
    joints = np.zeros((5, 14, 3)) if joints is None else joints
    return MotionClip(
        **{"key": "S01/walk", "joints": joints, "layout": "lsp_14", "fps": 50.0} | facts
    )


def test_a_clip_cannot_be_changed_nor_can_its_input_change_it():
    joints = np.zeros((5, 14, 3))
    made = clip(joints)
    joints[:] = 1
    assert (made.joints == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        made.joints[0] = 1
    assert (len(made), made.subject) == (5, "S01")


@pytest.mark.parametrize(
    ("facts", "match"),
    [
        ({"joints": np.zeros((5, 17, 3))}, "layout 'lsp_14'"),
        ({"joints": np.zeros((0, 14, 3))}, "layout 'lsp_14'"),
        ({"joints": np.full((5, 14, 3), np.nan)}, "frame 0"),
        ({"joints": np.full((5, 14, 3), np.inf)}, "frame 0"),
        ({"fps": 0.0}, "frame rate"),
        ({"fps": float("nan")}, "frame rate"),
    ],
)
def test_what_is_no_motion_is_an_error_that_names_the_clip(facts, match):
    with pytest.raises(DataError, match=f"S01/walk.*{match}"):
        clip(**facts)


def test_joint_names_as_human36m_spells_them_tell_the_layout(tmp_path):
    np.savez(tmp_path / "m.npz", fps=50.0, joint_names=CMU_NAMES, **{"a/b": np.zeros((5, 17, 3))})
    assert load_motion(tmp_path / "m.npz")[0].layout == "h36m_17"


@pytest.mark.parametrize("name", ["h36m_17_left_first", "smpl_24", "lsp_14"])
def test_joint_names_as_the_library_spells_them_tell_the_layout(name, tmp_path):
    names = layout(name).joint_names
    np.savez(tmp_path / "m.npz", fps=50, joint_names=names, walk=np.zeros((5, len(names), 3)))
    assert load_motion(tmp_path / "m.npz")[0].layout == name


GOOD = {"fps": 50.0, "layout": "lsp_14", "walk": np.zeros((5, 14, 3))}
BAD = {
    "no fps": ({k: v for k, v in GOOD.items() if k != "fps"}, "'fps'"),
    "no clips": ({k: v for k, v in GOOD.items() if k != "walk"}, "a clip"),
    "no layout": ({k: v for k, v in GOOD.items() if k != "layout"}, "'joint_names'"),
    "foreign joints": ({"fps": 50, "joint_names": ["Tail"], "walk": GOOD["walk"]}, "tail"),
    "fps twice": (GOOD | {"fps": [50, 50]}, "one number for 'fps'"),
    "text": (GOOD | {"walk": np.full((5, 14, 3), "1")}, "walk: expected numbers"),
    "2D": (GOOD | {"walk": np.zeros((5, 14, 2))}, "walk: expected"),
}


@pytest.mark.parametrize(("arrays", "match"), BAD.values(), ids=BAD)
def test_a_file_without_motion_is_an_error(arrays, match, tmp_path):
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(DataError, match=match):
        load_motion(tmp_path / "m.npz")


def test_an_unknown_layout_in_a_file_is_an_error(tmp_path):
    np.savez(tmp_path / "m.npz", **GOOD | {"layout": "lsp"})
    with pytest.raises(UnknownNameError, match="lsp_14"):
        load_motion(tmp_path / "m.npz")


def test_the_motion_capture_loads(data_folder):
    clips = load_motion(data_folder / "cmu_test.npz")
    assert len(clips) == 35
    assert sum(map(len, clips)) == 22567
    assert {clip.subject for clip in clips} == {"S14", "S08", "S35"}
    assert {(clip.layout, clip.fps) for clip in clips} == {("h36m_17", 50.0)}
