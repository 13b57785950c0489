"""The stretches of a sequence: frames that follow each other without a gap."""

import numpy as np
from jaxtyping import Int


def stretches_of(frame_index: Int[np.ndarray, " frames"]) -> list[tuple[int, int]]:
    """The stretches without a gap, as (start, stop) places in the arrays.

    Args:
        frame_index: each frame's number in the video, rising.

    Example:
        >>> stretches_of(np.array([0, 1, 7]))
        [(0, 2), (2, 3)]
    """
    ends = [*(np.flatnonzero(np.diff(frame_index) != 1) + 1).tolist(), len(frame_index)]
    return list(zip([0, *ends[:-1]], ends, strict=True))
