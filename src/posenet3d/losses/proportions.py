"""Bone proportions: people differ in size, hardly in the ratios of their bones."""

from collections.abc import Sequence

import torch
from einops import reduce
from jaxtyping import Float, Int
from torch import Tensor

from posenet3d.typing import Scalar, Windows3D


def bone_proportions(
    points: Windows3D,
    bones: Sequence[tuple[int, int]] | Int[Tensor, "bones 2"],
    mirror: Sequence[int] | Int[Tensor, " bones"],
) -> Scalar:
    r"""How far bones are from the proportions that the batch has in common, left as right.

    A bone's proportion is its length over the mean length of all bones in the window,
    :math:`r_{bjk} = \|X_m^j - X_n^j\| / \bar\ell_b`, which no scale changes. The common
    proportion is the mean over batch and frames of a bone and of its mirror image,
    :math:`\mu_k = \tfrac12 (\bar r_k + \bar r_{k'})`. The loss is
    :math:`\sum_k (r_{bjk} - \mu_k)^2`, mean over batch and frames.

    Eq. 4 of PoseNet3D asks that a bone keeps its length for nine frames, which a flat skeleton
    nearly does; this asks the same of people in all poses and views, which hardly any wrong depth
    does. ElePose (Wandt et al. 2022) compares proportions with given ones; none are given here.

    Args:
        points: joints X (batch, frames, joints, 3), any frame and unit.
        bones: pairs of joint indices (``Skeleton.bones``).
        mirror: for each bone the number of its mirror image, its own where it lies in the middle
            (:func:`mirrored_bones`).

    Returns:
        A non-negative scalar; zero for skeletons of one symmetric build, whatever their size and
        pose. Where all bones of a window have length zero its share and gradient are finite.

    Raises:
        IndexError: a bone names a joint that the points lack.

    Example:
        >>> import torch
        >>> points = torch.zeros(1, 1, 3, 3)
        >>> points[0, 0, :, 0] = torch.tensor([0.0, 1.0, 4.0])  # lengths 1 and 3
        >>> bone_proportions(points, [(0, 1), (1, 2)], mirror=[0, 1]).item()
        0.0
        >>> bone_proportions(points, [(0, 1), (1, 2)], mirror=[1, 0]).item()
        0.5
    """
    pairs = torch.as_tensor(bones, dtype=torch.long, device=points.device).reshape(-1, 2)
    swapped = torch.as_tensor(mirror, dtype=torch.long, device=points.device)
    start, end = (points.index_select(2, pairs[:, side]) for side in (0, 1))
    lengths: Tensor = torch.linalg.vector_norm(start - end, dim=-1)
    proportions = lengths / _mean_length(lengths)
    common = reduce(proportions, "batch frames bones -> bones", "mean")
    common = (common + common[swapped]) / 2
    return reduce((proportions - common).square(), "batch frames bones -> bones", "mean").sum()


def mirrored_bones(bones: Sequence[tuple[int, int]], mirror: Sequence[int]) -> tuple[int, ...]:
    """For each bone the number of the bone on the other side.

    Args:
        bones: pairs of joint indices.
        mirror: for each joint the one on the other side (``Skeleton.mirror``).

    Returns:
        As many numbers as bones; a bone whose mirror image is not among them keeps its own.

    Example:
        >>> mirrored_bones([(0, 1), (2, 1), (1, 3)], mirror=[2, 1, 0, 3])
        (1, 0, 2)
    """
    number = {frozenset(bone): index for index, bone in enumerate(bones)}
    images = (frozenset(mirror[joint] for joint in bone) for bone in bones)
    return tuple(number.get(image, index) for index, image in enumerate(images))


def _mean_length(lengths: Float[Tensor, "batch frames bones"]) -> Float[Tensor, "batch 1 1"]:
    mean = reduce(lengths, "batch frames bones -> batch 1 1", "mean")
    return mean.clamp(min=torch.finfo(mean.dtype).tiny ** 0.5)
