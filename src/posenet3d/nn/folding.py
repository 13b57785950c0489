"""Networks made faster for eval mode: each BatchNorm folded into the layer before it."""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from posenet3d.nn.residual import LinearBlock
from posenet3d.nn.temporal import TemporalConvBlock

Part = TypeVar("Part", bound=nn.Module)

FOLDABLE = (LinearBlock, TemporalConvBlock)


@torch.no_grad()
def fold_norms(part: Part) -> Part:
    """A copy of a network that gives the same answers in eval mode, with fewer steps.

    In eval mode a BatchNorm multiplies and adds constants, as the linear layer before it does: in
    the copy the layer's weights do both, and activations write over what they read. The copy is
    for inference alone.

    Args:
        part: any module; blocks of other kinds than :class:`LinearBlock` and
            :class:`TemporalConvBlock` are copied as they are, subclasses of these and those with
            a reparametrised weight too.

    Returns:
        The copy, in eval mode, its parameters frozen.

    Example:
        >>> block = LinearBlock(8, 4).eval()
        >>> fold_norms(block).norm
        Identity()
        >>> x = torch.randn(5, 8)
        >>> bool(torch.allclose(fold_norms(block)(x), block(x), atol=1e-6))
        True
    """
    copy = deepcopy(part).eval().requires_grad_(False)
    for block in copy.modules():
        if isinstance(block, FOLDABLE) and type(block) in FOLDABLE:  # a subclass may differ
            _fold(block)
    return copy


def _fold(block: LinearBlock | TemporalConvBlock) -> None:
    norm, linear = block.norm, block.linear
    if isinstance(norm, nn.BatchNorm1d):
        mean, variance = norm.running_mean, norm.running_var
        plain = isinstance(linear.weight, nn.Parameter)  # else computed anew at each call
        if mean is None or variance is None or not norm.affine or not plain:
            return
        gain = norm.weight * torch.rsqrt(variance + norm.eps)
        linear.weight.mul_(gain[:, None])
        linear.bias.sub_(mean).mul_(gain).add_(norm.bias)
        block.norm = nn.Identity()
    if isinstance(block.activation, (nn.ReLU, nn.LeakyReLU)):
        block.activation.inplace = True
