"""The joint layouts that keypoint files come in, and the canonical 14 joints.

The names say what a point is: OpenPose's and COCO's "neck" is the middle of the shoulders
(`neck`), MPII's and BODY_25B's lies higher (`upper_neck`), Human3.6M's is the thorax (`thorax`).
`conversion` knows which of them may stand for which.
"""

from collections.abc import Mapping
from types import MappingProxyType

from posenet3d.errors import UnknownNameError
from posenet3d.skeletons.skeleton import Skeleton

_PARENT_IN_EVERY_LAYOUT = {
    "ankle": "knee", "knee": "hip", "wrist": "elbow", "elbow": "shoulder",
    "eye": "nose", "ear": "eye", "big_toe": "ankle", "heel": "ankle", "small_toe": "big_toe",
    "foot": "ankle", "hand": "wrist", "head_top": "neck", "hip": "pelvis", "shoulder": "neck",
}  # fmt: skip


def _both(*joints: str, first: str = "left") -> tuple[str, ...]:
    """Each joint on both sides, side by side."""
    second = "right" if first == "left" else "left"
    return tuple(f"{side}_{joint}" for joint in joints for side in (first, second))


def _side(side: str, *joints: str) -> tuple[str, ...]:
    return tuple(f"{side}_{joint}" for joint in joints)


def _build(
    name: str,
    joints: tuple[str, ...],
    *,
    root: str,
    links: tuple[tuple[str, str], ...] = (),
    **parent_of: str,
) -> Skeleton:
    """A skeleton whose parents are told by name; a one-sided joint prefers a parent of its side."""
    rules = _PARENT_IN_EVERY_LAYOUT | parent_of

    def parent(joint: str) -> int:
        if joint == root:
            return -1
        side, _, rest = joint.partition("_")
        one_sided = side in ("left", "right")
        rule = rules.get(joint) or rules[rest if one_sided else joint]
        own_side = f"{side}_{rule}"
        return joints.index(own_side if one_sided and own_side in joints else rule)

    return Skeleton(name, joints, tuple(map(parent, joints)), links)


_LEG_DOWN = ("hip", "knee", "ankle")
_ARM_DOWN = ("shoulder", "elbow", "wrist")
_FACE = ("nose", *_both("eye", "ear"))
_COCO = (*_FACE, *_both(*_ARM_DOWN), *_both(*_LEG_DOWN))
_H36M_TRUNK = ("spine", "thorax", "nose", "head_top")
_H36M_ARMS = (*_side("left", *_ARM_DOWN), *_side("right", *_ARM_DOWN))
_OPENPOSE_ARMS = (*_side("right", *_ARM_DOWN), *_side("left", *_ARM_DOWN))
_OPENPOSE_LEGS = (*_side("right", *_LEG_DOWN), *_side("left", *_LEG_DOWN))
_3DHP_ARM = ("clavicle", *_ARM_DOWN, "hand")
_3DHP_LEG = (*_LEG_DOWN, "foot", "toe")
_HIPS = ("right_hip", "left_hip")
_SHOULDERS = ("right_shoulder", "left_shoulder")

LSP_14 = _build(
    "lsp_14",
    (
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
        "right_wrist", "right_elbow", "right_shoulder",
        "left_shoulder", "left_elbow", "left_wrist", "neck", "head_top",
    ),
    root="neck", hip="neck", links=(_HIPS,),
)  # fmt: skip
"""The canonical layout: 14 joints in the order of the Leeds Sports Poses.

Its root for centring is the middle of the hips, which is no joint; its tree hangs on the neck.
"""

