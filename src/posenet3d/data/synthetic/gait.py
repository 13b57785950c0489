"""Walking and running: the hip, knee and ankle curves of the gait laboratory, at any speed.

The extremes follow the normative curves of Winter (2009, "Biomechanics and Motor Control of Human
Movement") for walking and of Novacheck (1998, "The biomechanics of running"); phase 0 is the
moment at which a foot meets the ground. Speed is not an input of the root's path: it emerges where
the feet are planted on the ground.
"""

from dataclasses import dataclass

import numpy as np

from posenet3d.data.synthetic.curves import Curve, Curves, cycle, drift


@dataclass(frozen=True)
class Gait:
    """The shape of a gait: extremes of the leg's angles over one stride, degrees.

    Example:
        >>> max(WALK.knee.values()) < max(RUN.knee.values())
        True
    """

    hip: dict[float, float]
    """Hip flexion."""
    knee: dict[float, float]
    """Knee flexion."""
    ankle: dict[float, float]
    """Ankle flexion, the toes up."""


WALK = Gait(
    hip={0.0: 27.0, 0.52: -12.0, 0.86: 31.0},
    knee={0.0: 6.0, 0.14: 19.0, 0.40: 7.0, 0.72: 64.0, 0.97: 5.0},
    ankle={0.0: 0.0, 0.07: -7.0, 0.46: 11.0, 0.63: -19.0, 0.82: 2.0},
)
RUN = Gait(
    hip={0.42: -16.0, 0.86: 46.0},
    knee={0.16: 42.0, 0.36: 20.0, 0.66: 98.0, 0.98: 16.0},
    ankle={0.02: 4.0, 0.19: 22.0, 0.40: -24.0, 0.66: 4.0},
)


def walk(rng: np.random.Generator, time: Curve) -> Curves:
    """Walking straight on, from a stroll (0.6 m/s) to a brisk walk (1.9 m/s).

    Args:
        rng: the source of speed, phase, arm swing and style.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> angles = walk(np.random.default_rng(0), np.arange(200) / 50.0)
        >>> bool(angles["left_knee_flexion"].max() > 40)
        True
    """
    return _walking(rng, time, pace=rng.uniform(0.0, 1.0))


def walk_in_curves(rng: np.random.Generator, time: Curve) -> Curves:
    """Walking in curves, up to turning round on the spot.

    The heading turns by 20 to 110 degrees a second, the wider turns at a slower pace; the head
    looks where the body goes, and the trunk leans into the curve.

    Args:
        rng: the source of all variation.
        time: seconds.

    Returns:
        Joint angles and heading, degrees.

    Example:
        >>> angles = walk_in_curves(np.random.default_rng(0), np.arange(200) / 50.0)
        >>> bool(np.ptp(angles["heading"]) > 30)
        True
    """
    rate = rng.uniform(20.0, 110.0) * rng.choice([-1.0, 1.0])
    angles = _walking(rng, time, pace=rng.uniform(0.1, 1.0) * (1.0 - abs(rate) / 160.0))
    wobble = drift(rng, time, 0.25)
    angles["heading"] = rate * (time + wobble)
    angles["neck_twist"] = angles["neck_twist"] + 0.25 * rate
    angles["spine_twist"] = angles["spine_twist"] + 0.08 * rate
    angles["pelvis_side"] = angles["pelvis_side"] + 0.05 * rate
    return angles


def run(rng: np.random.Generator, time: Curve) -> Curves:
    """Running, from a jog to a fast run.

    Args:
        rng: the source of speed, phase, arm swing and style.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> angles = run(np.random.default_rng(0), np.arange(200) / 50.0)
        >>> bool(angles["right_elbow_flexion"].mean() > 60)
        True
    """
    pace = rng.uniform(0.0, 1.0)
    phase = _phase(rng, time, strides_a_second=1.25 + 0.25 * pace)
    angles = _legs(rng, phase, RUN, stride=0.7 + 0.45 * pace, lift=0.65 + 0.4 * pace)
    lean = rng.uniform(4.0, 12.0)
    angles |= _trunk(rng, phase, sway=1.0 + pace, lean=lean)
    angles |= _arms(rng, phase, swing=rng.uniform(22.0, 40.0), elbow=rng.uniform(70.0, 110.0))
    angles["heading"] = rng.choice([0.0, 1.0], p=[0.6, 0.4]) * drift(rng, time, 25.0)
    return angles


