"""A network's answer for windows: the teacher's skeletons and the student's body, in one pass."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.networks import PoseNet3D
from posenet3d.nn import fill_windows
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.typing import Windows2D, Windows3D


class WindowAnswer(NamedTuple):
    """What a network says of windows.

    Attributes:
        teacher: skeletons (batch, T, 14, 3), camera frame, head-to-root units, about the hips.
        betas: shape coefficients (batch, betas); ``None`` without a trained student.
        rotations: local joint rotations (batch, T, bones, 3, 3); ``None`` likewise.
    """

    teacher: Windows3D
    betas: Float[Tensor, "batch betas"] | None
    rotations: Float[Tensor, "batch frames bones 3 3"] | None


@torch.no_grad()
def lift_windows(model: PoseNet3D, windows: Windows2D) -> WindowAnswer:
    """The answer of a network in eval mode, each part computed once.

    A network that takes missing joints is told of them; others are given the guess of
    :func:`~posenet3d.nn.fill_windows`.

    Args:
        model: the network, in eval mode.
        windows: (batch, T, 14, 2), root-centred, normalised, NaN where a joint is missing.

    Returns:
        `WindowAnswer`.

    Example:
        >>> from posenet3d.networks import NetworkConfig
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small)).eval()
        >>> lift_windows(model, torch.zeros(2, 9, 14, 2)).teacher.shape
        torch.Size([2, 9, 14, 3])
    """
    told = windows if model.config.missing_joints else fill_windows(windows)
    features = model.backbone(told)
    teacher = centre_on_hips(model.teacher(features, told))
    if not model.has_student:
        return WindowAnswer(teacher, None, None)
    seen = (features, teacher) if model.student_sees_teacher else (features,)
    betas, rotations = model.student(*seen)
    return WindowAnswer(teacher, betas, rotations)
