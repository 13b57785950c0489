"""The student: features of a window to SMPL parameters (Sect. 3.3)."""

from typing import Literal, NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.geometry import orthonormalize
from posenet3d.nn import ResidualBlock, small_output_layer

Orthonormalization = Literal["gram_schmidt", "svd"]


class BodyParameters(NamedTuple):
    """What the student predicts for windows.

    Attributes:
        betas: shape coefficients (batch, betas), one set a window.
        rotations: local joint rotations (batch, T, K, 3, 3); the root's turns body to world.
    """

    betas: Float[Tensor, "batch betas"]
    rotations: Float[Tensor, "batch frames bones 3 3"]


class Student(nn.Module):
    r"""The student branch: four residual blocks, then :math:`10 + 216 T` numbers.

    Sect. 3.3 of PoseNet3D: ten shape coefficients for the window and 24 matrices a frame, which a
    differentiable ortho-normalisation makes rotations. The output layer starts near zero and the
    identity is added to each matrix, so that the first answer is the rest pose.

    Args:
        channels: features C that the backbone gives.
        frames: frames T of a window.
        bones: joints K of the body model.
        betas: shape coefficients.
        blocks: residual blocks.
        dropout: probability of dropping a feature.
        method: how matrices are made rotations, see :func:`posenet3d.geometry.orthonormalize`.

    Example:
        >>> student = Student(8, frames=9)
        >>> betas, rotations = student(torch.zeros(2, 8))
        >>> rotations.shape
        torch.Size([2, 9, 24, 3, 3])
        >>> torch.allclose(rotations[0, 0, 0], torch.eye(3), atol=0.1)
        True
    """

    def __init__(
        self,
        channels: int,
        *,
        frames: int = 9,
        bones: int = 24,
        betas: int = 10,
        blocks: int = 4,
        dropout: float = 0.25,
        method: Orthonormalization = "gram_schmidt",
    ) -> None:
        super().__init__()
        self.frames, self.bones, self.betas, self.method = frames, bones, betas, method
        self.blocks = nn.Sequential(
            *(ResidualBlock(channels, dropout=dropout) for _ in range(blocks))
        )
        self.parameters_layer = small_output_layer(channels, betas + 9 * bones * frames)

    def forward(self, features: Float[Tensor, "batch channels"]) -> BodyParameters:
        """The body parameters of the windows that the features were made of.

        Args:
            features: the backbone's features (batch, C).

        Returns:
            Shape coefficients and rotations.
        """
        numbers = self.parameters_layer(self.blocks(features))
        matrices = rearrange(
            numbers[:, self.betas :],
            "b (t k i j) -> b t k i j",
            t=self.frames,
            k=self.bones,
            i=3,
            j=3,
        )
        identity = torch.eye(3, device=features.device, dtype=features.dtype)
        return BodyParameters(
            numbers[:, : self.betas], orthonormalize(matrices + identity, method=self.method)
        )
