"""A reconstruction that stands upright: out of the camera's frame into one with gravity."""

from collections import deque
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.body import BodyModel
from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.reconstruction.reconstruction import BODY_TO_CAMERA, BodyMotion, Reconstruction

UpAxis = Literal["y", "z"]
RootMotion = Literal["grounded", "track", "still"]
ROOT_MOTIONS: tuple[str, ...] = get_args(RootMotion)
"""How the root moves in the world.

* ``grounded``: as the assumed camera says, but up and down as the feet want it: the floor is where
  the lowest point of the body was within the last and the next half second. One camera does not
  tell depth well, and a pitched one shows a wrong depth as a wrong height; so this is the default.
  A jump leaves the floor; stairs and hills are taken for errors.
* ``track``: as the assumed camera says, over one level floor.
* ``still``: over the origin, at its tracked height over that floor.
"""

SOLE_BELOW_ANKLE = 0.08
"""Metres from the ankle joint down to the floor for a skeleton without a body."""

FLOOR_FRAMES = 64
"""The most frames whose meshes tell where the soles are."""

FLOOR_SECONDS = 0.5
"""How long before and after a frame a foot may have touched its floor."""

_CHUNK = 4096  # frames whose joints are made at a time

_Z_UP_FROM_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class WorldMotion:
    """A motion in a gravity-aligned frame, metres, right-handed, x to the camera's right.

    With y up, z points from the scene to the camera; with z up, y points away from the camera.
    The floor is at height 0 and the first frame's root above the origin.

    Example:
        >>> eye = np.eye(3)
        >>> WorldMotion("y", np.zeros((5, 14, 3)), eye, np.zeros((5, 3)), None, None).up_axis
        'y'
    """

    up_axis: UpAxis
    """``"y"`` or ``"z"``."""
    joints: Float[np.ndarray, "frames 14 3"]
    """``lsp_14`` joints, root included."""
    from_camera: Float[np.ndarray, "3 3"]
    """The rotation camera -> world."""
    offset: Float[np.ndarray, "frames 3"]
    """``world = from_camera @ (joint + root) + offset``, frame by frame."""
    rotations: Float[np.ndarray, "frames bones 3 3"] | None
    """Local joint rotations of the body, the root's turned into this frame; no B any more."""
    translation: Float[np.ndarray, "frames 3"] | None
    """``vertices = body.scale * body_model.vertices(betas, rotations) + translation``."""


def world_motion(
    lifted: Reconstruction, up_axis: UpAxis = "y", root: RootMotion = "grounded"
) -> WorldMotion:
    """The motion with gravity along an axis and the floor at height 0.

    The azimuth is the camera's: it looks along -z (y up) or +y (z up). The lowest point of a
    frame is that of the body's mesh, as its lowest joint and the meshes of some frames tell it: a
    learnt ankle may lie twice as high above the sole as a real one. For a skeleton without a body
    it is `SOLE_BELOW_ANKLE` below the lowest joint. A level floor lies at the 5th percentile of
    the lowest points of all frames.

    Args:
        lifted: the reconstruction.
        up_axis: ``"y"`` or ``"z"``.
        root: how the root moves, see `ROOT_MOTIONS`.

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
    if root not in ROOT_MOTIONS:
        raise UnknownNameError("root motion", root, ROOT_MOTIONS)
    turn = levelling_rotation(lifted.up)
    if up_axis == "z":
        turn = _Z_UP_FROM_Y_UP @ turn
    up = 1 if up_axis == "y" else 2
    level = [axis for axis in range(3) if axis != up]
    tracked = lifted.root @ turn.T
    joints = lifted.joints3d @ turn.T + tracked[:, None]
    lowest = _lowest_points(lifted, joints[..., up], turn[up])
    followed = root == "grounded"
    offset = np.empty_like(tracked)
    offset[:, level] = -(tracked if root == "still" else tracked[:1])[:, level]
    offset[:, up] = -(followed_floor(lowest, lifted.fps) if followed else np.percentile(lowest, 5))
    rotations, translation = None, None
    if lifted.body is not None:
        body_turn = turn @ np.diag(BODY_TO_CAMERA)
        rotations = lifted.body.rotations.copy()
        rotations[:, 0] = body_turn @ rotations[:, 0]
        # A body turns about its root joint, which is not its origin: that joint is what is moved.
        pivot = _root_joint(lifted.body, lifted.body_model)
        seen = lifted.body.translation + BODY_TO_CAMERA * pivot
        translation = seen @ turn.T + offset - pivot
    return WorldMotion(up_axis, joints + offset[:, None], turn, offset, rotations, translation)


def followed_floor(
    lowest: Float[np.ndarray, " frames"], fps: float | int
) -> Float[np.ndarray, " frames"]:
    """The height of the floor under a root track that drifts.

    The lowest point within `FLOOR_SECONDS` before and after each frame, made smooth over half
    that time: a jump of less than a second does not lift it.

    Args:
        lowest: the height of each frame's lowest point.
        fps: frames a second.

    Returns:
        Heights (frames,).

    Example:
        >>> heights = np.array([0.0, 0.0, 0.4, 0.0, 0.0])  # a jump
        >>> bool(np.allclose(followed_floor(heights, 25.0), 0.0))
        True
    """
    reach = max(1, round(FLOOR_SECONDS * fps))
    padded = np.pad(lowest, reach, mode="edge")
    floor = np.array(_running_minimum(padded, 2 * reach + 1))
    half = max(1, reach // 2)
    kernel = np.hanning(2 * half + 3)[1:-1]
    wide = np.pad(floor, half, mode="edge")
    return np.asarray(np.convolve(wide, kernel / kernel.sum(), mode="valid"))


def _running_minimum(values: Float[np.ndarray, " padded"], width: int) -> list[float]:
    """The least value of each window, in time that does not grow with the window."""
    candidates: deque[int] = deque()
    made = []
    for place, value in enumerate(values.tolist()):
        while candidates and values[candidates[-1]] >= value:
            candidates.pop()
        candidates.append(place)
        if candidates[0] <= place - width:
            candidates.popleft()
        if place >= width - 1:
            made.append(float(values[candidates[0]]))
    return made


def _lowest_points(
    lifted: Reconstruction,
    heights: Float[np.ndarray, "frames 14"],
    up: Float[np.ndarray, " 3"],
) -> Float[np.ndarray, " frames"]:
    """The height of each frame's lowest point, metres."""
    if lifted.body is None:
        return np.asarray(heights.min(axis=1) - SOLE_BELOW_ANKLE)
    lowest = _lowest_body_joints(lifted.body, lifted.body_model, up)
    frames = np.unique(np.linspace(0, len(lifted) - 1, min(len(lifted), FLOOR_FRAMES)).astype(int))
    meshes = [(lifted.vertices(frame, frame + 1)[0] @ up).min() for frame in frames.tolist()]
    return np.asarray(lowest + np.median(np.array(meshes) - lowest[frames]))


def _lowest_body_joints(
    body: BodyMotion, model: BodyModel, up: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " frames"]:
    """The height of the body's lowest joint in each frame, metres."""
    lowest = []
    for start in range(0, len(body.rotations), _CHUNK):
        chosen = slice(start, start + _CHUNK)
        with torch.no_grad():
            joints = model.joints(
                torch.tensor(body.betas, dtype=torch.float32),
                torch.tensor(body.rotations[chosen], dtype=torch.float32),
            )
        seen = joints.numpy().astype(np.float64) * (body.scale * BODY_TO_CAMERA)
        lowest.append(((seen + body.translation[chosen, None]) @ up).min(axis=1))
    return np.concatenate(lowest)


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
