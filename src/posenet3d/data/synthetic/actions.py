"""Motions with both feet on the ground: standing about, reaching, squatting, bending, sitting."""

import numpy as np

from posenet3d.data.synthetic.curves import Curve, Curves, drift, waypoints
from posenet3d.data.synthetic.gestures import arms, follow_with_trunk, wave

_SIDES = ("left", "right")
_LEG = ("knee_flexion", "hip_rotation", "hip_abduction")


def idle(rng: np.random.Generator, time: Curve) -> Curves:
    """Standing about: weight shifts, looks around, talks with the hands.

    Args:
        rng: the source of all variation.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> angles = idle(np.random.default_rng(0), np.arange(50) / 50.0)
        >>> bool(angles["left_knee_flexion"].max() < 40)
        True
    """
    angles = stand(rng, time)
    quiet = ["hang", "hip", "behind", "carry"]
    lively = ["talk", "hang", "reach_low", "cross", "phone", "talk"]
    angles |= arms(rng, time, quiet if rng.uniform() < 0.4 else lively, hold=(0.3, 2.0))
    return angles


def wave_hand(rng: np.random.Generator, time: Curve) -> Curves:
    """Standing and waving with one hand.

    Args:
        rng: the source of all variation.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> len(wave_hand(np.random.default_rng(0), np.arange(50) / 50.0)) > 10
        True
    """
    angles = stand(rng, time) | arms(rng, time, ["hang", "hip", "carry"], hold=(1.0, 3.0))
    return angles | wave(rng, time, str(rng.choice(_SIDES)))


def reach(rng: np.random.Generator, time: Curve) -> Curves:
    """Standing and reaching for things: high, low, aside, across; with one arm or with both.

    Args:
        rng: the source of all variation.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> angles = reach(np.random.default_rng(0), np.arange(200) / 50.0)
        >>> bool(np.ptp(angles["left_shoulder_flexion"]) > 10)
        True
    """
    far = ["hang", "reach_forward", "reach_high", "reach_low", "reach_side", "reach_across"]
    angles = stand(rng, time) | arms(rng, time, far, together=rng.uniform() < 0.35)
    for name, change in follow_with_trunk(angles, rng.uniform(0.4, 1.3)).items():
        angles[name] = angles[name] + change
    return angles


def squat(rng: np.random.Generator, time: Curve) -> Curves:
    """Squatting down and coming up again, shallow or deep.

    Args:
        rng: the source of all variation.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> angles = squat(np.random.default_rng(0), np.arange(200) / 50.0)
        >>> bool(angles["left_knee_flexion"].max() > 40)
        True
    """
    down = _down_and_up(rng, time, shallow=0.45, move=(0.7, 1.5), hold=(0.0, 0.6))
    angles = stand(rng, time, spread=rng.uniform(2.0, 10.0), stagger=1.0)
    lean = rng.uniform(22.0, 42.0) * down
    _bend_legs(angles, knee=rng.uniform(95.0, 125.0) * down, hip=rng.uniform(78.0, 92.0) * down)
    _lean_forward(angles, pelvis=0.6 * lean, spine=0.4 * lean)
    forward = rng.uniform() < 0.5
    angles |= arms(
        rng, time, ["carry", "talk", "hang", "reach_low"], together=True, hold=(0.5, 2.0)
    )
    if forward:
        for side in _SIDES:
            angles[f"{side}_shoulder_flexion"] += rng.uniform(50.0, 75.0) * down
    return angles