_SKELETONS = (
    LSP_14,
    _build(
        "h36m_17",
        ("pelvis", *_side("right", *_LEG_DOWN), *_side("left", *_LEG_DOWN),
         *_H36M_TRUNK, *_H36M_ARMS),
        root="pelvis", spine="pelvis", thorax="spine", nose="thorax", head_top="nose",
        shoulder="thorax",
    ),
    _build(
        "h36m_17_left_first",
        ("pelvis", *_side("left", *_LEG_DOWN), *_side("right", *_LEG_DOWN),
         *_H36M_TRUNK, *_H36M_ARMS),
        root="pelvis", spine="pelvis", thorax="spine", nose="thorax", head_top="nose",
        shoulder="thorax",
    ),
    _build("coco_17", _COCO, root="nose", shoulder="ear", hip="shoulder",
           links=(_SHOULDERS, _HIPS)),
    _build(
        "body_25",
        ("nose", "neck", *_OPENPOSE_ARMS, "mid_hip", *_OPENPOSE_LEGS,
         *_both("eye", "ear", first="right"),
         *_side("left", "big_toe", "small_toe", "heel"),
         *_side("right", "big_toe", "small_toe", "heel")),
        root="mid_hip", neck="mid_hip", nose="neck", hip="mid_hip",
    ),
    _build(
        "body_25b",
        (*_COCO, "upper_neck", "head_top",
         *_side("left", "big_toe", "small_toe", "heel"),
         *_side("right", "big_toe", "small_toe", "heel")),
        root="upper_neck", nose="upper_neck", head_top="upper_neck", shoulder="upper_neck",
        hip="shoulder", links=(_HIPS,),
    ),
    _build(
        "coco_18",
        ("nose", "neck", *_OPENPOSE_ARMS, *_OPENPOSE_LEGS, *_both("eye", "ear", first="right")),
        root="neck", nose="neck", hip="neck",
    ),
    _build(
        "mpi_15",
        ("head_top", "neck", *_OPENPOSE_ARMS, *_OPENPOSE_LEGS, "chest"),
        root="chest", neck="chest", hip="chest",
    ),
    _build(
        "halpe_26",
        (*_COCO, "head_top", "neck", "mid_hip", *_both("big_toe", "small_toe", "heel")),
        root="mid_hip", neck="mid_hip", nose="neck", hip="mid_hip",
    ),
    _build(
        "mpii_16",
        ("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
         "pelvis", "thorax", "upper_neck", "head_top",
         "right_wrist", "right_elbow", "right_shoulder",
         "left_shoulder", "left_elbow", "left_wrist"),
        root="pelvis", thorax="pelvis", upper_neck="thorax", head_top="upper_neck",
        shoulder="thorax",
    ),
    _build(
        "mediapipe_33",
        ("nose", *_side("left", "eye_inner", "eye", "eye_outer"),
         *_side("right", "eye_inner", "eye", "eye_outer"), *_both("ear", "mouth"),
         *_both(*_ARM_DOWN), *_both("pinky", "index", "thumb"),
         *_both(*_LEG_DOWN), *_both("heel", "foot_index")),
        root="nose", eye_inner="nose", eye="eye_inner", eye_outer="eye", ear="eye_outer",
        mouth="nose", shoulder="ear", pinky="wrist", index="wrist", thumb="wrist",
        hip="shoulder", foot_index="heel", links=(_SHOULDERS, _HIPS),
    ),
    _build(
        "smpl_24",
        ("pelvis", *_both("hip"), "spine1", *_both("knee"), "spine2", *_both("ankle"), "spine3",
         *_both("foot"), "neck", *_both("collar"), "head", *_both("shoulder", "elbow", "wrist"),
         *_both("hand")),
        root="pelvis", spine1="pelvis", spine2="spine1", spine3="spine2", neck="spine3",
        collar="spine3", head="neck", shoulder="collar",
    ),
    _build(
        "mpi_inf_3dhp_28",
        ("spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top",
         *_side("left", *_3DHP_ARM), *_side("right", *_3DHP_ARM),
         *_side("left", *_3DHP_LEG), *_side("right", *_3DHP_LEG)),
        root="pelvis", spine="pelvis", spine2="spine", spine3="spine2", spine4="spine3",
        neck="spine4", head="neck", head_top="head", clavicle="neck", shoulder="clavicle",
        hand="wrist", toe="foot",
    ),
    _build(
        "mpi_inf_3dhp_17",
        ("head_top", "neck", *_OPENPOSE_ARMS, *_OPENPOSE_LEGS, "pelvis", "spine", "head"),
        root="pelvis", spine="pelvis", neck="spine", head="neck", head_top="head",
    ),
)  # fmt: skip

LAYOUTS: Mapping[str, Skeleton] = MappingProxyType({s.name: s for s in _SKELETONS})
"""Every layout by its name."""

LIMBS: tuple[tuple[str, str], ...] = tuple(
    (f"{side}_{upper}", f"{side}_{lower}")
    for side in ("left", "right")
    for upper, lower in (
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("hip", "knee"),
        ("knee", "ankle"),
    )
)
"""The 8 bones of MBLSTD: upper and lower, arm and leg, left and right."""


def layout(name: str) -> Skeleton:
    """The skeleton of a layout.

    Args:
        name: one of `LAYOUTS`: ``"lsp_14"``, ``"h36m_17"`` (right leg first),
            ``"h36m_17_left_first"``, ``"coco_17"``, ``"body_25"``, ``"body_25b"``,
            ``"coco_18"``, ``"mpi_15"``, ``"halpe_26"``, ``"mpii_16"``, ``"mediapipe_33"``,
            ``"smpl_24"``, ``"mpi_inf_3dhp_28"``, ``"mpi_inf_3dhp_17"``.

    Returns:
        Its skeleton.

    Raises:
        UnknownNameError: there is no such layout; the message lists all and the nearest.

    Example:
        >>> len(layout("body_25"))
        25
        >>> len(layout("lsp_14").bones)
        14
    """
    if name not in LAYOUTS:
        raise UnknownNameError("layout", name, LAYOUTS)
    return LAYOUTS[name]
