"""Where the body is: the path of the root that keeps the lowest sole still and on the ground."""

import numpy as np
import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

from posenet3d.body import SMPL_JOINT_NAMES

Path3D = Float[np.ndarray, "frames 3"]
Soles = Float[np.ndarray, "frames points 3"]

_SHARPNESS = 0.012
"""A point this much (metres) above the lowest one has 1/e of its weight."""


def sole_points(
    rest_vertices: Float[Tensor, "vertices 3"], rest_joints: Float[Tensor, "bones 3"]
) -> Float[Tensor, "feet contacts 3"]:
    """Heel, ball and toe of each foot, relative to its ankle, in the rest pose.

    Args:
        rest_vertices: the body at rest, metres, y up, facing +z.
        rest_joints: its joints in SMPL's order, metres.

    Returns:
        Left foot and right foot, each with three points at the height of the sole, metres.

    Example:
        >>> vertices = torch.tensor([[0.1, 0.0, z] for z in (0.0, 0.1, 0.2)])
        >>> sole_points(vertices, torch.full((24, 3), 0.1)).shape
        torch.Size([2, 3, 3])
    """
    lowest = rest_vertices[:, 1].min()
    sole = rest_vertices[rest_vertices[:, 1] < lowest + 0.02]
    along = torch.quantile(sole[:, 2], torch.tensor([0.04, 0.70, 0.97]).to(sole))
    feet = []
    for side in ("left", "right"):
        ankle = rest_joints[SMPL_JOINT_NAMES.index(f"{side}_ankle")]
        below, ahead = (lowest - ankle[1]).expand_as(along), along - ankle[2]
        feet.append(torch.stack([torch.zeros_like(along), below, ahead], dim=-1))
    return torch.stack(feet)


def place_soles(
    soles: Float[Tensor, "feet contacts 3"],
    rotations: Float[Tensor, "frames bones 3 3"],
    joints: Float[Tensor, "frames bones 3"],
) -> Soles:
    """The points of the soles in each frame.

    Args:
        soles: of :func:`sole_points`, metres.
        rotations: global rotation of each bone.
        joints: position of each joint, metres.

    Returns:
        All points of both feet, metres, in the joints' frame, (frames, 6, 3).

    Example:
        >>> eye = torch.eye(3).expand(5, 24, 3, 3)
        >>> place_soles(torch.zeros(2, 3, 3), eye, torch.ones(5, 24, 3)).shape
        (5, 6, 3)
    """
    ankles = [SMPL_JOINT_NAMES.index("left_ankle"), SMPL_JOINT_NAMES.index("right_ankle")]
    turned = einsum(rotations[:, ankles], soles, "frames feet i j, feet c j -> frames feet c i")
    placed = joints[:, ankles, None] + turned
    return rearrange(placed, "frames feet c i -> frames (feet c) i").double().numpy()


def root_path(soles: Soles, fps: float, smoothing: float) -> Path3D:
    """The translation that plants the lowest points of the soles on the ground y = 0.

    Each point has the weight exp(-height / 12 mm). The root's height makes the weighted mean
    height zero, smoothed, so that with a smoothing of 75 ms a runner leaves the ground between two
    steps. The root moves against the weighted mean velocity of the soles, smoothed over the time
    that they spend on the ground: in flight it keeps its speed.

    Args:
        soles: the soles of a body whose root stays in place, metres, y up.
        fps: frames a second.
        smoothing: standard deviation of the Gaussian, seconds; twice that for the velocity.

    Returns:
        One translation a frame, metres; it starts at x = z = 0.

    Example:
        >>> still = np.zeros((10, 6, 3)) - np.array([0.0, 0.9, 0.0])
        >>> root_path(still, fps=50.0, smoothing=0.05)[-1].round(3).tolist()
        [0.0, 0.9, 0.0]
    """
    height = soles[..., 1]
    lowest = height.min(axis=1)
    weight = np.exp(-(height - lowest[:, None]) / _SHARPNESS)
    weight /= weight.sum(axis=1, keepdims=True)
    always = np.ones(len(soles))
    rise = -_smooth(np.sum(weight * height, axis=1)[:, None], always, smoothing * fps)[:, 0]
    rise += max(-float(np.quantile(lowest + rise, 0.05)), 0.0)
    step = -np.sum(_between(weight)[..., None] * np.diff(soles, axis=0), axis=1)
    on_ground = np.exp(-np.maximum(_between(lowest + rise), 0.0) / _SHARPNESS) + 1e-6
    walked = np.cumsum(_smooth(step, on_ground, 2 * smoothing * fps), axis=0)
    path: Path3D = np.concatenate([np.zeros((1, 3)), walked])
    path[:, 1] = rise
    return path


def _between(
    signal: Float[np.ndarray, "frames ..."],
) -> Float[np.ndarray, "steps ..."]:
    """The mean of each two neighbours in time."""
    middle: np.ndarray = 0.5 * (signal[1:] + signal[:-1])
    return middle


def _smooth(
    signal: Float[np.ndarray, "time channels"], trust: Float[np.ndarray, " time"], width: float
) -> Float[np.ndarray, "time channels"]:
    """Gaussian mean over the samples that exist, each weighted by how far it is to be trusted."""
    reach = np.arange(-int(4 * width) - 1, int(4 * width) + 2)
    at = np.arange(len(signal))[:, None] + reach
    inside = (at >= 0) & (at < len(signal))
    at = np.clip(at, 0, len(signal) - 1)
    weight = np.where(inside, np.exp(-0.5 * (reach / width) ** 2) * trust[at], 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    smoothed: np.ndarray = np.einsum("tk,tkc->tc", weight, signal[at])
    return smoothed
