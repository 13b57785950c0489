"""Single test frames to look at: the truth beside each head's answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from torch import Tensor

from posenet3d.evaluation import metrics
from posenet3d.evaluation.sequences import TestSequence


@dataclass(frozen=True, eq=False)
class PoseSample:
    """One test frame to look at: the truth, the heads' answers and the input.

    Example:
        >>> zeros = np.zeros((14, 3))
        >>> PoseSample("S14/a", 0, 7, zeros, {"flat": zeros}, np.zeros((14, 2))).frame
        7
    """

    key: str
    """The clip's key."""
    view: int
    """The number of the view."""
    frame: int
    """The frame in the clip."""
    truth: Float64[np.ndarray, "joints 3"]
    """The true pose: root-centred, camera frame, mm."""
    predictions: Mapping[str, Float64[np.ndarray, "joints 3"]]
    """Each head's pose: root-centred, camera frame, mm by a least-squares scale; not turned."""
    input2d: Float64[np.ndarray, "joints 2"]
    """The input: root-centred normalised 2D."""

    @property
    def label(self) -> str:
        """Clip, view and frame, for a caption."""
        return f"{self.key}\nview {self.view}, frame {self.frame}"

    @classmethod
    def of_frame(
        cls, sequence: TestSequence, frame: int, heads: Mapping[str, Tensor], truth: Tensor
    ) -> "PoseSample":
        """The sample of one frame of a sequence."""
        scaled = {
            head: metrics.frame_scaled(poses[frame], truth[frame])[0].cpu().numpy()
            for head, poses in heads.items()
        }
        centred = metrics.root_centred(truth[frame]).cpu().numpy()
        points = np.array(sequence.points[frame])
        return cls(sequence.key, sequence.view, frame, centred, scaled, points)
