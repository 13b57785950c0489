"""What the benchmark of robustness measures: cameras, moving ones, a detector's errors, gaps.

Everything is one thing, a `Condition`, under which the same frames are lifted. Cameras, poses and
2D come from the library's protocols (`posenet3d.evaluation`), errors from its model of a detector
(`posenet3d.data.detector_noise`). Errors are those of P-MPJPE, joint by joint; before cameras that
move, see `robustness_moving`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from robustness_cameras import MOVES
from torch import Tensor

from posenet3d.data import MotionClip
from posenet3d.data.detector_noise import DetectorNoise, corrupt, detector_noise
from posenet3d.data.rigs import Camera, camera_rig
from posenet3d.evaluation import find_protocol, flat_depth
from posenet3d.evaluation.metrics import aligned, joint_distances
from posenet3d.evaluation.sequences import TestSequence, centred_windows, sequences_of
from posenet3d.nn import fill_windows
from posenet3d.nn.visibility import hide, visible_joints
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import middle_of_hips

FIXED, WILD = "cmu14", "cmu14-wild"
BATCH = 2048
SEED = 0
FLAT = "flat"
FACTORS = (1.0, 2.0, 3.0, 4.0)
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "all": ("wandering", "white", "outliers", "swapped", "dropped"),
    "jitter": ("wandering", "white"),
    "far-off joints": ("outliers",),
    "swapped limbs": ("swapped",),
    "dropped joints": ("dropped",),
}
"""The fields of the model of a detector that a component's factor multiplies; others are 0."""

SHARES = {"outliers", "swapped", "dropped"}
FLICKERING, LASTING = "other joints in each frame", "the same joints all the window"
OCCLUDED: Mapping[str, tuple[str, ...]] = {
    "legs below the knee": ("right_ankle", "left_ankle"),
    "both legs": ("right_knee", "right_ankle", "left_knee", "left_ankle"),
    "right arm": ("right_elbow", "right_wrist"),
    "head": ("head_top",),
}
"""The joints that something hides for at least as long as a window."""

BINS: Mapping[str, tuple[float, ...]] = {
    "pitch": (-np.inf, 5, 15, 25, np.inf),
    "roll": (0, 5, 10, np.inf),
    "distance": (0, 3, 4, 5, 6, 7.5, np.inf),
    "focal": (0, 1.5, 2, 2.5, np.inf),
    "tilt": (0, 10, 20, 30, 45, 60, np.inf),
}
"""Edges: camera's pitch and roll (without its sign) in degrees; person's distance from the camera
in metres; focal length in half image widths; torso's angle from the vertical in degrees."""


class Input(NamedTuple):
    """What a network wants to be given."""

    window: int
    normalization: str
    distance: float
    length: float | None

    @classmethod
    def of(cls, model: Any) -> "Input":
        """That of a network."""
        config = model.config
        length = float(model.input_length) or None
        return cls(model.receptive_field, config.normalization, config.distance, length)


class Condition(NamedTuple):
    """Under what the frames are lifted."""

    part: str
    """``cameras``, ``moving``; on fewer frames ``exact``, ``noise`` or ``missing``."""
    protocol: str
    name: str = ""
    """How the camera moves, a component of a detector's errors, or which joints are missing."""
    amount: float = 0
    """How much it moves, the factor, or how many joints are missing in a frame."""


EXACT = Condition("exact", WILD)
"""What spoilt 2D is compared with: nothing spoilt, on the same frames."""


def conditions() -> list[Condition]:
    """All of them, the ones that share their 2D next to each other."""
    cameras = [Condition("cameras", protocol) for protocol in (FIXED, WILD)]
    missing = [
        Condition("missing", WILD, kind, count)
        for kind in (FLICKERING, LASTING)
        for count in range(1, 7)
    ]
    missing += [Condition("missing", WILD, name, len(OCCLUDED[name])) for name in OCCLUDED]
    moving = [Condition("moving", WILD)]
    moving += [
        Condition("moving", WILD, name, amount)
        for name, each in MOVES.items()
        for amount in each.amounts
    ]
    noise = [Condition("noise", WILD, name, factor) for name in COMPONENTS for factor in FACTORS]
    return [*cameras, EXACT, *missing, *noise, *moving]


class Frames(NamedTuple):
    """Frames to lift, each with the window around it."""

    windows: Tensor
    """(frames, T, 14, 2), normalised; NaN where a joint is missing."""
    truth: Tensor
    """(frames, 14, 3), mm, camera frame."""
    facts: Mapping[str, np.ndarray]
    """What the frames are sorted into `BINS` by, each (frames,)."""


