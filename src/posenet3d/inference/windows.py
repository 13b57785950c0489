"""Windows of a long sequence, made a batch at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.data import Anchoring, anchoring
from posenet3d.data.normalization import ScaleMode
from posenet3d.keypoints import KeypointSequence
from posenet3d.keypoints.stretches import stretches_of
from posenet3d.networks import PoseNet3D
from posenet3d.skeletons import convert

CHUNK = 65536
"""Frames that are converted at a time while the scale is measured."""


class Batch(NamedTuple):
    """Windows of a stretch without gaps, as the frames that they are cut from.

    Attributes:
        points: (batch + T - 1, 14, 2), root-centred, normalised, NaN where a joint is missing.
        first: the frame, of the whole sequence, in the middle of the first window.
        stretch: the stretch, as (start, stop) frames of the whole sequence.
    """

    points: Float[Tensor, "around 14 2"]
    first: int
    stretch: tuple[int, int]


def points_of(sequence: KeypointSequence, start: int, stop: int) -> Float[np.ndarray, "some 14 2"]:
    """The ``lsp_14`` points of some frames, in the sequence's unit, NaN where unknown.

    Example:
        >>> points_of(KeypointSequence(np.ones((5, 17, 2)), layout="coco_17", fps=25), 1, 3).shape
        (2, 14, 2)
    """
    points = sequence.points[start:stop]
    if sequence.layout == "lsp_14":
        return points
    confidence = sequence.confidence[start:stop]
    return convert(points, sequence.layout, "lsp_14", confidence).points


def lifting_scale(model: PoseNet3D) -> ScaleMode:
    """What the scale of footage is taken over: as in training, or ``"limbs"``.

    A network that learnt from whole sequences had clips of seconds before cameras that stood
    still. In footage cameras zoom, and people come nearer; with ``"limbs"`` the network errs less
    then, and as little otherwise (``benchmarks/results/robustness.md``).

    Example:
        >>> lifting_scale(PoseNet3D.from_pretrained())
        'limbs'
    """
    trained = model.config.normalization
    return "limbs" if trained == "sequence" else trained


def anchoring_of(sequence: KeypointSequence, model: PoseNet3D) -> Anchoring:
    """Root and scale of each frame, as footage is given to the network; see `lifting_scale`.

    Args:
        sequence: the keypoints in any layout and unit.
        model: the network; its configuration tells the mode.

    Raises:
        DataError: hips or head top are never seen, or the person has no size.
    """
    starts = range(0, len(sequence), CHUNK)
    return anchoring(
        (points_of(sequence, start, start + CHUNK) for start in starts),
        lifting_scale(model),
        model.config.distance,
        length=float(model.input_length) or None,
        name=sequence.source,
    )


def window_batches(
    sequence: KeypointSequence, anchors: Anchoring, window: int, batch_size: int
) -> Iterator[Batch]:
    """The window around each frame, in order; a stretch's first and last frame are repeated.

    A stretch shorter than a window, down to one frame, is repeated alike, as in the paper.

    Args:
        sequence: the keypoints.
        anchors: their root and scale.
        window: frames in a window, odd.
        batch_size: windows in a batch.

    Yields:
        Batches; no window reaches over a gap in ``frame_index``.
    """
    half = window // 2
    for start, stop in stretches_of(sequence.frame_index):
        for first in range(start, stop, batch_size):
            last = min(first + batch_size, stop)
            low, high = max(first - half, start), min(last + half, stop)
            points = points_of(sequence, low, high).reshape(high - low, -1)
            points = points - np.tile(anchors.root[low:high], 14)  # in long rows: twice as fast
            points *= anchors.scale[low:high, None]
            known = torch.from_numpy(points).float().reshape(-1, 14, 2)
            if high - low < last - first + 2 * half:
                frames = torch.arange(first - half, last + half).clamp(start, stop - 1) - low
                known = known[frames]
            yield Batch(known, first, (start, stop))
