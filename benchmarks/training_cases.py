"""What `training.py` measures: one case a process. Builds a method's step, times it, weighs it."""

import math
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from posenet3d.training.stage_run import StageRun

LEAST_SECONDS = 0.3
"""A repeat takes so many steps that it lasts at least this long."""

LONG_ENOUGH = 20.0
"""After so many seconds three repeats do, or two where one takes half of it."""

COUNTED = (16, 32)
"""Batches whose operations are counted; the number at any other follows, since it is linear."""

SQUARES = {"cpu": (2048,), "cuda": (4096, 8192, 16384)}
"""Sides of the matrices whose product sets the ceiling."""

Step = Callable[[], object]


def measure_step(case: dict) -> dict:
    """The record of one case.

    Args:
        case: method, stage, batch, precision, step, device, preset, seed, repeats, threads,
            workers, data and, for its own step, the checkout of VideoPose3D.

    Returns:
        Seconds a step of each repeat and of the first step, floating point operations a step,
        the ceiling's a second, peak memory in bytes, and the machine's load before and after.
    """
    torch.set_num_threads(case["threads"])
    device = torch.device(case["device"])
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        method = METHODS[case["method"]](case, stack)
        flops = operations(method, case["batch"])
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds, first = timed(method.stepper(case["batch"], case["step"]), case, device)
        memory = peak_memory(device)
    return {
        "seconds": seconds,
        "first": first,
        "flops": flops,
        "memory": memory,
        "ceiling": ceiling(device, case["precision"]),
        "load": [load, os.getloadavg()[0]],
        "torch": torch.__version__,
    }


class Library:
    """posenet3d's own step: the windows drawn, both halves of the game, the figures kept."""

    def __init__(self, case: dict, stack: ExitStack) -> None:
        from posenet3d.data import load_training_set
        from posenet3d.networks import PoseNet3D
        from posenet3d.plugins import GROUPS
        from posenet3d.training import TrainerConfig
        from posenet3d.training.step import only_training

        torch.manual_seed(case["seed"])
        self.config = TrainerConfig.preset(case["preset"], seed=case["seed"])
        self.stage = next(s for s in self.config.stages if s.name == case["stage"])
        self.objectives = {name: GROUPS["losses"].load(name) for name in self.stage.losses}
        self.device, self.precision = torch.device(case["device"]), case["precision"]
        self.model = PoseNet3D(self.config.network).to(self.device)
        self.model.metres_per_unit.fill_(0.7)
        self.windows = load_training_set(case["data"]).windows(
            self.config.network.frames, device=self.device
        )
        stack.enter_context(only_training(self.model, self.stage))
        self.stack, self.threads = stack, case["threads"]

    def stepper(self, batch: int, mode: str) -> Step:
        """A step on `batch` windows: `mode` is eager, compiled or graph."""
        return self.run(batch, mode).step

    def run(self, batch: int, mode: str) -> "StageRun":
        """The stage on `batch` windows, before its first step."""
        from posenet3d.training.engine import Engine, EngineConfig
        from posenet3d.training.stage_run import StageRun

        engine = Engine(
            EngineConfig(precision=self.precision, step=mode, threads=self.threads),
            str(self.device),
        )
        self.stack.enter_context(engine.training())
        stage = self.stage.model_copy(update={"batch_size": batch})
        run = StageRun(self.model, self.config, stage, self.objectives, self.windows, engine)
        run.runner.health.begin()
        return run


class Literal:
    """The literal implementation of the paper, in `literal_paper.py`."""

    def __init__(self, case: dict, stack: ExitStack) -> None:
        from literal_paper import LiteralPaper

        from posenet3d.training import TrainerConfig

        torch.manual_seed(case["seed"])
        network = TrainerConfig.preset(case["preset"]).network
        wide = network.backbone.options.get("channels", 1024)
        judge = network.discriminator.options.get("channels", 1024)
        blocks = network.student.options.get("blocks", 4)
        self.model = LiteralPaper(wide, judge, 0.7, blocks).to(case["device"])
        self.case, self.sequences = case, normalised(case["data"])

    def stepper(self, batch: int, mode: str) -> Step:
        """A step on `batch` windows; it knows one mode."""
        from literal_paper import train

        case = self.case
        workers = 0 if batch in COUNTED else case["workers"]
        device = torch.device(case["device"])
        return each(train(self.model, case["stage"], self.sequences, batch, workers, device))


