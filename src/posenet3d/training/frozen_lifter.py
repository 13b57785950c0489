"""The lifter as it was when a stage began: what the windows before they were spoilt ask for."""

from copy import deepcopy

import torch
from torch import nn

from posenet3d.networks import PoseNet3D
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.typing import Windows2D, Windows3D


class FrozenLifter(nn.Module):
    """A copy of a network's backbone and teacher that learns nothing and answers in eval mode.

    Args:
        model: the network.

    Example:
        >>> from posenet3d.networks import NetworkConfig
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small)).eval()
        >>> windows, before = torch.zeros(2, 9, 14, 2), FrozenLifter(model)
        >>> torch.equal(before(windows), model.lift(windows)["teacher"])
        True
    """

    def __init__(self, model: PoseNet3D) -> None:
        super().__init__()
        self.backbone, self.teacher = deepcopy(model.backbone), deepcopy(model.teacher)
        self.requires_grad_(False)
        self.eval()

    @torch.no_grad()
    def forward(self, windows: Windows2D) -> Windows3D:
        """The skeletons of windows (batch, T, J, 3), head-to-root units, hips at the origin."""
        return centre_on_hips(self.teacher(self.backbone(windows), windows))
