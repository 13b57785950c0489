"""A lifter's answer for each frame of a sequence, made of its answers for windows."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from posenet3d.data import Anchoring
from posenet3d.errors import DataError
from posenet3d.evaluation.sequences import centred_windows
from posenet3d.inference.lifting import WindowLifter
from posenet3d.inference.placing import body_joints
from posenet3d.inference.sequence import lift_sequence
from posenet3d.inference.stitching import FrameMeans
from posenet3d.keypoints import KeypointSequence
from posenet3d.keypoints.stretches import stretches_of
from posenet3d.networks import PoseNet3D

Lifter = Callable[[Float[Tensor, "batch frames joints 2"]], Mapping[str, Tensor]]
"""Normalised root-centred windows (B, T, 14, 2) -> named heads, each (B, T, 14, 3): poses in the
camera frame, root-centred, in any one unit."""


class StitchingNetwork:
    """A trained network that makes one motion of its windows as `Estimator.predict` does.

    It is a lifter of windows too, for whoever asks for centre frames.

    Args:
        model: the network.

    Example:
        >>> network = StitchingNetwork(PoseNet3D.from_pretrained())
        >>> heads = network.stitched(torch.zeros(20, 14, 2), np.arange(20), batch_size=512)
        >>> {head: tuple(poses.shape) for head, poses in heads.items()}
        {'teacher': (20, 14, 3), 'student': (20, 14, 3), 'mean': (20, 14, 3)}
    """

    def __init__(self, model: PoseNet3D) -> None:
        self._lifter = WindowLifter(model)

    def __call__(self, windows: Float[Tensor, "batch frames joints 2"]) -> dict[str, Tensor]:
        """Every branch's skeletons of windows, as `PoseNet3D.lift`."""
        return self._lifter.model.lift(windows)

    def stitched(
        self,
        points: Float[Tensor, "frames 14 2"],
        times: Int[np.ndarray, " frames"],
        batch_size: int,
    ) -> dict[str, Float[Tensor, "frames 14 3"]]:
        """Every branch's skeletons of a sequence, overlapping windows averaged.

        Args:
            points: normalised and root-centred, NaN where a joint is missing.
            times: each frame's number in its video, rising.
            batch_size: windows in a batch.

        Returns:
            The heads of `PoseNet3D.lift`. The student has one shape for the whole sequence.
        """
        model, frames = self._lifter.model, len(points)
        sequence = KeypointSequence(
            points.double().cpu().numpy(), layout="lsp_14", fps=1.0, frame_index=times
        )
        as_it_is = Anchoring(root=np.zeros((frames, 2)), scale=np.ones(frames))
        found = lift_sequence(self._lifter, sequence, as_it_is, "average", batch_size)
        if found.betas is None or found.rotations is None:
            return {"teacher": found.teacher}
        joints = body_joints(model, found.betas, found.rotations).joints
        student = torch.from_numpy(joints) / float(model.metres_per_unit)
        return {"teacher": found.teacher, "student": student, "mean": (found.teacher + student) / 2}


def lift_frames(
    lifter: Lifter,
    points: Float[Tensor, "frames joints 2"],
    window: int,
    batch_size: int,
    name: str,
    stitch: str = "centre",
    times: Int[np.ndarray, " frames"] | None = None,
) -> dict[str, Float[Tensor, "frames joints 3"]]:
    """The lifter's answer for each frame, of the windows around it.

    Frames before the first and after the last are the first and the last. With ``average``, no
    window reaches over a gap in ``times``, and a `StitchingNetwork` is asked for the sequence as a
    whole.

    Args:
        lifter: windows (B, window, joints, 2), float32 -> heads (B, window, joints, 3).
        points: a normalised sequence.
        window: frames in a window, odd.
        batch_size: windows in a batch.
        name: the sequence's name, for messages.
        stitch: ``"centre"`` takes the centre frame of the window around each frame, ``"average"``
            the mean over all windows that hold it, see `posenet3d.inference.STITCHES`.
        times: each frame's number in its video, rising; 0, 1, 2 … if ``None``.

    Returns:
        For each head a sequence in the camera frame, float64.

    Raises:
        DataError: a head's answer has the wrong shape or is not finite.

    Example:
        >>> flat = lambda windows: {"flat": torch.nn.functional.pad(windows, (0, 1))}
        >>> points = torch.arange(3.0).reshape(3, 1, 1).expand(3, 14, 2)
        >>> lift_frames(flat, points, 9, 2, "walk")["flat"][:, 0, 0]
        tensor([0., 1., 2.], dtype=torch.float64)
    """
    when = np.arange(len(points)) if times is None else times
    if stitch == "average" and isinstance(lifter, StitchingNetwork):
        heads = lifter.stitched(points, when, batch_size)
    else:
        stretches = stretches_of(when) if stitch == "average" else [(0, len(points))]
        heads = _from_windows(lifter, points, window, batch_size, name, stitch, stretches)
    for head, poses in heads.items():
        if not bool(poses.isfinite().all()):
            raise DataError(
                name,
                f"Expected a finite pose for each frame from head {head!r}, got NaN, infinity or "
                "too few; check the weights, and whether the lifter takes missing joints where "
                "there are any.",
            )
    return {head: poses.to(points.device).double() for head, poses in heads.items()}


def _from_windows(
    lifter: Lifter,
    points: Float[Tensor, "frames joints 2"],
    window: int,
    batch_size: int,
    name: str,
    stitch: str,
    stretches: list[tuple[int, int]],
) -> dict[str, Float[Tensor, "frames joints 3"]]:
    """The means over windows that a lifter is asked for, a batch at a time."""
    means: dict[str, FrameMeans] = {}
    for start, stop in stretches:
        windows = centred_windows(points[start:stop].float(), window)
        for first in range(start, stop, batch_size):
            some = windows[first - start : first - start + batch_size]
            for head, poses in lifter(some).items():
                expected = (*some.shape[:-1], 3)
                if tuple(poses.shape) != expected:
                    raise DataError(
                        name,
                        f"Expected poses of shape {expected} from head {head!r}, got "
                        f"{tuple(poses.shape)}; check the lifter.",
                    )
                if head not in means:
                    sums = points.new_zeros(*points.shape[:-1], 3, dtype=torch.float64)
                    means[head] = FrameMeans(sums, window, stitch)
                means[head].add(poses, first, (start, stop))
    return {head: mean.finish() for head, mean in means.items()}
