"""The paper's camera: perspective, unit focal length, at the origin (Sect. 3.1 of PoseNet3D).

Camera frame: x right, y down, z forward. Lengths are in units of the mean head-to-root length.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.geometry.shapes import at_least_float32, require_axes
from posenet3d.typing import Points2D, Points3D


def project(points: Points3D, *, minimum_depth: float | None = None) -> Points2D:
    """The images of points in the camera frame: ``(x / z, y / z)``.

    Args:
        points: ``(*batch, joints, 3)``, camera frame, any unit of length.
        minimum_depth: depths below it count as it; then no point, not even one behind the camera,
            gives an infinite image or gradient. By default nothing is bounded.

    Returns:
        ``(*batch, joints, 2)``, focal lengths. Without ``minimum_depth``, a point at depth 0 has
        an infinite or undefined image, and one behind the camera (z < 0) appears mirrored.

    Raises:
        ShapeError: the last axis is not 3.

    Example:
        >>> project(torch.tensor([[1.0, 2.0, 10.0]])).tolist()
        [[0.10000000149011612, 0.20000000298023224]]
    """
    require_axes("points", points, "joints", 3)
    depth = points[..., 2:]
    if minimum_depth is not None:
        depth = depth.clamp(min=minimum_depth)
    return points[..., :2] / depth


def lift(points2d: Points2D, depth: Float[Tensor, "*batch joints"]) -> Points3D:
    """The points that lie at given depths on given lines of sight: ``X = (x z, y z, z)``.

    Sect. 3.1 of PoseNet3D; the inverse of :func:`project`.

    Args:
        points2d: ``(*batch, joints, 2)``, focal lengths.
        depth: ``(*batch, joints)``, z in the camera frame.

    Returns:
        ``(*batch, joints, 3)``, camera frame, in the unit of ``depth``.

    Raises:
        ShapeError: the last axis is not 2, or the two have different numbers of joints.

    Example:
        >>> lift(torch.tensor([[0.5, 0.25]]), torch.tensor([8.0])).tolist()
        [[4.0, 2.0, 8.0]]
    """
    require_axes("points2d", points2d, "joints", 2)
    require_axes("depth", depth, points2d.shape[-2])
    z = depth[..., None]
    return torch.cat([points2d * z, z.to(points2d.dtype)], dim=-1)


def depth_from_offset(
    offset: Float[Tensor, "*batch joints"], distance: float = 10.0
) -> Float[Tensor, "*batch joints"]:
    """Depths from the lifter's offsets: ``z = max(1, c + o)``, Sect. 3.1 of PoseNet3D.

    Args:
        offset: ``(*batch, joints)``, head-to-root lengths; half precision is raised to float32.
        distance: c, from the camera to the skeleton.

    Returns:
        ``(*batch, joints)``, at least 1. An offset below ``1 - c`` has gradient zero.

    Raises:
        ShapeError: ``offset`` is no floating-point tensor.

    Example:
        >>> depth_from_offset(torch.tensor([0.5, -20.0])).tolist()
        [10.5, 1.0]
    """
    require_axes("offset", offset, "joints")
    return (at_least_float32(offset) + distance).clamp(min=1)
