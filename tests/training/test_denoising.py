"""A run that starts from weights, and the stage that teaches them to bear a detector's errors."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from posenet3d.data import Spoiling, TrainingSet, corrupt, film, spoil_windows
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import ConfigurationError, RunFolderError, UnknownNameError
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import load_model, save_model
from posenet3d.nn import fill_windows, hide
from posenet3d.training import Forward, ForwardSettings, Trainer, TrainerConfig, objectives
from posenet3d.training.adversary import FORMS
from posenet3d.training.stage_run import StageRun

Clips = dict[str, KeypointSequence]
Make = Callable[..., Trainer]
STAGE = "stages.denoising"
SHORT = {
    f"{STAGE}.steps": 6,
    f"{STAGE}.spoilt": {"errors": [{"noise": "openpose", "share": 0.5}], "hidden": 0.5},
    "checkpoints.every": 3,
}
SETTINGS = ForwardSettings(form=FORMS["standard"])


@pytest.fixture
def first(whole_run: Path) -> Path:
    """The small run's network without its student."""
    return whole_run / "stages" / "teacher"


@pytest.fixture
def make(first: Path, clips: Clips) -> Make:
    """Makes a silent trainer of a short stage that starts from the small run's teacher."""

    def trainer(changes: Mapping[str, Any] | None = None, **options: Any) -> Trainer:
        config = TrainerConfig.preset(
            "detected", start_from=str(options.pop("start", first)), batch_size=8, log_every=4
        ).override({**SHORT, **(changes or {})})
        options = {"train_data": clips, "device": "cpu", "progress": False, **options}
        return Trainer(config, **options)

    return trainer


def test_a_run_starts_as_the_network_that_it_starts_from(make: Make, first: Path) -> None:
    windows = 0.1 * torch.randn(5, 9, 14, 2)
    answer = load_model(first).lift(windows)
    started = make().model
    for head, each in answer.items():
        torch.testing.assert_close(started.lift(windows)[head], each, atol=1e-5, rtol=0)


def test_the_stage_changes_exactly_what_it_names(make: Make) -> None:
    trainer = make()
    before = {name: each.clone() for name, each in trainer.model.state_dict().items()}
    trainer.fit()
    after = trainer.model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in changed} == {"backbone", "teacher"}
    assert {"teacher.places.weight", "teacher.offsets.weight"} <= changed
    weight, flags = after["backbone.entry.linear.weight"], torch.arange(2, 3 * 14 * 3, 3)
    assert weight[:, flags].abs().max() > 0


def test_training_brings_answers_for_spoilt_windows_near_those_for_exact_ones(make: Make) -> None:
    spoiling = {"errors": [], "hidden": 1.0, "most_hidden": 4}
    rate = {f"{STAGE}.optimizer.lr": 2e-4, f"{STAGE}.optimizer.warmup": 10}
    changes = {f"{STAGE}.spoilt": spoiling, f"{STAGE}.steps": 30, "batch_size": 32, **rate}
    clips = film(synthetic_motion(clips=2, seconds=2.0), "cmu14-wild")
    trainer = make(changes, start="best-wild", train_data=clips)
    exact = trainer.windows.sample(9, "other", 0, 64)
    seen = spoil_windows(exact, Spoiling.model_validate(spoiling), 9, "other", 0)
    wanted = trainer.model.lift(exact[:, :-1])["teacher"]

    def error() -> float:
        answer = trainer.model.lift(seen[:, :-1])["teacher"]
        return float((answer - wanted).norm(dim=-1).mean())

    before = error()
    report = trainer.fit()
    assert error() < 0.92 * before
    assert report.stages[0].end["denoising"] < 0.92 * report.stages[0].start["denoising"]


