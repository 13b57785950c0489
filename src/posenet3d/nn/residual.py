"""Fully connected blocks of the teacher's and the student's branches (Sect. 4.1)."""

from jaxtyping import Float
from torch import Tensor, nn


class LinearBlock(nn.Module):
    """An *FC block*: linear layer, BatchNorm, ReLU, dropout.

    Args:
        inputs: features that enter.
        outputs: features that leave.
        dropout: probability of dropping a feature.

    Example:
        >>> import torch
        >>> LinearBlock(8, 4)(torch.zeros(2, 8)).shape
        torch.Size([2, 4])
    """

    def __init__(self, inputs: int, outputs: int, *, dropout: float = 0.25) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)
        self.activation = nn.ReLU()
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

    Example:
        >>> import torch
        >>> ResidualBlock(8)(torch.zeros(2, 8)).shape
        torch.Size([2, 8])
    """

    def __init__(self, channels: int, *, dropout: float = 0.25) -> None:
        super().__init__()
        self.first = LinearBlock(channels, channels, dropout=dropout)
        self.second = LinearBlock(channels, channels, dropout=dropout)

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
