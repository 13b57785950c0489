"""Views drawn about the axis of gravity, whose pitch is given or learnt."""

import math

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from posenet3d.geometry import rotation_about_x, rotation_about_y
from posenet3d.typing import Rotations, Scalar
from posenet3d.views.draws import uniform_angles
from posenet3d.views.learned_pitch import LearnedPitch


def turn_about_gravity(
    pitch: Scalar, azimuth: Float[Tensor, " batch"], elevation: Float[Tensor, " batch"]
) -> Rotations:
    r"""The rotation that shows a body from another azimuth, as seen by a pitched camera.

    :math:`Q = R_x(\theta + \epsilon) R_y(\alpha) R_x(-\theta)`: level the camera, turn about
    gravity, pitch it again, a little differently. (x right, y down, z forward; at pitch theta, up
    is :math:`(0, -\cos\theta, -\sin\theta)`.)

    Args:
        pitch: theta in radians, positive when the camera looks down.
        azimuth: alpha in radians (batch,).
        elevation: epsilon in radians (batch,).

    Returns:
        Rotation matrices (batch, 3, 3).

    Example:
        >>> up = torch.tensor([0.0, -math.cos(0.2), -math.sin(0.2)])
        >>> Q = turn_about_gravity(torch.tensor(0.2), torch.tensor([1.0]), torch.zeros(1))
        >>> torch.allclose(Q[0] @ up, up)
        True
    """
    level, turn = rotation_about_x(-pitch), rotation_about_y(azimuth)
    return rotation_about_x(pitch + elevation) @ turn @ level


class GravityViews(nn.Module):
    """Views about the gravity axis of a camera whose pitch is known.

    Args:
        pitch_degrees: the camera's pitch, positive when it looks down. Human3.6M: 12.7. That of
            its rays to the hips is meant, see :func:`~posenet3d.views.hips_pitch`.
        elevation_degrees: views vary by up to this much about that pitch.

    Example:
        >>> GravityViews(pitch_degrees=12.7)(4).shape
        torch.Size([4, 3, 3])
    """

    class Config(BaseModel):
        """Options of the plug-in ``gravity``."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        pitch_degrees: float = Field(ge=-90, le=90)
        """The camera's pitch, degrees, positive when it looks down. No default: measure it."""
        elevation_degrees: float = Field(default=3.0, ge=0, le=90)
        """Views vary by up to this much about the pitch, degrees."""

    _pitch: Tensor

    def __init__(self, pitch_degrees: float, elevation_degrees: float = 3.0) -> None:
        super().__init__()
        self.elevation = math.radians(elevation_degrees)
        pitch = torch.tensor(math.radians(pitch_degrees))
        self.register_buffer("_pitch", pitch, persistent=False)

    @property
    def pitch(self) -> Tensor | None:
        """The camera's pitch, radians."""
        return self._pitch

    def mirrored_parameters(self) -> tuple[nn.Parameter, ...]:
        """None: the pitch is given, whichever way round the depth is."""
        return ()

    def forward(self, batch: int) -> Rotations:
        """``batch`` rotation matrices (batch, 3, 3), from the camera frame to the drawn views."""
        azimuth = uniform_angles(batch, math.pi, self._pitch)
        elevation = uniform_angles(batch, self.elevation, self._pitch)
        return turn_about_gravity(self._pitch, azimuth, elevation)


class LearnedViews(LearnedPitch):
    r"""Views about a gravity axis whose pitch is learnt from the game itself.

    The pitch is one parameter; the lifter's adversarial gradient moves it through the
    reprojection, since only the true axis makes turned bodies look like real ones (after ElePose,
    Wandt et al. 2022, who predict an elevation a pose). So does that of any other loss of the
    stage that looks at a reprojection, as self-supervision does. A depth-mirrored lifter finds the
    negative pitch.

    People are seen centred on their hips, so what it finds is the mean pitch of the camera's rays
    to the hips, for one rig within a degree or so; in the first few hundred steps it rises some
    degrees above that. :func:`~posenet3d.views.camera_pitch` gives the camera's own, where the
    focal length is known: on CMU-14 12.7 degrees, the rays having 14.0
    (``benchmarks/results/pitch.md``).

    Args:
        initial_degrees: the pitch to start from.
        elevation_degrees: views vary by up to this much about the pitch.
        gain: radians per unit of the parameter; its step is ``gain`` times the learning rate.

    Example:
        >>> round(math.degrees(LearnedViews(initial_degrees=10.0).pitch), 3)
        10.0
    """

    class Config(BaseModel):
        """Options of the plug-in ``learned``."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        initial_degrees: float = Field(default=0.0, ge=-90, le=90)
        """The pitch to start from, degrees, positive when the camera looks down."""
        elevation_degrees: float = Field(default=3.0, ge=0, le=90)
        """Views vary by up to this much about the pitch, degrees."""
        gain: float = Field(default=5.0, gt=0, allow_inf_nan=False)
        """Radians per unit of the parameter: its step is ``gain`` times the learning rate."""

    def __init__(
        self, initial_degrees: float = 0.0, elevation_degrees: float = 3.0, gain: float = 5.0
    ) -> None:
        super().__init__(initial_degrees, gain)
        self.elevation = math.radians(elevation_degrees)

    def forward(self, batch: int) -> Rotations:
        """``batch`` rotation matrices (batch, 3, 3), differentiable in the pitch."""
        azimuth = uniform_angles(batch, math.pi, self.scaled_pitch)
        elevation = uniform_angles(batch, self.elevation, self.scaled_pitch)
        return turn_about_gravity(self.gain * self.scaled_pitch, azimuth, elevation)
