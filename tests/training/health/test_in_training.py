"""Faults planted in a real run: each is found, counted, and done about as configured."""

import json
import math
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from posenet3d import losses
from posenet3d.errors import (
    FrozenPartMovedError,
    GameCollapsedError,
    MirroredError,
    NonFiniteError,
    TrainingWarning,
)
from posenet3d.networks import load_model
from posenet3d.training import Forward, Record, Trainer
from posenet3d.training.stage_run import StageRun

MakeTrainer = Callable[..., Trainer]
Outcome = Callable[[Path], dict[str, Any]]
NAN = float("nan")
STAGES = ("teacher", "distillation", "sja", "joint")
SKIPPING = {"health.non_finite": "skip"}


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The stage and the step (from 1) that a run is in."""
    now: list[Any] = ["", 0]
    ordinary = StageRun.step

    def step(run: StageRun) -> None:
        now[:] = [run.stage.name, run.done + 1]
        ordinary(run)

    monkeypatch.setattr(StageRun, "step", step)
    return now


def with_lost_losses(made: Trainer, place: list[Any], stage: str, steps: list[int]) -> Trainer:
    """A loss plug-in of a stage is not finite at some steps."""
    objectives = made._objectives[STAGES.index(stage)]
    name = next(iter(objectives))
    ordinary = objectives[name]

    def lose(forward: Forward) -> Tensor:
        return ordinary(forward) * (NAN if place[1] in steps else 1.0)

    objectives[name] = lose
    return made


def with_lost_input(made: Trainer, place: list[Any], stage: str, steps: list[int]) -> Trainer:
    """The windows of some steps of a stage hold a number that is not finite."""
    ordinary = made.windows.sample

    def sample(*values: Any, **named: Any) -> Tensor:
        batch: Tensor = ordinary(*values, **named)
        if place[0] == stage and place[1] in steps:
            batch[0, 0, 0, 0] = NAN
        return batch

    made.windows.sample = sample  # type: ignore[method-assign]
    return made


def weights_of(made: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in made.model.state_dict().items()}


def assert_finite(values: dict[str, Tensor]) -> None:
    numbers = {name: each for name, each in values.items() if each.is_floating_point()}
    assert [name for name, each in numbers.items() if not each.isfinite().all()] == []


@pytest.mark.parametrize(("stage", "lost_at"), [("teacher", 1), ("teacher", 4), ("joint", 6)])
def test_a_lost_step_stops_the_run_and_the_state_before_it_is_good(
    stage: str,
    lost_at: int,
    trainer: MakeTrainer,
    place: list[Any],
    whole_run: Path,
    outcome: Outcome,
    tmp_path: Path,
) -> None:
    made = with_lost_input(trainer(run_dir=tmp_path), place, stage, [lost_at])
    names = made.config.stages[STAGES.index(stage)].losses
    with pytest.raises(NonFiniteError) as caught:
        made.fit()
    assert (caught.value.stage, caught.value.step) == (stage, lost_at)
    assert any(f"got NaN or infinity in {name}" in str(caught.value) for name in names)
    assert place[1] <= 3 * math.ceil(lost_at / 3)  # found before the next state was saved
    trainer(run_dir=tmp_path).fit()
    assert outcome(tmp_path) == outcome(whole_run)


def test_it_is_found_between_saved_states_where_the_device_is_read_more_often(
    trainer: MakeTrainer, place: list[Any]
) -> None:
    changes = {"health.every": 1, "checkpoints.every": 100, "log_every": 100}
    made = with_lost_losses(trainer(changes), place, "teacher", [2])
    with pytest.raises(NonFiniteError, match="got NaN or infinity in self_supervision; the last"):
        made.fit()
    assert place == ["teacher", 2]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("plant", [with_lost_losses, with_lost_input])
def test_a_lost_step_is_skipped_counted_and_leaves_no_trace(
    plant: Callable[..., Trainer], stage: str, trainer: MakeTrainer, place: list[Any]
) -> None:
    made = plant(trainer(SKIPPING), place, stage, [2, 3, 5])
    records: list[Record] = []
    report = made.fit(records.append)
    skipped = {each.name: each.health["skipped_steps"] for each in report.stages}
    assert skipped == {**dict.fromkeys(STAGES, 0), stage: 3}
    assert_finite(weights_of(made))
    for record in records:
        assert all(math.isfinite(value) for value in record.values.values()), record
    told = [record.values["skipped_steps"] for record in records if record.stage == stage]
    assert told == [2.0, 3.0]


def test_a_skipped_step_is_as_if_it_had_had_no_rate(trainer: MakeTrainer, place: list[Any]) -> None:
    """Of two runs one skips steps; until the first they are the same, and at it nothing moves."""
    seen: list[list[dict[str, Tensor]]] = []
    for steps in ([], [3]):
        made = with_lost_input(
            trainer({**SKIPPING, "log_every": 1, "adversarial.every": 1}), place, "teacher", steps
        )
        states: list[dict[str, Tensor]] = []
        for record in made.records():
            if record.stage != "teacher":
                break
            states.append(weights_of(made))
        seen.append(states)
    whole, skipping = seen
    for name, value in skipping[2].items():
        assert torch.equal(value, skipping[1][name]), name
        assert torch.equal(skipping[1][name], whole[1][name]), name
    moved = [name for name in whole[2] if not torch.equal(whole[2][name], whole[1][name])]
    assert "backbone" in {name.split(".")[0] for name in moved}
    assert any("running_mean" in name for name in moved)


def test_skipped_steps_say_nothing_about_the_game_or_the_mirror(
    trainer: MakeTrainer, place: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[StageRun] = []
    ordinary = StageRun.begin

    def begin(run: StageRun) -> None:
        ordinary(run)
        run.runner.adversary.accuracy = torch.tensor(0.75)
        runs.append(run)

    monkeypatch.setattr(StageRun, "begin", begin)
    changes = {**SKIPPING, "adversarial.every": 1, "log_every": 1}
    for lost in ([1, 2, 3, 4], []):
        made = with_lost_input(trainer(changes), place, "teacher", lost)
        for record in made.records():
            if record.step == 4:
                break
    skipping, healthy = (run.runner for run in runs)
    assert (float(skipping.adversary.accuracy), float(skipping.guard.evidence)) == (0.75, 0)
    assert float(healthy.adversary.accuracy) != 0.75
    assert float(healthy.guard.evidence) != 0.0


def test_too_many_lost_steps_on_end_stop_a_run_that_skips(
    trainer: MakeTrainer, place: list[Any], tmp_path: Path
) -> None:
    changes = {**SKIPPING, "health.most_skipped": 2}
    made = with_lost_losses(trainer(changes, run_dir=tmp_path), place, "teacher", [4, 5, 6])
    with pytest.raises(NonFiniteError, match="at most 2 skipped steps on end, got 3") as caught:
        made.fit()
    assert caught.value.step == 6
    assert_finite(weights_of(made))


@pytest.mark.parametrize("stopped_at", [3])
def test_a_run_that_skips_goes_on_after_a_stop_as_if_it_never_was(
    stopped_at: int,
    trainer: MakeTrainer,
    place: list[Any],
    outcome: Outcome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(folder: Path) -> Trainer:
        made = trainer(SKIPPING, run_dir=folder)
        return with_lost_input(made, place, "teacher", [2, 3, 5])

    make(tmp_path / "whole").fit()
    ordinary, stops = StageRun.step, [stopped_at]

    def step(run: StageRun) -> None:
        if run.stage.name == "teacher" and run.done + 1 in stops:
            stops.clear()
            signal.raise_signal(signal.SIGINT)
        ordinary(run)

    monkeypatch.setattr(StageRun, "step", step)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "stopped").fit()
    report = make(tmp_path / "stopped").fit()
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")
    assert report.stages[0].health["skipped_steps"] == 3


def writing(made: Trainer, place: list[Any], stage: str, steps: list[int]) -> Trainer:
    """A loss plug-in that writes into the frozen teacher."""
    objectives = made._objectives[STAGES.index(stage)]
    name = next(iter(objectives))
    ordinary = objectives[name]

    def write(forward: Forward) -> Tensor:
        loss = ordinary(forward)
        if place[1] in steps:
            with torch.no_grad():
                forward.model.teacher.offsets.bias.add_(0.5)
        return loss

    objectives[name] = write
    return made


def test_a_loss_that_writes_into_a_frozen_part_stops_the_run_before_it_is_saved(
    trainer: MakeTrainer, place: list[Any], outcome: Outcome, tmp_path: Path
) -> None:
    def make(name: str, steps: list[int]) -> Trainer:
        return writing(trainer(run_dir=tmp_path / name), place, "distillation", steps)

    made = make("stopped", [5])
    with pytest.raises(FrozenPartMovedError) as caught:
        made.fit()
    assert (caught.value.stage, caught.value.step) == ("distillation", 6)
    assert "teacher.offsets.bias, changed after step 3" in str(caught.value)
    make("stopped", []).fit()
    make("whole", []).fit()
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")


def test_a_stage_that_was_taken_up_again_is_watched_as_well(
    trainer: MakeTrainer, place: list[Any], tmp_path: Path
) -> None:
    for record in trainer({"log_every": 1}, run_dir=tmp_path).records():
        if (record.stage, record.step) == ("distillation", 4):
            break  # the state of step 3 is saved
    made = writing(trainer({"log_every": 1}, run_dir=tmp_path), place, "distillation", [5])
    with pytest.raises(FrozenPartMovedError, match=r"teacher\.offsets\.bias"):
        made.fit()


def test_a_frozen_part_is_put_back_counted_and_told(
    trainer: MakeTrainer, place: list[Any], whole_run: Path, tmp_path: Path
) -> None:
    changes = {"health.frozen": "correct", "health.every": 2}
    made = writing(trainer(changes, run_dir=tmp_path), place, "distillation", [1, 4])
    with pytest.warns(TrainingWarning, match=r"teacher\.offsets\.bias.*they were put back"):
        report = made.fit()
    assert [each.health["frozen_moved"] for each in report.stages] == [0, 2, 0, 0]
    now = load_model(tmp_path / "stages" / "distillation").teacher.state_dict()
    expected = load_model(whole_run / "stages" / "distillation").teacher.state_dict()
    assert all(torch.equal(now[name], expected[name]) for name in expected)
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["stages"][1]["health"]["frozen_moved"] == 2


@pytest.fixture
def certain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A discriminator that is always right, as far as anybody can tell."""
    monkeypatch.setattr("posenet3d.training.adversary.ACCURACY_MOMENTUM", 0.0)
    monkeypatch.setattr(
        losses,
        "discriminator_accuracy",
        lambda *_, **__: losses.DiscriminatorAccuracy(torch.ones(()), torch.ones(())),
    )


