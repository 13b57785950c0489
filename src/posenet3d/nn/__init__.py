"""Neural building blocks: the backbones and residual blocks.

Plain torch, no body, no losses.
"""

from posenet3d.nn.folding import fold_norms
from posenet3d.nn.fully_connected import FullyConnectedBackbone
from posenet3d.nn.packing import PackedLinear, linear_in_rows, pack_linears, product
from posenet3d.nn.residual import LinearBlock, ResidualBlock, small_output_layer
from posenet3d.nn.temporal import (
    TemporalBackbone,
    TemporalConvBlock,
    TemporalResidualBlock,
)
from posenet3d.nn.visibility import (
    fill_windows,
    hide,
    visible_joints,
    with_visibility,
)

__all__ = [
    "FullyConnectedBackbone",
    "LinearBlock",
    "PackedLinear",
    "ResidualBlock",
    "TemporalBackbone",
    "TemporalConvBlock",
    "TemporalResidualBlock",
    "fill_windows",
    "fold_norms",
    "hide",
    "linear_in_rows",
    "pack_linears",
    "product",
    "small_output_layer",
    "visible_joints",
    "with_visibility",
]
