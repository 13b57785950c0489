"""Two processes train as one does."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from posenet3d.errors import ConfigurationError, PoseNet3DError, TrainingError
from posenet3d.training import Record, Trainer
from posenet3d.training.checkpoints import CheckpointStore
from posenet3d.training.engine import Engine, EngineConfig
from posenet3d.training.engine.forks import run_in_forks
from posenet3d.training.run_folder import Memory

MakeTrainer = Callable[..., Trainer]

EXACT = {
    "engine.accelerator": "cpu",
    "engine.precision": "fp64",
    "network.backbone.options.dropout": 0.0,
    "network.teacher.options": {"dropout": 0.0},
    "network.student.options.dropout": 0.0,
    "mirror_guard.first_check": 2,
}
STAGES = ("teacher", "distillation", "sja", "joint")
TWO = {"engine.devices": 2, "engine.strategy": "ddp_fork"}
LONG = 300

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_gloo_available(), reason="torch was built without gloo"
)


def without_batch_norm(trainer: Trainer) -> Trainer:
    for parent in list(trainer.model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.BatchNorm1d):
                setattr(parent, name, nn.Identity())
    return trainer


def largest_difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def fitted(trainer: Trainer) -> tuple[dict[str, Tensor], list[Any]]:
    report = trainer.fit()
    figures = [
        {name: value for name, value in stage.end.items() if name != "seconds"}
        for stage in report.stages
    ]
    return trainer.model.state_dict(), figures


@contextmanager
def ended_within(seconds: int) -> Iterator[None]:
    """A block that ends, with all processes that it forked, where it takes longer."""

    def end(number: int, frame: FrameType | None) -> None:
        for child in active_children():
            child.kill()
        raise TimeoutError(f"not over after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("asked", [None, 1])
def test_forked_processes_compute_on_one_thread_where_this_one_had_two(
    asked: int | None, tmp_path: Path
) -> None:
    """Torch waits for ever for threads that were not forked along."""
    config = EngineConfig(accelerator="cpu", devices=2, strategy="ddp_fork", threads=asked)
    engine, before = Engine(config), torch.get_num_threads()

    def compute() -> None:
        with engine.training():
            torch.ones(1000, 1000).exp().sum()
            (tmp_path / str(engine.share.rank)).write_text(str(torch.get_num_threads()))

    torch.set_num_threads(2)
    try:
        torch.ones(1000, 1000).exp().sum()
        with ended_within(LONG):
            run_in_forks(engine, compute, Memory())
    finally:
        torch.set_num_threads(before)
    assert [(tmp_path / rank).read_text() for rank in "01"] == ["1", "1"]


def test_more_threads_in_forked_processes_are_refused(trainer: MakeTrainer) -> None:
    """They would wait for ever at the first product of matrices."""
    with pytest.raises(ConfigurationError, match=r"engine.threads: expected 1.*got 2; or take"):
        trainer({**TWO, "engine.accelerator": "cpu", "engine.threads": 2}, device="auto")


@pytest.mark.parametrize("asks", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_comes_out_of_fit_with_the_state_saved(
    asks: signal.Signals, trainer: MakeTrainer, tmp_path: Path
) -> None:
    changes = {**TWO, "engine.accelerator": "cpu", "checkpoints.every": 100}
    made, parent = trainer(changes, device="auto", run_dir=tmp_path), os.getpid()

    def ask(record: Record) -> None:
        os.kill(parent, asks)
        time.sleep(0.5)

    with ended_within(LONG), pytest.raises(KeyboardInterrupt):
        made.fit(ask)
    newest = CheckpointStore(tmp_path / "checkpoints").newest()
    assert newest is not None
    assert newest.name in ("0-00000004", "0-00000005")


def test_who_ends_the_program_in_a_forked_process_ends_it_here(trainer: MakeTrainer) -> None:
    made = trainer({**TWO, "engine.accelerator": "cpu"}, device="auto")
    with ended_within(LONG), pytest.raises(SystemExit) as caught:
        made.fit(lambda record: sys.exit(3))
    assert caught.value.code == 3


def test_a_killed_process_is_told(trainer: MakeTrainer) -> None:
    made = trainer({**TWO, "engine.accelerator": "cpu"}, device="auto")
    told = "process 0 terminated with signal SIGKILL. The last"
    with ended_within(LONG), pytest.raises(PoseNet3DError, match=told):
        made.fit(lambda record: os.kill(os.getpid(), signal.SIGKILL))


def test_two_ranks_are_one_in_float64(trainer: MakeTrainer) -> None:
    """All four stages, six steps each; without BatchNorm, whose statistics are a rank's own."""
    alone = fitted(without_batch_norm(trainer(EXACT, device="auto")))
    both = fitted(without_batch_norm(trainer({**EXACT, **TWO}, device="auto")))
    assert largest_difference(alone[0], both[0]) < 1e-12
    assert alone[1] == [pytest.approx(each, rel=1e-9, abs=1e-12) for each in both[1]]
    before = without_batch_norm(trainer(EXACT)).model.state_dict()
    assert largest_difference(before, both[0]) > 1e-3


def without_idle_biases(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A bias before BatchNorm has no gradient but rounding, which Adam makes steps of; the running
    mean follows it."""
    normalized = [
        name.removesuffix("norm.running_mean") for name in state if "running_mean" in name
    ]
    idle = {f"{each}{name}" for each in normalized for name in ("linear.bias", "norm.running_mean")}
    return {name: value for name, value in state.items() if name not in idle}


def test_two_ranks_with_one_batch_norm_are_one_but_for_rounding(
    trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics of averaged weights and validation, which both measure, are among it."""
    monkeypatch.setattr("posenet3d.training.averaging.STATISTICS_BATCHES", 2)
    looks = {"averaging": {"decay": 0.5}, "validation": {"every": 3, "windows": 4}}
    config = {**EXACT, **looks, **{f"stages.{name}.steps": 3 for name in STAGES}}
    alone = fitted(trainer(config, device="auto"))
    both = fitted(trainer({**config, **TWO, "engine.sync_batchnorm": True}, device="auto"))
    one, other = without_idle_biases(alone[0]), without_idle_biases(both[0])
    assert any("running_var" in name for name in one)
    assert largest_difference(one, other) < 1e-5
    apart = fitted(trainer({**config, **TWO}, device="auto"))
    assert largest_difference(one, without_idle_biases(apart[0])) > 1e-4


def test_ranks_with_statistics_of_their_own_end_alike(trainer: MakeTrainer) -> None:
    made = trainer({**TWO, "engine.accelerator": "cpu"}, device="auto")
    report = made.fit()
    assert [stage.name for stage in report.stages] == ["teacher", "distillation", "sja", "joint"]
    assert all(value.isfinite().all() for value in made.model.state_dict().values())
    assert made.fit() == report


def test_an_error_in_one_rank_comes_out_of_fit(trainer: MakeTrainer) -> None:
    made = trainer({**TWO, "engine.accelerator": "cpu"}, device="auto")

    def fail(record: Record) -> None:
        raise TrainingError(record.stage, record.step, "expected this.")

    with pytest.raises(TrainingError, match="'teacher', step 4: expected this") as caught:
        made.fit(fail)
    assert (caught.value.stage, caught.value.step) == ("teacher", 4)


def test_a_batch_that_does_not_divide_is_told(trainer: MakeTrainer) -> None:
    with pytest.raises(ConfigurationError, match="a multiple of the 2 processes"):
        trainer({**TWO, "engine.accelerator": "cpu", "batch_size": 5}, device="auto")
