"""Human3.6M's 17 joints on CMU's skeletons, and the bones that the BVH conversion lost.

The Acclaim skeleton's points are the ends of its bones. These are the joints of the open motion
files; ``01.asf`` and ``01_01.amc`` give their clip ``S01/01_01`` to the last bit:

================  =====================================================
joint             end of the bone
================  =====================================================
pelvis            the middle of ``lhipjoint`` and ``rhipjoint``
hips              ``lhipjoint``, ``rhipjoint``
knees, ankles     ``lfemur``, ``ltibia`` (and the right ones)
spine             the middle of ``lowerback`` and ``upperback``
thorax            ``lowerneck``
nose              ``upperneck``: the middle of the head, not the tip of the nose
head top          ``head``
shoulders         ``lclavicle``
elbows, wrists    ``lhumerus``, ``lwrist`` (``lradius`` is two thirds of the forearm)
================  =====================================================

**What the BVH conversion lost.** In B. Hahne's files a bone's vector is the offset of the joint at
its end. Where several bones begin at one point, the bone before them is missing: ``Neck``,
``LeftShoulder`` and ``RightShoulder`` have offset 0 where ``thorax`` should be (0.117 m for
subject 01), and so have ``LeftFingerBase`` and ``LThumb`` where ``lwrist`` should be (0.098 m).
The hip joints begin at the root and lack nothing. `with_lost_bones` puts them back. In the Acclaim
files ``lwrist`` is half as long as ``lradius`` and goes straight on, so that nothing is lost there.
The thorax bone's length is not in the file: the bone is taken to be like the upper back's,
``Spine`` to ``Spine1``. For subjects 01 and 11, whose Acclaim skeletons could be compared, that is
5 and 12 mm off, by which neck, head and arms are off as one. Use the Acclaim files where that
matters.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.cmu.bvh import BvhMotion
from posenet3d.data.datasets.cmu.bvh_tree import END
from posenet3d.data.datasets.cmu.joint_tracks import JointTracks
from posenet3d.skeletons import layout

LAYOUT = "h36m_17"

_ACCLAIM = {
    "pelvis": ("lhipjoint", "rhipjoint"),
    "spine": ("lowerback", "upperback"),
    "thorax": ("lowerneck",),
    "nose": ("upperneck",),
    "head_top": ("head",),
    "{side}_hip": ("{s}hipjoint",),
    "{side}_knee": ("{s}femur",),
    "{side}_ankle": ("{s}tibia",),
    "{side}_shoulder": ("{s}clavicle",),
    "{side}_elbow": ("{s}humerus",),
    "{side}_wrist": ("{s}wrist",),
}
_BVH = {
    "pelvis": ("LeftUpLeg", "RightUpLeg"),
    "spine": ("Spine", "Spine1"),
    "thorax": ("Neck1",),
    "nose": ("Head",),
    "head_top": (f"Head{END}",),
    "{side}_hip": ("{Side}UpLeg",),
    "{side}_knee": ("{Side}Leg",),
    "{side}_ankle": ("{Side}Foot",),
    "{side}_shoulder": ("{Side}Arm",),
    "{side}_elbow": ("{Side}ForeArm",),
    "{side}_wrist": ("{Side}FingerBase",),
}


def _both_sides(table: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    made = {}
    for joint, points in table.items():
        for side in ("left", "right"):
            words = {"side": side, "Side": side.title(), "s": side[0]}
            made[joint.format(**words)] = tuple(point.format(**words) for point in points)
    return MappingProxyType(made)


ACCLAIM_TO_H36M = _both_sides(_ACCLAIM)
"""Human3.6M's joints: ends of the Acclaim skeleton's bones, whose middle each is."""
BVH_TO_H36M = _both_sides(_BVH)
"""Human3.6M's joints: joints of the BVH conversion, whose middle each is."""

_THORAX_ENDS = ("Neck", "LeftShoulder", "RightShoulder")
_WRIST_ENDS = {"Left": ("LeftFingerBase", "LThumb"), "Right": ("RightFingerBase", "RThumb")}
_WRIST_OF_RADIUS = 0.5


def human36m_joints(tracks: JointTracks) -> Float[np.ndarray, "frames 17 3"]:
    """Human3.6M's 17 joints of a CMU skeleton's points.

    Args:
        tracks: of an Acclaim file, or of a BVH file with B. Hahne's names.

    Returns:
        (frames, 17, 3) in layout ``h36m_17``, the tracks' unit and axes.

    Raises:
        DataError: a joint of both skeletons is missing.

    Example:
        >>> names = tuple({name for points in ACCLAIM_TO_H36M.values() for name in points})
        >>> human36m_joints(JointTracks("a.amc", names, np.ones((2, len(names), 3)), None)).shape
        (2, 17, 3)
    """
    table = ACCLAIM_TO_H36M if "lowerback" in tracks.names else BVH_TO_H36M
    points = dict(table)
    for side in ("left", "right"):
        if table is BVH_TO_H36M and points[f"{side}_wrist"][0] not in tracks.names:
            points[f"{side}_wrist"] = (f"{side.title()}Hand",)
    joints = [tracks.middle(*points[joint]) for joint in layout(LAYOUT).joint_names]
    return np.stack(joints, axis=1)


def with_lost_bones(motion: BvhMotion) -> BvhMotion:
    """A motion with the bones that B. Hahne's conversion lost; see this module's page.

    Args:
        motion: any.

    Returns:
        The motion with new offsets where all joints at a lost bone's end have offset 0; as it was
        where they have not, or where there are no such joints.

    Example:
        >>> arms = ("Hips", "Spine", "Spine1", "Neck", "LeftShoulder", "RightShoulder")
        >>> offsets = np.array([[0, 0, 0], [0, 2, 0], [0, 2.2, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
        >>> lost = BvhMotion(
        ...     "a.bvh", arms, (-1, 0, 1, 2, 2, 2), offsets, ((),) * 6, np.zeros((1, 0)), 120.0
        ... )
        >>> with_lost_bones(lost).tracks().middle("Neck").tolist()
        [[0.0, 6.4, 0.0]]
    """
    motion = _put_back(motion, _THORAX_ENDS, "Spine1", 1.0)
    for side, ends in _WRIST_ENDS.items():
        motion = _put_back(motion, ends, f"{side}Hand", _WRIST_OF_RADIUS)
    return motion


def _put_back(motion: BvhMotion, ends: tuple[str, ...], like: str, share: float) -> BvhMotion:
    """The bone at whose end some joints lie, as a share of the bone that ends at another joint."""
    if not {*ends, like} <= set(motion.names):
        return motion
    places = [motion.names.index(name) for name in ends]
    parent = motion.names.index(like)
    on_it = all(motion.parents[place] == parent for place in places)
    if not on_it or motion.offsets[places].any():
        return motion
    offsets = motion.offsets.copy()
    offsets[places] = share * offsets[parent]
    return replace(motion, offsets=offsets)
