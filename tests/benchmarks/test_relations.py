"""The benchmark of the paper's relations: what is trained, what is compared, what is used again."""

import sys

import numpy as np
import pytest

from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.training import TrainerConfig

MODULES = ("relations", "relations_page", "relations_runs")
FACTS = {
    "command": "python benchmarks/relations.py",
    "measured": ["S02", "S06"],
    "protocol": "cmu14",
    "base": "quick",
    "budget": 1.0,
    "noise": "gentle",
    "clips": None,
}


@pytest.fixture
def relations(benchmark):
    return benchmark


def configs(relations, base="quick", **options):
    runs = relations.relations_runs
    options = {"seed": 1, "budget": 1.0, "changes": {}} | options
    return {run.name: runs.configuration(run, base, **options) for run in runs.RUNS}


def windows_of(config):
    return sum(stage.steps * (stage.batch_size or config.batch_size) for stage in config.stages)


@pytest.mark.parametrize("base", ["quick", "paper"])
def test_every_run_has_a_configuration_and_its_own_name_and_seed(relations, base):
    for name, config in configs(relations, base).items():
        assert (config.name, config.seed) == (name, 1)
        assert TrainerConfig.parse(config.model_dump(mode="json")) == config


def test_the_runs_are_what_their_names_say(relations):
    made = configs(relations)
    assert made["posenet3d"].stages == TrainerConfig.preset("quick").stages
    assert made["chen2019"].network.frames == made["one-frame"].network.frames == 1
    assert made["chen2019"].network.views.name == "uniform"
    assert made["chen2019-exact-views"].network.views == made["posenet3d"].network.views
    assert made["no-sja"].network.joint_regressor.name == "fixed"
    assert made["linear-sja"].network.joint_regressor.name == "linear"
    assert [stage.name for stage in made["no-sja"].stages] == ["distillation", "sja"]
    assert [stage.name for stage in made["baseline-1"].stages] == ["student"]
    assert [stage.name for stage in made["baseline-2"].stages] == ["student", "sja"]


def test_what_is_compared_has_one_width_and_sees_as_many_windows(relations):
    made = configs(relations)
    base = made["posenet3d"]
    by_stage = {each.name: each.steps * (each.batch_size or 256) for each in base.stages}
    to_the_student = sum(by_stage[name] for name in ("teacher", "distillation", "sja"))
    assert windows_of(made["chen2019"]) == by_stage["teacher"] + by_stage["joint"]
    assert windows_of(made["baseline-1"]) == windows_of(made["baseline-2"]) == to_the_student
    for config in made.values():
        assert config.network.backbone.options["channels"] == 256
    weights = base.stages[1].losses
    for name in ("baseline-1", "baseline-2"):
        for stage in made[name].stages:
            for loss in ("pose_regularizer", "shape_regularizer"):
                assert stage.losses[loss] == weights[loss]


def test_a_budget_scales_every_stage_and_changes_come_last(relations):
    half = configs(relations, budget=0.5, changes={"stages.0.optimizer.lr": 0.25})
    whole = configs(relations)
    for name, config in half.items():
        assert windows_of(config) == pytest.approx(windows_of(whole[name]) / 2, rel=1e-3)
        assert config.stages[0].optimizer.lr == 0.25


def test_what_a_run_starts_from_comes_before_it_and_every_point_is_measured(relations):
    runs = {run.name: run for run in relations.relations_runs.RUNS}
    order = list(runs)
    for run in runs.values():
        if run.teacher_of is not None:
            assert order.index(run.teacher_of) < order.index(run.name)
            assert runs[run.teacher_of].seen == run.seen
    for each in relations.relations_page.RELATIONS:
        for point in (each.over, each.under):
            assert point.stage in relations.relations.MEASURED[runs[point.run].kind]
        assert runs[each.over.run].seen == runs[each.under.run].seen


def record(run, seen, seed, figures):
    values = dict.fromkeys(
        ("p_mpjpe", "p_mpjpe_reflected", "n_mpjpe", "mpjve", "mblstd", "pck_150", "auc"), 50.0
    )
    heads = {
        stage: {
            head: {**values, "p_mpjpe": error, "right_way_round": True}
            for head, error in errors.items()
        }
        for stage, errors in figures.items()
    }
    report = {"stages": [{"name": "teacher", "steps": 5}], "mirror_turns": 0}
    seconds = {"train": 60.0, "evaluate": 30.0}
    told = {"run": run, "seen": seen, "seed": seed, "commit": "c0ffee", "figures": heads}
    return {**told, "report": report, "seconds": seconds}