@pytest.mark.usefixtures("certain")
def test_a_collapsed_game_is_borne_where_told_so(trainer: MakeTrainer) -> None:
    changes = {"adversarial.collapse_steps": 2, "log_every": 2}
    with pytest.raises(GameCollapsedError):
        trainer(changes).fit()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrainingWarning)
        report = trainer({**changes, "health.collapsed": "warn"}).fit()
    assert [each.health["collapses"] for each in report.stages] == [1, 0, 0, 1]
    said = [str(each.message) for each in caught if each.category is TrainingWarning]
    assert len(said) == 2
    assert "expected a discriminator in doubt" in said[0]


@pytest.fixture
def mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The anatomy is replaced by a lifter's own answer: which sign its bias has."""
    monkeypatch.setattr(
        "posenet3d.training.halves.mirror_evidence", lambda joints: 10.0 - joints[..., 2].mean(-1)
    )


def with_a_mirrored_teacher(made: Trainer) -> Trainer:
    nn.init.constant_(made.model.teacher.offsets.bias, 0.5)
    nn.init.zeros_(made.model.teacher.offsets.weight)
    return made


@pytest.mark.usefixtures("mirrored")
def test_a_mirrored_teacher_is_turned_and_counted(trainer: MakeTrainer) -> None:
    changes = {"stages.teacher.optimizer.lr": 1e-6}
    report = with_a_mirrored_teacher(trainer(changes)).fit()
    assert report.stages[0].health["mirror_turns"] == report.mirror_turns == 1


