"""Joint angles in a clinician's words, their limits, and the rotations that they stand for.

Angles are degrees, zero in the anatomical position (upright, arms hanging, palms to the thighs).
Positive is flexion (forwards; for the knee, the heel to the buttock; for the ankle, the toes up),
abduction (away from the middle), internal rotation, and for the trunk: leaning forwards, bending
to the left, twisting to the left.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from posenet3d.body import SMPL_JOINT_NAMES
from posenet3d.data.synthetic.curves import Curve, Curves
from posenet3d.errors import UnknownNameError
from posenet3d.geometry.rotations import rotation_about_x, rotation_about_y, rotation_about_z
from posenet3d.typing import PoseRotations

_TRUNK = {
    "spine_flexion": (-25.0, 75.0),
    "spine_side": (-35.0, 35.0),
    "spine_twist": (-45.0, 45.0),
    "neck_flexion": (-45.0, 50.0),
    "neck_side": (-35.0, 35.0),
    "neck_twist": (-70.0, 70.0),
}
_LIMB = {
    "clavicle_elevation": (-5.0, 35.0),
    "shoulder_flexion": (-50.0, 175.0),
    "shoulder_abduction": (-35.0, 165.0),
    "shoulder_rotation": (-90.0, 90.0),
    "elbow_flexion": (0.0, 145.0),
    "wrist_flexion": (-60.0, 70.0),
    "hip_flexion": (-25.0, 125.0),
    "hip_abduction": (-20.0, 45.0),
    "hip_rotation": (-40.0, 40.0),
    "knee_flexion": (0.0, 140.0),
    "ankle_flexion": (-50.0, 35.0),
    "ankle_eversion": (-25.0, 25.0),
}
LIMITS: Mapping[str, tuple[float, float]] = _TRUNK | {
    f"{side}_{name}": limit for name, limit in _LIMB.items() for side in ("left", "right")
}
"""What each joint allows, degrees, by the angle's name. Knees and elbows have no negative side."""

FREE = ("pelvis_tilt", "pelvis_side", "pelvis_turn", "heading")
"""Angles of the pelvis in space, which no joint limits; ``heading`` turns the whole body left."""

_MARGIN = 4.0


def within_limits(angles: Curves, frames: int) -> Curves:
    """Every angle of the body, brought softly within its limits.

    The last 4 degrees before a limit are approached by a hyperbolic tangent, so that a curve that
    meets its limit stays smooth. An angle that is absent becomes zero (moved inside its limits).

    Args:
        angles: some of the angles of :data:`LIMITS` and :data:`FREE`, degrees.
        frames: the number of frames.

    Returns:
        All of them, in a fixed order.

    Raises:
        UnknownNameError: where an angle has no such name.

    Example:
        >>> curves = within_limits({"left_knee_flexion": np.array([-30.0, 60.0, 300.0])}, 3)
        >>> curves["left_knee_flexion"].round(1).tolist()
        [0.0, 60.0, 140.0]
    """
    for name in angles:
        if name not in LIMITS and name not in FREE:
            raise UnknownNameError("joint angle", name, (*LIMITS, *FREE))
    zero = np.zeros(frames)
    free = {name: angles.get(name, zero) for name in FREE}
    return free | {name: _squash(angles.get(name, zero), *LIMITS[name]) for name in LIMITS}


def _squash(angle: Curve, low: float, high: float) -> Curve:
    inner = np.clip(angle, low + _MARGIN, high - _MARGIN)
    squashed: Curve = inner + _MARGIN * np.tanh((angle - inner) / _MARGIN)
    return squashed


def angles_to_rotations(
    angles: Curves, neutral: Float[Tensor, "bones 3 3"], parents: tuple[int, ...]
) -> PoseRotations:
    """The local rotations of an SMPL-format body that takes these angles.

    R_k = N_p(k)^T A_k N_k, where A_k is the joint's anatomical rotation and N_k takes the bone
    from the body's rest pose (arms spread) to the anatomical position (arms hanging).

    Args:
        angles: every name of :data:`LIMITS` and :data:`FREE`, degrees.
        neutral: N of :func:`neutral_pose`.
        parents: each bone's parent, -1 for the root.

    Returns:
        Rotations in the body's frame (x to its left, y up, z forward), float64,
        (frames, 24, 3, 3).

    Example:
        >>> still = within_limits({}, frames=2)
        >>> eye = torch.eye(3, dtype=torch.float64).expand(24, 3, 3)
        >>> angles_to_rotations(still, eye, (-1,) * 24).shape
        torch.Size([2, 24, 3, 3])
    """
    degrees = {name: torch.as_tensor(np.radians(curve)) for name, curve in angles.items()}
    bones = _trunk(degrees) | _limbs(degrees, "left", 1.0) | _limbs(degrees, "right", -1.0)
    still = torch.eye(3, dtype=torch.float64).expand(len(degrees["heading"]), 3, 3)
    anatomical = torch.stack([bones.get(name, still) for name in SMPL_JOINT_NAMES], dim=1)
    above = torch.stack([torch.eye(3).to(neutral) if p < 0 else neutral[p] for p in parents])
    return torch.einsum("kji,fkjl,klm->fkim", above, anatomical, neutral)


