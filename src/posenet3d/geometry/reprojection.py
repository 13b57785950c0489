"""Skeletons turned about their root and seen anew: Eq. 1 of PoseNet3D.

A rotation of a window is shared by its frames: hand it over as ``(windows, 1, 3, 3)``.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.errors import ShapeError
from posenet3d.geometry.cameras import project
from posenet3d.geometry.rotations import rotate
from posenet3d.geometry.shapes import require_axes
from posenet3d.typing import Points2D, Points3D


def root_position(
    points: Float[Tensor, "*batch joints axes"], joints: Sequence[int]
) -> Float[Tensor, "*batch 1 axes"]:
    """The middle of the named joints of each skeleton (of the two hips: the root).

    Args:
        points: ``(*batch, joints, axes)``, 2D or 3D, any unit and frame.
        joints: indices of the joints whose mean is the root.

    Returns:
        ``(*batch, 1, axes)``, in the unit of ``points``.

    Raises:
        ShapeError: ``joints`` is empty, or an index lies outside the skeleton.

    Example:
        >>> root_position(torch.tensor([[1.0, 0.0], [3.0, 4.0]]), [0, 1]).tolist()
        [[2.0, 2.0]]
    """
    require_axes("points", points, "joints", "axes")
    count = points.shape[-2]
    if not joints or not all(0 <= joint < count for joint in joints):
        raise ShapeError("joints", expected=f"indices from 0 to {count - 1}", got=repr([*joints]))
    # Plain slices: an index tensor would be copied from the host and break CUDA graph capture.
    first, *others = (points[..., joint : joint + 1, :] for joint in joints)
    return sum(others, first) / len(joints)


def root_centre(
    points: Float[Tensor, "*batch joints axes"], joints: Sequence[int]
) -> Float[Tensor, "*batch joints axes"]:
    """Each skeleton moved so that the middle of the named joints is the origin.

    Args:
        points: ``(*batch, joints, axes)``, 2D or 3D, any unit and frame.
        joints: indices of the joints whose mean is the root.

    Returns:
        ``(*batch, joints, axes)``, in the unit of ``points``.

    Raises:
        ShapeError: ``joints`` is empty, or an index lies outside the skeleton.

    Example:
        >>> root_centre(torch.tensor([[1.0, 0.0], [3.0, 4.0]]), [0, 1]).tolist()
        [[-1.0, -2.0], [1.0, 2.0]]
    """
    return points - root_position(points, joints)


def rotate_about_root(
    points: Points3D,
    root: Float[Tensor, "*#batch 1 3"],
    rotation: Float[Tensor, "*#batch 3 3"],
    distance: float = 10.0,
) -> Points3D:
    """Skeletons turned about their root and put back before the camera.

    ``Y = Q (X - X_r) + (0, 0, c)``, Eq. 1 of PoseNet3D.

    Args:
        points: X, ``(*batch, joints, 3)``, camera frame, head-to-root lengths.
        root: X_r, ``(*batch, 1, 3)``, or what broadcasts to it.
        rotation: Q, ``(*batch, 3, 3)``, or what broadcasts to it.
        distance: c, from the camera to the root.

    Returns:
        Y, ``(*batch, joints, 3)``, camera frame; the root lies at ``(0, 0, c)``.

    Raises:
        ShapeError: a trailing axis has the wrong length.

    Example:
        >>> skeleton = torch.tensor([[0.0, 0.0, 12.0], [1.0, 0.0, 12.0]])
        >>> rotate_about_root(skeleton, skeleton[:1], torch.eye(3)).tolist()
        [[0.0, 0.0, 10.0], [1.0, 0.0, 10.0]]
    """
    require_axes("points", points, "joints", 3)
    require_axes("root", root, 1, 3)
    turned = rotate(points - root, rotation)
    return torch.cat([turned[..., :2], turned[..., 2:] + distance], dim=-1)


def reproject(
    points: Points3D,
    root: Float[Tensor, "*#batch 1 3"],
    rotation: Float[Tensor, "*#batch 3 3"],
    distance: float = 10.0,
    *,
    minimum_depth: float | None = 1.0,
) -> tuple[Points3D, Points2D]:
    """Skeletons turned about their root, in 3D and as the camera sees them: Y and y of Eq. 1.

    The paper bounds the depths of lifted points (z >= 1) and not those of turned ones, which may
    come to lie behind the camera while a lifter still learns; here the image of a turned point uses
    the same bound, so that every image and gradient is finite. Y itself is left as it is.

    Args:
        points: X, ``(*batch, joints, 3)``, camera frame, head-to-root lengths.
        root: X_r, ``(*batch, 1, 3)``, or what broadcasts to it.
        rotation: Q, ``(*batch, 3, 3)``, or what broadcasts to it.
        distance: c, from the camera to the root.
        minimum_depth: the least depth in the projection; ``None`` for the paper's plain form.

    Returns:
        Y, ``(*batch, joints, 3)``, and y, its projection ``(*batch, joints, 2)`` with the root at
        the origin.

    Raises:
        ShapeError: a trailing axis has the wrong length.

    Example:
        >>> skeleton = torch.tensor([[0.0, 0.0, 12.0], [1.0, 0.0, 12.0]])
        >>> reproject(skeleton, skeleton[:1], torch.eye(3))[1].tolist()
        [[0.0, 0.0], [0.10000000149011612, 0.0]]
    """
    turned = rotate_about_root(points, root, rotation, distance)
    return turned, project(turned, minimum_depth=minimum_depth)
