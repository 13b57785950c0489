"""The network's answer for a whole sequence, a batch of windows at a time."""

from collections.abc import Callable

import numpy as np
import torch

from posenet3d.data import Anchoring
from posenet3d.inference.lifting import WindowLifter
from posenet3d.inference.stitching import Stitched, Stitcher
from posenet3d.inference.windows import window_batches
from posenet3d.keypoints import KeypointSequence
from posenet3d.keypoints.stretches import stretches_of

Progress = Callable[[int, int], None]
"""Called with the frames done and the frames there are."""


def lift_sequence(
    lifter: WindowLifter,
    sequence: KeypointSequence,
    anchors: Anchoring,
    stitch: str,
    batch_size: int,
    on_progress: Progress | None = None,
) -> Stitched:
    """Windows around each frame lifted and stitched.

    With ``average``, a student that reads the teacher's motion alone (it has ``follow``) is asked
    once a frame, of the stitched motion; others answer for the window around each frame.

    Args:
        lifter: the network.
        sequence: the keypoints.
        anchors: their root and scale.
        stitch: see `STITCHES`.
        batch_size: windows in a batch.
        on_progress: called after each batch.
    """
    once = stitch == "average" and lifter.follows
    window, place = lifter.model.receptive_field, lifter.model.metres_per_unit.device
    no_body = once or not lifter.model.has_student
    stitcher = Stitcher(len(sequence), window, stitch)
    for batch in window_batches(sequence, anchors, window, batch_size):
        points = batch.points.to(place)
        if no_body and lifter.keeps_rays and np.isfinite(batch.points.numpy()).all():
            depths = lifter.depths(points)
            stitcher.add_depths(depths, batch.points, batch.first, batch.stretch)
        else:
            answer = lifter.lift(points, body=not once)
            stitcher.add(answer, batch.first, batch.stretch)
        if on_progress is not None:
            on_progress(batch.first + len(points) - window + 1, len(sequence))
    stitched = stitcher.finish()
    return _followed(lifter, stitched, stretches_of(sequence.frame_index)) if once else stitched


def _followed(
    lifter: WindowLifter, stitched: Stitched, stretches: list[tuple[int, int]]
) -> Stitched:
    """The stitched motion with the body that follows it."""
    teacher, place = stitched.teacher, lifter.model.metres_per_unit.device
    shapes, rotations = [], []
    for start, stop in stretches:
        betas, turned = lifter.follow(teacher[start:stop].to(place))
        shapes.append(betas.double().cpu())
        rotations.append(turned.cpu())
    whole = rotations[0] if len(rotations) == 1 else torch.cat(rotations)  # no copy of hours
    return Stitched(teacher, torch.cat(shapes).mean(0).float(), whole)