class VideoPose3D:
    """VideoPose3D's training step, of a checkout."""

    def __init__(self, case: dict, stack: ExitStack) -> None:
        torch.manual_seed(case["seed"])
        self.case = case
        self.lengths = [len(sequence) for sequence in normalised(case["data"])]

    def stepper(self, batch: int, mode: str) -> Step:
        """A step on `batch` windows; it knows one mode."""
        from videopose3d_step import train

        case, device = self.case, torch.device(self.case["device"])
        folder = Path(case["videopose3d"])
        return each(train(folder, self.lengths, batch, device, case["seed"]))


METHODS = {"posenet3d": Library, "literal": Literal, "videopose3d": VideoPose3D}


def each(steps: Iterator[object]) -> Step:
    """A function that takes the next step of a generator."""
    return lambda: next(steps)


def normalised(data: str) -> list:
    """The sequences of a file, normalised as the library does, as arrays."""
    from posenet3d.data import load_training_set

    windows = load_training_set(data).windows(9)
    lengths = [len(s) for s in load_training_set(data).sequences.values()]
    return [part.numpy() for part in windows.points.split(lengths)]


def operations(method: Library | Literal | VideoPose3D, batch: int) -> float:
    """Floating point operations of one step, forward and backward: matrix products only."""
    small, large = COUNTED
    method.stepper(small, "eager")()  # makes what is kept for all steps
    counts = []
    for size in COUNTED:
        with FlopCounterMode(display=False) as counter:
            method.stepper(size, "eager")()
        counts.append(counter.get_total_flops())
    return counts[0] + (batch - small) * (counts[1] - counts[0]) / (large - small)


def timed(step: Step, case: dict, device: torch.device) -> tuple[list[float], float]:
    """Seconds a step of each repeat after a warm-up, and of the very first step."""
    first = once = seconds_of(step, 1, device)
    if first < LONG_ENOUGH / 4 or case["step"] != "eager":
        once = seconds_of(step, 1, device)
    inner = max(1, math.ceil(LEAST_SECONDS / once))
    if case["method"] == "literal" and device.type == "cuda":
        inner = max(inner, 4 * case["workers"])
        seconds_of(step, inner, device)  # what the workers had ready is used up
    least = 3 if once * inner < LONG_ENOUGH / 2 else 2
    seconds: list[float] = []
    while len(seconds) < case["repeats"]:
        seconds.append(seconds_of(step, inner, device) / inner)
        if len(seconds) >= least and sum(seconds) * inner > LONG_ENOUGH:
            break
    return seconds, first


def seconds_of(step: Step, count: int, device: torch.device) -> float:
    """Seconds of some steps: wall time, or on one CPU thread the time that this process computed.

    The two are the same on an idle machine; the second does not count what others took meanwhile.
    """
    clock = time.perf_counter
    if device.type == "cpu" and torch.get_num_threads() == 1:
        clock = time.process_time
    began = clock()
    for _ in range(count):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - began


def peak_memory(device: torch.device) -> int:
    """Bytes at the highest: of the whole process, or what torch held on the graphics card."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def ceiling(device: torch.device, precision: str) -> float:
    """The most operations a second of a product of large square matrices, here and now."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    best = 0.0
    for side in SQUARES[device.type]:
        one, two = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        product = torch.empty_like(one)

        def multiply(one=one, two=two, product=product) -> None:
            torch.mm(one, two, out=product)

        seconds_of(multiply, 2, device)
        times = [seconds_of(multiply, 1 if device.type == "cpu" else 20, device) for _ in range(5)]
        each_takes = min(times) / (1 if device.type == "cpu" else 20)
        best = max(best, 2 * side**3 / each_takes)
    torch.set_float32_matmul_precision(before)
    return best


def median(record: dict) -> float:
    """A record's seconds a step."""
    return statistics.median(record["seconds"])
