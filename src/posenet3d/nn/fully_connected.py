"""A fully connected residual trunk: all numbers of a window at once, without convolutions."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.errors import ShapeError
from posenet3d.nn.residual import LinearBlock, ResidualBlock
from posenet3d.nn.temporal import Activation
from posenet3d.typing import Windows2D


class FullyConnectedBackbone(nn.Module):
    """A layer that takes all numbers of a window, then fully connected residual blocks.

    The lifter of Chen et al. 2019 (after Martinez et al. 2017) looks at one frame: ``frames=1``.
    More frames lie side by side.

    Args:
        joints: joints J of a 2D skeleton.
        frames: frames T of a window.
        channels: features C of every layer.
        blocks: residual blocks of two layers each.
        dropout: probability of dropping a feature.
        norm: whether the layers have BatchNorm.
        activation: ``"relu"`` or ``"leaky_relu"``.

    Example:
        >>> import torch
        >>> backbone = FullyConnectedBackbone(joints=14, frames=1, channels=16)
        >>> backbone(torch.zeros(4, 1, 14, 2)).shape
        torch.Size([4, 16])
    """

    def __init__(
        self,
        *,
        joints: int = 14,
        frames: int = 1,
        channels: int = 1024,
        blocks: int = 3,
        dropout: float = 0.25,
        norm: bool = True,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.joints, self.frames, self.channels = joints, frames, channels
        self.entry = LinearBlock(
            2 * joints * frames, channels, dropout=dropout, norm=norm, activation=activation
        )
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(channels, dropout=dropout, norm=norm, activation=activation)
                for _ in range(blocks)
            )
        )

    @property
    def receptive_field(self) -> int:
        """Frames that one feature vector depends on; equals ``frames``."""
        return self.frames

    def forward(self, windows: Windows2D) -> Float[Tensor, "batch channels"]:
        """The features of each window.

        Args:
            windows: 2D skeletons (batch, T, J, 2), root-centred, normalised units.

        Returns:
            Features (batch, C).

        Raises:
            ShapeError: if the windows have other frames or joints than this backbone.
        """
        if windows.ndim != 4 or windows.shape[1:] != (self.frames, self.joints, 2):
            raise ShapeError(
                "windows",
                expected=f"(batch, {self.frames} frames, {self.joints} joints, 2)",
                got=str(tuple(windows.shape)),
            )
        features: Tensor = self.blocks(self.entry(rearrange(windows, "b t j d -> b (t j d)")))
        return features
