"""Two processes train as one does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from posenet3d.errors import ConfigurationError, TrainingError
from posenet3d.training import Record, Trainer
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


def test_forked_processes_have_one_thread_whatever_this_one_has(tmp_path: Path) -> None:
    """Torch waits for ever for threads that were not forked along."""
    config = EngineConfig(accelerator="cpu", devices=2, strategy="ddp_fork")
    engine, before = Engine(config), torch.get_num_threads()

    def note() -> None:
        (tmp_path / str(engine.share.rank)).write_text(str(torch.get_num_threads()))

    torch.set_num_threads(2)
    try:
        run_in_forks(engine, note, Memory())
    finally:
        torch.set_num_threads(before)
    assert [(tmp_path / rank).read_text() for rank in "01"] == ["1", "1"]


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


def test_two_ranks_with_one_batch_norm_are_one_but_for_rounding(trainer: MakeTrainer) -> None:
    config = {**EXACT, **{f"stages.{name}.steps": 3 for name in STAGES}}
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