def _walking(rng: np.random.Generator, time: Curve, pace: float) -> Curves:
    phase = _phase(rng, time, strides_a_second=0.66 + 0.42 * pace)
    angles = _legs(rng, phase, WALK, stride=0.6 + 0.55 * pace, lift=0.75 + 0.3 * pace)
    angles |= _trunk(rng, phase, sway=0.5 + 0.7 * pace, lean=rng.normal(3.0, 3.0))
    swing = rng.uniform(4.0, 16.0) + 16.0 * pace
    angles |= _arms(rng, phase, swing=swing, elbow=rng.uniform(12.0, 50.0))
    return angles


def _phase(rng: np.random.Generator, time: Curve, strides_a_second: float) -> Curve:
    """The left foot's phase; the cadence wavers a little."""
    phase: Curve = rng.uniform() + strides_a_second * (time + drift(rng, time, 0.02))
    return phase


def _legs(
    rng: np.random.Generator, phase: Curve, gait: Gait, *, stride: float, lift: float
) -> Curves:
    angles: Curves = {}
    crouch = abs(rng.normal(0.0, 5.0))
    width, toes_out = rng.normal(1.0, 2.0), rng.normal(6.0, 5.0)
    for side, offset in (("left", 0.0), ("right", 0.5 + rng.normal(0.0, 0.01))):
        turn = phase + offset
        reach = stride * rng.normal(1.0, 0.03)
        angles[f"{side}_hip_flexion"] = crouch + 4.0 + reach * (cycle(turn, gait.hip) - 4.0)
        angles[f"{side}_knee_flexion"] = 2.0 * crouch + lift * cycle(turn, gait.knee) + 3.0
        angles[f"{side}_ankle_flexion"] = crouch + reach * cycle(turn, gait.ankle)
        sway = 3.0 * np.sin(2 * np.pi * (turn - 0.05))
        angles[f"{side}_hip_abduction"] = width - stride * sway
        angles[f"{side}_hip_rotation"] = np.full_like(phase, -toes_out)
    return angles


def _trunk(rng: np.random.Generator, phase: Curve, *, sway: float, lean: float) -> Curves:
    left = np.cos(2 * np.pi * phase)
    twice = np.cos(4 * np.pi * phase + rng.uniform(-0.5, 0.5))
    turn = rng.uniform(3.0, 8.0) * sway
    return {
        "pelvis_turn": -turn * left,
        "pelvis_tilt": 0.4 * lean + 1.0 * sway * twice,
        "pelvis_side": -3.0 * sway * np.sin(2 * np.pi * (phase - 0.02)),
        "spine_side": 4.0 * sway * np.sin(2 * np.pi * (phase - 0.02)),
        "spine_twist": 2.0 * turn * left,
        "spine_flexion": 0.6 * lean + 1.5 * sway * twice,
        "neck_twist": -0.8 * turn * left,
        "neck_flexion": np.full_like(phase, -0.5 * lean + rng.normal(4.0, 6.0)),
    }


def _arms(rng: np.random.Generator, phase: Curve, *, swing: float, elbow: float) -> Curves:
    angles: Curves = {}
    spread, inwards = rng.uniform(6.0, 16.0), rng.uniform(5.0, 40.0)
    for side, offset in (("left", 0.5), ("right", 0.0)):
        forward = np.cos(2 * np.pi * (phase + offset - 0.04))
        mine = swing * rng.normal(1.0, 0.12)
        angles[f"{side}_shoulder_flexion"] = mine * forward + 0.1 * swing - 0.15 * elbow
        angles[f"{side}_shoulder_abduction"] = spread - 0.08 * mine * forward
        angles[f"{side}_shoulder_rotation"] = inwards + 0.4 * mine * forward
        angles[f"{side}_elbow_flexion"] = elbow + 0.55 * mine * forward
        angles[f"{side}_clavicle_elevation"] = np.full_like(phase, 1.0)
    return angles
