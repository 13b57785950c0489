"""Averaged weights: what is averaged, what is kept, and when the averages take over."""

import json
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from posenet3d.networks import load_model
from posenet3d.training import Trainer
from posenet3d.training.averaging import Averaging, AveragingConfig
from posenet3d.training.stage_run import StageRun
from posenet3d.training.validation import Validation

MakeTrainer = Callable[..., Trainer]
AVERAGED: dict[str, Any] = {"averaging": {"decay": 0.5, "start": 2}}


@pytest.fixture(autouse=True)
def _few_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posenet3d.training.averaging.STATISTICS_BATCHES", 3)


def network() -> nn.ModuleDict:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.ModuleDict({"teacher": nn.Linear(3, 4), "backbone": nn.BatchNorm1d(3)})


def parts(model: nn.ModuleDict) -> dict[str, nn.Module]:
    return dict(model.items())


def learn(model: nn.ModuleDict, step: int) -> None:
    """Other weights, and other statistics by a forward pass."""
    draw = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw))
    model["teacher"](model["backbone"](step + torch.randn(5, 3, generator=draw)))


def copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_bit_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@given(decay=st.floats(0.0, 0.999), steps=st.integers(1, 6), start=st.integers(0, 4))
@settings(max_examples=30, deadline=None)
def test_the_average_is_the_exponential_one_of_weights_and_statistics(
    decay: float, steps: int, start: int
) -> None:
    model = network()
    averaging = Averaging(AveragingConfig(decay=decay, start=start, use_buffers=True), parts(model))
    expected: dict[str, Tensor] = {}
    for step in range(1, start + steps + 1):
        learn(model, step)
        averaging.update(step)
        if step > start:
            now = {name: each.double() for name, each in copied(model).items()}
            expected = {
                name: decay * expected[name] + (1 - decay) * each if expected else each
                for name, each in now.items()
            }
    assert averaging.taken == steps
    averaging.adopt()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), expected[name], atol=1e-5, rtol=1e-5)
    assert int(model["backbone"].num_batches_tracked) == start + steps


def test_a_block_with_the_averages_leaves_no_trace() -> None:
    model = network()
    averaging = Averaging(AveragingConfig(decay=0.5, use_buffers=True), parts(model))
    for step in (1, 2, 3):
        learn(model, step)
        averaging.update(step)
    before = copied(model)
    with suppress(ZeroDivisionError), averaging.applied():
        applied = copied(model)
        raise ZeroDivisionError
    assert_bit_equal(copied(model), before)
    changed = {name for name in before if not torch.equal(before[name], applied[name])}
    assert changed == set(before) - {"backbone.num_batches_tracked"}
    averaging.adopt()
    assert_bit_equal(copied(model), applied)


def test_before_its_start_there_is_no_average() -> None:
    model = network()
    averaging = Averaging(AveragingConfig(start=5), parts(model))
    initial = copied(model)
    learn(model, 1)
    averaging.update(1)
    before = copied(model)
    with averaging.applied():
        assert_bit_equal(copied(model), before)
    averaging.adopt()
    assert_bit_equal(copied(model), before)
    assert not torch.equal(before["teacher.weight"], initial["teacher.weight"])


def test_the_last_statistics_stay_where_no_batch_can_be_passed() -> None:
    model = network()
    averaging = Averaging(AveragingConfig(decay=0.5), parts(model))
    for step in (1, 2):
        learn(model, step)
        averaging.update(step)
    before = copied(model)
    averaging.adopt()
    after = copied(model)
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept == {
        "backbone.running_mean",
        "backbone.running_var",
        "backbone.num_batches_tracked",
    }


@pytest.mark.parametrize("use_buffers", [False, True])
def test_statistics_are_measured_with_the_averaged_weights(use_buffers: bool) -> None:
    model = nn.ModuleDict({"teacher": nn.Linear(3, 4), "backbone": nn.BatchNorm1d(4)})
    draw = torch.Generator().manual_seed(0)
    batches = [torch.randn(50, 3, generator=draw) for _ in range(3)]

    def pass_batch(number: int) -> None:
        model["backbone"](model["teacher"](batches[number]))

    config = AveragingConfig(decay=0.5, use_buffers=use_buffers)
    averaging = Averaging(config, parts(model), pass_batch)
    for step in (1, 2, 3):
        nn.init.normal_(model["teacher"].weight, generator=draw)
        pass_batch(0)
        averaging.update(step)
    before = copied(model)
    with averaging.applied(), torch.no_grad():
        assert model["backbone"].momentum == 0.1
        outputs = [model["teacher"](each) for each in batches]
        mean = torch.stack([each.mean(0) for each in outputs]).mean(0)
        variance = torch.stack([each.var(0) for each in outputs]).mean(0)
        for measured, expected in (
            (model["backbone"].running_mean, mean),
            (model["backbone"].running_var, variance),
        ):
            close = torch.allclose(measured, expected, atol=1e-6, rtol=1e-5)
            assert close == (not use_buffers)
    assert_bit_equal(copied(model), before)


