"""2D points as the networks eat them: centred on the hips' middle, head to root one tenth.

For a sequence of points ``x`` with root ``r`` (middle of the hips) and head top ``h``, the
normalised points are ``(x - r) s`` with the scale ``s`` such that the mean of ``|h - r| s`` is
``1 / c``. So a person whose mean head-to-root length is 1 stands at the distance ``c`` from a
camera of unit focal length (Sect. 4.1 of PoseNet3D, c = 10). The paper does not say over what the
mean is taken; `SCALE_MODES` lists the choices.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.data.apparent_size import apparent_size, image_lengths
from posenet3d.data.scale import (
    SCALE_MODES,
    ScaleMode,
    anchors_of,
    check_options,
    check_scale,
    root_and_lengths,
    root_and_scale,
)
from posenet3d.errors import DataError

__all__ = [
    "SCALE_MODES",
    "Normalized",
    "ScaleMode",
    "mean_head_to_root",
    "normalize",
    "normalize_all",
]


class Normalized(NamedTuple):
    """Normalised points, and what leads back: ``points / scale + root``.

    Attributes:
        points: (frames, 14, 2), root-centred, mean head-to-root length 1/c.
        scale: (frames,), normalised units per input unit; constant but for three modes.
        root: (frames, 2), the middle of the hips in the input's unit.

    Example:
        >>> seen = np.random.default_rng(0).normal(size=(9, 14, 2)) - [0, 3]
        >>> found = normalize(seen)
        >>> back = found.points / found.scale[:, None, None] + found.root[:, None]
        >>> np.allclose(back, seen)
        True
    """

    points: Float[np.ndarray, "frames 14 2"]
    scale: Float[np.ndarray, " frames"]
    root: Float[np.ndarray, "frames 2"]


def normalize(
    points: Float[np.ndarray, "frames joints axes"],
    mode: str = "sequence",
    distance: float = 10.0,
    *,
    length: float | None = None,
    window: int = 51,
    name: str = "points",
    gaps: bool = False,
) -> Normalized:
    """Root-centred, scaled 2D points of one sequence.

    Neither moving the input nor scaling it changes the result (in mode ``dataset``, scaling
    does).

    Args:
        points: (frames, 14, 2) in layout ``lsp_14``, pixels or any other unit.
        mode: what the mean head-to-root length is taken over: ``"sequence"``, ``"dataset"``,
            ``"limbs"``, ``"window"`` or ``"frame"``; see `SCALE_MODES`.
        distance: c, the distance of the person from the camera in head-to-root lengths.
        length: the set's mean head-to-root length, for mode ``"dataset"`` only.
        window: how many frames modes ``"window"`` and ``"limbs"`` average over, centred, fewer at
            the ends.
        name: what an error calls the sequence: its file or clip.
        gaps: take joints that are missing (NaN) in some frames; they stay missing. Centre and
            scale come from hips and head top, whose places, and the length between them, are
            those between the frames before and after (see `fill_gaps`), for that alone. For
            networks that are told what is missing.

    Returns:
        `Normalized`: points, scale and root, float64.

    Raises:
        DataError: there are no frames, a value is NaN (or, with ``gaps``, a hip or the head top
            in all frames) or infinite, or head top and root coincide so that there is no scale.
        ShapeError: not (frames, 14, 2); a length is missing, superfluous or not positive;
            a window or distance is not positive.
        UnknownNameError: no such mode.

    Example:
        >>> from posenet3d.skeletons import LSP_14
        >>> person = np.zeros((3, 14, 2))
        >>> person[:, LSP_14.index("head_top")] = (0, -250)  # pixels above the hips
        >>> normalize(person).points[0, LSP_14.index("head_top")]
        array([ 0. , -0.1])
    """
    points = np.asarray(points, dtype=np.float64)
    check_options(mode, distance, length, window)
    anchors = anchors_of(points, name, gaps)
    sizes = apparent_size(image_lengths(points)) if mode == "limbs" else None
    root, scale = root_and_scale(anchors, mode, distance, length, window, sizes)
    centred = points - root[:, None]
    check_scale(scale, distance, float(np.nanmax(np.abs(centred))), name, mode)
    return Normalized(centred * scale[:, None, None], scale, root)


def mean_head_to_root(
    sequences: Iterable[Float[np.ndarray, "_ joints axes"]],
    name: str = "the set",
    *,
    gaps: bool = False,
) -> float:
    """The mean 2D length from the hips' middle to the head top over all frames of a set.

    Args:
        sequences: arrays (frames, 14, 2) in layout ``lsp_14``, all in one unit.
        name: what an error calls the set.
        gaps: take missing joints, as in `normalize`.

    Returns:
        The length in that unit, for mode ``"dataset"`` of `normalize`.

    Raises:
        DataError: there are no frames, or a value is NaN or infinite.
        ShapeError: a sequence is not (frames, 14, 2).

    Example:
        >>> from posenet3d.skeletons import LSP_14
        >>> person = np.zeros((3, 14, 2))
        >>> person[:, LSP_14.index("head_top")] = (0, -250)
        >>> mean_head_to_root([person, 2 * person])
        375.0
    """
    total, frames = 0.0, 0
    for number, points in enumerate(sequences):
        _, lengths = root_and_lengths(anchors_of(points, f"{name}, sequence {number}", gaps))
        total += float(lengths.sum())
        frames += len(points)
    if frames == 0:
        raise DataError(name, "expected at least one sequence, got none; check the data.")
    return total / frames


def normalize_all(
    sequences: Sequence[Float[np.ndarray, "_ joints axes"]],
    mode: str = "sequence",
    distance: float = 10.0,
    *,
    window: int = 51,
    length: float | None = None,
    names: Sequence[str] | None = None,
    gaps: bool = False,
) -> tuple[Normalized, ...]:
    """Each sequence of a set normalised; mode ``dataset`` measures the set's length if not given.

    Args:
        sequences: arrays (frames, 14, 2) in layout ``lsp_14``.
        mode: as in `normalize`.
        distance: as in `normalize`.
        window: as in `normalize`.
        length: for mode ``"dataset"``: the length kept with the weights; measured if ``None``.
        names: what errors call the sequences; their numbers if ``None``.
        gaps: as in `normalize`.

    Returns:
        One `Normalized` a sequence.

    Raises:
        DataError: as in `normalize`.
        ShapeError: as in `normalize`.
        UnknownNameError: no such mode.

    Example:
        >>> from posenet3d.skeletons import LSP_14
        >>> person = np.zeros((3, 14, 2))
        >>> person[:, LSP_14.index("head_top")] = (0, -250)
        >>> small, large = normalize_all([person, 3 * person], "dataset")
        >>> small.points[0, LSP_14.index("head_top")], large.points[0, LSP_14.index("head_top")]
        (array([ 0.  , -0.05]), array([ 0.  , -0.15]))
    """
    if mode == "dataset" and length is None:
        length = mean_head_to_root(sequences, gaps=gaps)
    called = names or [f"sequence {number}" for number in range(len(sequences))]
    return tuple(
        normalize(points, mode, distance, length=length, window=window, name=name, gaps=gaps)
        for points, name in zip(sequences, called, strict=True)
    )
