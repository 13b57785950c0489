"""What the benchmark of robustness measures before cameras that move."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from robustness_cameras import filmed
from robustness_measures import FLAT, Condition, Input
from torch import Tensor

from posenet3d.data import MotionClip, normalize
from posenet3d.evaluation import flat_depth
from posenet3d.evaluation.lifting import StitchingNetwork, lift_frames
from posenet3d.evaluation.metrics import aligned, joint_distances, velocity_distances
from posenet3d.inference.gravity import estimate_up
from posenet3d.inference.placing import metres_per_unit
from posenet3d.inference.windows import lifting_scale

BATCH = 512
VIEWS = 1
"""Of each clip: whole sequences take long."""


def measure_moving(
    condition: Condition, model: Any, clips: Sequence[MotionClip], every: int
) -> dict[str, Any]:
    """A network's figures, of skeletons as `Estimator.predict` makes them.

    For each scale of the 2D, as in training and as in lifting: P-MPJPE of every so many frames and
    MPJVE of all. For the latter besides how far off gravity `estimate_up` is, the mean over a
    view's frames in degrees: median and 90th percentile over views.
    """
    given, network = Input.of(model), StitchingNetwork(model)
    scales = dict.fromkeys((given.normalization, lifting_scale(model)))
    errors: dict[tuple[str, str, str], list[Tensor]] = {}
    off = []
    for clip in clips:
        for view, up in islice(filmed(clip, condition, given), VIEWS):
            truth = torch.from_numpy(view.truth)
            for scale in scales:
                points = normalize(view.points, scale, given.distance, length=given.length).points
                heads = lifted(model, network, points)
                for head, poses in heads.items():
                    found = aligned(poses, truth)
                    far = joint_distances(found, truth).mean(-1)[::every]
                    errors.setdefault((scale, "p_mpjpe", head), []).append(far)
                    fast = velocity_distances(found, truth).mean(-1)
                    errors.setdefault((scale, "mpjve", head), []).append(fast)
            off.append(degrees_off(model, heads, up, view.fps))
    means = {key: float(torch.cat(each).mean()) for key, each in errors.items()}
    figures = {
        scale: {
            name: {head: means[scale, name, head] for head in heads}
            for name in ("p_mpjpe", "mpjve")
        }
        for scale in scales
    }
    frames = sum(map(len, errors[given.normalization, "p_mpjpe", FLAT]))
    return {"frames": frames, "scales": figures, "up": np.percentile(off, (50, 90)).tolist()}


def lifted(model: Any, network: StitchingNetwork, points: np.ndarray) -> dict[str, Tensor]:
    """Each head's skeletons of a sequence, (frames, 14, 3), and flat ones."""
    seen = torch.from_numpy(points)
    given = seen.to(model.metres_per_unit.device)
    heads = lift_frames(network, given, model.receptive_field, BATCH, "view", "average")
    flat = flat_depth(seen, distance=model.config.distance)
    return {**{head: poses.cpu() for head, poses in heads.items()}, FLAT: flat}


def degrees_off(model: Any, heads: dict[str, Tensor], up: np.ndarray, fps: float) -> float:
    """The mean angle between the one up that is estimated and each frame's (frames, 3)."""
    pitch = model.views.pitch
    metres = heads.get("mean", heads["teacher"]) * metres_per_unit(model, heads["teacher"].float())
    found = estimate_up(metres.numpy(), fps, pitch=0.0 if pitch is None else float(pitch))
    return float(np.degrees(np.arccos(np.clip(up @ found.up, -1.0, 1.0))).mean())
