"""What a step of a repair did to a sequence, to be read and to be counted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int

from posenet3d.skeletons import layout as layout_named

Effect = Literal["invented", "dropped", "moved"]


@dataclass(frozen=True, eq=False)
class RepairReport:
    """What one step did: which joints of which frames it invented, dropped or moved.

    Example:
        >>> mask = np.zeros((4, 14), dtype=bool)
        >>> mask[2, :3] = True
        >>> print(RepairReport("drop_below", "dropped", mask, np.arange(4), "lsp_14", "by 0.3"))
        drop_below: dropped 3 of 56 joints, in 1 of 4 frames; by 0.3.
    """

    step: str
    """The step's name."""
    effect: Effect
    """What it did to the joints of `mask`."""
    mask: Bool[np.ndarray, "frames joints"]
    """True where it did so, for the frames of the sequence that it gave."""
    frame_index: Int[np.ndarray, " frames"]
    """Each frame's number in the video."""
    layout: str
    """The joints' layout."""
    details: str
    """How it was asked to, and what it left as it was."""
    frames_made: int = 0
    """Frames that were not in the sequence before."""

    @property
    def count(self) -> int:
        """How many joints it changed, over all frames."""
        return int(self.mask.sum())

    @property
    def by_joint(self) -> dict[str, int]:
        """In how many frames it changed each joint; joints that it left alone are left out."""
        names = layout_named(self.layout).joint_names
        counts = self.mask.sum(axis=0).tolist()
        return {name: count for name, count in zip(names, counts, strict=True) if count}

    def __str__(self) -> str:
        frames = int(self.mask.any(axis=1).sum())
        made = f" ({self.frames_made} of them new)" if self.frames_made else ""
        return (
            f"{self.step}: {self.effect} {self.count} of {self.mask.size} joints, "
            f"in {frames} of {len(self.mask)} frames{made}; {self.details}."
        )


@dataclass(frozen=True)
class RepairLog:
    """What several steps did, in order.

    Example:
        >>> print(RepairLog(()))
        nothing was repaired
    """

    steps: tuple[RepairReport, ...]
    """One report a step."""

    @property
    def invented(self) -> int:
        """How many joints were made up, over all frames and steps."""
        return sum(step.count for step in self.steps if step.effect == "invented")

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps)) or "nothing was repaired"