def test_an_average_that_is_not_adopted_leaves_the_weights() -> None:
    model = network()
    averaging = Averaging(AveragingConfig(adopt=False), parts(model))
    for step in (1, 2):
        learn(model, step)
        averaging.update(step)
    before = copied(model)
    averaging.adopt()
    assert_bit_equal(copied(model), before)


@pytest.mark.parametrize("stopped_at", [0, 1, 2, 5])
def test_an_average_goes_on_from_a_saved_state_bit_for_bit(stopped_at: int) -> None:
    config = AveragingConfig(decay=0.7, start=1, use_buffers=True)
    whole, model = network(), network()
    through, before = Averaging(config, parts(whole)), Averaging(config, parts(model))
    for step in range(1, 7):
        learn(whole, step)
        through.update(step)
    for step in range(1, stopped_at + 1):
        learn(model, step)
        before.update(step)
    saved = before.state_dict()
    again = network()
    with before.applied():
        again.load_state_dict(model.state_dict())
    after = Averaging(config, parts(again))
    after.load_state_dict(saved)
    for step in range(stopped_at + 1, 7):
        learn(again, step)
        after.update(step)
    through.adopt()
    after.adopt()
    assert_bit_equal(copied(again), copied(whole))


def test_a_teacher_that_is_turned_round_is_turned_in_the_average_too() -> None:
    model = network()
    averaging = Averaging(AveragingConfig(decay=0.5), parts(model))
    for step in (1, 2):
        learn(model, step)
        averaging.update(step)
    with averaging.applied():
        before = copied(model)
    averaging.negate([model["teacher"].bias])
    with averaging.applied():
        after = copied(model)
    before["teacher.bias"].neg_()
    assert_bit_equal(after, before)


def test_the_average_is_kept_apart_from_the_state_that_was_saved() -> None:
    model = network()
    averaging = Averaging(AveragingConfig(decay=0.5), parts(model))
    averaging.update(1)
    saved = averaging.state_dict()
    again = Averaging(AveragingConfig(decay=0.5), parts(network()))
    again.load_state_dict(saved)
    kept = {name: each.clone() for name, each in saved["weights"].items()}
    learn(model, 2)
    averaging.update(2)
    again.update(2)
    assert_bit_equal(saved["weights"], kept)


@pytest.fixture
def after_each_step(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[StageRun], None]]:
    """What to call after each step of a run."""
    called: list[Callable[[StageRun], None]] = []
    ordinary = StageRun.step

    def step(run: StageRun) -> None:
        ordinary(run)
        for each in called:
            each(run)

    monkeypatch.setattr(StageRun, "step", step)
    return called


def test_a_stage_ends_with_its_average_and_the_next_one_starts_from_it(
    trainer: MakeTrainer,
    after_each_step: list[Callable[[StageRun], None]],
    whole_run: Path,
    tmp_path: Path,
) -> None:
    seen: dict[str, list[dict[str, Tensor]]] = {}
    after_each_step.append(
        lambda run: seen.setdefault(run.stage.name, []).append(copied(run.model))
    )
    trainer(AVERAGED, run_dir=tmp_path).fit()
    teacher = load_model(tmp_path / "stages" / "teacher").state_dict()
    live = load_model(whole_run / "stages" / "teacher").state_dict()
    last = seen["teacher"][-1]
    assert_bit_equal({name: last[name] for name in live}, live)
    for name, value in teacher.items():
        learns = name.split(".")[0] in ("backbone", "teacher", "views")
        if learns and "norm" in name and name in dict(load_model(tmp_path).named_buffers()):
            assert not torch.equal(value, last[name]), name
            continue
        if not learns or not value.is_floating_point():
            assert torch.equal(value, last[name]), name
            continue
        expected = seen["teacher"][2][name]
        for state in seen["teacher"][3:]:
            expected = 0.5 * expected + 0.5 * state[name]
        torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-5)
        if name in dict(load_model(tmp_path).named_parameters()):
            assert torch.equal(seen["distillation"][0][name], value), name
    assert not torch.equal(teacher["teacher.offsets.bias"], last["teacher.offsets.bias"])


