"""A discriminator of single frames, beside that of whole windows."""

import torch
from einops import rearrange
from torch import Tensor, nn

from posenet3d.networks import TemporalDiscriminator
from posenet3d.skeletons import LSP_14
from posenet3d_trials.judges import small_judge, three_of, with_whole
from posenet3d_trials.options import DiscriminatorOptions


class FramesDiscriminator(nn.Module):
    """The discriminator ``temporal``, and one judge of the first, the middle and the last frame.

    The judge of frames looks at joints and bones. Its three logits together weigh as much as the
    window's.

    Args:
        joints: joints J of a 2D skeleton, those of ``lsp_14``.
        frames: frames T of a window.
        channels: features of every layer.
        input_gain: factor on the input.
    """

    class Config(DiscriminatorOptions):
        """Options of the plug-in ``single_frames``."""

    def __init__(self, *, joints: int, frames: int, channels: int, input_gain: float) -> None:
        super().__init__()
        self.input_gain = input_gain
        self.whole = TemporalDiscriminator(
            joints=joints, frames=frames, channels=channels, input_gain=input_gain
        )
        starts, ends = zip(*LSP_14.bones, strict=True)
        self.starts, self.ends = list(starts), list(ends)
        self.judge = small_judge(2 * (joints + len(starts)), channels)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits (batch · 6,), a window's together, of windows (batch, T, J, 2)."""
        points = self.input_gain * three_of(windows)
        bones = 2 * (points[:, :, self.starts] - points[:, :, self.ends])
        seen = rearrange(torch.cat([points, bones], dim=2), "b t j d -> b t (j d)")
        return with_whole(self.whole(windows), self.judge(seen)[..., 0])
