"""A student that reads the teacher's skeleton in the person's own frame; not the paper's."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.geometry import orthonormalize
from posenet3d.networks.student import BodyParameters, Orthonormalization
from posenet3d.nn import LinearBlock, ResidualBlock, small_output_layer
from posenet3d.skeletons.anatomy import torso_rotation
from posenet3d.typing import Rotations, Windows3D

SPEED_GAIN = 20.0
"""Joints move some twentieth of their distance from the root in a frame."""


class CanonicalStudent(nn.Module):
    r"""Inverse kinematics learnt frame by frame: the teacher's skeleton in, body parameters out.

    The paper's student makes 216 T numbers of the backbone's features, so it has to learn each
    pose anew for every direction that a person may face. This one turns the teacher's skeleton
    into the trunk's own frame first (:func:`~posenet3d.skeletons.anatomy.torso_rotation`), where
    a pose looks the same from everywhere:

    .. math:: c = A^{\mathsf T} (X - X_r), \qquad R_1 = B A \, R'_1,

    with A the trunk's rotation, B = diag(1, -1, -1) from body to camera, and R'_1 and all other
    rotations the network's answer. All frames share its weights; a frame is told its own c, its
    speed, and the window's mean. The window's shape comes from all its frames at once.

    With the same body, losses and steps its skeletons are half as far from the teacher's;
    ``benchmarks/results/student_trials.md``.

    Args:
        channels: features C that the backbone gives; here only the default width.
        frames: frames T of a window.
        bones: joints K of the body model.
        betas: shape coefficients.
        width: features of the layers; C by default.
        blocks: residual blocks.
        dropout: probability of dropping a feature.
        method: how matrices are made rotations, see :func:`posenet3d.geometry.orthonormalize`.

    Attributes:
        sees_teacher: true, which asks for the teacher's skeletons as a second argument.

    Example:
        >>> student = CanonicalStudent(8, frames=9)
        >>> betas, rotations = student(torch.zeros(2, 8), torch.randn(2, 9, 14, 3))
        >>> rotations.shape
        torch.Size([2, 9, 24, 3, 3])
    """

    body_to_camera: Tensor

    sees_teacher = True

    def __init__(
        self,
        channels: int,
        *,
        frames: int = 9,
        bones: int = 24,
        betas: int = 10,
        joints: int = 14,
        width: int | None = None,
        blocks: int = 2,
        dropout: float = 0.0,
        method: Orthonormalization = "gram_schmidt",
    ) -> None:
        super().__init__()
        self.bones, self.method = bones, method
        width = channels if width is None else width
        self.pose = _layers(3 * 3 * joints, width, 9 * bones, blocks, dropout)
        self.shape = _layers(3 * joints * frames, width, betas, blocks, dropout)
        self.register_buffer("body_to_camera", torch.tensor([1.0, -1.0, -1.0]), persistent=False)

    def forward(
        self, features: Float[Tensor, "batch channels"], skeletons: Windows3D
    ) -> BodyParameters:
        """The body parameters of the windows whose skeletons the teacher gave.

        Args:
            features: the backbone's features (batch, C); not looked at.
            skeletons: the teacher's joints (batch, T, 14, 3), camera frame, head-to-root units,
                hips at the origin.

        Returns:
            Shape coefficients and rotations.
        """
        trunk = torso_rotation(skeletons)
        canonical = (skeletons @ trunk).flatten(2)
        mean = canonical.mean(1, keepdim=True).expand_as(canonical)
        told = torch.cat([canonical, SPEED_GAIN * _speed(canonical), mean], dim=-1)
        matrices = rearrange(
            self.pose(told.flatten(0, 1)),
            "(b t) (k i j) -> b t k i j",
            b=len(told),
            k=self.bones,
            i=3,
        )
        identity = torch.eye(3, device=matrices.device, dtype=matrices.dtype)
        rotations = orthonormalize(matrices + identity, method=self.method)
        return BodyParameters(self.shape(canonical.flatten(1)), self._faced(rotations, trunk))

    def _faced(
        self, rotations: Float[Tensor, "batch frames bones 3 3"], trunk: Rotations
    ) -> Float[Tensor, "batch frames bones 3 3"]:
        """The rotations with the root's turned to where the trunk faces, in the body's frame."""
        upright = self.body_to_camera.to(trunk.dtype)[:, None] * trunk
        root = upright.to(rotations.dtype)[:, :, None] @ rotations[:, :, :1]
        return torch.cat([root, rotations[:, :, 1:]], dim=2)


def _layers(inputs: int, width: int, outputs: int, blocks: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        LinearBlock(inputs, width, dropout=dropout),
        *(ResidualBlock(width, dropout=dropout) for _ in range(blocks)),
        small_output_layer(width, outputs),
    )


def _speed(values: Float[Tensor, "batch frames numbers"]) -> Float[Tensor, "batch frames numbers"]:
    """Half the difference between a frame's neighbours; the window's ends are repeated."""
    padded = torch.cat([values[:, :1], values, values[:, -1:]], dim=1)
    return (padded[:, 2:] - padded[:, :-2]) / 2