@pytest.mark.parametrize(("stopped_at", "adopt"), [(2, True), (4, True), (4, False)])
def test_an_averaged_run_goes_on_after_a_stop_as_if_it_never_was(
    stopped_at: int,
    adopt: bool,
    trainer: MakeTrainer,
    after_each_step: list[Callable[[StageRun], None]],
    outcome: Callable[[Path], dict[str, Any]],
    tmp_path: Path,
) -> None:
    averaged = {"averaging": {**AVERAGED["averaging"], "adopt": adopt}}
    trainer(averaged, run_dir=tmp_path / "whole").fit()

    def stop(run: StageRun) -> None:
        if run.done == stopped_at:
            after_each_step.clear()
            signal.raise_signal(signal.SIGINT)

    after_each_step.append(stop)
    with pytest.raises(KeyboardInterrupt):
        trainer(averaged, run_dir=tmp_path / "stopped").fit()
    trainer(averaged, run_dir=tmp_path / "stopped").fit()
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")


def test_averages_that_are_not_adopted_change_nothing(
    trainer: MakeTrainer,
    whole_run: Path,
    outcome: Callable[[Path], dict[str, Any]],
    tmp_path: Path,
) -> None:
    changes = {"averaging": {"decay": 0.5, "adopt": False}}
    trainer(changes, run_dir=tmp_path).fit()
    assert outcome(tmp_path) == outcome(whole_run)


def test_validation_looks_at_the_average_and_training_goes_on_without_it(
    trainer: MakeTrainer,
    after_each_step: list[Callable[[StageRun], None]],
    whole_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: dict[int, dict[str, Tensor]] = {}
    lived: dict[int, dict[str, Tensor]] = {}
    ordinary = Validation.point

    def point(self: Validation, stage: Any, step: int, *rest: Any) -> Any:
        if stage.name == "teacher":
            looked[step] = copied(self.model)
        return ordinary(self, stage, step, *rest)

    def keep(run: StageRun) -> None:
        if run.stage.name == "teacher":
            lived[run.done] = copied(run.model)

    monkeypatch.setattr(Validation, "point", point)
    after_each_step.append(keep)
    changes = {"averaging": {"decay": 0.0}, "validation": {"every": 2, "windows": 4}}
    trainer(changes).fit()
    assert sorted(looked) == [2, 4, 6]
    for step, values in looked.items():
        measured = {name for name in values if not torch.equal(values[name], lived[step][name])}
        assert measured  # an average without memory is the weights, but for BatchNorm's statistics
        assert measured <= dict(load_model(whole_run).named_buffers()).keys()
    looked.clear()
    trainer({**changes, "averaging": {"decay": 0.9}}).fit()
    name = "teacher.offsets.weight"
    assert not torch.equal(looked[4][name], lived[4][name])
    live = load_model(whole_run / "stages" / "teacher").state_dict()
    assert torch.equal(lived[6][name], live[name])


@pytest.mark.parametrize("adopt", [True, False])
def test_a_checkpoint_holds_the_weights_whose_score_it_has(
    adopt: bool, trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: dict[int, dict[str, Tensor]] = {}
    ordinary = Validation.point

    def point(self: Validation, stage: Any, step: int, *rest: Any) -> Any:
        if stage.name == "teacher":
            looked[step] = copied(self.model)
        return ordinary(self, stage, step, *rest)

    monkeypatch.setattr(Validation, "point", point)
    changes = {
        "averaging": {"decay": 0.9, "adopt": adopt},
        "validation": {"every": 3, "windows": 4, "picture": False},
        "checkpoints": {"every": 3, "keep": 20},
    }
    trainer(changes, run_dir=tmp_path).fit()
    checkpoints = tmp_path / "checkpoints"
    scores = {
        path.name: json.loads((path / "manifest.json").read_text())["score"]
        for path in checkpoints.iterdir()
    }
    assert scores["0-00000003"] is not None
    assert_bit_equal(load_model(checkpoints / "0-00000003").state_dict(), looked[3])
    assert (scores["1-00000000"] is not None) == adopt
    last = load_model(checkpoints / "1-00000000").state_dict()
    assert torch.equal(last["teacher.offsets.bias"], looked[6]["teacher.offsets.bias"]) == adopt


def test_a_teacher_turned_round_in_a_run_is_turned_in_its_average(
    trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The anatomy is replaced by a lifter's own answer: which sign its bias has."""
    monkeypatch.setattr(
        "posenet3d.training.halves.mirror_evidence", lambda joints: 10.0 - joints[..., 2].mean(-1)
    )
    changes = {"averaging": {"decay": 0.9}, "stages.teacher.optimizer.lr": 1e-6}
    made = trainer(changes, run_dir=tmp_path)
    nn.init.constant_(made.model.teacher.offsets.bias, 0.5)
    nn.init.zeros_(made.model.teacher.offsets.weight)
    assert made.fit().mirror_turns == 1
    bias = load_model(tmp_path / "stages" / "teacher").teacher.offsets.bias.detach()
    torch.testing.assert_close(bias, torch.full_like(bias, -0.5), atol=1e-3, rtol=0)
