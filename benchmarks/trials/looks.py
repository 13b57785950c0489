"""Looks at a network on held-out training subjects: the truth is 3D, and never trained on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from posenet3d.data import MotionClip
from posenet3d.evaluation import metrics
from posenet3d.evaluation.sequences import centred_windows, sequences_of

Lift = Callable[[Tensor], Mapping[str, Tensor]]
HEAD = "teacher"
EVERY = 25
"""Frames between those that are looked at during a training: half a second."""


class HeldOut:
    """Every half second of every view of some clips: windows and true poses.

    Args:
        clips: of held-out subjects.
        frames: frames of a window.
    """

    def __init__(self, clips: Sequence[MotionClip], frames: int) -> None:
        windows, poses = [], []
        for clip in clips:
            for sequence in sequences_of(clip, "cmu14"):
                points = torch.from_numpy(sequence.points).float()
                windows.append(centred_windows(points, frames)[::EVERY])
                poses.append(torch.from_numpy(sequence.truth)[::EVERY])
        self.windows, self.poses = torch.cat(windows), torch.cat(poses)

    def lifted(self, lift: Lift) -> Tensor:
        """The answer for the middle of each window, float64."""
        answer = lift(self.windows)[HEAD]
        return answer[:, answer.shape[1] // 2].double()

    def p_mpjpe(self, lift: Lift) -> float:
        """The error after a similarity a frame, mm."""
        return float(metrics.p_mpjpe(self.lifted(lift), self.poses).mean())

    def where(self, lift: Lift) -> dict[str, Any]:
        """Where the error lies: by axis of the camera, by joint in depth, in the bones' lengths.

        By axis: the mean absolute error in mm after a scale a frame, nothing turned. Depth: the
        correlation of each joint's depth from the hips with the truth.
        """
        poses = self.lifted(lift)
        scaled, truth = metrics.frame_scaled(poses, self.poses)
        depth = torch.stack([scaled[..., 2], truth[..., 2]])
        return {
            "axis_errors": (scaled - truth).abs().mean((0, 1)).tolist(),
            "depth_correlation": [
                float(torch.corrcoef(depth[:, :, joint])[0, 1]) for joint in range(depth.shape[-1])
            ],
        }
