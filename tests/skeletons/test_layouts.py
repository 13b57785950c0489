import pytest

from posenet3d.errors import UnknownNameError
from posenet3d.skeletons import LAYOUTS, LIMBS, LSP_14, layout

JOINTS = {
    "lsp_14": 14, "h36m_17": 17, "h36m_17_left_first": 17, "coco_17": 17, "body_25": 25,
    "body_25b": 25, "coco_18": 18, "mpi_15": 15, "halpe_26": 26, "mpii_16": 16,
    "mediapipe_33": 33, "smpl_24": 24, "mpi_inf_3dhp_28": 28, "mpi_inf_3dhp_17": 17,
}  # fmt: skip


def test_every_layout_is_there_with_its_number_of_joints():
    assert {name: len(skeleton) for name, skeleton in LAYOUTS.items()} == JOINTS
    assert all(layout(name).name == name for name in JOINTS)


def test_the_canonical_order_is_that_of_leeds_sports_poses():
    assert " ".join(LSP_14.joint_names) == (
        "right_ankle right_knee right_hip left_hip left_knee left_ankle right_wrist right_elbow "
        "right_shoulder left_shoulder left_elbow left_wrist neck head_top"
    )


@pytest.mark.parametrize("name", JOINTS)
def test_both_sides_of_every_layout_have_the_same_shape(name):
    skeleton = layout(name)
    mirrored = {frozenset((skeleton.mirror[a], skeleton.mirror[b])) for a, b in skeleton.bones}
    assert mirrored == {frozenset(bone) for bone in skeleton.bones}


@pytest.mark.parametrize("name", JOINTS)
def test_every_layout_has_the_eight_limbs_as_bones(name):
    skeleton = layout(name)
    assert {skeleton.indices(*limb) for limb in LIMBS} <= set(skeleton.bones)


def test_the_limbs_are_upper_and_lower_arm_and_leg_on_both_sides():
    assert len(set(LIMBS)) == 8
    assert {a.split("_")[0] for a, _ in LIMBS} == {"left", "right"}
    assert all(a.split("_")[0] == b.split("_")[0] for a, b in LIMBS)


def test_the_layouts_cannot_be_changed():
    with pytest.raises(TypeError):
        LAYOUTS["mine"] = LSP_14


def test_an_unknown_layout_is_an_error_that_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'coco_17'"):
        layout("coco17")
