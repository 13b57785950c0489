"""A clip of synthetic motion as a posed body: who it is, what it does, and how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.body import BodyModel, load_body_model
from posenet3d.body.lbs import forward_kinematics
from posenet3d.data.synthetic import actions, gait
from posenet3d.data.synthetic.angles import angles_to_rotations, neutral_pose, within_limits
from posenet3d.data.synthetic.curves import Curve, Curves, drift
from posenet3d.data.synthetic.gestures import GESTURES, arms
from posenet3d.data.synthetic.grounding import place_soles, root_path, sole_points
from posenet3d.errors import ShapeError, UnknownNameError

_Motion = Callable[[np.random.Generator, Curve], Curves]

_MOTIONS: dict[str, _Motion] = {
    "walk": gait.walk,
    "walk_in_curves": gait.walk_in_curves,
    "run": gait.run,
    "idle": actions.idle,
    "wave": actions.wave_hand,
    "reach": actions.reach,
    "squat": actions.squat,
    "bend": actions.bend,
    "sit": actions.sit,
}
ACTIVITIES: tuple[str, ...] = tuple(_MOTIONS)
"""The names of all motions."""
_SMOOTHING = {"run": 0.075, "walk": 0.035, "walk_in_curves": 0.035}


@dataclass(frozen=True, eq=False)
class SyntheticPoses:
    """One clip of a posed body.

    Attributes:
        key: the clip's name, "synthetic<seed>_<number>/<activity>": each clip has a person, a
            subject, of its own.
        activity: one of :data:`ACTIVITIES`.
        rotations: (frames, 24, 3, 3), each relative to its parent, float32; body frame (x to the
            body's left, y up, z forward), SMPL's joint order. The root's holds the heading.
        betas: (num_betas,) shape coefficients of the clip's person.
        translation: (frames, 3) metres, body frame: add it to the body model's joints or vertices.
            The ground is y = 0.
        angles: every joint angle over time, degrees, by the names of
            :data:`posenet3d.data.synthetic.LIMITS` and ``FREE``.
        fps: frames a second.

    Example:
        >>> clip = synthetic_poses(clips=1, seconds=0.2)[0]
        >>> clip.rotations.shape, clip.translation.shape
        ((10, 24, 3, 3), (10, 3))
    """

    key: str
    activity: str
    rotations: Float[np.ndarray, "frames bones 3 3"]
    betas: Float[np.ndarray, " betas"]
    translation: Float[np.ndarray, "frames 3"]
    angles: Mapping[str, Curve]
    fps: float

    def __len__(self) -> int:
        return len(self.rotations)


def synthetic_poses(
    *,
    clips: int,
    seconds: float = 4.0,
    seed: int = 0,
    fps: float = 50.0,
    activities: Sequence[str] = ACTIVITIES,
    body: BodyModel | None = None,
) -> tuple[SyntheticPoses, ...]:
    """Synthetic motion of a posed body: rotations, shape and path.

    Clip k depends on (seed, k) and the options alone, not on how many clips are asked for. Every
    activity comes up once in each round of ``len(activities)`` clips, in an order of its own.

    Args:
        clips: how many clips.
        seconds: how long each is.
        seed: any non-negative integer.
        fps: frames a second.
        activities: what to choose from, names of :data:`ACTIVITIES`.
        body: a body model with SMPL's joints; the mannequin by default.

    Returns:
        One :class:`SyntheticPoses` a clip.

    Raises:
        UnknownNameError: where an activity has no such name.
        ShapeError: where a number is not positive (``seed``, ``clips``: negative), a clip has
            fewer than two frames or ``activities`` is empty.

    Example:
        >>> [clip.activity for clip in synthetic_poses(clips=2, seconds=0.1, activities=["walk"])]
        ['walk', 'walk']
    """
    frames = _check(clips, seconds, seed, fps, activities)
    body = load_body_model("mannequin") if body is None else body
    made = []
    for number in range(clips):
        activity = _turn(seed, number, activities)
        rng = np.random.default_rng([seed, number])
        key = f"synthetic{seed}_{number:04d}/{activity}"
        made.append(_clip(rng, key, activity, np.arange(frames) / fps, fps, body))
    return tuple(made)


def _check(clips: int, seconds: float, seed: int, fps: float, activities: Sequence[str]) -> int:
    for name, value in (("clips", clips), ("seed", seed)):
        if value < 0:
            raise ShapeError(name, expected="at least 0", got=repr(value))
    if not activities:
        raise ShapeError("activities", expected="at least one name", got="none")
    for name in activities:
        if name not in _MOTIONS:
            raise UnknownNameError("activity", name, ACTIVITIES)
    for name, number in (("seconds", seconds), ("fps", fps)):
        if not (np.isfinite(number) and number > 0):
            raise ShapeError(name, expected="a finite number above 0", got=repr(number))
    if (frames := round(seconds * fps)) < 2:
        raise ShapeError("seconds * fps", expected="at least 2 frames", got=str(frames))
    return frames


def _turn(seed: int, number: int, activities: Sequence[str]) -> str:
    """The activity of a clip: each round of clips goes through all of them, shuffled."""
    round_, place = divmod(number, len(activities))
    order = np.random.default_rng([seed, round_, len(activities)]).permutation(len(activities))
    return activities[int(order[place])]


def _clip(
    rng: np.random.Generator, key: str, activity: str, time: Curve, fps: float, body: BodyModel
) -> SyntheticPoses:
    betas = np.clip(rng.normal(size=body.num_betas), -2.0, 2.0)
    angles = within_limits(_performance(rng, activity, time), len(time))
    shape = torch.as_tensor(betas, dtype=body.joint_regressor.dtype)
    still = torch.eye(3, dtype=shape.dtype).expand(body.num_joints, 3, 3)
    with torch.no_grad():
        vertices = body.vertices(shape, still).double()
        rest = body.joints(shape, still).double()
    rotations = angles_to_rotations(angles, neutral_pose(rest), body.parents)
    turned, joints = forward_kinematics(rotations, rest, body.parents)
    soles = place_soles(sole_points(vertices, rest), turned, joints)
    path = root_path(soles, fps, _SMOOTHING.get(activity, 0.03))
    return SyntheticPoses(
        key=key,
        activity=activity,
        rotations=rotations.numpy().astype(np.float32),
        betas=betas.astype(np.float32),
        translation=path,
        angles=MappingProxyType(angles),
        fps=fps,
    )


def _performance(rng: np.random.Generator, activity: str, time: Curve) -> Curves:
    """The activity's angles, with a direction to face, and now and then something in the hands."""
    angles = _MOTIONS[activity](rng, time)
    angles["heading"] = angles.get("heading", 0.0) + rng.uniform(-180.0, 180.0) + 0.0 * time
    if activity in ("walk", "walk_in_curves") and rng.uniform() < 0.35:
        side = [["left", "right"], ["left"], ["right"]][rng.integers(3)]
        angles |= arms(rng, time, GESTURES, sides=side, hold=(0.2, 1.5))
    for name in ("neck_flexion", "neck_twist", "neck_side", "spine_side", "spine_flexion"):
        angles[name] = angles.get(name, 0.0) + drift(rng, time, 2.5)
    return angles
