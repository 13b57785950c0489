"""A reconstruction that stands upright: out of the camera's frame into one with gravity."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.body import BodyModel
from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.reconstruction.reconstruction import BODY_TO_CAMERA, BodyMotion, Reconstruction

UpAxis = Literal["y", "z"]
RootMotion = Literal["track", "still"]

SOLE_BELOW_ANKLE = 0.08
"""Metres from the ankle joint down to the floor for a skeleton without a body."""

FLOOR_FRAMES = 64
"""The most frames whose meshes tell where the floor is."""

_Z_UP_FROM_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class WorldMotion:
    """A motion in a gravity-aligned frame, metres, right-handed, x to the camera's right.

    With y up, z points from the scene to the camera; with z up, y points away from the camera.
    The floor is at height 0 and the first frame's root above the origin.

    Example:
        >>> eye = np.eye(3)
        >>> WorldMotion("y", np.zeros((5, 14, 3)), eye, np.zeros(3), None, None).up_axis
        'y'
    """

    up_axis: UpAxis
    """``"y"`` or ``"z"``."""
    joints: Float[np.ndarray, "frames 14 3"]
    """``lsp_14`` joints, root included."""
    from_camera: Float[np.ndarray, "3 3"]
    """The rotation camera -> world."""
    offset: Float[np.ndarray, " 3"]
    """``world = from_camera @ (joint + root) + offset`` for a tracked root."""
    rotations: Float[np.ndarray, "frames bones 3 3"] | None
    """Local joint rotations of the body, the root's turned into this frame; no B any more."""
    translation: Float[np.ndarray, "frames 3"] | None
    """``vertices = body.scale * body_model.vertices(betas, rotations) + translation``."""


def world_motion(
    lifted: Reconstruction, up_axis: UpAxis = "y", root: RootMotion = "track"
) -> WorldMotion:
    """The motion with gravity along an axis and the floor at height 0.

    The azimuth is the camera's: it looks along -z (y up) or +y (z up). The floor is
    at the 5th percentile of the lowest vertex of some frames' meshes, so a jump leaves it: a learnt
    ankle may lie twice as high above the sole as a real one. For a skeleton without a body it is
    `SOLE_BELOW_ANKLE` below the 5th percentile of each frame's lowest joint. It is one level for
    all frames: where the root track drifts up or down, so do the feet.

    Args:
        lifted: the reconstruction.
        up_axis: ``"y"`` or ``"z"``.
        root: ``"track"`` moves the root as the assumed camera says; ``"still"`` holds it over
            the origin at its tracked height, which is steadier.

    Raises:
        UnknownNameError: no such axis or root motion.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> lifted = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> bool(np.allclose(world_motion(lifted).joints[..., 1], SOLE_BELOW_ANKLE))
        True
    """
    if up_axis not in ("y", "z"):
        raise UnknownNameError("up axis", up_axis, ("y", "z"))
    if root not in ("track", "still"):
        raise UnknownNameError("root motion", root, ("track", "still"))
    turn = levelling_rotation(lifted.up)
    if up_axis == "z":
        turn = _Z_UP_FROM_Y_UP @ turn
    up = 1 if up_axis == "y" else 2
    level = [axis for axis in range(3) if axis != up]
    tracked = lifted.root @ turn.T
    placed = tracked.copy()
    if root == "still":
        placed[:, level] = 0.0
    joints = lifted.joints3d @ turn.T + placed[:, None]
    offset = np.zeros(3)
    offset[level] = -placed[0, level]
    if lifted.body is None:
        lowest = joints[..., up].min(axis=1) - SOLE_BELOW_ANKLE
    else:
        lowest = _lowest_vertices(lifted, turn[up])
    offset[up] = -np.percentile(lowest, 5.0)
    moved = placed - tracked
    rotations, translation = None, None
    if lifted.body is not None:
        body_turn = turn @ np.diag(BODY_TO_CAMERA)
        rotations = lifted.body.rotations.copy()
        rotations[:, 0] = body_turn @ rotations[:, 0]
        # A body turns about its root joint, which is not its origin: that joint is what is moved.
        pivot = _root_joint(lifted.body, lifted.body_model)
        seen = lifted.body.translation + BODY_TO_CAMERA * pivot
        translation = seen @ turn.T + moved + offset - pivot
    return WorldMotion(up_axis, joints + offset, turn, offset, rotations, translation)


def _lowest_vertices(
    lifted: Reconstruction, up: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " some"]:
    """The height of the lowest vertex in frames that are evenly spread, metres."""
    count = min(len(lifted), FLOOR_FRAMES)
    frames = np.unique(np.linspace(0, len(lifted) - 1, count).astype(int)).tolist()
    return np.array([(lifted.vertices(frame, frame + 1)[0] @ up).min() for frame in frames])


def _root_joint(body: BodyMotion, model: BodyModel) -> Float[np.ndarray, " 3"]:
    """Where the body's root joint is at rest, from the body's origin, metres."""
    with torch.no_grad():
        joints = model.joints(
            torch.tensor(body.betas, dtype=torch.float32),
            torch.eye(3).expand(model.num_joints, 3, 3),
        )
    return np.asarray(joints[0].numpy().astype(np.float64) * body.scale)


def levelling_rotation(up: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation camera -> world with y up and the camera looking along -z, levelled.

    For a camera that looks straight down or up, the image's up takes the place of the viewing
    direction.

    Args:
        up: unit vector against gravity in the camera frame.

    Raises:
        ShapeError: it has no length, or is not finite.

    Example:
        >>> levelling_rotation(np.array([0.0, -1.0, 0.0]))
        array([[ 1.,  0.,  0.],
               [ 0., -1.,  0.],
               [ 0.,  0., -1.]])
    """
    length = float(np.linalg.norm(up))
    if not 1e-9 < length < np.inf:
        raise ShapeError("up", expected="a direction", got=f"{up}")
    y = up / length
    ahead = np.array([0.0, 0.0, 1.0])
    flat = ahead - (ahead @ y) * y
    if np.linalg.norm(flat) < 1e-6:
        flat = np.array([0.0, -1.0, 0.0]) * np.sign(-ahead @ y)
    z = -flat / np.linalg.norm(flat)
    return np.stack([np.cross(y, z), y, z]) + 0.0
