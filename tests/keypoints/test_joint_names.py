from pathlib import Path

import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import KeypointSource, Told
from posenet3d.keypoints.joint_names import kept_joints
from posenet3d.skeletons import LAYOUTS

SOURCE = KeypointSource(Path("walk.json"))


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_known_by_the_names_of_its_joints(name):
    names = LAYOUTS[name].joint_names
    assert kept_joints(SOURCE, Told(), len(names), (), names) == (name, len(names))


@pytest.mark.parametrize("name", LAYOUTS)
def test_joints_in_another_order_are_refused(name):
    names = tuple(reversed(LAYOUTS[name].joint_names))
    with pytest.raises(KeypointFormatError, match="say layout= if"):
        kept_joints(SOURCE, Told(), len(names), (), names)


def test_what_is_told_goes_before_the_names():
    told = Told(layout="coco_17")
    assert kept_joints(SOURCE, told, 17, (), ("a",) * 17) == ("coco_17", 17)


def test_joints_behind_a_layouts_are_left_out():
    names = (*LAYOUTS["coco_17"].joint_names, "left_finger", "right_finger")
    assert kept_joints(SOURCE, Told(), 19, (), names) == ("coco_17", 17)


def test_names_of_other_joints_than_there_are_are_refused():
    with pytest.raises(KeypointFormatError, match="17 as there are names"):
        kept_joints(SOURCE, Told(), 16, (), LAYOUTS["coco_17"].joint_names)


@pytest.mark.parametrize(("joints", "layout"), [(133, "coco_17"), (136, "halpe_26")])
def test_a_whole_body_begins_with_its_body(joints, layout):
    kept = (layout, len(LAYOUTS[layout]))
    assert kept_joints(SOURCE, Told(), joints, ()) == kept
    assert kept_joints(SOURCE, Told(layout=layout), joints, ()) == kept
    with pytest.raises(KeypointFormatError, match=f"got {joints}"):
        kept_joints(SOURCE, Told(layout="body_25"), joints, ())
