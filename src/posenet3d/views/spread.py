"""Views about a gravity axis that differs from camera to camera: pitch and roll have a spread."""

import math

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from posenet3d.geometry import rotation_about_z
from posenet3d.typing import Rotations
from posenet3d.views.draws import uniform_angles
from posenet3d.views.gravity import turn_about_gravity
from posenet3d.views.learned_pitch import LearnedPitch


class LearnedSpreadViews(LearnedPitch):
    r"""Views as many cameras have them: mean pitch, and spread of pitch and roll, are learnt.

    :math:`Q = R_z(\rho) R_x(\theta) R_y(\alpha) R_x(-\bar\theta)`: level the body by the mean
    pitch, turn it about gravity, and look from a new camera with
    :math:`\theta \sim N(\bar\theta, \sigma_\theta)`, :math:`\rho \sim N(0, \sigma_\rho)`. Mean and
    deviations are parameters, moved by the lifter's adversarial gradient through the reprojection
    (as :class:`~posenet3d.views.LearnedViews` learns its pitch; after ElePose, Wandt et al. 2022,
    who draw new elevations from a normal distribution, but take its mean and deviation from what
    they predict for each pose).

    The body is levelled by the mean, not by the pitch of the camera that saw it, which is unknown.
    So reprojections have some tilt already, and the deviations that are learnt are smaller than
    those of the cameras. A depth-mirrored lifter finds the negative mean and the same deviations.

    Args:
        initial_degrees: the mean pitch to start from.
        pitch_spread_degrees: the pitch's standard deviation to start from.
        roll_spread_degrees: the roll's.
        gain: radians per unit of the parameters; their step is ``gain`` times the learning rate.

    Example:
        >>> views = LearnedSpreadViews(initial_degrees=10.0)
        >>> views(4).shape, round(math.degrees(views.pitch), 3)
        (torch.Size([4, 3, 3]), 10.0)
    """

    class Config(BaseModel):
        """Options of the plug-in ``learned_spread``."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        initial_degrees: float = Field(default=0.0, ge=-90, le=90)
        """The mean pitch to start from, degrees, positive when the camera looks down."""
        pitch_spread_degrees: float = Field(default=3.0, gt=0, le=90)
        """The pitch's standard deviation to start from, degrees."""
        roll_spread_degrees: float = Field(default=3.0, gt=0, le=90)
        """The roll's standard deviation to start from, degrees."""
        gain: float = Field(default=5.0, gt=0, allow_inf_nan=False)
        """Radians per unit of the parameters: their step is ``gain`` times the learning rate."""

    def __init__(
        self,
        initial_degrees: float = 0.0,
        pitch_spread_degrees: float = 3.0,
        roll_spread_degrees: float = 3.0,
        gain: float = 5.0,
    ) -> None:
        super().__init__(initial_degrees, gain)
        spreads = torch.tensor([pitch_spread_degrees, roll_spread_degrees])
        self.scaled_spreads = nn.Parameter(torch.deg2rad(spreads) / gain)

    @property
    def spreads(self) -> Tensor:
        """Standard deviations of pitch and roll (2,) as learnt so far, radians."""
        return (self.gain * self.scaled_spreads).detach().abs()

    def forward(self, batch: int) -> Rotations:
        """``batch`` rotation matrices (batch, 3, 3), differentiable in mean and deviations."""
        azimuth = uniform_angles(batch, math.pi, self.scaled_pitch)
        drawn = torch.randn(batch, 2, device=azimuth.device, dtype=azimuth.dtype)
        tilt, roll = (self.gain * self.scaled_spreads * drawn).unbind(-1)
        view = turn_about_gravity(self.gain * self.scaled_pitch, azimuth, tilt)
        return rotation_about_z(roll) @ view
