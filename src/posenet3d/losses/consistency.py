"""What the teacher's skeletons must agree on: after a turn, between windows, over time."""

from collections.abc import Sequence

import torch
from einops import reduce
from jaxtyping import Int
from torch import Tensor

from posenet3d.losses.squared_error import summed_squared_error
from posenet3d.typing import Scalar, Windows3D


def self_supervision(rotated: Windows3D, relifted: Windows3D) -> Scalar:
    r"""The multi-frame self-supervision loss.

    :math:`L_{mss} = \sum_i^N \sum_j^T \|Y_i^j - \tilde Y_i^j\|^2`, Eq. 2 of PoseNet3D; mean over
    the batch. Y is the lifted skeleton turned into another view, :math:`\tilde Y` what the lifter
    makes of that view's 2D projection. Gradients flow into both.

    Args:
        rotated: Y (batch, frames, joints, 3), camera frame, head-to-root units.
        relifted: :math:`\tilde Y`, same shape, frame and unit.

    Returns:
        A non-negative scalar; zero only where both agree.

    Raises:
        ShapeError: the two shapes differ.

    Example:
        >>> import torch
        >>> rotated = torch.zeros(2, 9, 14, 3)
        >>> self_supervision(rotated, rotated + 0.1).item()  # 9 * 14 * 3 * 0.01
        3.78...
    """
    return summed_squared_error(rotated, relifted)


def temporal_consistency(now: Windows3D, later: Windows3D) -> Scalar:
    r"""The temporal consistency loss between a window and the one that starts a frame later.

    :math:`L_{tc} = \sum_i^N \sum_{j=1}^{T-1} \|X_i^{j+1}(t) - X_i^j(t+1)\|^2`, Eq. 3 of PoseNet3D;
    mean over the batch. As printed Eq. 3 lacks the sum over the joints i; it is added here, as
    Eq. 2 and 7 have it.

    Args:
        now: X(t) (batch, frames, joints, 3), camera frame, head-to-root units.
        later: X(t + 1), same shape, frame and unit.

    Returns:
        A non-negative scalar; zero where the T - 1 common frames agree. Windows of one frame
        share none: zero.

    Raises:
        ShapeError: the two shapes differ.

    Example:
        >>> import torch
        >>> frames = torch.arange(10.0).reshape(1, 10, 1, 1).expand(1, 10, 14, 3)
        >>> temporal_consistency(frames[:, :9], frames[:, 1:]).item()
        0.0
    """
    return summed_squared_error(now[:, 1:], later[:, :-1])


def bone_length_variance(
    points: Windows3D, bones: Sequence[tuple[int, int]] | Int[Tensor, "bones 2"]
) -> Scalar:
    r"""The bone length loss: how much each bone's length changes within a window.

    :math:`L_{bl} = \sum_{m=1}^N \sum_{n \in N(m)} Var_j(b(m, n, j))` with
    :math:`b(m, n, j) = \|X_m^j - X_n^j\|`, Eq. 4 of PoseNet3D; mean over the batch. The double sum
    meets each bone from both ends, so a bone named once counts twice. The variance is the
    population's (divided by T), over the frames of a window.

    Args:
        points: joints X (batch, frames, joints, 3), any frame, head-to-root units.
        bones: pairs of joint indices, each bone once (``Skeleton.bones``). An integer tensor
            on the points' device spares a copy to the device at each call.

    Returns:
        A non-negative scalar; zero for rigid skeletons, for one frame and for no bones. Where a
        bone has length zero its gradient is zero, never NaN.

    Raises:
        IndexError: a bone names a joint that the points lack.

    Example:
        >>> import torch
        >>> points = torch.zeros(1, 2, 2, 3)
        >>> points[0, :, 1, 0] = torch.tensor([1.0, 3.0])  # lengths 1 and 3: variance 1
        >>> bone_length_variance(points, [(0, 1)]).item()
        2.0
    """
    pairs = torch.as_tensor(bones, dtype=torch.long, device=points.device).reshape(-1, 2)
    start, end = (points.index_select(2, pairs[:, side]) for side in (0, 1))
    lengths: Tensor = torch.linalg.vector_norm(start - end, dim=-1)
    deviations = lengths - lengths.mean(dim=1, keepdim=True)
    variances = reduce(deviations.square(), "batch frames bones -> batch bones", "mean")
    return 2.0 * reduce(variances, "batch bones -> batch", "sum").mean()