def test_a_stopped_run_ends_bit_by_bit_as_one_that_was_not(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(run_dir=tmp_path / "whole").fit()
    ordinary = StageRun.step

    def step(run: StageRun) -> None:
        if run.done == 4:
            raise KeyboardInterrupt
        ordinary(run)

    monkeypatch.setattr(StageRun, "step", step)
    with pytest.raises(KeyboardInterrupt):
        make(run_dir=tmp_path / "cut").fit()
    monkeypatch.setattr(StageRun, "step", ordinary)
    make(run_dir=tmp_path / "cut").fit(resume="must")
    whole, cut = (load_model(tmp_path / name).state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(value, cut[name]) for name, value in whole.items())


@pytest.mark.skipif(
    not torch.distributed.is_gloo_available(), reason="torch was built without gloo"
)
def test_two_processes_are_taught_as_one(make: Make) -> None:
    """In float64, without BatchNorm, whose statistics are a process's own."""
    exact = {"engine.accelerator": "cpu", "engine.precision": "fp64", f"{STAGE}.steps": 3}
    exact |= {f"network.{part}.options.dropout": 0.0 for part in ("backbone", "teacher")}
    two = {"engine.devices": 2, "engine.strategy": "ddp_fork"}
    states = []
    for changes in (exact, {**exact, **two}):
        trainer = make(changes, device="auto")
        for parent in list(trainer.model.modules()):
            for name, layer in list(parent.named_children()):
                if isinstance(layer, nn.BatchNorm1d):
                    setattr(parent, name, nn.Identity())
        trainer.fit()
        states.append(trainer.model.state_dict())
    alone, both = states
    apart = {name: float((each - both[name]).abs().max()) for name, each in alone.items()}
    assert max(apart.values()) < 1e-12


def test_the_folder_knows_its_first_weights_by_their_checksum_not_their_place(
    make: Make, first: Path, tmp_path: Path
) -> None:
    make(run_dir=tmp_path / "run").fit()
    told = json.loads((tmp_path / "run" / "config.json").read_text())
    weights = json.loads((first / "model.json").read_text())["weights_sha256"]
    assert told["start"] == {"weights_sha256": weights}
    assert told["trainer"]["start_from"] == str(first)
    model = load_model(first)
    copied = save_model(model, tmp_path / "copied")
    make(run_dir=tmp_path / "run", start=copied).fit(resume="must")
    model.teacher.offsets.weight.data += 1
    other = save_model(model, tmp_path / "other")
    with pytest.raises(RunFolderError, match=r"start\.weights_sha256"):
        make(run_dir=tmp_path / "run", start=other)


def test_clips_with_gaps_are_asked_for_what_they_show(make: Make, clips: Clips) -> None:
    seen = {name: corrupt(each, "openpose", 5) for name, each in clips.items()}
    report = make(train_data=TrainingSet(seen)).fit()
    assert report.stages[0].end["denoising"] < float("inf")


def test_joints_that_the_exact_windows_miss_do_not_count(make: Make, batch: torch.Tensor) -> None:
    model = make().model
    exact = hide(batch, torch.arange(14).expand(batch.shape[:-1]) == 5)
    forward = Forward(model, batch, SETTINGS, exact=exact)
    forward.__dict__["wanted_joints"] = forward.wanted_joints.clone()
    loss = objectives.denoising(forward)
    forward.wanted_joints[:, :, 5] += 100
    assert torch.equal(objectives.denoising(forward), loss)
    forward.wanted_joints[:, :, 6] += 100
    assert objectives.denoising(forward) > loss + 1


def flat(windows: torch.Tensor) -> torch.Tensor:
    return torch.cat([windows, 0 * windows[..., :1]], dim=-1)


def test_answers_are_asked_of_the_exact_windows_and_the_copy(
    make: Make, batch: torch.Tensor
) -> None:
    model = make().model
    exact, spoilt = batch, batch + 0.05
    forward = Forward(model, spoilt, SETTINGS, exact=exact, before=flat)
    assert torch.equal(forward.wanted_joints, flat(exact[:, :-1]))
    torch.testing.assert_close(
        Forward(model, spoilt, SETTINGS, exact=exact).wanted_joints,
        model.lift(exact[:, :-1])["teacher"],
    )
    gaps = hide(exact, torch.rand(exact.shape[:-1]) < 0.2)
    wanted = Forward(model, spoilt, SETTINGS, exact=gaps).wanted_joints
    torch.testing.assert_close(wanted, model.lift(fill_windows(gaps[:, :-1]))["teacher"])


def test_a_run_can_start_from_weights_that_ship_and_takes_their_network() -> None:
    config = TrainerConfig.preset("detected")
    assert config.start_from == "best-wild"
    assert config.network.backbone.options == {
        "channels": 256, "dropout": 0.0, "guess_missing": True,
    }  # fmt: skip
    assert config.network.student.name == "canonical"
    assert TrainerConfig.parse(config.model_dump(mode="json")) == config
    best = TrainerConfig.preset("best", start_from="best-wild")
    assert best.network == TrainerConfig.preset("best").network


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({f"{STAGE}.spoilt": None}, "expected spoilt windows with the loss 'denoising'"),
        ({"network.missing_joints": False}, "set network.missing_joints, or dropped and"),
        ({"detector_noise": "gentle"}, "beside a stage that spoils windows by itself"),
        ({f"{STAGE}.spoilt.hiden": 0.3}, "hiden"),
        ({"start_from": 3}, "start_from"),
    ],
)
def test_what_makes_no_sense_is_a_fault(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        TrainerConfig.preset("detected").override(changes)


def test_weights_that_do_not_fit_fail_before_step_one(make: Make) -> None:
    with pytest.raises(ConfigurationError, match="as in the weights to start from"):
        make({"network.backbone.options.channels": 16})
    with pytest.raises(UnknownNameError, match="best-wild"):
        TrainerConfig.preset("detected", start_from="best-wlid")
    learns = {f"{STAGE}.train": ["student"], f"{STAGE}.losses": {"knowledge_distillation": 1.0}}
    with pytest.raises(ConfigurationError, match="expected weights with a trained student"):
        make(learns)


def test_a_student_that_reads_features_is_not_left_behind(make: Make, whole_run: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"denoising\.train: expected 'student' here"):
        make(start=whole_run)
    losses = {"denoising": 1.0, "knowledge_distillation": 1.0}
    along = {f"{STAGE}.train": ["backbone", "teacher", "student"], f"{STAGE}.losses": losses}
    trainer = make(along, start=whole_run)
    assert torch.equal(trainer.model.metres_per_unit, load_model(whole_run).metres_per_unit)
    assert trainer.model.has_student
