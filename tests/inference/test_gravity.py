"""Up from a lifted motion: a person on their feet tells it, one who lies does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from posenet3d.errors import ShapeError
from posenet3d.inference.balance import SEGMENTS, centre_of_mass, leg_extension, support
from posenet3d.inference.gravity import estimate_up
from posenet3d.inference.tilt import up_of_tilt
from posenet3d.skeletons import LSP_14

PITCH = 0.2782
UPRIGHT = {
    "right_ankle": (-0.1, 0.0, 0.05), "right_knee": (-0.1, 0.45, 0.02), "right_hip": (-0.1, 0.9, 0),
    "left_hip": (0.1, 0.9, 0), "left_knee": (0.1, 0.45, 0.02), "left_ankle": (0.1, 0.0, 0.05),
    "right_wrist": (-0.3, 0.85, 0.0), "right_elbow": (-0.25, 1.1, 0.0),
    "right_shoulder": (-0.2, 1.4, 0.0), "left_shoulder": (0.2, 1.4, 0.0),
    "left_elbow": (0.25, 1.1, 0.0), "left_wrist": (0.3, 0.85, 0.0), "neck": (0, 1.45, 0),
    "head_top": (0, 1.7, 0),
}  # fmt: skip
STANDING = np.array([UPRIGHT[name] for name in LSP_14.joint_names], dtype=np.float64)
"""Somebody who stands: x to their left, y up, z ahead."""


def turned_about_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def camera_of(up):
    """World with y up -> camera frame in which that is ``up``."""
    ahead = np.array([0, 0, 1.0]) - up[2] * up
    ahead /= np.linalg.norm(ahead)
    return np.stack([np.cross(up, -ahead), up, -ahead], axis=1)


def filmed(up, poses=STANDING, frames=30, turns=1.0, pull=0.72):
    """A person who turns about themselves, lifted from what a camera sees: its pitch is pulled."""
    x, y, z = up
    pitch, roll = PITCH + pull * (np.arcsin(-z) - PITCH), np.arctan2(x, -y)
    up = up_of_tilt(np.degrees(pitch), np.degrees(roll))
    angles = np.linspace(0, 2 * np.pi * turns, frames, endpoint=False)
    world = np.stack([poses @ turned_about_y(angle).T for angle in angles])
    return world @ camera_of(np.asarray(up)).T


def angle(a, b):
    return np.degrees(np.arccos(np.clip(np.dot(a, b), -1, 1)))


@settings(max_examples=20)
@given(pitch=st.floats(-5, 35), roll=st.floats(-25, 25))
def test_a_person_who_turns_on_the_spot_shows_a_tilted_cameras_up(pitch, roll):
    up = np.array(up_of_tilt(pitch, roll))
    found = estimate_up(filmed(up), 25.0, pitch=PITCH)
    assert angle(found.up, up) < 8.0
    assert found.from_motion > 0.8
    assert np.linalg.norm(found.up) == pytest.approx(1.0)


@settings(max_examples=20)
@given(pitch=st.floats(-5, 35), roll=st.floats(-25, 25))
def test_a_mirrored_motion_has_a_mirrored_up(pitch, roll):
    mirrored = [LSP_14.joint_names.index(name) for name in mirror_names()]
    motion = filmed(np.array(up_of_tilt(pitch, roll)), frames=20)
    other = motion[:, mirrored] * (-1.0, 1.0, 1.0)
    one, two = (estimate_up(each, 25.0, pitch=PITCH).up for each in (motion, other))
    assert angle(one * (-1, 1, 1), two) < 0.2  # the grid's own


def mirror_names():
    swap = {"right": "left", "left": "right"}
    for name in LSP_14.joint_names:
        side, _, rest = name.partition("_")
        yield f"{swap[side]}_{rest}" if side in swap else name


@settings(max_examples=10)
@given(shift=st.tuples(*[st.floats(-10, 10)] * 3))
def test_where_the_root_is_does_not_matter(shift):
    motion = filmed(up_of_tilt(20, 10), frames=10)
    one, two = (estimate_up(each, 25.0).up for each in (motion, motion + shift))
    np.testing.assert_allclose(one, two, atol=1e-9)


def test_leaning_forwards_over_the_feet_is_not_taken_for_a_tilt():
    up = np.array(up_of_tilt(15, 0))
    bent = STANDING.copy()
    bow = [LSP_14.index(n) for n in LSP_14.joint_names if n.startswith(("neck", "head"))]
    arms = [i for i, n in enumerate(LSP_14.joint_names) if n.endswith(("der", "bow", "ist"))]
    bent[bow + arms] += (0, -0.12, 0.25)
    bent[list(LSP_14.indices("right_hip", "left_hip"))] += (0, 0, -0.08)
    assert angle(estimate_up(filmed(up, bent), 25.0, pitch=PITCH).up, up) < 6.0


def test_one_leg_bears_a_person_who_balances_on_it():
    up = np.array(up_of_tilt(25, 18))
    balancing = STANDING.copy()
    balancing[:, 0] -= 0.08  # over the left foot, which stays
    balancing[list(LSP_14.indices("left_ankle", "left_knee")), 0] += (0.0, 0.04)
    balancing[LSP_14.index("left_ankle"), 0] = 0.0
    balancing[list(LSP_14.indices("right_knee", "right_ankle"))] = (
        (-0.3, 0.6, -0.1),
        (-0.6, 0.5, -0.3),
    )
    found = estimate_up(filmed(up, balancing, turns=0.0), 25.0, pitch=PITCH)
    assert angle(found.up, up) < 12.0
    hips = balancing[list(LSP_14.indices("right_hip", "left_hip"))].mean(0)
    ankles = balancing[list(LSP_14.indices("right_ankle", "left_ankle"))].mean(0)
    assert angle(found.up, up) < 0.7 * angle(
        (hips - ankles) / np.linalg.norm(hips - ankles), [0, 1, 0]
    )


@pytest.mark.parametrize("sideways", [(0, -90), (0, 90), (100, 0)])
def test_who_lies_says_nothing_and_the_prior_is_left(sideways):
    found = estimate_up(filmed(up_of_tilt(*sideways), turns=0.0), 25.0, pitch=PITCH)
    assert angle(found.up, up_of_tilt(np.degrees(PITCH), 0)) < 3.0
    assert found.from_motion < 0.2
    assert found.uncertainty_degrees > 12.0


@pytest.mark.parametrize("unseen", ["no frames", "no ankles and no neck"])
def test_without_anything_seen_the_prior_is_left(unseen):
    motion = filmed(up_of_tilt(0, 25))
    seen = np.ones(motion.shape[:2], dtype=np.bool_)
    if unseen == "no frames":
        motion, seen = motion[:0], seen[:0]
    else:
        seen[:, LSP_14.indices("right_ankle", "neck")] = False
    found = estimate_up(motion, 25.0, pitch=PITCH, seen=seen)
    assert angle(found.up, up_of_tilt(np.degrees(PITCH), 0)) < 1.0
    assert found.from_motion == 0.0


def test_a_guessed_foot_is_not_looked_at():
    up = np.array(up_of_tilt(15, 0))
    motion = filmed(up)
    motion[:, LSP_14.indices("right_ankle", "left_ankle")] += (0.6, 0.0, 0.0)
    seen = np.ones(motion.shape[:2], dtype=np.bool_)
    seen[:, LSP_14.indices("right_ankle", "left_ankle")] = False
    with_it, without = estimate_up(motion, 25.0), estimate_up(motion, 25.0, seen=seen)
    assert angle(without.up, up) < 8.0 < angle(with_it.up, up)


def test_a_longer_motion_is_surer():
    motion = filmed(up_of_tilt(10, 5), frames=200)
    short, long = (estimate_up(motion[:frames], 50.0) for frames in (2, 200))
    assert long.uncertainty_degrees < 0.8 * short.uncertainty_degrees


def test_frames_that_say_nothing_are_outvoted():
    up = np.array(up_of_tilt(20, -10))
    motion = filmed(up, frames=50)
    motion[35:] = filmed(up_of_tilt(0, 90), frames=15)  # then they lie down
    assert angle(estimate_up(motion, 25.0, pitch=PITCH).up, up) < 8.0


def test_the_centre_of_mass_of_a_person_who_stands_lies_above_the_hips():
    assert (
        sum(mass * (1 if near == "neck" else 2) for (near, _), (mass, _) in SEGMENTS.items())
        > (0.99)
        < 1.01
    )
    centre = centre_of_mass(STANDING[None])[0]
    assert 0.55 < centre[1] / 1.7 < 0.62  # 55 to 58 % of the height, over the ankles here
    assert abs(centre[0]) < 1e-9


def test_the_lower_foot_bears():
    one_up = STANDING[None].copy()
    one_up[0, LSP_14.index("right_ankle"), 1] += 2.0
    np.testing.assert_allclose(
        support(one_up, np.array([0.0, 1.0, 0.0]))[0], UPRIGHT["left_ankle"], atol=1e-3
    )
    assert leg_extension(STANDING[None])[0] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"fps": 0}, "fps"),
        ({"joints3d": np.full((3, 14, 3), np.nan)}, "NaN"),
        ({"pitch": 2.0}, "radians"),
        ({"seen": np.ones((3, 14))}, "seen"),
    ],
)
def test_what_cannot_be_is_refused(change, named):
    given = {"joints3d": np.zeros((3, 14, 3)), "fps": 25.0} | change
    with pytest.raises((ShapeError, TypeCheckError), match=named):
        estimate_up(**given)
