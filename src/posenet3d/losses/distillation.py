"""What the student is taught by: the teacher's skeleton, and a pull towards the mean body."""

import torch
from einops import reduce
from jaxtyping import Float
from torch import Tensor

from posenet3d.losses.squared_error import summed_squared_error
from posenet3d.typing import Scalar, Windows3D


def knowledge_distillation(teacher: Windows3D, student: Windows3D) -> Scalar:
    r"""The knowledge distillation loss between the teacher's and the body model's joints.

    :math:`L_{KD} = \sum_{j=1}^T \sum_{i=1}^N \|X_i^j - W'_{I(i)} M(\beta, R^j)\|^2`, Eq. 7 of
    PoseNet3D; mean over the batch. Gradients flow into both; detach the teacher's joints while it
    is frozen.

    The paper names no unit, and the unit decides how strong ``pose_regularizer`` is beside this
    term: with its weights (30, 10) pass millimetres; in head-to-root units they hold the body in
    its rest pose.

    Args:
        teacher: X (batch, frames, joints, 3), root-relative, camera frame.
        student: the body model's N chosen joints, same shape, frame and unit.

    Returns:
        A non-negative scalar in the square of the joints' unit; zero only where both agree.

    Raises:
        ShapeError: the two shapes differ.

    Example:
        >>> import torch
        >>> teacher = torch.zeros(1, 9, 14, 3)
        >>> knowledge_distillation(teacher, teacher + 10.0).item()  # 10 mm along each axis
        37800.0
    """
    return summed_squared_error(teacher, student)


def pose_regularizer(
    rotations: Float[Tensor, "batch frames bones 3 3"], *, regularize_root: bool = True
) -> Scalar:
    r"""The pull of every joint's rotation towards the identity, against twisted limbs.

    :math:`L_\theta = \sum_{j=1}^T \sum_{i=1}^K \|R_i^j - I\|_F^2`, Eq. 8 of PoseNet3D; mean over
    the batch. A rotation by the angle a adds :math:`8 \sin^2(a / 2)`, at most 8.

    Args:
        rotations: R (batch, frames, K, 3, 3), the root's first, in the body model's own frame.
        regularize_root: the paper sums over all K rotations, the root's included, although a
            person seen from behind is not abnormal; ``False`` leaves the root out.

    Returns:
        A non-negative scalar; zero only where every rotation that counts is the identity.

    Example:
        >>> import torch
        >>> upside_down = torch.diag(torch.tensor([1.0, -1.0, -1.0])).expand(1, 1, 24, 3, 3)
        >>> pose_regularizer(upside_down).item()  # 24 half turns, 8 each
        192.0
        >>> pose_regularizer(upside_down, regularize_root=False).item()
        184.0
    """
    counted = rotations if regularize_root else rotations[:, :, 1:]
    identity = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    squared = (counted - identity).square()
    return reduce(squared, "batch frames bones row column -> batch", "sum").mean()


def shape_regularizer(betas: Float[Tensor, "batch *frames betas"]) -> Scalar:
    r"""The pull of the shape coefficients towards the mean body.

    :math:`L_\beta = \|\beta\|^2`, Sect. 3.4 of PoseNet3D; mean over the batch.

    Args:
        betas: (batch, betas), shared by the window's frames, in standard deviations. Axes between
            the two are summed over.

    Returns:
        A non-negative scalar; zero only for the mean body.

    Example:
        >>> import torch
        >>> shape_regularizer(torch.ones(6, 10)).item()
        10.0
    """
    return reduce(betas.square(), "batch ... -> batch", "sum").mean()