def _trunk(angle: dict[str, Tensor]) -> dict[str, Tensor]:
    lean = _lean(angle["pelvis_tilt"], angle["pelvis_side"], angle["pelvis_turn"])
    spine = _lean(*(angle[f"spine_{way}"] / 3 for way in ("flexion", "side", "twist")))
    neck = [angle[f"neck_{way}"] for way in ("flexion", "side", "twist")]
    return {
        "pelvis": rotation_about_y(angle["heading"]) @ lean,
        **dict.fromkeys(("spine1", "spine2", "spine3"), spine),
        "neck": _lean(*(0.6 * part for part in neck)),
        "head": _lean(*(0.4 * part for part in neck)),
    }


def _lean(flexion: Tensor, side: Tensor, twist: Tensor) -> Tensor:
    return rotation_about_y(twist) @ rotation_about_x(flexion) @ rotation_about_z(-side)


def _limbs(angle: dict[str, Tensor], side: str, sign: float) -> dict[str, Tensor]:
    part = {name: angle[f"{side}_{name}"] for name in _LIMB}

    def ball(joint: str) -> Tensor:
        swing = rotation_about_x(-part[f"{joint}_flexion"])
        spread = rotation_about_z(sign * part[f"{joint}_abduction"])
        return swing @ spread @ rotation_about_y(-sign * part[f"{joint}_rotation"])

    bend = rotation_about_x(-part["ankle_flexion"])
    return {
        f"{side}_hip": ball("hip"),
        f"{side}_knee": rotation_about_x(part["knee_flexion"]),
        f"{side}_ankle": bend @ rotation_about_z(-sign * part["ankle_eversion"]),
        f"{side}_collar": rotation_about_z(sign * part["clavicle_elevation"]),
        f"{side}_shoulder": ball("shoulder"),
        f"{side}_elbow": rotation_about_x(-part["elbow_flexion"]),
        f"{side}_wrist": rotation_about_z(-sign * part["wrist_flexion"]),
    }


_HANGING = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
_JOINTS_OF_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "hand")


def neutral_pose(rest: Float[Tensor, "bones 3"]) -> Float[Tensor, "bones 3 3"]:
    """The global rotation of each bone from the rest pose to the anatomical position.

    Arms and legs turn the shortest way until they hang straight down; a hand goes with its
    forearm; trunk, head and feet stay as they are.

    Args:
        rest: the joints of the body in its rest pose, metres, SMPL's order.

    Returns:
        N, float64, (24, 3, 3).

    Example:
        >>> rest = torch.zeros(24, 3)
        >>> rest[:, 0] = torch.arange(24)  # every bone points to the left
        >>> left_elbow = neutral_pose(rest)[SMPL_JOINT_NAMES.index("left_elbow")]
        >>> [round(x, 6) + 0.0 for x in left_elbow[:, 0].tolist()]
        [0.0, -1.0, 0.0]
    """
    neutral = repeat(
        torch.eye(3, dtype=torch.float64), "i j -> bones i j", bones=len(SMPL_JOINT_NAMES)
    )
    neutral = neutral.clone()
    for side in ("left", "right"):
        bone = {name: SMPL_JOINT_NAMES.index(f"{side}_{name}") for name in _JOINTS_OF_LIMBS}
        for start, end in _HANGING:
            neutral[bone[start]] = _turn_down((rest[bone[end]] - rest[bone[start]]).double())
        for hand in ("wrist", "hand"):
            neutral[bone[hand]] = neutral[bone["elbow"]]
    return neutral


def _turn_down(direction: Tensor) -> Tensor:
    """The shortest rotation that takes ``direction`` to (0, -1, 0)."""
    x, y, z = (direction / direction.norm()).tolist()
    # About the horizontal axis that is perpendicular to the direction, by the angle to "down".
    heading = torch.tensor(math.atan2(x, z), dtype=torch.float64)
    angle = torch.tensor(math.atan2(math.hypot(x, z), -y), dtype=torch.float64)
    turn = rotation_about_y(heading)
    return turn @ rotation_about_x(angle) @ rearrange(turn, "i j -> j i")
