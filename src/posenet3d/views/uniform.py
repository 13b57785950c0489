"""Views drawn uniformly about the camera's own axes: the paper's choice."""

import math

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from posenet3d.geometry import rotation_about_x, rotation_about_y
from posenet3d.typing import Rotations
from posenet3d.views.draws import uniform_angles


class UniformViews(nn.Module):
    r"""Random rotations Q of Eq. 1: any azimuth about the camera's y axis, then some elevation.

    :math:`Q = R_x(\epsilon) R_y(\alpha)` with :math:`\alpha \sim U[-\pi, \pi]` and
    :math:`\epsilon \sim U[-e, e]`, after Chen et al. 2019. A real camera looks down on people, so
    turning a body about the camera's y axis tilts it against gravity: see
    :class:`~posenet3d.views.GravityViews`.

    Args:
        elevation_degrees: the largest elevation e.

    Example:
        >>> UniformViews()(4).shape
        torch.Size([4, 3, 3])
    """

    class Config(BaseModel):
        """Options of the plug-in ``uniform``."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        elevation_degrees: float = Field(default=20.0, ge=0, le=90)
        """Largest elevation of a drawn view, degrees."""

    device_anchor: torch.Tensor

    def __init__(self, elevation_degrees: float = 20.0) -> None:
        super().__init__()
        self.elevation = math.radians(elevation_degrees)
        self.register_buffer("device_anchor", torch.zeros(()), persistent=False)

    @property
    def pitch(self) -> torch.Tensor | None:
        """Unknown to this sampler: ``None``."""
        return None

    def mirrored_parameters(self) -> tuple[nn.Parameter, ...]:
        """None: these views are symmetric."""
        return ()

    def forward(self, batch: int) -> Rotations:
        """``batch`` rotation matrices (batch, 3, 3), from the camera frame to the drawn views.

        Numbers come from torch's default generator.
        """
        azimuth = uniform_angles(batch, math.pi, self.device_anchor)
        elevation = uniform_angles(batch, self.elevation, self.device_anchor)
        return rotation_about_x(elevation) @ rotation_about_y(azimuth)
