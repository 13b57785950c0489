"""Discriminators: they tell real 2D skeletons from reprojected ones (Sect. 3.2)."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.errors import ShapeError
from posenet3d.nn import FullyConnectedBackbone, TemporalBackbone
from posenet3d.typing import Logits, Points2D, Windows2D


class TemporalDiscriminator(nn.Module):
    """The backbone's shape without BatchNorm, then one logit a window (Eq. 5 of PoseNet3D).

    Args:
        joints: joints J of a 2D skeleton.
        frames: frames T of a window.
        channels: features of every layer.
        dropout: probability of dropping a feature; none by default.
        input_gain: factor on the input. The paper has 1; normalised 2D is about 0.1 large, and
            without BatchNorm nothing else brings it to the size that the layers are made for.
        missing_joints: whether joints may be missing (NaN), in real and reprojected windows alike.

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
        missing_joints: bool = False,
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
            missing_joints=missing_joints,
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


class FrameAndDifferenceDiscriminator(nn.Module):
    r"""Two judges without temporal context: one of single frames, one of frame differences.

    Chen et al. 2019 train a discriminator D of single 2D skeletons, and a second one, T, of the
    difference :math:`x_t - x_{t+1}` of two neighbouring frames against that of their
    reprojections by one and the same rotation. The two share nothing. Each gives a logit of its
    own, so that a loss which is a mean over logits trains each by its own loss.

    It looks at windows with the frame that follows (:attr:`following`), T + 1 frames, and gives
    2T logits a window: T of frames (the last one is judged by its difference only), and T of
    differences. For the single-frame lifter T = 1: a logit of :math:`x_t`, one of
    :math:`x_t - x_{t+1}`.

    Args:
        joints: joints J of a 2D skeleton.
        frames: frames T of a window, without the one that follows.
        channels: features of every layer.
        blocks: residual blocks of each judge.
        dropout: probability of dropping a feature.
        input_gain: factor on the frames; see :class:`TemporalDiscriminator`.
        difference_gain: factor on the differences, which are smaller still.

    Example:
        >>> judges = FrameAndDifferenceDiscriminator(channels=16)
        >>> judges(torch.zeros(4, 2, 14, 2)).shape
        torch.Size([8])
    """

    following = 1
    """Frames after the window that it looks at too."""

    def __init__(
        self,
        *,
        joints: int = 14,
        frames: int = 1,
        channels: int = 1024,
        blocks: int = 3,
        dropout: float = 0.0,
        input_gain: float = 1.0,
        difference_gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.frames, self.joints = frames, joints
        self.input_gain, self.difference_gain = input_gain, difference_gain
        self.of_frames = _judge(joints, channels, blocks, dropout)
        self.of_differences = _judge(joints, channels, blocks, dropout)

    def forward(
        self, windows: Float[Tensor, "batch frames_and_next joints 2"]
    ) -> Float[Tensor, " logits"]:
        """The logits (batch · 2T,), those of a window together; positive for "real".

        Args:
            windows: 2D skeletons (batch, T + 1, J, 2), root-centred, normalised.

        Raises:
            ShapeError: if the windows have other frames or joints than this discriminator.
        """
        if windows.ndim != 4 or windows.shape[1:] != (self.frames + 1, self.joints, 2):
            raise ShapeError(
                "windows",
                expected=f"(batch, {self.frames} + 1 frames, {self.joints} joints, 2)",
                got=str(tuple(windows.shape)),
            )
        now, later = windows[:, :-1], windows[:, 1:]
        logits = [
            _each_frame(self.of_frames, self.input_gain * now),
            _each_frame(self.of_differences, self.difference_gain * (now - later)),
        ]
        return rearrange(torch.cat(logits, dim=1), "b k -> (b k)")


def _judge(joints: int, channels: int, blocks: int, dropout: float) -> nn.Sequential:
    trunk = FullyConnectedBackbone(
        joints=joints,
        channels=channels,
        blocks=blocks,
        dropout=dropout,
        norm=False,
        activation="leaky_relu",
    )
    return nn.Sequential(trunk, nn.Linear(channels, 1))


def _each_frame(judge: nn.Sequential, points: Points2D) -> Float[Tensor, "batch frames"]:
    """A logit for each frame of windows."""
    frames = points.shape[1]
    logits: Tensor = judge(rearrange(points, "b t j d -> (b t) 1 j d"))
    return rearrange(logits, "(b t) 1 -> b t", t=frames)