def bend(rng: np.random.Generator, time: Curve) -> Curves:
    """Bending forwards from the hips, as to pick something up or to touch the toes.

    Args:
        rng: the source of all variation.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> angles = bend(np.random.default_rng(0), np.arange(200) / 50.0)
        >>> bool(angles["spine_flexion"].max() > 15)
        True
    """
    down = _down_and_up(rng, time, shallow=0.35, move=(0.8, 1.6), hold=(0.1, 0.9))
    angles = stand(rng, time, spread=rng.uniform(0.0, 12.0))
    knee, pelvis = rng.uniform(8.0, 60.0), rng.uniform(35.0, 60.0)
    # The buttocks go back as the trunk goes forward: the thighs lean by half of what they flex.
    _bend_legs(angles, knee=knee * down, hip=(0.5 * knee - 8.0) * down)
    _lean_forward(angles, pelvis=pelvis * down, spine=rng.uniform(25.0, 50.0) * down)
    side = rng.normal(0.0, 9.0) * down
    angles["spine_side"], angles["spine_twist"] = (
        angles["spine_side"] + side,
        angles["spine_twist"] + rng.normal(0.0, 9.0) * down,
    )
    angles |= arms(rng, time, ["hang", "reach_low", "talk"], hold=(0.5, 2.0))
    for arm in _SIDES:
        angles[f"{arm}_shoulder_flexion"] += rng.uniform(35.0, 80.0) * down
    return angles


def sit(rng: np.random.Generator, time: Curve) -> Curves:
    """Sitting down on a chair, sitting, and standing up.

    Args:
        rng: the source of all variation.
        time: seconds.

    Returns:
        Joint angles, degrees.

    Example:
        >>> angles = sit(np.random.default_rng(3), np.arange(400) / 50.0)
        >>> bool(angles["left_hip_flexion"].max() > 60)
        True
    """
    stay = rng.choice([0.6, 3.0])
    down = _down_and_up(rng, time, shallow=0.9, move=(1.0, 1.7), hold=(0.2, stay))
    angles = stand(rng, time, spread=rng.uniform(0.0, 9.0), stagger=1.0)
    knee, hip = rng.uniform(80.0, 98.0), rng.uniform(80.0, 90.0)
    _bend_legs(angles, knee=knee * down, hip=hip * down)
    # Half-way the weight must stay above the feet: the trunk leans most there.
    midway = 4.0 * down * (1.0 - down)
    lean = rng.uniform(28.0, 42.0) * midway + rng.uniform(-12.0, 14.0) * down
    _lean_forward(angles, pelvis=0.7 * lean, spine=0.3 * lean + rng.uniform(0.0, 14.0) * down)
    still, lively = ["carry", "reach_low"], ["carry", "talk", "reach_forward", "phone", "cross"]
    angles |= arms(rng, time, still if rng.uniform() < 0.5 else lively, hold=(0.3, 2.0))
    return angles


def stand(
    rng: np.random.Generator, time: Curve, *, spread: float | None = None, stagger: float = 7.0
) -> Curves:
    """Legs and trunk of somebody who stands and is not quite still.

    Args:
        rng: the source of all variation.
        time: seconds.
        spread: abduction of both hips, degrees; drawn when absent.
        stagger: how far one leg tends to be in front of the other, degrees at the hip.

    Returns:
        Joint angles of all but the arms, degrees; the soles lie flat.

    Example:
        >>> "left_elbow_flexion" in stand(np.random.default_rng(0), np.arange(5) / 50.0)
        False
    """
    spread = rng.uniform(-1.0, 9.0) if spread is None else spread
    aside, ahead = drift(rng, time, 2.0), rng.normal(0.0, stagger)
    soft = 6.0 + abs(rng.normal(9.0, 8.0)) + drift(rng, time, 1.5)
    angles: Curves = {
        "spine_flexion": rng.normal(3.0, 5.0) + drift(rng, time, 3.0),
        "spine_side": rng.normal(0.0, 2.0) + drift(rng, time, 3.0),
        "spine_twist": drift(rng, time, 6.0),
        "neck_flexion": rng.normal(4.0, 8.0) + drift(rng, time, 5.0),
        "neck_twist": rng.normal(0.0, 10.0) + drift(rng, time, 12.0),
        "neck_side": drift(rng, time, 3.0),
        "pelvis_tilt": rng.normal(2.0, 3.0) + drift(rng, time, 1.5),
        "pelvis_turn": drift(rng, time, 4.0),
    }
    for side, sign in (("left", 1.0), ("right", -1.0)):
        angles[f"{side}_hip_flexion"] = sign * ahead + angles["pelvis_tilt"] + 0.5 * soft
        angles[f"{side}_knee_flexion"] = soft
        angles[f"{side}_hip_abduction"] = spread + sign * aside
        toes_out = max(rng.normal(8.0, 5.0) + 0.6 * spread, -5.0)
        angles[f"{side}_hip_rotation"] = sign * angles["pelvis_turn"] - toes_out
    _flatten_soles(angles)
    return angles


