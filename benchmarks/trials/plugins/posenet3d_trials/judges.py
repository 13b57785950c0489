"""Several judges of one window, and how much each has to say."""

import torch
from einops import rearrange
from torch import Tensor, nn


def small_judge(inputs: int, channels: int) -> nn.Sequential:
    """Two hidden layers and a logit, with the activations of the library's discriminator."""
    return nn.Sequential(
        nn.Linear(inputs, channels),
        nn.LeakyReLU(0.2),
        nn.Linear(channels, channels),
        nn.LeakyReLU(0.2),
        nn.Linear(channels, 1),
    )


def with_whole(whole: Tensor, others: Tensor) -> Tensor:
    """The logits of all judges, a window's together; the whole weighs as much as all others.

    Losses are means over logits, so the whole's is told as often as there are others.

    Args:
        whole: a logit a window (batch,).
        others: logits of the other judges (batch, judges).
    """
    told = torch.cat([whole[:, None].expand_as(others), others], dim=1)
    return rearrange(told, "batch judges -> (batch judges)")


def three_of(windows: Tensor) -> Tensor:
    """The first, the middle and the last frame of windows (batch, T, ...)."""
    frames = windows.shape[1]
    return windows[:, [0, frames // 2, frames - 1]]