def points(error):
    return {"teacher": {"teacher": error}, "joint": {"teacher": error, "mean": error}}


def test_the_page_has_the_mean_and_spread_of_each_seed_s_ratio(relations):
    records = [
        record("posenet3d-exact", "exact", seed, points(over))
        for seed, over in ((0, 40.0), (1, 60.0))
    ]
    records += [
        record("chen2019-exact", "exact", seed, {"teacher": {"teacher": under}})
        for seed, under in ((0, 80.0), (1, 80.0))
    ]
    page = relations.relations_page.render(records, FACTS)
    (row,) = [line for line in page.splitlines() if "PoseNet3D / Chen et al. (1 frame)" in line]
    assert "| 47.0 / 58.0 | 50.0 ± 14.1 / 80.0 ± 0.0 | 0.81 | 0.62 ± 0.18 | 2 of 2 |" in row
    assert "SJA / no SJA" not in page  # not run


def arguments(relations, monkeypatch, folder, *more):
    words = ["relations.py", "--data", str(folder), "--runs", str(folder), "--results", str(folder)]
    monkeypatch.setattr(sys, "argv", [*words, *more])
    return relations.relations.parse()


def test_a_change_may_be_for_one_run_or_for_all(relations, monkeypatch, tmp_path):
    told = arguments(
        relations, monkeypatch, tmp_path, "--set", "log_every=7", "--set", "chen2019:batch_size=64"
    )
    made = {
        r.name: relations.relations.config_of(r, 0, told) for r in relations.relations_runs.RUNS
    }
    assert {config.log_every for config in made.values()} == {7}
    assert [name for name, config in made.items() if config.batch_size == 64] == ["chen2019"]


def test_a_run_brings_the_one_that_it_starts_from(relations, monkeypatch, tmp_path):
    told = arguments(relations, monkeypatch, tmp_path, "--only", "no-sja")
    assert told.only == ["posenet3d", "no-sja"]


def test_looks_at_the_test_subjects_are_written_down(relations, monkeypatch, tmp_path):
    told = arguments(relations, monkeypatch, tmp_path, "--test")
    run = relations.relations_runs.RUNS[0]
    for seed in (0, 1):
        relations.relations.note_the_look(f"{run.name}, seed {seed}", told.results)
    lines = (tmp_path / "looks_at_test.md").read_text().splitlines()
    assert len([line for line in lines if "posenet3d-exact, seed" in line]) == 2
    assert all("--test" in line for line in lines[-2:])
    assert str(tmp_path) not in lines[-1]


def test_detected_2d_has_every_joint_and_is_not_the_exact_one(relations, monkeypatch, tmp_path):
    told = arguments(relations, monkeypatch, tmp_path)
    exact, detected = (
        next(run for run in relations.relations_runs.RUNS if run.seen == seen)
        for seen in ("exact", "detected")
    )
    assert relations.relations.detector(exact, told) is None
    spoil = relations.relations.detector(detected, told)
    for sequence in film(synthetic_motion(clips=1, seconds=1.0), "cmu14").sequences.values():
        spoilt = spoil(sequence).points
        assert np.isfinite(spoilt).all()
        assert np.abs(spoilt - sequence.points).max() > 0


def test_a_student_s_run_starts_from_the_other_run_s_teacher(relations, monkeypatch, tmp_path):
    told = arguments(
        relations, monkeypatch, tmp_path, "--budget", "0.001",
        "--set", "network.backbone.options.channels=8",
        "--set", "network.discriminator.options.channels=8",
        "--set", "batch_size=4", "--set", "validation.every=null",
        "--set", "stages.distillation.batch_size=4", "--set", "stages.sja.batch_size=4",
    )  # fmt: skip
    clips = synthetic_motion(clips=2, seconds=1.0)
    runs = {run.name: run for run in relations.relations_runs.RUNS}
    for name in ("posenet3d", "no-sja"):
        run = runs[name]
        folder = relations.relations.folder_of(run, 0, told)
        config = relations.relations.config_of(run, 0, told)
        relations.relations.trained(run, 0, config, folder, clips, told)
    from posenet3d.networks import load_model

    first = relations.relations.folder_of(runs["posenet3d"], 0, told) / "stages" / "teacher"
    second = relations.relations.folder_of(runs["no-sja"], 0, told)
    teacher, student = load_model(first).state_dict(), load_model(second).state_dict()
    same = {
        key.split(".")[0]
        for key in teacher
        if key in student and bool((teacher[key] == student[key]).all())
    }
    assert {"backbone", "teacher"} <= same
    assert not any((teacher[k] == student[k]).all() for k in teacher if "parameters_layer.w" in k)
