"""The dilated temporal backbone: one feature vector for a window of 2D skeletons (Sect. 4.1).

Features are the last axis, so a block is one matrix product: its kernel looks at ``k`` neighbouring
frames laid side by side. The *strided* form takes one window and computes each number once; the
*dilated* form slides over a long sequence and shares work between windows. Both use one set of
weights and agree in eval mode (in train mode BatchNorm would see other positions, so training
always uses the strided form).
"""

from collections.abc import Iterator
from functools import partial
from typing import Literal, cast

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.nn.visibility import visible_joints, with_guesses, with_visibility
from posenet3d.typing import Windows2D

Activation = Literal["relu", "leaky_relu"]


def make_activation(name: Activation) -> nn.Module:
    """The activation called ``name``: ReLU, or LeakyReLU with slope 0.2.

    Args:
        name: ``"relu"`` or ``"leaky_relu"``.

    Raises:
        UnknownNameError: if it is called otherwise.

    Example:
        >>> make_activation("leaky_relu")
        LeakyReLU(negative_slope=0.2)
    """
    if name not in ("relu", "leaky_relu"):
        raise UnknownNameError("activation", name, ("relu", "leaky_relu"))
    return nn.ReLU() if name == "relu" else nn.LeakyReLU(0.2)


class TemporalConvBlock(nn.Module):
    """A *conv-block* of the paper: convolution, BatchNorm, activation, dropout.

    Args:
        inputs: features that enter.
        outputs: features that leave.
        kernel: frames under the kernel, 1 or 3.
        dilation: distance in frames between the kernel's taps in the dilated form.
        dropout: probability of dropping a feature.
        norm: whether BatchNorm follows the convolution (the discriminator has none).
        activation: ``"relu"`` or ``"leaky_relu"``.

    Example:
        >>> block = TemporalConvBlock(28, 8, kernel=3)
        >>> block(torch.zeros(2, 9, 28)).shape
        torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        dilation: int = 1,
        dropout: float = 0.25,
        norm: bool = True,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        self.linear = nn.Linear(kernel * inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs) if norm else nn.Identity()
        self.activation = make_activation(activation)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch frames inputs"]
    ) -> Float[Tensor, "batch steps outputs"]:
        """Strided form: every kernel sees its own frames; ``frames / kernel`` steps leave."""
        return self._finish(self.linear(rearrange(x, "b (t k) c -> b t (k c)", k=self.kernel)))

    def slide(
        self, x: Float[Tensor, "batch frames inputs"]
    ) -> Float[Tensor, "batch steps outputs"]:
        """Dilated form: the kernel slides; ``frames - (kernel - 1) * dilation`` steps leave."""
        steps = x.shape[1] - (self.kernel - 1) * self.dilation
        taps = [x[:, tap * self.dilation :][:, :steps] for tap in range(self.kernel)]
        return self._finish(self.linear(torch.cat(taps, dim=-1) if self.kernel > 1 else x))

    def _finish(
        self, x: Float[Tensor, "batch steps outputs"]
    ) -> Float[Tensor, "batch steps outputs"]:
        shape = x.shape
        features: Tensor = self.dropout(self.activation(self.norm(x.reshape(-1, shape[-1]))))
        return features.reshape(shape)


class TemporalResidualBlock(nn.Module):
    """Two conv-blocks, the first over three frames, the second over one, and the skip.

    The skip takes the middle frame of the first block's kernel.

    Args:
        channels: features that enter and leave.
        kernel: frames under the first kernel, 1 or 3.
        dilation: dilation of the first kernel.
        dropout: probability of dropping a feature.
        norm: whether the conv-blocks have BatchNorm.
        activation: ``"relu"`` or ``"leaky_relu"``.

    Example:
        >>> TemporalResidualBlock(8, dilation=3)(torch.zeros(2, 3, 8)).shape
        torch.Size([2, 1, 8])
    """

    def __init__(
        self,
        channels: int,
        *,
        kernel: int = 3,
        dilation: int = 1,
        dropout: float = 0.25,
        norm: bool = True,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        block = partial(
            TemporalConvBlock, channels, channels, dropout=dropout, norm=norm, activation=activation
        )
        self.wide = block(kernel=kernel, dilation=dilation)
        self.narrow = block(kernel=1)

    def forward(
        self, x: Float[Tensor, "batch frames channels"]
    ) -> Float[Tensor, "batch steps channels"]:
        """Strided form."""
        change: Tensor = self.narrow(self.wide(x))
        return x[:, self.kernel // 2 :: self.kernel] + change

    def slide(
        self, x: Float[Tensor, "batch frames channels"]
    ) -> Float[Tensor, "batch steps channels"]:
        """Dilated form."""
        edge = self.kernel // 2 * self.dilation
        middle = x[:, edge : x.shape[1] - edge]
        return middle + self.narrow.slide(self.wide.slide(x))


class TemporalBackbone(nn.Module):
    """The temporal backbone that teacher and student share (Sect. 4.1 of PoseNet3D).

    A conv-block over three frames, then residual blocks with dilations 3, 9, ...: the receptive
    field is exactly the window, ``frames = 3 ** n``. Nine frames take one residual block, 27 take
    two. A single frame takes kernels of one. (The paper prints dilations 1, 3, 1; three kernels of
    three frames would need eleven, so its last kernel must span one frame, as VideoPose3D's does.)

    Args:
        joints: joints J of a 2D skeleton.
        frames: frames T of a window: 1, 3, 9, 27, 81, ...
        channels: features C of every layer; the paper uses 1024.
        dropout: probability of dropping a feature.
        norm: whether the blocks have BatchNorm.
        activation: ``"relu"`` or ``"leaky_relu"``.
        missing_joints: whether joints may be missing (NaN): then a third number a joint says
            which are known, and those that are not are zeros.
        guess_missing: give a missing joint the guess of :func:`~posenet3d.nn.fill_windows`
            instead of zeros, besides that number; for ``missing_joints`` alone.

    Raises:
        ShapeError: if ``frames`` is not a power of three.

    Example:
        >>> backbone = TemporalBackbone(joints=14, frames=9, channels=16)
        >>> backbone(torch.zeros(4, 9, 14, 2)).shape
        torch.Size([4, 16])
        >>> backbone.receptive_field
        9
    """

    def __init__(
        self,
        *,
        joints: int = 14,
        frames: int = 9,
        channels: int = 1024,
        dropout: float = 0.25,
        norm: bool = True,
        activation: Activation = "relu",
        missing_joints: bool = False,
        guess_missing: bool = False,
    ) -> None:
        super().__init__()
        self.missing_joints, self.guess_missing = missing_joints, guess_missing
        inputs = (3 if missing_joints else 2) * joints
        levels = _power_of_three(frames)
        self.joints, self.frames, self.channels = joints, frames, channels
        kernel = 3 if levels else 1
        self.entry = TemporalConvBlock(
            inputs, channels, kernel=kernel, dropout=dropout, norm=norm, activation=activation
        )
        block = partial(
            TemporalResidualBlock, channels, dropout=dropout, norm=norm, activation=activation
        )
        wide = [block(kernel=3, dilation=3**level) for level in range(1, levels)]
        self.blocks = nn.ModuleList(wide or [block(kernel=1)])

    @property
    def receptive_field(self) -> int:
        """Frames that one feature vector depends on; equals ``frames``."""
        blocks = [self.entry, *(block.wide for block in self._residual_blocks())]
        return 1 + sum((block.kernel - 1) * block.dilation for block in blocks)

    def forward(self, windows: Windows2D) -> Float[Tensor, "batch channels"]:
        """The features of each window, in the strided form.

        Args:
            windows: 2D skeletons (batch, T, J, 2), root-centred, normalised units.

        Returns:
            Features (batch, C).

        Raises:
            ShapeError: if the windows have other frames or joints than this backbone.
        """
        self._check(windows, exact=True)
        x: Tensor = self.entry(self._numbers(windows, guesses=self.guess_missing))
        for block in self._residual_blocks():
            x = block(x)
        return x[:, 0]

    def slide(
        self, sequences: Float[Tensor, "batch length joints 2"]
    ) -> Float[Tensor, "batch windows channels"]:
        """The features of every window of long sequences, in the dilated form.

        A backbone that guesses missing joints does so from the window's frames alone, so windows
        that miss one are computed by themselves.

        Args:
            sequences: 2D skeletons (batch, L, J, 2) with L at least T.

        Returns:
            Features (batch, L - T + 1, C), one a window; equal to ``forward`` of each in eval mode.

        Raises:
            ShapeError: if the sequences are shorter than T or have other joints.
        """
        self._check(sequences, exact=False)
        guesses = self.missing_joints and self.guess_missing
        x = self.entry.slide(self._numbers(sequences, guesses=False))
        for block in self._residual_blocks():
            x = block.slide(x)
        return self._with_guesses(x, sequences) if guesses else x

    def _with_guesses(
        self,
        features: Float[Tensor, "batch windows channels"],
        sequences: Float[Tensor, "batch length joints 2"],
    ) -> Float[Tensor, "batch windows channels"]:
        """The features, anew for the windows that miss a joint."""
        holed = (~visible_joints(sequences).all(-1)).unfold(1, self.frames, 1).any(-1)
        if not bool(holed.any()):
            return features
        windows = rearrange(sequences.unfold(1, self.frames, 1), "b w j d t -> b w t j d")
        return features.masked_scatter(holed[..., None], self(windows[holed]))

    def _numbers(
        self, points: Float[Tensor, "batch length joints 2"], *, guesses: bool
    ) -> Float[Tensor, "batch length inputs"]:
        if self.missing_joints:
            points = with_guesses(points) if guesses else with_visibility(points)
        return rearrange(points, "b t j d -> b t (j d)")

    def _residual_blocks(self) -> Iterator[TemporalResidualBlock]:
        return cast(Iterator[TemporalResidualBlock], iter(self.blocks))

    def _check(self, windows: Tensor, *, exact: bool) -> None:
        fits = windows.ndim == 4 and windows.shape[2:] == (self.joints, 2)
        if fits:
            frames = windows.shape[1]
            fits = frames == self.frames if exact else frames >= self.frames
        if not fits:
            length = f"{self.frames}" if exact else f"{self.frames} or more"
            raise ShapeError(
                "windows",
                expected=f"(batch, {length} frames, {self.joints} joints, 2)",
                got=str(tuple(windows.shape)),
            )


def _power_of_three(frames: int) -> int:
    levels = 0
    while 3**levels < frames:
        levels += 1
    if 3**levels != frames:
        raise ShapeError("frames", expected="a power of three: 1, 3, 9, 27, ...", got=str(frames))
    return levels
