"""A part-wise lifter: legs and upper body by networks of their own, which see nothing else."""

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from posenet3d.networks import TeacherHead
from posenet3d.nn import TemporalBackbone
from posenet3d.skeletons import LSP_14
from posenet3d.typing import Windows2D, Windows3D

LEGS = LSP_14.indices(*(f"{s}_{j}" for s in ("right", "left") for j in ("ankle", "knee", "hip")))
PARTS = (LEGS, tuple(joint for joint in range(len(LSP_14)) if joint not in LEGS))
"""Which joints are lifted together."""


class PartwiseOptions(BaseModel):
    """What every network of a part has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Probability of dropping a feature."""


class PartwiseBackbone(nn.Module):
    """A temporal backbone a part, their features side by side (after LInKs, Hardy and Kim 2023).

    LInKs lifts the parts by themselves because poses of a half repeat where poses of a whole body
    hardly do, and because a hidden half then cannot spoil the other.

    Args:
        joints: joints J of a 2D skeleton, those of ``lsp_14``.
        frames: frames T of a window.
        channels: features of each part's backbone.
        dropout: probability of dropping a feature.
    """

    class Config(PartwiseOptions):
        """Options of the plug-in ``partwise``."""

        channels: int = Field(default=256, gt=0)
        """Features of each part's backbone."""

    def __init__(self, *, joints: int, frames: int, channels: int, dropout: float) -> None:
        super().__init__()
        self.joints, self.frames, self.channels = joints, frames, channels * len(PARTS)
        self.of_parts = nn.ModuleList(
            TemporalBackbone(joints=len(part), frames=frames, channels=channels, dropout=dropout)
            for part in PARTS
        )

    def forward(self, windows: Windows2D) -> Float[Tensor, "batch channels"]:
        """The features of each part's windows."""
        pairs = zip(self.of_parts, PARTS, strict=True)
        return torch.cat([backbone(windows[:, :, part]) for backbone, part in pairs], dim=1)


class PartwiseLifter(nn.Module):
    """A teacher branch a part; each reads the features of its own part.

    Args:
        channels: features of all parts together.
        joints: joints J of a 2D skeleton, those of ``lsp_14``.
        frames: frames T of a window.
        distance: c, in head-to-root lengths.
        dropout: probability of dropping a feature.
    """

    Config = PartwiseOptions

    def __init__(
        self, *, channels: int, joints: int, frames: int, distance: float, dropout: float
    ) -> None:
        super().__init__()
        self.order = [sum(PARTS, ()).index(joint) for joint in range(joints)]
        own = {"frames": frames, "distance": distance, "dropout": dropout}
        self.of_parts = nn.ModuleList(
            TeacherHead(channels // len(PARTS), joints=len(part), **own) for part in PARTS
        )

    def mirrored_parameters(self) -> tuple[nn.Parameter, ...]:
        """Negating these negates every depth offset."""
        return tuple(each for head in self.of_parts for each in head.mirrored_parameters())

    def forward(self, features: Float[Tensor, "batch channels"], windows: Windows2D) -> Windows3D:
        """The parts' skeletons put together."""
        own = features.chunk(len(PARTS), dim=1)
        lifted = [
            head(some, windows[:, :, part])
            for head, some, part in zip(self.of_parts, own, PARTS, strict=True)
        ]
        return torch.cat(lifted, dim=2)[:, :, self.order]
