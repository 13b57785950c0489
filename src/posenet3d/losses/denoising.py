"""What a lifter of spoilt windows is taught by: the skeletons of the exact ones."""

from jaxtyping import Bool
from torch import Tensor

from posenet3d.errors import ShapeError
from posenet3d.typing import Scalar, Windows3D


def joint_distance(
    first: Windows3D, second: Windows3D, counted: Bool[Tensor, "batch frames joints"] | None = None
) -> Scalar:
    r"""The mean distance between the joints of two skeletons.

    :math:`\frac{1}{|V|} \sum_{(b, j, i) \in V} \|a_{bji} - b_{bji}\|`, with V the joints that
    count. Not squared: windows that no network can answer would drown the others. It is in no
    equation of PoseNet3D.

    Args:
        first: joints (batch, frames, joints, 3), any unit and frame.
        second: joints of the same shape, unit and frame.
        counted: which joints count (batch, frames, joints); all by default.

    Returns:
        A non-negative scalar in the joints' unit; zero where none counts. Its gradient is zero
        where two joints coincide.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import torch
        >>> apart = torch.tensor([0.0, 3.0, 4.0]).expand(2, 9, 14, 3)
        >>> joint_distance(torch.zeros(2, 9, 14, 3), apart).item()
        5.0
    """
    shapes = {first.shape, second.shape}
    if len(shapes) > 1 or (counted is not None and counted.shape != first.shape[:-1]):
        got = f"{tuple(second.shape)}, and {None if counted is None else tuple(counted.shape)}"
        raise ShapeError("joints", expected=f"those of {tuple(first.shape)}", got=got)
    distance: Tensor = (first - second).norm(dim=-1)
    if counted is None:
        return distance.mean()
    return distance.masked_fill(~counted, 0.0).sum() / counted.sum().clamp(min=1)