def frames_of(
    clips: Sequence[MotionClip],
    protocol: str,
    wanted: Input,
    every: int,
    noise: DetectorNoise | None = None,
) -> Frames:
    """Every so many frames of all test views of clips, spoilt by a detector's errors if any."""
    rig = find_protocol(protocol).rig
    detector = None if noise is None else lambda sequence: corrupt(sequence, noise, SEED)
    windows, truth, facts = [], [], []
    for clip in clips:
        _, *scale = wanted
        cameras = camera_rig(rig, split="test").cameras(clip)
        for camera, view in zip(cameras, sequences_of(clip, rig, *scale, detector), strict=True):
            points = torch.from_numpy(view.points).float()
            windows.append(centred_windows(points, wanted.window)[::every])
            truth.append(torch.from_numpy(view.truth)[::every])
            facts.append({name: value[::every] for name, value in facts_of(view, camera).items()})
    together = {name: np.concatenate([each[name] for each in facts]) for name in BINS}
    return Frames(torch.cat(windows), torch.cat(truth), together)


def facts_of(view: TestSequence, camera: Camera) -> dict[str, np.ndarray]:
    """The camera's and the pose's facts, a number a frame; see `BINS`."""
    turn = camera.extrinsics[:, :3]
    joints = torch.from_numpy(view.truth)
    hips = middle_of_hips(joints)[:, 0].numpy()
    torso = view.truth[:, LSP_14.index("neck")] - hips
    upright = torso @ turn[:, 2] / np.linalg.norm(torso, axis=-1)
    still = {
        "pitch": np.degrees(np.arcsin(-turn[2, 2])),
        "roll": abs(np.degrees(np.arctan2(turn[0, 2], -turn[1, 2]))),
        "focal": camera.focal,
    }
    moving = {
        "distance": np.linalg.norm(hips, axis=-1) / 1000,
        "tilt": np.degrees(np.arccos(np.clip(upright, -1, 1))),
    }
    return {name: np.full(len(view), value) for name, value in still.items()} | moving


def noise_of(condition: Condition, model: str) -> DetectorNoise | None:
    """The model of a detector with one component times a factor and without the others."""
    if condition.part != "noise":
        return None
    full = detector_noise(model)
    chosen = COMPONENTS[condition.name]
    kept = {name: condition.amount * getattr(full, name) for name in chosen}
    kept |= {name: min(1.0, kept[name]) for name in kept.keys() & SHARES}
    return full.model_copy(update=dict.fromkeys(COMPONENTS["all"], 0.0) | kept)


def hidden_in(condition: Condition, windows: Tensor) -> Tensor:
    """Which joints are hidden (frames, T, 14); of a certain number, random ones."""
    hidden = torch.zeros(windows.shape[:-1], dtype=torch.bool)
    if condition.part != "missing":
        return hidden
    if condition.name in OCCLUDED:
        hidden[..., LSP_14.indices(*OCCLUDED[condition.name])] = True
        return hidden
    shape = list(windows.shape[:-1])
    if condition.name == LASTING:
        shape[1] = 1
    order = torch.rand(shape, generator=torch.Generator().manual_seed(SEED)).argsort(-1)
    return (order < condition.amount).expand_as(hidden)


def joint_errors(model: Any, windows: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Each head's distances (frames, 14) from the truth after a similarity a frame, in mm.

    A network that takes missing joints gets them as they are; any other gets the guess that the
    former starts from (`fill_windows`), and so does flat depth.
    """
    filled = fill_windows(windows)
    given = windows if model.config.missing_joints else filled
    middle = windows.shape[1] // 2
    device = next(model.parameters()).device
    parts = [model.lift(batch.to(device)) for batch in torch.split(given, BATCH)]
    heads = {head: torch.cat([part[head][:, middle].cpu() for part in parts]) for head in parts[0]}
    heads[FLAT] = flat_depth(filled[:, middle], distance=model.config.distance)
    return {
        head: joint_distances(aligned(poses.double(), truth), truth)
        for head, poses in heads.items()
    }


def measure(condition: Condition, model: Any, frames: Frames) -> dict[str, Any]:
    """The figures of a network under a condition."""
    windows = hide(frames.windows, hidden_in(condition, frames.windows))
    errors = joint_errors(model, windows, frames.truth)
    missing = ~visible_joints(windows)[:, windows.shape[1] // 2]
    figures: dict[str, Any] = {
        "frames": len(windows),
        "missing": float(missing.float().mean()),
        "p_mpjpe": {head: float(each.mean()) for head, each in errors.items()},
    }
    if missing.any():
        figures["of_missing"] = {head: float(each[missing].mean()) for head, each in errors.items()}
    if condition.part == "cameras":
        figures["per_joint"] = {head: each.mean(0).tolist() for head, each in errors.items()}
        figures["bins"] = {name: binned(name, frames.facts[name], errors) for name in BINS}
    return figures


def binned(name: str, values: np.ndarray, errors: Mapping[str, Tensor]) -> list[dict[str, Any]]:
    """Each head's P-MPJPE in each bin that has frames, with the mean value there."""
    edges = BINS[name]
    rows = []
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.any():
            chosen = torch.from_numpy(inside)
            heads = {head: float(each[chosen].mean()) for head, each in errors.items()}
            middle = float(values[inside].mean())
            limits = [None if np.isinf(edge) else float(edge) for edge in (low, high)]
            rows.append(
                {"limits": limits, "mean": middle, "frames": int(inside.sum()), "p_mpjpe": heads}
            )
    return rows
