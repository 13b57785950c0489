"""A part-wise discriminator: legs, arms and trunk are judged for themselves too."""

import torch
from pydantic import Field
from torch import Tensor, nn

from posenet3d.networks import TemporalDiscriminator
from posenet3d.skeletons import LSP_14
from posenet3d_trials.judges import small_judge, three_of, with_whole
from posenet3d_trials.options import DiscriminatorOptions

LEG, ARM = ("ankle", "knee", "hip"), ("wrist", "elbow", "shoulder")
PARTS: dict[str, tuple[str, ...]] = {
    "right leg": (*(f"right_{joint}" for joint in LEG), "left_hip"),
    "left leg": (*(f"left_{joint}" for joint in LEG), "right_hip"),
    "right arm": (*(f"right_{joint}" for joint in ARM), "left_shoulder", "neck"),
    "left arm": (*(f"left_{joint}" for joint in ARM), "right_shoulder", "neck"),
    "legs": tuple(f"{side}_{joint}" for side in ("right", "left") for joint in LEG),
    "arms": tuple(f"{side}_{joint}" for side in ("right", "left") for joint in ARM),
    "trunk": ("right_hip", "left_hip", "right_shoulder", "left_shoulder", "neck", "head_top"),
}
"""The parts that are judged, by their joints of ``lsp_14``."""


class PartsDiscriminator(nn.Module):
    """The discriminator ``temporal``, and one small judge for each part of the body.

    Poses of a leg repeat where poses of a whole body hardly do, so a part's judge has seen more
    of what it meets (after the idea of LInKs, Hardy and Kim 2023, whose priors are flows of
    parts). A judge looks at a part in three frames of the window: about the hips, and about its
    own middle. Each has a logit; all parts together weigh as much as the whole.

    Args:
        joints: joints J of a 2D skeleton, those of ``lsp_14``.
        frames: frames T of a window.
        channels: features of the judge of the whole.
        input_gain: factor on the input.
        part_channels: features of a part's judge.
    """

    class Config(DiscriminatorOptions):
        """Options of the plug-in ``parts``."""

        part_channels: int = Field(default=128, gt=0)
        """Features of a part's judge."""

    def __init__(
        self, *, joints: int, frames: int, channels: int, input_gain: float, part_channels: int
    ) -> None:
        super().__init__()
        self.input_gain = input_gain
        self.whole = TemporalDiscriminator(
            joints=joints, frames=frames, channels=channels, input_gain=input_gain
        )
        self.parts = tuple(LSP_14.indices(*names) for names in PARTS.values())
        self.judges = nn.ModuleList(
            small_judge(2 * 3 * 2 * len(part), part_channels) for part in self.parts
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Logits (batch · 2 · parts,), a window's together, of windows (batch, T, J, 2)."""
        frames = self.input_gain * three_of(windows)
        logits = []
        for part, judge in zip(self.parts, self.judges, strict=True):
            points = frames[:, :, list(part)]
            about_itself = 2 * (points - points.mean(dim=2, keepdim=True))
            logits.append(judge(torch.cat([points, about_itself], dim=2).flatten(1)))
        return with_whole(self.whole(windows), torch.cat(logits, dim=1))
