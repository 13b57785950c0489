"""Fully connected blocks of the teacher's and the student's branches (Sect. 4.1)."""

from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.nn.temporal import Activation, make_activation


class LinearBlock(nn.Module):
    """An *FC block*: linear layer, BatchNorm, ReLU, dropout.

    Args:
        inputs: features that enter.
        outputs: features that leave.
        dropout: probability of dropping a feature.
        norm: whether BatchNorm follows the layer (a discriminator has none).
        activation: ``"relu"`` or ``"leaky_relu"``.

    Example:
        >>> import torch
        >>> LinearBlock(8, 4)(torch.zeros(2, 8)).shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        dropout: float = 0.25,
        norm: bool = True,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs) if norm else nn.Identity()
        self.activation = make_activation(activation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        """Features (batch, outputs) of features (batch, inputs)."""
        features: Tensor = self.dropout(self.activation(self.norm(self.linear(x))))
        return features


class ResidualBlock(nn.Module):
    """Two FC blocks and the skip.

    Args:
        channels: features that enter and leave.
        dropout: probability of dropping a feature.
        norm: whether the blocks have BatchNorm.
        activation: ``"relu"`` or ``"leaky_relu"``.

    Example:
        >>> import torch
        >>> ResidualBlock(8)(torch.zeros(2, 8)).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        channels: int,
        *,
        dropout: float = 0.25,
        norm: bool = True,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        block = partial(
            LinearBlock, channels, channels, dropout=dropout, norm=norm, activation=activation
        )
        self.first = block()
        self.second = block()

    def forward(self, x: Float[Tensor, "batch channels"]) -> Float[Tensor, "batch channels"]:
        """Features (batch, channels), the skip added."""
        change: Tensor = self.second(self.first(x))
        return x + change


def small_output_layer(inputs: int, outputs: int, *, scale: float = 0.01) -> nn.Linear:
    """A linear layer that starts near zero, so that a network starts at its neutral answer.

    Args:
        inputs: features that enter.
        outputs: numbers that leave.
        scale: factor on the default initial weights; the bias starts at zero.

    Example:
        >>> float(small_output_layer(4, 2).bias.abs().max().detach())
        0.0
    """
    layer = nn.Linear(inputs, outputs)
    layer.weight.data.mul_(scale)
    layer.bias.data.zero_()
    return layer
