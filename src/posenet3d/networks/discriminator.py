"""The temporal discriminator: tells real 2D skeletons from reprojected ones (Sect. 3.2)."""

from torch import Tensor, nn

from posenet3d.nn import TemporalBackbone
from posenet3d.typing import Logits, Windows2D


class TemporalDiscriminator(nn.Module):
    """The backbone's shape without BatchNorm, then one logit a window (Eq. 5 of PoseNet3D).

    Args:
        joints: joints J of a 2D skeleton.
        frames: frames T of a window.
        channels: features of every layer.
        dropout: probability of dropping a feature; none by default.
        input_gain: factor on the input. The paper has 1; normalised 2D is about 0.1 large, and
            without BatchNorm nothing else brings it to the size that the layers are made for.

    Example:
        >>> import torch
        >>> TemporalDiscriminator(channels=16)(torch.zeros(4, 9, 14, 2)).shape
        torch.Size([4])
    """

    def __init__(
        self,
        *,
        joints: int = 14,
        frames: int = 9,
        channels: int = 1024,
        dropout: float = 0.0,
        input_gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.input_gain = input_gain
        self.backbone = TemporalBackbone(
            joints=joints,
            frames=frames,
            channels=channels,
            dropout=dropout,
            norm=False,
            activation="leaky_relu",
        )
        self.logit = nn.Linear(channels, 1)

    def forward(self, windows: Windows2D) -> Logits:
        """One logit a window (batch,), positive for "real".

        Args:
            windows: 2D skeletons (batch, T, J, 2), root-centred, normalised.

        Raises:
            ShapeError: if the windows have other frames or joints than this discriminator.
        """
        logits: Tensor = self.logit(self.backbone(self.input_gain * windows))
        return logits[:, 0]
