"""What arms do: hang, reach, wave, talk, rest on the hips, carry.

A gesture is a posture of one arm (or of both), drawn anew each time; an arm moves from one to the
next with the least jerk, and the trunk helps it to reach.
"""

from collections.abc import Callable, Sequence

import numpy as np

from posenet3d.data.synthetic.curves import Curve, Curves, drift, waypoints

_CHANNELS = ("shoulder_flexion", "shoulder_abduction", "shoulder_rotation", "elbow_flexion")

_RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    # shoulder flexion, abduction, internal rotation, elbow flexion; degrees
    "hang": ((-18, 6), (5, 16), (0, 35), (12, 45)),
    "reach_forward": ((40, 90), (-10, 25), (-15, 25), (15, 65)),
    "reach_high": ((110, 160), (0, 35), (-20, 30), (8, 60)),
    "reach_low": ((15, 50), (0, 30), (0, 30), (5, 35)),
    "reach_side": ((-5, 35), (55, 110), (-40, 10), (5, 45)),
    "reach_across": ((50, 90), (-25, 5), (10, 45), (15, 70)),
    "wave": ((10, 45), (65, 110), (-85, -65), (60, 105)),
    "talk": ((-12, 32), (8, 30), (0, 45), (60, 115)),
    "hip": ((-25, -5), (38, 55), (55, 80), (75, 100)),
    "cross": ((25, 45), (0, 12), (55, 80), (85, 110)),
    "phone": ((35, 65), (20, 55), (-20, 15), (120, 140)),
    "carry": ((-10, 22), (5, 20), (0, 25), (70, 100)),
    "behind": ((-45, -20), (8, 25), (40, 75), (30, 80)),
}
GESTURES = tuple(_RANGES)
"""The names of the arm postures."""


def arms(
    rng: np.random.Generator,
    time: Curve,
    repertoire: Sequence[str],
    *,
    sides: Sequence[str] = ("left", "right"),
    together: bool = False,
    move: tuple[float, float] = (0.5, 1.3),
    hold: tuple[float, float] = (0.1, 1.2),
) -> Curves:
    """Arms that go from one gesture to another.

    Args:
        rng: the source of gestures, their variation and their timing.
        time: seconds.
        repertoire: the gestures to choose from, names of :data:`GESTURES`.
        sides: which arms move.
        together: whether both arms make the same gesture at the same time.
        move: the shortest and the longest move, seconds.
        hold: the shortest and the longest pause, seconds.

    Returns:
        Angles of shoulders and elbows, degrees.

    Example:
        >>> angles = arms(np.random.default_rng(0), np.arange(50) / 50.0, ["hang", "talk"])
        >>> sorted(name for name in angles if name.startswith("left"))[:2]
        ['left_clavicle_elevation', 'left_elbow_flexion']
    """
    angles: Curves = {}
    shared = rng.integers(2**32)
    for side in sides:
        own = np.random.default_rng(shared) if together else rng
        path = waypoints(own, time, _draws(own, repertoire), move=move, hold=hold)
        for name, curve in zip(_CHANNELS, path.T, strict=True):
            angles[f"{side}_{name}"] = curve + rng.normal(0.0, 2.0) + drift(rng, time, 1.5)
        raised = np.hypot(path[:, 0], path[:, 1])
        angles[f"{side}_clavicle_elevation"] = 0.22 * np.maximum(raised - 25.0, 0.0)
        angles[f"{side}_wrist_flexion"] = drift(rng, time, 8.0)
    return angles


def _draws(rng: np.random.Generator, repertoire: Sequence[str]) -> Callable[[int], np.ndarray]:
    last = ""

    def posture(_: int) -> np.ndarray:
        nonlocal last
        last = str(rng.choice([name for name in repertoire if name != last] or [last]))
        low, high = np.array(_RANGES[last], dtype=float).T
        drawn: np.ndarray = rng.uniform(low, high)
        return drawn

    return posture


def wave(rng: np.random.Generator, time: Curve, side: str) -> Curves:
    """One arm that waves.

    Args:
        rng: the source of frequency, width and height.
        time: seconds.
        side: "left" or "right".

    Returns:
        Angles of that arm, degrees.

    Example:
        >>> angles = wave(np.random.default_rng(0), np.arange(100) / 50.0, "left")
        >>> bool(np.ptp(angles["left_elbow_flexion"]) > 20)
        True
    """
    angles = arms(rng, time, ["wave"], sides=[side])
    swing = np.sin(2 * np.pi * (rng.uniform(1.0, 2.2) * time + rng.uniform()))
    angles[f"{side}_elbow_flexion"] += rng.uniform(14.0, 30.0) * swing
    angles[f"{side}_shoulder_rotation"] += rng.uniform(0.0, 10.0) * swing
    return angles


def follow_with_trunk(angles: Curves, share: float) -> Curves:
    """The trunk's part in a reach: it twists and bends with the arms.

    Args:
        angles: angles that hold those of both shoulders, degrees.
        share: how much the trunk helps; 1 is a long reach.

    Returns:
        Changes to the angles of the trunk, degrees.

    Example:
        >>> raised = {
        ...     "left_shoulder_flexion": np.array([90.0]),
        ...     "right_shoulder_flexion": np.array([0.0]),
        ... }
        >>> follow_with_trunk(raised, 1.0)["spine_twist"]  # the left shoulder goes forwards
        array([-18.])
    """
    left, right = (angles[f"{side}_shoulder_flexion"] for side in ("left", "right"))
    forward = np.maximum(np.maximum(left, right), 0.0)
    return {
        "spine_twist": share * 0.2 * (right - left),
        "spine_side": share * 0.06 * (right - left),
        "spine_flexion": share * 14.0 * np.sin(np.radians(np.minimum(forward * 1.3, 180.0))),
        "neck_twist": share * -0.1 * (right - left),
    }
