"""A discriminator that sees every window, real or not, flipped, rolled and scaled at random."""

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from posenet3d.networks import TemporalDiscriminator
from posenet3d.skeletons import LSP_14
from posenet3d_trials.options import DiscriminatorOptions


class AugmentedDiscriminator(nn.Module):
    """The discriminator ``temporal`` behind changes that keep what is real real.

    The same kind of change meets real and reprojected windows, also when the lifter is judged, so
    the game has the same end (Karras et al. 2020); the discriminator has more to learn by heart.
    A window is changed as a whole: its movement stays a movement. Only while it learns.

    Args:
        joints: joints J of a 2D skeleton, those of ``lsp_14``.
        frames: frames T of a window.
        channels: features of every layer.
        input_gain: factor on the input.
        flip: how often left and right are swapped, joints and image.
        roll_degrees: windows are turned in the image by up to this much.
        scale: and made larger or smaller by up to this part.
    """

    class Config(DiscriminatorOptions):
        """Options of the plug-in ``augmented``."""

        flip: float = Field(default=0.5, ge=0, le=1)
        """How often left and right are swapped."""

        roll_degrees: float = Field(default=8.0, ge=0, le=180)
        """Windows are turned in the image by up to this much."""

        scale: float = Field(default=0.15, ge=0, lt=1)
        """Windows are made larger or smaller by up to this part."""

    def __init__(
        self,
        *,
        joints: int,
        frames: int,
        channels: int,
        input_gain: float,
        flip: float,
        roll_degrees: float,
        scale: float,
    ) -> None:
        super().__init__()
        self.flip, self.roll, self.scale = flip, math.radians(roll_degrees), scale
        self.judge = TemporalDiscriminator(
            joints=joints, frames=frames, channels=channels, input_gain=input_gain
        )
        self.register_buffer("mirror", torch.tensor(LSP_14.mirror), persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """One logit a window (batch,) of windows (batch, T, J, 2)."""
        return self.judge(self.changed(windows) if self.training else windows)

    def changed(self, windows: Tensor) -> Tensor:
        """The windows, each changed in a way of its own."""
        each = (len(windows), 1, 1)
        swapped = torch.rand(*each, 1, device=windows.device) < self.flip
        sides = windows.new_tensor([-1.0, 1.0])
        windows = torch.where(swapped, windows[:, :, self.mirror] * sides, windows)
        size = 1 + self.scale * self._between(windows, *each, 1)
        angle = self.roll * self._between(windows, *each)
        x, y = (size * windows).unbind(-1)
        cos, sin = angle.cos(), angle.sin()
        return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)

    def _between(self, like: Tensor, *shape: int) -> Tensor:
        """Numbers between -1 and 1."""
        return 2 * torch.rand(*shape, device=like.device, dtype=like.dtype) - 1
