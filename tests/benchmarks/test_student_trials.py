"""The trials of the student: what is trained, on whose teacher, and what the page says."""

from argparse import Namespace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.networks import PoseNet3D, save_model
from posenet3d.training import TrainerConfig

MODULES = ("student_trials",)
NARROW = {
    "network.backbone.options.channels": 8,
    "network.discriminator.options.channels": 8,
}


@pytest.fixture
def student_trials(benchmark: SimpleNamespace) -> ModuleType:
    module: ModuleType = benchmark.student_trials
    return module


def test_a_trial_is_the_presets_second_and_third_stage_with_its_changes(
    student_trials: ModuleType,
) -> None:
    config = student_trials.configuration("best:network.student=student:batch_size=8", 3)
    assert [stage.name for stage in config.stages] == ["distillation", "sja"]
    assert (config.seed, config.batch_size) == (3, 8)
    assert config.network.student.name == "student"
    unchanged = student_trials.configuration("best", 0)
    assert unchanged.network == TrainerConfig.preset("best").network


def test_the_teacher_is_the_one_that_is_there(student_trials: ModuleType) -> None:
    network = TrainerConfig.preset("best").override(NARROW)
    torch.manual_seed(0)
    start, model = PoseNet3D(network.network), PoseNet3D(network.network)
    windows = 0.1 * torch.randn(2, 9, 14, 2)
    model.eval(), start.eval()
    assert not torch.equal(model.teacher_skeleton(windows), start.teacher_skeleton(windows))
    student_trials.taught_by(model, start)
    torch.testing.assert_close(model.teacher_skeleton(windows), start.teacher_skeleton(windows))


def test_the_page_has_a_row_for_each_stage_of_each_trial(student_trials: ModuleType) -> None:
    figures = {"teacher": 46.0, "student": 50.0, "mean": 46.1, "flat": 110.0, "gap": 30.0}
    record = {
        "trial": "best", "seed": 0, "teacher_sha256": "ab" * 32, "commit": "c" * 40,
        "held_out": ["S02"], "protocol": "cmu14", "cpu_seconds": 12.0,
        "steps": {"distillation": 20, "sja": 6},
        "stages": {"distillation": figures, "sja": {**figures, "student": 49.0}},
    }  # fmt: skip
    page = student_trials.render([record])
    assert page.count("| `best` | 0 |") == 2
    assert "| sja | 6 | 46.0 | 49.0 | 46.1 | 30.0 | 110.0 |" in page


def test_a_trial_runs_from_a_saved_teacher(
    student_trials: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainerConfig.preset("best").override(NARROW)
    torch.manual_seed(0)
    save_model(PoseNet3D(config.network), tmp_path / "teacher")
    clips = synthetic_motion(clips=3, seconds=1.0)
    monkeypatch.setattr(student_trials, "load_motion", lambda path: clips)
    held = [clips[0].subject]
    told = Namespace(data=None, teacher=tmp_path / "teacher", hold_out=held, protocol="cmu14")
    short = {
        **NARROW,
        "stages.distillation.steps": 2,
        "stages.sja.steps": 2,
        "stages.distillation.batch_size": 8,
        "stages.sja.batch_size": 8,
    }
    trial = ":".join(["best", *(f"{path}={value}" for path, value in short.items())])
    record = student_trials.run(told, trial, seed=0)
    assert set(record["stages"]) == {"distillation", "sja"}
    assert all(figure > 0 for stage in record["stages"].values() for figure in stage.values())
