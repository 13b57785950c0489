"""What 2D is centred on and scaled by: the hips' middle, and the mean head-to-root length."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float

from posenet3d.data.apparent_size import apparent_size, image_lengths
from posenet3d.data.gaps import fill_gaps
from posenet3d.errors import DataError, ShapeError, UnknownNameError
from posenet3d.skeletons import LSP_14

ScaleMode = Literal["sequence", "dataset", "limbs", "window", "frame"]
SCALE_MODES: tuple[str, ...] = get_args(ScaleMode)
"""What the mean head-to-root length is taken over.

* ``sequence`` (default): the whole sequence.
* ``dataset``: all sequences of a set; the length is given (see `mean_head_to_root`) and must be
  kept with the weights. Its unit must mean the same in all of them.
* ``limbs``: the whole sequence, a frame's length multiplied by how large the person appears in the
  frames around it: the median over bones of their lengths beside their mean ones. For cameras
  that zoom or come nearer, and people who do; it keeps a person who bends or sits down small.
* ``window``: the frames around each frame, so the scale drifts slowly. It blows a person up who
  bends down for longer.
* ``frame``: each frame alone. It blows a bent or seated person up, and one whose head hides the
  hips without limit; here for comparison.
"""

_HIPS = LSP_14.indices("right_hip", "left_hip")
_HEAD_TOP = LSP_14.index("head_top")
_TOGETHER = 64  # frames: in long rows numbers are compared several times as fast
_SMALLEST_SHARE = 1e-6  # of the person's extent; below it a head-to-root length is no scale


class Anchoring(NamedTuple):
    """Where the normalised frame of each frame of a sequence lies; see `Normalized`.

    Attributes:
        scale: (frames,), normalised units per input unit.
        root: (frames, 2), the middle of the hips in the input's unit, gaps filled.
    """

    scale: Float[np.ndarray, " frames"]
    root: Float[np.ndarray, "frames 2"]


def anchoring(
    chunks: Iterable[Float[np.ndarray, "_ joints axes"]],
    mode: str = "sequence",
    distance: float = 10.0,
    *,
    length: float | None = None,
    window: int = 51,
    name: str = "points",
) -> Anchoring:
    """Scale and root of a long sequence that comes in chunks: what `normalize` finds, less points.

    Keeps hips and head top, and bones' lengths for mode ``"limbs"``, 160 bytes a frame, so that
    hours need little room.

    Args:
        chunks: consecutive parts (some, 14, 2) in layout ``lsp_14``; NaN where a joint is missing.
        mode: as in `normalize`, as are the others.
        distance: see there.
        length: see there.
        window: see there.
        name: see there.

    Returns:
        `Anchoring`: ``(points - root) * scale`` is what ``normalize(..., gaps=True)`` gives.

    Raises:
        DataError: as `normalize` with ``gaps``.
        ShapeError: as `normalize`.
        UnknownNameError: no such mode.

    Example:
        >>> person = np.zeros((3, 14, 2))
        >>> person[:, LSP_14.index("head_top")] = (0, -250)
        >>> anchoring([person, person]).scale
        array([0.0004, 0.0004, 0.0004, 0.0004, 0.0004, 0.0004])
    """
    check_options(mode, distance, length, window)
    parts, bones, extent = [], [], 0.0
    for chunk in chunks:
        points = np.asarray(chunk, dtype=np.float64)
        _check_points(points, name, gaps=True)
        parts.append(points[:, [*_HIPS, _HEAD_TOP]])
        if mode == "limbs":
            bones.append(image_lengths(points))
        extent = max(extent, _extent(points))
    if not parts:
        raise DataError(name, "expected at least one frame, got an empty sequence; leave it out.")
    anchors = _seen_once(np.concatenate(parts), name)
    sizes = apparent_size(np.concatenate(bones)) if bones else None
    root, scale = root_and_scale(anchors, mode, distance, length, window, sizes)
    check_scale(scale, distance, extent, name, mode)
    return Anchoring(scale, root)


def root_and_scale(
    anchors: Float[np.ndarray, "frames 3 axes"],
    mode: str,
    distance: float,
    length: float | None,
    window: int,
    sizes: Float[np.ndarray, " frames"] | None = None,
) -> tuple[Float[np.ndarray, "frames axes"], Float[np.ndarray, " frames"]]:
    """Root and scale of frames.

    Args:
        anchors: right hip, left hip and head top, each known in some frame.
        mode: see `SCALE_MODES`.
        distance: c, in head-to-root lengths.
        length: the set's length, for mode ``"dataset"``.
        window: frames that modes ``"window"`` and ``"limbs"`` average over.
        sizes: `apparent_size` of the frames, for mode ``"limbs"``.

    Returns:
        The root (frames, 2) and the scale (frames,), infinite where there is no length.
    """
    root, lengths = root_and_lengths(anchors)
    with np.errstate(divide="ignore"):
        return root, 1.0 / (distance * _averaged(lengths, mode, length, window, sizes))


def root_and_lengths(
    anchors: Float[np.ndarray, "frames 3 axes"],
) -> tuple[Float[np.ndarray, "frames axes"], Float[np.ndarray, " frames"]]:
    """Root of each frame, and its length from there to the head top.

    Where a hip or the head is not seen, the length is one between the lengths before and after: the
    places on either side of a long gap may lie far apart. Where they are never seen together, it
    is that of places between.

    Args:
        anchors: right hip, left hip and head top, each known in some frame.

    Returns:
        The root (frames, 2) and the length (frames,), in the anchors' unit.
    """
    filled = fill_gaps(anchors)
    root = (filled[:, 0] + filled[:, 1]) / 2
    lengths = np.sqrt(sum(axis * axis for axis in (filled[:, 2] - root).T))
    seen = np.isfinite(sum(anchors.reshape(len(anchors), -1).T))
    if seen.any() and not seen.all():
        lengths = np.interp(np.arange(len(seen)), np.flatnonzero(seen), lengths[seen])
    return root, lengths


def _averaged(
    lengths: Float[np.ndarray, " frames"],
    mode: str,
    length: float | None,
    window: int,
    sizes: Float[np.ndarray, " frames"] | None,
) -> Float[np.ndarray, " frames"]:
    """The length that each frame is divided by."""
    if mode == "frame":
        return lengths
    if mode == "window":
        return _moving_mean(lengths, window)
    if mode == "limbs" and sizes is not None:
        around = _moving_mean(sizes, window)
        return np.asarray(around * (lengths / around).mean())
    return np.full_like(lengths, lengths.mean() if length is None else length)


def _moving_mean(values: Float[np.ndarray, " frames"], window: int) -> Float[np.ndarray, " frames"]:
    """The mean over ``window`` frames around each, over those that exist at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    frame = np.arange(len(values))
    first = np.maximum(frame - (window - 1) // 2, 0)
    end = np.minimum(frame + window // 2 + 1, len(values))
    mean: Float[np.ndarray, " frames"] = (sums[end] - sums[first]) / (end - first)
    return mean


def check_options(mode: str, distance: float, length: float | None, window: int) -> None:
    """Nothing, if the options of a normalisation go together.

    Raises:
        ShapeError: a length is missing, superfluous or not positive; a window or distance is not.
        UnknownNameError: no such mode.
    """
    if mode not in SCALE_MODES:
        raise UnknownNameError("scale mode", mode, SCALE_MODES)
    if not 0 < distance < np.inf:
        raise ShapeError("distance", expected="a positive number", got=f"{distance}")
    if window < 1:
        raise ShapeError("window", expected="at least 1 frame", got=f"{window}")
    if (mode == "dataset") != (length is not None):
        raise ShapeError(
            "length",
            expected="a length for mode 'dataset' and for no other",
            got=f"length={length} with mode {mode!r}",
            do="measure it with mean_head_to_root(...)",
        )
    if length is not None and not 0 < length < np.inf:
        raise ShapeError("length", expected="a positive number", got=f"{length}")


def anchors_of(
    points: Float[np.ndarray, "..."], name: str, gaps: bool
) -> Float[np.ndarray, "frames 3 axes"]:
    """Right hip, left hip and head top of checked points; with ``gaps`` NaN where not seen."""
    anchors = [*_HIPS, _HEAD_TOP]
    _check_points(points, name, gaps)
    found: Float[np.ndarray, "frames 3 axes"] = points[:, anchors]
    return _seen_once(found, name)


def _extent(points: Float[np.ndarray, "frames joints axes"]) -> float:
    """How far the points that are known spread, along the axis where they spread the most."""
    lowest, highest = (_extremes(points, pick) for pick in (np.fmin, np.fmax))
    return float(np.fmax.reduce(highest - lowest, initial=0.0))


def _extremes(
    points: Float[np.ndarray, "frames joints axes"], pick: np.ufunc
) -> Float[np.ndarray, " axes"]:
    """The least or the largest number of each axis; NaN where none is known."""
    first = points[: len(points) % _TOGETHER]
    others = points[len(first) :].reshape(-1, _TOGETHER * points.shape[1] * points.shape[2])
    most = pick.reduce(others, axis=0, initial=np.nan).reshape(-1, points.shape[2])
    return np.asarray(pick.reduce(np.concatenate([first.reshape(-1, most.shape[1]), most])))


def _seen_once(
    anchors: Float[np.ndarray, "frames 3 axes"], name: str
) -> Float[np.ndarray, "frames 3 axes"]:
    """The same anchors, if each is seen in some frame."""
    if np.isfinite(anchors).all():
        return anchors
    never = ~np.isfinite(anchors).all(axis=-1).any(axis=0)
    if never.any():
        joint = LSP_14.joint_names[[*_HIPS, _HEAD_TOP][int(np.argmax(never))]]
        raise DataError(
            name,
            f"expected hips and head top in some frame, for centre and scale, got no {joint!r}; "
            "it must be seen once. Layouts without a head top need ears, eyes or nose for it.",
        )
    return anchors


def _check_points(points: Float[np.ndarray, "..."], name: str, gaps: bool) -> None:
    """Nothing, if these are points; with ``gaps`` they may be NaN, a joint that is missing."""
    if points.ndim != 3 or points.shape[1:] != (len(LSP_14), 2):
        raise ShapeError(
            f"{name}: points",
            expected=f"(frames, {len(LSP_14)}, 2)",
            got=f"{points.shape}",
            do="convert the points to layout 'lsp_14' first",
        )
    if len(points) == 0:
        raise DataError(name, "expected at least one frame, got an empty sequence; leave it out.")
    bad = np.isinf(points) if gaps else ~np.isfinite(points)
    if bad.any():
        unknown = bad.any(axis=-1)
        frame, joint = np.argwhere(unknown)[0]
        raise DataError(
            name,
            f"expected finite points, got NaN or infinity in {int(unknown.sum())} of "
            f"{unknown.size} joints, first {LSP_14.joint_names[joint]!r} in frame {frame}; "
            "fill the gaps or leave those frames out (posenet3d train: --longest-gap 0.2, "
            "--drop-incomplete), or train a network that is told of missing joints "
            "(--set network.missing_joints=true).",
        )


def check_scale(
    scale: Float[np.ndarray, " frames"], distance: float, extent: float, name: str, mode: str
) -> None:
    """That the person has a length, against how far the points spread."""
    lengths = 1.0 / (distance * scale)
    too_short = lengths <= _SMALLEST_SHARE * extent
    if too_short.any():
        raise DataError(
            name,
            f"expected a head-to-root length above zero, got {lengths[too_short][0]:g} at frame "
            f"{int(np.argmax(too_short))} (scale mode {mode!r}); head top and hips coincide: "
            "check the layout, or leave those frames out.",
        )