@pytest.mark.usefixtures("mirrored")
def test_a_mirrored_teacher_stops_the_run_and_its_state_is_saved_whole(
    trainer: MakeTrainer, tmp_path: Path
) -> None:
    changes = {"stages.teacher.optimizer.lr": 1e-6, "health.mirrored": "stop"}
    made = with_a_mirrored_teacher(trainer(changes, run_dir=tmp_path))
    with pytest.raises(MirroredError) as caught:
        made.fit()
    assert (caught.value.stage, caught.value.step) == ("teacher", 2)
    saved = made.folder.load_state(torch.device("cpu"))
    assert (saved["stages_done"], saved["stage"]["done"]) == (0, 2)
    for name, value in made.model.state_dict().items():
        assert torch.equal(saved["model"][name], value), name
    with pytest.raises(MirroredError):
        trainer(changes, run_dir=tmp_path).fit()


@pytest.mark.usefixtures("mirrored")
def test_a_mirrored_teacher_is_only_told_of_where_asked(trainer: MakeTrainer) -> None:
    changes = {"stages.teacher.optimizer.lr": 1e-6, "health.mirrored": "warn"}
    made = with_a_mirrored_teacher(trainer(changes))
    with pytest.warns(TrainingWarning, match="depth mirror"):
        report = made.fit()
    assert report.mirror_turns == 0
    assert report.stages[0].health["mirror_warnings"] == 3
    assert (made.model.teacher.offsets.bias > 0).all()


def test_a_healthy_run_has_nothing_to_tell(trainer: MakeTrainer) -> None:
    records: list[Record] = []
    report = trainer({"mirror_guard.enabled": False}).fit(records.append)
    assert not any(count for each in report.stages for count in each.health.values())
    for record in records:
        assert record.values["gradient_norm"] > 0
        assert record.values["skipped_steps"] == record.values["frozen_moved"] == 0
    assert "discriminator_gradient_norm" in records[0].values
