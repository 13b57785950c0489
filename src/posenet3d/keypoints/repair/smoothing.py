"""Jitter taken out: a filter for live frames (One-Euro) and one for recordings (Savitzky-Golay).

Both run over each joint's stretches of known frames alone: across an unknown joint or a missing
frame nothing is smoothed, and nothing is made up.
"""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float

from posenet3d.errors import MissingExtraError, ShapeError
from posenet3d.keypoints.repair.report import RepairReport
from posenet3d.keypoints.repair.stretches import stretches
from posenet3d.keypoints.sequence import KeypointSequence

Points = Float[np.ndarray, "frames joints 2"]
_SMALLEST = 1e-9  # a person without extent has no size to go by


def one_euro(
    sequence: KeypointSequence,
    *,
    min_cutoff: float | int = 1.0,
    beta: float | int = 5.0,
    speed_cutoff: float | int = 1.0,
) -> tuple[KeypointSequence, RepairReport]:
    r"""The sequence through the One-Euro filter (Casiez et al. 2012), and what it moved.

    An exponential filter that smooths much at rest, against jitter, and little in fast motion,
    against lag. Its cutoff frequency is

    .. math:: f_c = f_{min} + \beta\,|v|

    with v the joint's own smoothed velocity in persons a second: the unit of length is the
    person's size in the image, the median longer side of the box around the known joints, so that
    the numbers mean the same for any resolution. It looks at the past only; what it gives lags.

    Args:
        sequence: any.
        min_cutoff: :math:`f_{min}` in hertz; less is smoother at rest.
        beta: hertz for each person's size a second; more lags less.
        speed_cutoff: in hertz, for the velocity itself.

    Returns:
        A new sequence of the same frames, and a report whose mask is what was moved.

    Raises:
        ShapeError: a number is negative, or a cutoff 0.

    Example:
        >>> walk = KeypointSequence(np.ones((9, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still, report = one_euro(walk)
        >>> bool((still.points == walk.points).all()), report.count
        (True, 0)
    """
    for name, value in (("min_cutoff", min_cutoff), ("speed_cutoff", speed_cutoff)):
        if not 0 < value < np.inf:
            raise ShapeError(name, expected="a positive number of hertz", got=f"{value!r}")
    if not 0 <= beta < np.inf:
        raise ShapeError("beta", expected="a number from 0", got=f"{beta!r}")
    given, size = sequence.points, _person_size(sequence.points)
    made = given.copy()
    velocity = np.zeros_like(given[0])
    slow = _share(np.float64(speed_cutoff), sequence.fps)
    for frame in range(1, len(given)):
        joined = sequence.frame_index[frame] == sequence.frame_index[frame - 1] + 1
        goes_on = np.isfinite(made[frame - 1, :, :1]) & np.isfinite(given[frame, :, :1]) & joined
        step = (given[frame] - given[frame - 1]) * sequence.fps / size
        velocity = np.where(goes_on, velocity + slow * (step - velocity), 0.0)
        speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
        share = _share(min_cutoff + beta * speed, sequence.fps)
        moved = made[frame - 1] + share * (given[frame] - made[frame - 1])
        made[frame] = np.where(goes_on, moved, given[frame])
    asked = f"min_cutoff {min_cutoff:g} Hz, beta {beta:g}, speed_cutoff {speed_cutoff:g} Hz"
    return _smoothed(sequence, "one_euro", made, asked)


def savitzky_golay(
    sequence: KeypointSequence,
    *,
    seconds: float | int = 0.2,
    order: int = 2,
) -> tuple[KeypointSequence, RepairReport]:
    """The sequence with polynomials fitted around each frame, and what that moved.

    It looks as far into the future as into the past, so nothing lags; motion that is a polynomial
    of this order in time stays as it is. Where a stretch is shorter than the window, the window is
    as long as the stretch; stretches too short for the order stay as they are. Needs SciPy:
    ``pip install 'posenet3d[io]'``.

    Args:
        sequence: any.
        seconds: how much time the polynomial is fitted to, before and after together.
        order: of the polynomials, from 0.

    Returns:
        A new sequence of the same frames, and a report whose mask is what was moved.

    Raises:
        MissingExtraError: SciPy is not installed.
        ShapeError: a number is negative.

    Example:
        >>> walk = KeypointSequence(np.ones((9, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still, report = savitzky_golay(walk)
        >>> bool((still.points == walk.points).all()), report.count
        (True, 0)
    """
    if not 0 < seconds < np.inf:
        raise ShapeError("seconds", expected="a positive number", got=f"{seconds!r}")
    if not 0 <= order <= 9:
        raise ShapeError("order", expected="a whole number from 0 to 9", got=f"{order!r}")
    check_scipy()
    from scipy.signal import savgol_filter

    window = max(2 * int(seconds * sequence.fps / 2 + 1e-6) + 1, 1)
    made = sequence.points.copy()
    for joint, start, stop in stretches(sequence):
        length = min(window, (stop - start - 1) // 2 * 2 + 1)
        if length > order + 1:
            part = sequence.points[start:stop, joint]
            made[start:stop, joint] = part[0] + savgol_filter(part - part[0], length, order, axis=0)
    asked = f"windows of {window / sequence.fps:.3g} s ({window} frames), order {order}"
    return _smoothed(sequence, "savitzky_golay", made, asked)


def check_scipy() -> None:
    """Nothing, if SciPy is installed; it is not imported, which takes its time.

    Raises:
        MissingExtraError: it is not.

    Example:
        >>> check_scipy()
    """
    if find_spec("scipy") is None:
        raise MissingExtraError("scipy", "io", "Savitzky-Golay filters")


def _share(cutoff: Float[np.ndarray, "*joints"] | np.float64, fps: float) -> np.ndarray:
    """How far an exponential filter of some cutoff goes towards each new value."""
    turn = 2 * np.pi * np.asarray(cutoff) / fps
    return np.asarray(turn / (turn + 1))


def _person_size(points: Points) -> float:
    """The median longer side of the box around the known joints; 1 where there is none."""
    seen = points[np.isfinite(points[..., 0]).any(axis=1)]
    if len(seen) == 0:
        return 1.0
    sides = np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)
    size = float(np.median(sides.max(axis=-1)))
    return size if size > _SMALLEST else 1.0


def _smoothed(
    sequence: KeypointSequence, step: str, made: Points, asked: str
) -> tuple[KeypointSequence, RepairReport]:
    moved = (made != sequence.points).any(axis=-1) & np.isfinite(made[..., 0])
    far = np.linalg.norm(made - sequence.points, axis=-1)[moved]
    rms = float(np.sqrt(np.mean(far**2))) if far.size else 0.0
    report = RepairReport(
        step, "moved", moved, sequence.frame_index, sequence.layout,
        f"by {rms:.3g} {sequence.unit} (root mean square); {asked}",
    )  # fmt: skip
    return replace(sequence, points=made), report
