"""Smooth curves over time, the raw material of every synthetic motion.

People move from posture to posture with the least jerk (Flash and Hogan 1985), so one primitive,
:func:`minimum_jerk`, draws gait cycles, reaches and rising from a chair alike; :func:`drift` adds
the slow restlessness that no living body is without.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Curve = Float[np.ndarray, " frames"]
"""One quantity over time."""
Curves = dict[str, Curve]
"""Named joint angles over time, degrees; a name that is absent stands for zero."""
Times = Float[np.ndarray, " keys"]
Postures = Float[np.ndarray, "keys channels"]


def minimum_jerk(time: Curve, at: Times, values: Postures) -> Float[np.ndarray, "frames channels"]:
    """The path through key values that comes to rest at each of them.

    Between two keys x = a + (b - a)(10 u^3 - 15 u^4 + 6 u^5), with u from 0 to 1 (Flash and Hogan
    1985, Eq. 3): velocity and acceleration vanish at the keys, so the path is twice continuously
    differentiable. Two equal keys in a row are a pause. Before the first key and after the last
    one the path stays where it is.

    Args:
        time: where to evaluate, seconds (or any unit that ``at`` shares).
        at: the key times, strictly increasing, at least two.
        values: the key values, one row a key.

    Returns:
        One row for each entry of ``time``.

    Example:
        >>> keys = np.array([[0.0], [8.0]])
        >>> minimum_jerk(np.array([-1.0, 0.0, 0.5, 1.0]), np.array([0.0, 1.0]), keys).ravel()
        array([0., 0., 4., 8.])
    """
    before = np.clip(np.searchsorted(at, time, side="right") - 1, 0, len(at) - 2)
    u = np.clip((time - at[before]) / (at[before + 1] - at[before]), 0.0, 1.0)
    progress = (u**3 * (10 - 15 * u + 6 * u**2))[:, None]
    path: Postures = values[before] + progress * (values[before + 1] - values[before])
    return path


def cycle(phase: Curve, extremes: dict[float, float]) -> Curve:
    """A periodic curve, given by its extremes.

    Args:
        phase: the phase, of period 1; any real number.
        extremes: phase in [0, 1) to value; where the curve turns round.

    Returns:
        The curve's value at each phase.

    Example:
        >>> cycle(np.array([0.0, 0.25, 0.5, 1.0]), {0.0: 10.0, 0.5: 20.0})
        array([10., 15., 20., 10.])
    """
    at, values = np.array(sorted(extremes.items()), dtype=float).T
    at = np.concatenate([[at[-1] - 1], at, [at[0] + 1]])
    values = np.concatenate([values[-1:], values, values[:1]])
    return minimum_jerk(np.mod(phase, 1.0), at, values[:, None])[:, 0]


def waypoints(
    rng: np.random.Generator,
    time: Curve,
    posture: Callable[[int], np.ndarray],
    *,
    move: tuple[float, float],
    hold: tuple[float, float],
) -> Float[np.ndarray, "frames channels"]:
    """The path of somebody who moves to a posture, pauses, and moves on to the next one.

    The first move begins before the first frame, so that clips start in the middle of things.

    Args:
        rng: the source of all durations.
        time: when to evaluate, seconds, from 0 upwards.
        posture: gives the n-th posture, (channels,); called with 0, 1, 2, ...
        move: the shortest and the longest time of a move, seconds.
        hold: the shortest and the longest pause, seconds.

    Returns:
        The posture at each time.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> time = np.arange(100) / 50.0
        >>> there_and_back = lambda step: np.array([step % 2])
        >>> path = waypoints(rng, time, there_and_back, move=(1.0, 2.0), hold=(0.0, 1.0))
        >>> path.shape, bool(path.min() >= 0), bool(path.max() <= 1)
        ((100, 1), True, True)
    """
    clock = -rng.uniform(0.0, move[1] + hold[1])
    at, values = [clock], [posture(0)]
    while clock < time[-1]:
        for duration, value in (
            (rng.uniform(*move), posture((len(at) + 1) // 2)),
            (rng.uniform(*hold) + 1e-3, None),
        ):
            clock += duration
            at.append(clock)
            values.append(values[-1] if value is None else value)
    return minimum_jerk(time, np.array(at), np.array(values, dtype=float))


def drift(rng: np.random.Generator, time: Curve, size: float) -> Curve:
    """Slow, aimless motion: five sines between 0.08 and 0.9 Hz, slower ones larger.

    Args:
        rng: the source of frequencies and phases.
        time: seconds.
        size: the root of the mean square over a long time.

    Returns:
        The curve, in the unit of ``size``; infinitely smooth.

    Example:
        >>> time = np.arange(0.0, 2000.0, 0.1)
        >>> curve = drift(np.random.default_rng(0), time, size=2.0)
        >>> bool(abs(curve.std() - 2.0) < 0.1)
        True
    """
    frequency = np.exp(rng.uniform(np.log(0.08), np.log(0.9), size=5))
    weight = 1.0 / (0.2 + frequency)
    weight *= size * np.sqrt(2.0 / np.sum(weight**2))
    turn = 2 * np.pi * (frequency * time[:, None] + rng.uniform(size=5))
    wandering: Curve = np.sin(turn) @ weight
    return wandering
