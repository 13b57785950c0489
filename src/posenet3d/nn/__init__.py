"""Neural building blocks: the temporal backbone and residual blocks.

Plain torch, no body, no losses.
"""

from posenet3d.nn.residual import LinearBlock, ResidualBlock, small_output_layer
from posenet3d.nn.temporal import (
    TemporalBackbone,
    TemporalConvBlock,
    TemporalResidualBlock,
    make_activation,
)

__all__ = [
    "LinearBlock",
    "ResidualBlock",
    "TemporalBackbone",
    "TemporalConvBlock",
    "TemporalResidualBlock",
    "make_activation",
    "small_output_layer",
]
