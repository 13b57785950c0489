import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import KeypointSource, Told
from posenet3d.keypoints.named_parts import _JOINTS, _spellings, joint_named, place_parts
from posenet3d.skeletons import LAYOUTS, layout


@pytest.mark.parametrize("name", LAYOUTS)
def test_our_own_names_in_any_writing_are_placed_where_they_belong(name, tmp_path):
    joints = layout(name).joint_names
    for write in (str, str.upper, str.title, lambda n: n.replace("_", " "),
                  lambda n: n.replace("_", "")):  # fmt: skip
        parts = [write(joint) for joint in joints][::-1]
        placed = place_parts(parts, KeypointSource(tmp_path), Told(layout=name))
        assert [joints[at] for at in placed.joints] == list(joints)[::-1]
        values = np.arange(len(parts), dtype=float)[None, :, None]
        made = placed.arranged(values)
        np.testing.assert_array_equal(made[0, :, 0], np.arange(len(parts))[::-1])


def test_no_spelling_means_two_joints():
    spellings = [(spelling, joint) for joint in _JOINTS for spelling in _spellings(joint)]
    assert len({spelling for spelling, _ in set(spellings)}) == len(set(spellings))


@pytest.mark.parametrize(
    ("part", "joint"),
    [
        ("RKnee", "right_knee"), ("knee_r", "right_knee"), ("Knee.L", "left_knee"),
        ("left knee", "left_knee"), ("LSho", "left_shoulder"), ("REar", "right_ear"),
        ("LBigToe", "left_big_toe"), ("HeadTop", "head_top"), ("MidHip", "mid_hip"),
        ("mouth_left", "left_mouth"), ("knee", None), ("tail_base", None), ("", None),
    ],
)  # fmt: skip
def test_obvious_synonyms_are_known_and_nothing_is_guessed(part, joint):
    assert joint_named(part) == joint


def test_coco_names_are_coco_and_limbs_alone_give_a_neck(tmp_path):
    source = KeypointSource(tmp_path)
    coco = list(layout("coco_17").joint_names)
    assert place_parts(coco, source, Told()).layout == "coco_17"
    assert place_parts(coco[5:], source, Told()).layout == "coco_17"
    assert place_parts(layout("lsp_14").joint_names, source, Told()).layout == "lsp_14"


def test_joints_that_no_layout_has_together_need_a_layout(tmp_path):
    with pytest.raises(KeypointFormatError, match="say layout="):
        place_parts(["left_pinky", "left_collar"], KeypointSource(tmp_path), Told())
