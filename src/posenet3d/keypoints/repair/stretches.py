"""Stretches over which a joint is known in every frame: what a filter may be run over."""

from collections.abc import Iterator

import numpy as np

from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.stretches import stretches_of


def stretches(sequence: KeypointSequence) -> Iterator[tuple[int, int, int]]:
    """Each joint's runs of frames of the video, one after the other, in which it is known.

    Args:
        sequence: any.

    Yields:
        (joint, start, stop): places in the arrays, stop being the one after the last.

    Example:
        >>> points = np.ones((5, 14, 2))
        >>> points[2, 1:] = np.nan
        >>> walk = KeypointSequence(points, layout="lsp_14", fps=25.0)
        >>> list(stretches(walk))[:3]
        [(0, 0, 5), (1, 0, 2), (1, 3, 5)]
    """
    known = np.isfinite(sequence.points[..., 0])
    unbroken = stretches_of(sequence.frame_index)
    for joint in range(known.shape[1]):
        for begin, end in unbroken:
            change = np.diff(known[begin:end, joint].astype(np.int8), prepend=0, append=0)
            starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
                yield joint, begin + start, begin + stop