def _down_and_up(
    rng: np.random.Generator,
    time: Curve,
    *,
    shallow: float,
    move: tuple[float, float],
    hold: tuple[float, float],
) -> Curve:
    """A curve that goes from 0 to somewhere in [shallow, 1] and back, again and again."""
    odd = rng.integers(2)
    depth = rng.uniform(shallow, 1.0, size=2)

    def level(step: int) -> np.ndarray:
        return np.array([depth[step // 2 % 2] if (step + odd) % 2 else 0.0])

    return waypoints(rng, time, level, move=move, hold=hold)[:, 0]


def _bend_legs(angles: Curves, *, knee: Curve, hip: Curve) -> None:
    """Bends both legs where the feet stand: the thighs spread as the knees bend."""
    for side in _SIDES:
        apart = 2.0 * np.sin(np.radians(angles[f"{side}_hip_abduction"]))
        angles[f"{side}_knee_flexion"] = angles[f"{side}_knee_flexion"] + knee
        angles[f"{side}_hip_flexion"] = angles[f"{side}_hip_flexion"] + hip
        angles[f"{side}_hip_rotation"] = angles[f"{side}_hip_rotation"] * (1.0 - knee / 150.0)
        angles[f"{side}_hip_abduction"] = _spread(angles, side, apart)
    _flatten_soles(angles)


def _spread(angles: Curves, side: str, apart: Curve) -> Curve:
    """The abduction a that sets the foot aside by ``apart`` (in lengths of the thigh).

    Thigh and shin, of about the same length, go aside by sin a and by
    cos k sin a + sin k sin r cos a (knee flexion k, internal rotation r of the hip).
    """
    knee, rotation = (np.radians(angles[f"{side}_{name}"]) for name in _LEG[:2])
    sine, cosine = 1.0 + np.cos(knee), np.sin(knee) * np.sin(rotation)
    total = np.hypot(sine, cosine)
    spread = np.arcsin(np.clip(apart / total, -0.7, 0.7)) - np.arctan2(cosine, sine)
    degrees: Curve = np.degrees(spread)
    return degrees


def _lean_forward(angles: Curves, *, pelvis: Curve, spine: Curve) -> None:
    """Tilts the pelvis over the standing legs, bends the spine; the head looks half-way up."""
    angles["pelvis_tilt"] = angles["pelvis_tilt"] + pelvis
    angles["spine_flexion"] = angles["spine_flexion"] + spine
    angles["neck_flexion"] = angles["neck_flexion"] - 0.3 * (pelvis + spine)
    for side in _SIDES:
        angles[f"{side}_hip_flexion"] = angles[f"{side}_hip_flexion"] + pelvis
    _flatten_soles(angles)


def _flatten_soles(angles: Curves) -> None:
    for side in _SIDES:
        shin = angles[f"{side}_knee_flexion"] - angles[f"{side}_hip_flexion"]
        angles[f"{side}_ankle_flexion"] = shin + angles["pelvis_tilt"]
        knee, rotation, spread = (np.radians(angles[f"{side}_{name}"]) for name in _LEG)
        aside = np.cos(knee) * np.sin(spread) + np.sin(knee) * np.sin(rotation) * np.cos(spread)
        angles[f"{side}_ankle_eversion"] = np.degrees(np.arcsin(aside))
