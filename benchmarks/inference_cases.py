"""What `inference.py` measures: one case a process."""

import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from inference_plan import FRAMES, LIVE
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from training_cases import ceiling, seconds_of

from posenet3d import Estimator, KeypointSequence, PoseNet3D, TrainerConfig
from posenet3d.nn import PackedLinear

CPU = torch.device("cpu")
JOINTS, CHANNELS = 17, 1024
"""VideoPose3D's, as published."""
SIDE = 2048
"""Of the square product that may be the fastest."""
PACKED = torch.ops.mkldnn._linear_pointwise
"""The product of a packed layer, `posenet3d.nn.PackedLinear`."""


def measure(case: Mapping[str, Any]) -> dict[str, Any]:
    """The record of one case.

    Args:
        case: kind, network, part, mesh, threads, repeats and, for its own, the checkout of
            VideoPose3D.
    """
    torch.set_num_threads(case["threads"])
    load = os.getloadavg()[0]
    if case["kind"] == "memory":
        return memory(case) | {"load": load}
    frames = LIVE if case["kind"] == "live" else FRAMES[case["network"]]
    run = RUNS["videopose3d" if case["network"].startswith("video") else case["kind"]](case, frames)
    with torch.no_grad():
        operations = counted(run)
        seconds_of(run, 1, CPU)
        seconds = [seconds_of(run, 1, CPU) for _ in range(case["repeats"])]
    return {
        "frames": frames,
        "seconds": seconds,
        "operations": operations / frames,
        "by_itself": None if case["network"].startswith("video") else by_itself(case),
        "ceiling": max(ceiling(CPU, "fp32"), packed_ceiling()),
        "load": load,
    }


def counted(run: Callable[[], object]) -> int:
    """Floating point operations of a run's matrix products."""
    with FlopCounterMode(display=False, custom_mapping={PACKED: of_packed}) as counter:
        run()
    return int(counter.get_total_flops())


def of_packed(given: torch.Size, *others: Any, out_shape: torch.Size, **options: Any) -> int:
    """Operations of a packed layer for features (..., inputs)."""
    return 2 * given[-1] * out_shape.numel()


def packed_ceiling() -> float:
    """Operations a second of a product of large square matrices, one of them packed."""
    layer, rows = PackedLinear(nn.Linear(SIDE, SIDE)), torch.randn(SIDE, SIDE)
    layer(rows)
    return 2 * SIDE**3 / min(seconds_of(lambda: layer(rows), 1, CPU) for _ in range(5))


def by_itself(case: Mapping[str, Any]) -> float:
    """Operations of the network's parts for a window that shares nothing with others."""
    model, windows = network(case), torch.zeros(64, 9, 14, 2)

    def run() -> None:
        features = model.backbone(windows)
        teacher = model.teacher(features, windows)
        if model.has_student:
            model.student(*(features, teacher)[: 1 + model.student_sees_teacher])

    return counted(run) / len(windows)


def network(case: Mapping[str, Any]) -> PoseNet3D:
    """The network of a case; without a student where only the teacher is wanted."""
    torch.manual_seed(0)
    if case["network"] == "best-wild":
        model = PoseNet3D.from_pretrained("best-wild")
    else:
        model = PoseNet3D(TrainerConfig.preset(case["network"]).network).eval()
        model.measure_scale(model.teacher_skeleton(torch.randn(64, 9, 14, 2)))
    if case.get("part") == "teacher":
        model.metres_per_unit.zero_()
    return model


def made_up(frames: int) -> KeypointSequence:
    """Somebody who moves, in pixels."""
    random = np.random.default_rng(0)
    rest = random.normal(scale=80.0, size=(14, 2)) + 500.0
    sway = np.cumsum(random.normal(size=(frames, 14, 2)), axis=0) % 40.0
    return KeypointSequence(
        rest + sway, layout="lsp_14", fps=30.0, image_size=(1000, 1000), source="made up"
    )


def batch(case: Mapping[str, Any], frames: int) -> Callable[[], object]:
    """Keypoints to a reconstruction, and its mesh in parts if wanted."""
    estimator, sequence = Estimator(network(case)), made_up(frames)

    def run() -> None:
        lifted = estimator.predict(sequence)
        for start in range(0, frames if case["mesh"] else 0, 256):
            lifted.vertices(start, start + 256)

    return run


def alone(case: Mapping[str, Any], frames: int) -> Callable[[], object]:
    """The network on points that are ready, the student asked for each window where it is."""
    from posenet3d.inference.lifting import WindowLifter

    lifter, points = WindowLifter(network(case)), 0.1 * torch.randn(frames + 8, 14, 2)
    parts = [points[first : first + 512 + 8] for first in range(0, frames, 512)]
    return lambda: [lifter.lift(part) for part in parts]


def live(case: Mapping[str, Any], frames: int) -> Callable[[], object]:
    """Frames one by one."""
    estimator, sequence = Estimator(network(case)), made_up(frames)
    return lambda: list(estimator.predict_stream(iter(sequence.points), layout="lsp_14", fps=30.0))


def videopose3d(case: Mapping[str, Any], frames: int) -> Callable[[], object]:
    """VideoPose3D's model over one padded sequence, as its `run.py` evaluates."""
    sys.path.insert(0, str(Path(case["videopose3d"]).resolve()))
    from common.model import TemporalModel

    length = int(case["network"].rpartition("-")[2])
    widths = [3] * round(np.log(length) / np.log(3))
    torch.manual_seed(0)
    model = TemporalModel(JOINTS, 2, JOINTS, filter_widths=widths, channels=CHANNELS).eval()
    sequence = torch.randn(1, frames + length - 1, JOINTS, 2)
    return lambda: model(sequence)


RUNS = {"batch": batch, "network": alone, "live": live, "videopose3d": videopose3d}


def memory(case: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory of lifting a long sequence, beyond what it takes to begin."""
    estimator, sequence = Estimator(network(case)), made_up(case["frames"])
    estimator.predict(sequence.cut(0, 5000))
    before, began = peak(), time.perf_counter()
    lifted = estimator.predict(sequence)
    result = lifted.joints3d.nbytes + lifted.root.nbytes
    if lifted.body is not None:
        result += lifted.body.rotations.nbytes + lifted.body.translation.nbytes
    result += sum(each.nbytes for each in lifted.branches.values())
    return {
        "peak": peak() - before,
        "input": sequence.points.nbytes + sequence.confidence.nbytes,
        "result": result,
        "seconds": [time.perf_counter() - began],
    }


def peak() -> int:
    """Bytes that the process took at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
