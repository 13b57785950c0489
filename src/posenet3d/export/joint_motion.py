"""A reconstructed body as what animation files hold: a skeleton at rest, turned at every frame."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.body import BodyModel
from posenet3d.errors import PoseNet3DError
from posenet3d.geometry.resampling import frames_around
from posenet3d.reconstruction import (
    BodyMotion,
    Reconstruction,
    body_of,
    check_finite,
    world_motion,
)
from posenet3d.reconstruction.world import RootMotion

MOST_FRAMES = 20_000_000
"""How many frames filling gaps may lead to: 46 hours at 120 frames a second."""

_SHORTEST_END = 0.01
"""Metres."""


@dataclass(frozen=True, eq=False)
class JointMotion:
    """Joints in a tree, where they are at rest, and how each is turned at every frame.

    Metres; y up, the floor at height 0; right-handed. A joint's frame at rest is the world's. It
    stands at ``t_k = t_parent + G_parent (J_k - J_parent)``, with the products G of the local
    rotations from the root down.

    Example:
        >>> motion = JointMotion(
        ...     ("root",),
        ...     (-1,),
        ...     np.zeros((1, 3)),
        ...     np.ones((4, 1, 3, 3)),
        ...     np.zeros((4, 3)),
        ...     np.array([0, 1, 3, 4]),
        ...     fps=2.0,
        ... )
        >>> motion.seconds.tolist()
        [0.0, 0.5, 1.5, 2.0]
    """

    names: tuple[str, ...]
    """A name a joint."""
    parents: tuple[int, ...]
    """Each joint's parent; -1 for the root, which comes first."""
    rest: Float[np.ndarray, "bones 3"]
    """J: where the joints are at rest, the body facing +z; metres."""
    rotations: Float[np.ndarray, "frames bones 3 3"]
    """Rotations against the parent; the root's against the world."""
    root: Float[np.ndarray, "frames 3"]
    """Where the root joint is."""
    frames: np.ndarray
    """(frames,) whole numbers from 0, rising; a jump is a gap."""
    fps: float
    """Frames a second."""

    @property
    def offsets(self) -> Float[np.ndarray, "bones 3"]:
        """Each joint from its parent, at rest; zero for the root."""
        return np.asarray(self.rest - self.rest[[max(parent, 0) for parent in self.parents]])

    @property
    def seconds(self) -> Float[np.ndarray, " frames"]:
        """When each frame is, from 0."""
        return self.frames / self.fps


def joint_motion(lifted: Reconstruction, what: str, root: RootMotion = "grounded") -> JointMotion:
    """The reconstruction's body as a turning skeleton, gravity-aligned, y up.

    Its joints are the body model's own, ``scale * joints(betas, rotations) + translation``.

    Args:
        lifted: a reconstruction with a body.
        what: the file's kind in words, for the error.
        root: see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`.

    Raises:
        PoseNet3DError: there is no body.
        ShapeError: a number is not finite.
        UnknownNameError: no such root motion.
    """
    body, model = body_of(lifted, what), lifted.body_model
    check_finite("body.rotations", body.rotations)
    check_finite("body.translation", body.translation)
    check_finite("joints3d", lifted.joints3d)
    check_finite("root", lifted.root)
    world = world_motion(lifted, "y", root)
    if world.rotations is None or world.translation is None:
        raise PoseNet3DError("Expected a body's rotations in the world's frame, got none.")
    with torch.no_grad():
        joints = model.joints(*_at_rest(body, model))
    rest = joints.numpy().astype(np.float64) * body.scale
    seen = lifted.keypoints.frame_index
    return JointMotion(
        names=model.joint_names,
        parents=model.parents,
        rest=rest,
        rotations=world.rotations,
        root=world.translation + rest[0],
        frames=seen - seen[0],
        fps=lifted.fps,
    )


def skin_at_rest(lifted: Reconstruction) -> Float[np.ndarray, "vertices 3"]:
    """The body's vertices with its shape and scale, at rest about its own origin, metres.

    Args:
        lifted: a reconstruction with a body.

    Raises:
        PoseNet3DError: there is no body.
    """
    body, model = body_of(lifted, "A mesh"), lifted.body_model
    with torch.no_grad():
        skin = model.vertices(*_at_rest(body, model))
    return np.asarray(skin.numpy().astype(np.float64) * body.scale)


def bone_ends(
    motion: JointMotion, skin: Float[np.ndarray, "vertices 3"]
) -> dict[int, Float[np.ndarray, " 3"]]:
    """How far the last bones reach: from each joint without children to the end of the skin.

    The way goes on in the direction of the bone that leads to the joint, as far as the vertices
    reach that are nearer to this joint than to any other: to the crown, fingertips and toes.

    Args:
        motion: the skeleton.
        skin: (V, 3) vertices at rest, metres.

    Returns:
        By joint, the way from it to its end at rest, metres; at least 1 cm long.
    """
    nearest = np.linalg.norm(skin[:, None] - motion.rest, axis=-1).argmin(axis=1)
    ends = {}
    for joint in sorted(set(range(len(motion.parents))) - set(motion.parents)):
        bone = motion.offsets[joint] / max(float(np.linalg.norm(motion.offsets[joint])), 1e-9)
        reach = (skin[nearest == joint] - motion.rest[joint]) @ bone
        ends[joint] = bone * reach.max(initial=_SHORTEST_END)
    return ends


def fill_gaps(motion: JointMotion) -> JointMotion:
    """The motion with a frame at every time, for formats that have no other.

    Missing frames lie between their neighbours: positions on the straight line, rotations on the
    shortest turn at a steady rate.

    Args:
        motion: any; one without gaps comes back as it is.

    Raises:
        PoseNet3DError: the gaps are so long that there would be more than `MOST_FRAMES` frames.

    Example:
        >>> turned = np.stack([np.eye(3), np.diag([-1.0, -1.0, 1.0])])[:, None]
        >>> motion = JointMotion(
        ...     ("root",), (-1,), np.zeros((1, 3)), turned, np.zeros((2, 3)), np.array([0, 2]), 1.0
        ... )
        >>> fill_gaps(motion).rotations[1, 0].round(6).tolist()  # half of half a turn
        [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    count = int(motion.frames[-1]) + 1
    if count == len(motion.frames):
        return motion
    if count > MOST_FRAMES:
        raise PoseNet3DError(
            f"Expected at most {MOST_FRAMES} frames with the gaps filled, got {count}; cut the "
            "reconstruction at its gaps, or write .npz or .glb, which keep them."
        )
    frames = np.arange(count)
    between = frames_around(motion.frames.astype(np.float64), frames.astype(np.float64))
    return replace(
        motion,
        rotations=between.rotations(motion.rotations),
        root=between.positions(motion.root),
        frames=frames,
    )


def _at_rest(body: BodyMotion, model: BodyModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Betas and no rotation, for the model's functions."""
    betas = torch.tensor(body.betas, dtype=torch.float32)
    return betas, torch.eye(3).expand(model.num_joints, 3, 3)
