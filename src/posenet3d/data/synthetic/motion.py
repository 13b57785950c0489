"""Synthetic motion as joint positions, in the form that mocap has."""

from collections.abc import Sequence

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float

from posenet3d.body import (
    SMPL_JOINT_NAMES,
    BodyModel,
    head_top_weights,
    load_body_model,
    lsp_14_rows,
)
from posenet3d.data.motion import MotionClip
from posenet3d.data.synthetic.poses import ACTIVITIES, SyntheticPoses, synthetic_poses

_HEAD = SMPL_JOINT_NAMES.index("head")


def synthetic_motion(
    *,
    clips: int,
    seconds: float = 4.0,
    seed: int = 0,
    fps: float = 50.0,
    activities: Sequence[str] = ACTIVITIES,
    body: BodyModel | None = None,
) -> tuple[MotionClip, ...]:
    """Deterministic human motion, posed on a body model: people who walk, run, reach, sit, ...

    Made for demos and tests, where no motion capture is at hand. People differ in shape, pace,
    posture and the direction they face; joints keep to their limits, feet to the ground.

    Args:
        clips: how many clips.
        seconds: how long each is.
        seed: any non-negative integer; clip k depends on (seed, k), not on ``clips``.
        fps: frames a second.
        activities: what to choose from, names of :data:`ACTIVITIES`.
        body: a body model with SMPL's joints; the mannequin by default.

    Returns:
        Clips of layout ``lsp_14``: joints in metres, world frame (z up, ground at z = 0).

    Raises:
        UnknownNameError: where an activity has no such name.
        ShapeError: where a number is out of its range.

    Example:
        >>> clip = synthetic_motion(clips=1, seconds=1.0, activities=["squat"])[0]
        >>> clip.joints.shape, clip.layout
        ((50, 14, 3), 'lsp_14')
    """
    body = load_body_model("mannequin") if body is None else body
    poses = synthetic_poses(
        clips=clips, seconds=seconds, seed=seed, fps=fps, activities=activities, body=body
    )
    return tuple(
        MotionClip(key=clip.key, joints=lsp_joints(clip, body), layout="lsp_14", fps=clip.fps)
        for clip in poses
    )


def lsp_joints(clip: SyntheticPoses, body: BodyModel) -> Float[np.ndarray, "frames 14 3"]:
    """The 14 LSP joints of a clip, in the world.

    Thirteen are joints of the body's tree, so that limbs have constant lengths; the top of the
    head is where the highest vertices of the body at rest are, carried along by the head.

    Args:
        clip: the posed clip.
        body: the body model it was made for.

    Returns:
        Metres, world frame, z up, float64.

    Example:
        >>> from posenet3d.body import load_body_model
        >>> body = load_body_model("mannequin")
        >>> clip = synthetic_poses(clips=1, seconds=0.1, body=body)[0]
        >>> bool(lsp_joints(clip, body)[:, :, 2].min() > -0.05)
        True
    """
    betas = torch.as_tensor(clip.betas, dtype=body.joint_regressor.dtype)
    rotations = torch.as_tensor(clip.rotations, dtype=betas.dtype)
    still = torch.eye(3, dtype=betas.dtype).expand(body.num_joints, 3, 3)
    with torch.no_grad():
        vertices, rest = body.vertices(betas, still), body.joints(betas, still)
        joints = body.joints(betas, rotations)
        top = head_top_weights(body) @ vertices - rest[_HEAD]
    points = joints[:, list(lsp_14_rows(body.joint_names))]
    # The last of the 14 is the head top; its row is the head joint, which the body has instead.
    points[:, -1] = joints[:, _HEAD] + _head_rotation(rotations, body.parents) @ top
    return body_to_world(points.double().numpy() + rearrange(clip.translation, "f xyz -> f 1 xyz"))


def _head_rotation(
    rotations: Float[torch.Tensor, "frames bones 3 3"], parents: tuple[int, ...]
) -> Float[torch.Tensor, "frames 3 3"]:
    bone, turned = _HEAD, rotations[:, _HEAD]
    while (bone := parents[bone]) >= 0:
        turned = rotations[:, bone] @ turned
    return turned


def body_to_world(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Points of the body frame (x left, y up, z forward) in the world frame (z up).

    (x, y, z) becomes (z, x, y): a body of heading 0 faces the world's x axis.

    Args:
        points: metres, body frame.

    Returns:
        Metres, world frame.

    Example:
        >>> body_to_world(np.array([0.0, 1.7, 0.0])).tolist()
        [0.0, 0.0, 1.7]
    """
    return points[..., [2, 0, 1]]
