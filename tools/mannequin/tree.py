"""The tree of 24 joints, SMPL's names and order, and MakeHuman's bone for each."""

import numpy as np

_TABLE = (
    ("pelvis", -1, "pelvis"),
    ("left_hip", 0, "thigh_l"),
    ("right_hip", 0, "thigh_r"),
    ("spine1", 0, "spine_01"),
    ("left_knee", 1, "calf_l"),
    ("right_knee", 2, "calf_r"),
    ("spine2", 3, "spine_02"),
    ("left_ankle", 4, "foot_l"),
    ("right_ankle", 5, "foot_r"),
    ("spine3", 6, "spine_03"),
    ("left_foot", 7, "ball_l"),
    ("right_foot", 8, "ball_r"),
    ("neck", 9, "neck_01"),
    ("left_collar", 9, "clavicle_l"),
    ("right_collar", 9, "clavicle_r"),
    ("head", 12, "head"),
    ("left_shoulder", 13, "upperarm_l"),
    ("right_shoulder", 14, "upperarm_r"),
    ("left_elbow", 16, "lowerarm_l"),
    ("right_elbow", 17, "lowerarm_r"),
    ("left_wrist", 18, "hand_l"),
    ("right_wrist", 19, "hand_r"),
    ("left_hand", 20, "middle_01_l"),
    ("right_hand", 21, "middle_01_r"),
)

JOINTS = tuple(name for name, _, _ in _TABLE)
PARENTS = tuple(parent for _, parent, _ in _TABLE)
BONES = tuple(bone for _, _, bone in _TABLE)


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return name.replace("left_", "right_")
    return name.replace("right_", "left_")


MIRROR_JOINTS = np.array([JOINTS.index(_other_side(name)) for name in JOINTS])


def subtree(joint: int) -> list[int]:
    """The joint and all below it."""
    below = {joint}
    for child, parent in enumerate(PARENTS):
        if parent in below:
            below.add(child)
    return sorted(below)
