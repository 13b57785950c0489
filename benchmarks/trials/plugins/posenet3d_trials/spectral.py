"""A discriminator whose slope is bounded: spectral normalisation (Miyato et al. 2018)."""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from posenet3d.networks import TemporalDiscriminator
from posenet3d_trials.options import DiscriminatorOptions


class SpectralDiscriminator(nn.Module):
    """The discriminator ``temporal``, the largest singular value of each layer held at 1.

    Args:
        joints: joints J of a 2D skeleton.
        frames: frames T of a window.
        channels: features of every layer.
        input_gain: factor on the input, and so the bound of the slope but for the skip.
    """

    class Config(DiscriminatorOptions):
        """Options of the plug-in ``spectral``."""

    def __init__(self, *, joints: int, frames: int, channels: int, input_gain: float) -> None:
        super().__init__()
        self.judge = TemporalDiscriminator(
            joints=joints, frames=frames, channels=channels, input_gain=input_gain
        )
        for layer in self.judge.modules():
            if isinstance(layer, nn.Linear | nn.Conv1d):
                spectral_norm(layer)

    def forward(self, windows: Tensor) -> Tensor:
        """One logit a window (batch,) of windows (batch, T, J, 2)."""
        return self.judge(windows)
