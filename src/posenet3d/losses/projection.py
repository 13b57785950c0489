"""How far a skeleton's image is from the 2D skeleton that was seen."""

from einops import reduce

from posenet3d.errors import ShapeError
from posenet3d.typing import Scalar, Windows2D


def reprojection_error(image: Windows2D, seen: Windows2D) -> Scalar:
    r"""Squared 2D distances, summed over joints and frames, mean over the batch.

    :math:`\sum_{j=1}^T \sum_{i=1}^N \|\tilde x_i^j - x_i^j\|^2`. It is the loss of
    self-consistency in 2D of Chen et al. 2019, :math:`L_{2D}`, where :math:`\tilde x` is the
    re-lifted skeleton turned back and projected; and the loss of the reprojection baselines of
    PoseNet3D (Sect. 4.3, Table 4), where it is the projection of the student's joints.

    Args:
        image: :math:`\tilde x` (batch, frames, joints, 2), root-centred, normalised.
        seen: x, same shape and unit.

    Returns:
        A non-negative scalar in the square of the points' unit; zero only where both agree.

    Raises:
        ShapeError: the two shapes differ; broadcasting would hide a mistake.

    Example:
        >>> import torch
        >>> seen = torch.zeros(2, 9, 14, 2)
        >>> reprojection_error(seen + 0.1, seen).item()  # 9 * 14 * 2 * 0.01
        2.52...
    """
    if image.shape != seen.shape:
        raise ShapeError(
            "image", expected=f"the seen points' {tuple(seen.shape)}", got=f"{tuple(image.shape)}"
        )
    squared = (image - seen).square()
    return reduce(squared, "batch frames joints xy -> batch", "sum").mean()
