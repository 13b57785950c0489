"""How unlike the left and right limbs of lifted skeletons are: wrong depth tells by it."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from posenet3d.skeletons import LIMBS, LSP_14
from posenet3d.typing import Points3D, Scalar

_LEFT = [limb for limb in LIMBS if limb[0].startswith("left_")]
_RIGHT = [tuple(joint.replace("left_", "right_") for joint in limb) for limb in _LEFT]


def limb_asymmetry(skeletons: Points3D) -> Scalar:
    r"""The mean of :math:`|l - r| / (l + r)` over upper and lower arms and legs.

    l and r are the lengths of a bone on the left and on the right. People are symmetric, so a
    lifter that finds the depth finds equal lengths; no loss of the paper asks for it, so it
    stands apart from training. A depth-mirrored skeleton has the same value.

    Args:
        skeletons: (..., 14, 3), any unit and size.

    Returns:
        A scalar between 0 and 1; a bone of length zero on both sides counts as symmetric.

    Example:
        >>> import torch
        >>> float(limb_asymmetry(torch.zeros(2, 14, 3)))
        0.0
    """
    left, right = (_lengths(skeletons, bones) for bones in (_LEFT, _RIGHT))
    smallest = 1e-12
    ratio: Scalar = ((left - right).abs() / (left + right).clamp(min=smallest)).mean()
    return ratio


def _lengths(skeletons: Points3D, bones: Sequence[Sequence[str]]) -> Float[Tensor, "*batch bones"]:
    starts, ends = zip(*(LSP_14.indices(*bone) for bone in bones), strict=True)
    lengths: Tensor = (skeletons[..., list(starts), :] - skeletons[..., list(ends), :]).norm(dim=-1)
    return lengths
