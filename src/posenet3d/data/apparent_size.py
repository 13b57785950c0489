"""How large a person appears from frame to frame, by the lengths of the bones in the image."""

import numpy as np
from jaxtyping import Float

from posenet3d.skeletons import LSP_14

_SMALLEST_SHARE = 1e-6  # of the longest bone, or of a bone's mean; less is rounding
_STARTS, _ENDS = map(list, zip(*LSP_14.bones, strict=True))


def image_lengths(
    points: Float[np.ndarray, "frames 14 2"],
) -> Float[np.ndarray, "frames bones"]:
    """The length of each ``lsp_14`` bone in the image, NaN where an end is not seen.

    Example:
        >>> image_lengths(np.zeros((5, 14, 2))).shape
        (5, 14)
    """
    bones = points.take(_STARTS, axis=1)
    bones -= points.take(_ENDS, axis=1)
    bones *= bones
    squares = bones[..., 0] + bones[..., 1]  # twice as fast as einsum, some times as a norm
    return np.asarray(np.sqrt(squares, out=squares))


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
    total = lengths.sum(axis=0) if known.all() else np.where(known, lengths, 0.0).sum(axis=0)
    mean = total / np.maximum(known.sum(axis=0), 1)
    long = mean > _SMALLEST_SHARE * mean.max()
    if not long.any():
        return np.ones(len(lengths))
    sizes = _medians((lengths if long.all() else lengths[:, long]) / mean[long])
    told = sizes > _SMALLEST_SHARE  # not where no bone is known
    if not told.any():
        return np.ones(len(lengths))
    if told.all():
        return sizes
    return np.asarray(np.interp(np.arange(len(lengths)), np.flatnonzero(told), sizes[told]))


def _medians(values: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
    """The median of each row's numbers, NaN where it has none.

    Some times as fast as ``numpy.nanmedian``.
    """
    values.sort(axis=1)  # NaN last
    count = values.shape[1]
    if not np.isnan(values[:, -1]).any():
        return np.asarray((values[:, (count - 1) // 2] + values[:, count // 2]) / 2)
    known = np.isfinite(values).sum(axis=1)
    rows = np.arange(len(values))
    return np.asarray((values[rows, (known - 1) // 2] + values[rows, known // 2]) / 2)
