"""What is published of 2D detectors' errors, joint by joint.

`posenet3d.data.detector_noise` says what was measured, by whom, and what it makes of the numbers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class JointError(NamedTuple):
    """What is published of one kind of joint.

    Attributes:
        x: standard deviation of the error to the right, 1/256 of the person's crop.
        y: the same, downwards.
        gross: share of frames in which the error is an outlier.
        spread: COCO's standard deviation of annotators, parts of the root of the person's area.
    """

    x: float
    y: float
    gross: float
    spread: float


JITTER: Mapping[str, JointError] = MappingProxyType(
    {
        "hip": JointError(3.34, 2.49, 0.005, 0.107),
        "knee": JointError(1.64, 2.10, 0.055, 0.087),
        "ankle": JointError(1.39, 2.27, 0.070, 0.089),
        "shoulder": JointError(2.37, 1.61, 0.010, 0.079),
        "elbow": JointError(1.86, 1.70, 0.050, 0.072),
        "wrist": JointError(2.02, 2.17, 0.095, 0.062),
        "neck": JointError(1.18, 1.15, 0.010, 0.079),
        "head_top": JointError(1.35, 0.87, 0.010, 0.035),
        "nose": JointError(0.78, 0.59, 0.020, 0.026),
    }
)
"""Errors by kind of joint, both sides' mean, after Chang et al. 2019, and COCO's spreads.

COCO has no neck and no head top: they have the spreads of shoulders and of ears.
"""

OFTEN = JITTER["wrist"].gross
"""Share of gross errors of a wrist, the joint that a model's shares are told of."""

LIMBS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "arms": ("elbow", "wrist", "hand", "pinky", "index", "thumb"),
        "legs": ("knee", "ankle", "big_toe", "small_toe", "heel", "foot", "foot_index"),
    }
)
"""Kinds of joint that are exchanged together."""

_LIKE = {
    **dict.fromkeys(("eye", "ear", "eye_inner", "eye_outer", "mouth", "head"), "nose"),
    **dict.fromkeys(("big_toe", "small_toe", "heel", "foot", "foot_index"), "ankle"),
    **dict.fromkeys(("hand", "pinky", "index", "thumb"), "wrist"),
}


def joint_error(kind: str) -> JointError:
    """The errors of a kind of joint; those of the nearest kind where none are published.

    Args:
        kind: a joint's name without its side, in any layout. One that is like no other has the
            errors of the neck.

    Example:
        >>> joint_error("heel") == joint_error("ankle")
        True
    """
    return JITTER[_LIKE.get(kind, kind if kind in JITTER else "neck")]
