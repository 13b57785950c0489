"""The evidence against the depth mirror, measured on true poses of the motion capture.

No command of its own: `depth_mirror.py` calls it.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from posenet3d.data import MotionClip
from posenet3d.skeletons import LSP_14, convert
from posenet3d.skeletons.anatomy import (
    ARMS,
    HIPS,
    LEGS,
    flexion,
    forward_direction,
    middle_of_hips,
    mirror_evidence,
)

TILTS = ((0, 15), (15, 45), (45, 60), (60, 75), (75, 181))
FOLDS = ((0, 60), (60, 90), (90, 120), (120, 150), (150, 181))
FAR_FROM_UPRIGHT = 60
MOST_CLIPS = 8


def trunk_bend(points: Tensor, limbs: tuple[tuple[str, str, str], ...]) -> Tensor:
    """The former measure: how far middle joints lie before the middle of their ends.

    Forward is up × right, with up from root to neck and right from hip to hip.
    """
    forward = forward_direction(points)
    total = torch.zeros_like(forward[..., 0])
    for limb in limbs:
        near, middle, far = LSP_14.indices(*limb)
        offset = points[..., middle, :] - (points[..., near, :] + points[..., far, :]) / 2
        total = total + (offset * forward).sum(-1)
    return total


def trunk_evidence(points: Tensor) -> Tensor:
    """The former evidence, which takes forward from the trunk."""
    return trunk_bend(points, LEGS) - trunk_bend(points, ARMS)


def head_forward(points: Tensor) -> Tensor:
    """How far the head's top lies before the neck, forward taken from trunk and shoulders."""
    neck, head, right, left = LSP_14.indices("neck", "head_top", "right_shoulder", "left_shoulder")
    up = normalize(points[..., neck, :] - middle_of_hips(points)[..., 0, :], dim=-1)
    to_the_right = normalize(points[..., right, :] - points[..., left, :], dim=-1)
    forward = torch.linalg.cross(up, to_the_right)
    return ((points[..., head, :] - points[..., neck, :]) * forward).sum(-1)


def without_hips(points: Tensor) -> Tensor:
    """The evidence where the legs are hidden, hips and all: elbows about the shoulders' line."""
    visible = torch.ones(points.shape[:-1], dtype=torch.bool)
    visible[..., list(HIPS)] = False
    return mirror_evidence(points, visible)


KINDS = {
    "knees, hinges": lambda points: flexion(points, LEGS),
    "elbows, hinges": lambda points: -flexion(points, ARMS),
    "both, hinges": mirror_evidence,
    "legs hidden, hinges": without_hips,
    "knees, trunk": lambda points: trunk_bend(points, LEGS),
    "elbows, trunk": lambda points: -trunk_bend(points, ARMS),
    "both, trunk": trunk_evidence,
    "head before neck": head_forward,
}
"""Kinds of evidence, each positive for the right way round if it is any good."""


def in_camera_frame(clip: MotionClip) -> Tensor:
    """Poses in the frame of a level camera (x right, y down, z forward), metres, from z up."""
    x, y, z = np.moveaxis(convert(clip.joints, clip.layout, "lsp_14").points, -1, 0)
    return torch.from_numpy(np.stack([x, -z, y], axis=-1).astype(np.float64))


def angle(first: Tensor, second: Tensor) -> Tensor:
    """The angle between vectors, degrees."""
    cosine = (normalize(first, dim=-1) * normalize(second, dim=-1)).sum(-1)
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


def tilt(points: Tensor) -> Tensor:
    """How far the trunk (root to neck) leans from the vertical, degrees."""
    trunk = points[..., LSP_14.index("neck"), :] - middle_of_hips(points)[..., 0, :]
    return angle(trunk, torch.tensor([0.0, -1.0, 0.0]).to(trunk).expand_as(trunk))


def fold(points: Tensor) -> Tensor:
    """The smaller angle between trunk and thighs, degrees: 180 stands, 90 sits or crawls."""
    trunk = points[..., LSP_14.index("neck"), :] - middle_of_hips(points)[..., 0, :]
    thighs = [points[..., knee, :] - points[..., hip, :]
              for hip, knee in (LSP_14.indices(*limb[:2]) for limb in LEGS)]  # fmt: skip
    return torch.minimum(*(angle(trunk, thigh) for thigh in thighs))


def measure(clips: Iterable[MotionClip]) -> dict:
    """Each kind's mean and share of right signs: overall, by pose, by clip."""
    poses = {clip.key: in_camera_frame(clip) for clip in clips}
    every = torch.cat(list(poses.values()))
    values = {kind: evidence(every) for kind, evidence in KINDS.items()}
    lean, bent = tilt(every), fold(every)
    return {
        "frames": len(every),
        "clips": len(poses),
        "all": summary(values, torch.ones(len(every), dtype=torch.bool)),
        "worst_clip": {
            kind: min(float(evidence(each).mean()) for each in poses.values())
            for kind, evidence in KINDS.items()
        },
        "tilt": {f"{a}-{b}": summary(values, (lean >= a) & (lean < b)) for a, b in TILTS},
        "fold": {f"{a}-{b}": summary(values, (bent >= a) & (bent < b)) for a, b in FOLDS},
        "unusual": unusual(poses),
        "most_tilted": float(lean.max()),
        "beyond_90": int((lean > 90).sum()),
    }


def summary(values: dict[str, Tensor], chosen: Tensor) -> dict:
    """Frames, and of each kind the mean (metres) and the share of positive signs."""
    picked = {kind: each[chosen] for kind, each in values.items()}
    return {
        "frames": int(chosen.sum()),
        "mean": {kind: float(each.mean()) for kind, each in picked.items()},
        "right": {kind: float((each > 0).double().mean()) for kind, each in picked.items()},
    }


def unusual(poses: dict[str, Tensor]) -> list[dict]:
    """The clips with the most frames far from upright."""
    rows = []
    for key, each in poses.items():
        far = tilt(each) > FAR_FROM_UPRIGHT
        if bool(far.any()):
            values = {kind: evidence(each) for kind, evidence in KINDS.items()}
            rows.append({"clip": key, "length": len(each), **summary(values, far)})
    return sorted(rows, key=lambda row: -row["frames"])[:MOST_CLIPS]
