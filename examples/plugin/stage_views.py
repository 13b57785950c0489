"""Two plug-ins for posenet3d: views from an audience, and a loss that likes symmetric limbs."""

import math

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from posenet3d.skeletons import LSP_14
from posenet3d.training import Forward
from posenet3d.typing import Rotations, Scalar
from posenet3d.views import turn_about_gravity


class StageViews(nn.Module):
    """Views of dancers on a stage: cameras stand in front of it, never behind.

    Args:
        spread_degrees: azimuths are drawn up to this much to either side.
        pitch_degrees: how far the cameras look down.
    """

    class Config(BaseModel):
        """What a configuration may set; anything else is an error before the first step."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        spread_degrees: float = Field(default=60.0, gt=0, le=180)
        pitch_degrees: float = Field(default=5.0, ge=-90, le=90)

    anchor: Tensor

    def __init__(self, spread_degrees: float, pitch_degrees: float) -> None:
        super().__init__()
        self.spread = math.radians(spread_degrees)
        self.register_buffer("anchor", torch.tensor(math.radians(pitch_degrees)), persistent=False)

    @property
    def pitch(self) -> Tensor | None:
        """The cameras' pitch, radians."""
        return self.anchor

    def mirrored_parameters(self) -> tuple[nn.Parameter, ...]:
        """None: nothing here is learnt."""
        return ()

    def forward(self, batch: int) -> Rotations:
        """``batch`` rotations (batch, 3, 3); numbers come from torch's default generator."""
        draws = 2 * torch.rand(batch, device=self.anchor.device) - 1
        return turn_about_gravity(self.anchor, self.spread * draws, torch.zeros_like(draws))


def bone_symmetry(forward: Forward) -> Scalar:
    """The squared difference between a bone's length on the left and on the right, summed."""
    starts, ends = (list(side) for side in zip(*LSP_14.bones, strict=True))
    mirror = list(LSP_14.mirror)
    joints = forward.teacher_joints
    here = (joints[..., starts, :] - joints[..., ends, :]).norm(dim=-1)
    other = joints[..., mirror, :]
    there = (other[..., starts, :] - other[..., ends, :]).norm(dim=-1)
    return (here - there).square().sum(dim=(-2, -1)).mean() / 2
