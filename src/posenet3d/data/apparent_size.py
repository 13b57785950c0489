"""How large a person appears from frame to frame, by the lengths of the bones in the image."""

import numpy as np
from jaxtyping import Float

from posenet3d.skeletons import LSP_14

_SMALLEST_SHARE = 1e-6  # of the longest bone, or of a bone's mean; less is rounding
_STARTS, _ENDS = map(list, zip(*LSP_14.bones, strict=True))


def image_lengths(
    points: Float[np.ndarray, "frames 14 axes"],
) -> Float[np.ndarray, "frames bones"]:
    """The length of each ``lsp_14`` bone in the image, NaN where an end is not seen.

    Example:
        >>> image_lengths(np.zeros((5, 14, 2))).shape
        (5, 14)
    """
    bones = points.take(_STARTS, axis=1) - points.take(_ENDS, axis=1)
    return np.asarray(np.sqrt(np.einsum("fba,fba->fb", bones, bones)))  # faster than a norm


def apparent_size(lengths: Float[np.ndarray, "frames bones"]) -> Float[np.ndarray, " frames"]:
    """How large the person is in each frame, beside the sequence's mean: 2 is twice as large.

    The median over bones of how their length compares with their mean one. A camera that zooms or
    comes nearer changes all bones, a person who bends down some.

    Args:
        lengths: of `image_lengths`.

    Returns:
        (frames,), positive. Where no bone is seen, or most have no length, between the frames
        before and after; 1 where that is so throughout.

    Example:
        >>> apparent_size(np.array([[2.0, 4.0, 1.0], [2.0, np.nan, 1.0], [4.0, 8.0, 2.0]]))
        array([0.75, 0.75, 1.5 ])
    """
    known = np.isfinite(lengths)
    mean = np.where(known, lengths, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    long = mean > _SMALLEST_SHARE * mean.max()
    sizes = np.zeros(len(lengths))
    some = known[:, long].any(axis=1)
    sizes[some] = _median(lengths[some][:, long] / mean[long])
    told = sizes > _SMALLEST_SHARE
    if not told.any():
        return np.ones(len(lengths))
    return np.interp(np.arange(len(lengths)), np.flatnonzero(told), sizes[told])


def _median(values: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
    """The median of each row's numbers, at least one: some times as fast as ``numpy.nanmedian``."""
    ordered = np.sort(values, axis=1)  # NaN last
    known = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    return np.asarray((ordered[rows, (known - 1) // 2] + ordered[rows, known // 2]) / 2)
