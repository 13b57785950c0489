"""The benchmark of the paper's relations: what is trained, what is compared, what is used again."""

import json
import sys

import pytest

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.reproduction import RUNS, find_run
from posenet3d.reproduction.runs import STAGES

MODULES = ("relations", "relations_page")
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


def test_every_point_is_measured_and_what_is_compared_saw_the_same_2d(relations):
    runs = {run.name: run for run in RUNS}
    for each in relations.relations_page.RELATIONS:
        for point in (each.over, each.under):
            assert point.stage in STAGES[runs[point.run].kind]
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


def stitched(record, **errors):
    (stage,) = list(record["figures"])[-1:]
    (other,) = list(record["figures"][stage].values())[:1]
    heads = {head: {**other, "mpjve": error} for head, error in errors.items()}
    return {**record, "stitched": {"commit": "f00d", "figures": {stage: heads}}}


def test_stitched_heads_stand_beside_the_others_with_a_commit_of_their_own(relations):
    figures = {"sja": {"student": 40.0}, **points(40.0)}
    records = [stitched(record("posenet3d", "detected", 0, figures), mean=25.0, flat=1.0)]
    records += [record("chen2019", "detected", 0, {"teacher": {"teacher": 80.0}})]
    page = relations.relations_page.render(records, FACTS)
    assert "| joint | mean, stitched | 40.0 |" in page
    assert "flat, stitched" not in page
    assert "9-frame PoseNet3D / Chen et al. | detected | mpjve | 7.8 / 22.2 | 50.0 / 50.0" in page
    assert (
        "9-frame PoseNet3D, stitched / Chen et al. | detected | mpjve | 7.8 / 22.2 | 25.0" in page
    )
    assert "the same trained networks, commit f00d." in page
    assert "titched" not in relations.relations_page.render(records[1:], FACTS)


@pytest.mark.parametrize(("name", "ways"), [("posenet3d", ["average"]), ("one-frame", [])])
def test_a_kept_record_gains_the_stitched_figures_of_its_last_network(
    relations, monkeypatch, tmp_path, name, ways
):
    told, run = arguments(relations, monkeypatch, tmp_path), find_run(name)
    module = relations.relations
    record = {**module.described(told), "run": name, "seed": 0, "seen": run.seen}
    record["config"] = module.as_told(module.config_of(run, 0, told))
    del record["config"]["start_from"]  # a field that came after the run was made
    folder = module.folder_of(run, 0, told)
    folder.mkdir(parents=True)
    (folder / "relations.json").write_text(json.dumps(record))
    asked = []

    def measured(run, seed, folder, arguments, stages, stitch):
        asked.append((*stages, stitch))
        return {"figures": {}}

    monkeypatch.setattr(module, "measured", measured)
    for _ in range(2):
        assert ("stitched" in module.record_of(run, 0, told)) == bool(ways)
    assert asked == [(STAGES[run.kind][-1], way) for way in ways]


def test_a_record_of_other_settings_is_not_used_again(relations, monkeypatch, tmp_path):
    told, run = arguments(relations, monkeypatch, tmp_path), find_run("one-frame")
    module = relations.relations
    record = {"config": module.as_told(module.config_of(run, 0, told))}
    path = tmp_path / "relations.json"
    path.write_text(json.dumps(record))
    assert module.kept(path, record) == record
    with pytest.raises(SystemExit, match="made with other settings"):
        module.kept(path, {"config": {**record["config"], "batch_size": 7}})


def arguments(relations, monkeypatch, folder, *more):
    words = ["relations.py", "--data", str(folder), "--runs", str(folder), "--results", str(folder)]
    monkeypatch.setattr(sys, "argv", [*words, *more])
    return relations.relations.parse()


def test_a_change_may_be_for_one_run_or_for_all(relations, monkeypatch, tmp_path):
    told = arguments(
        relations, monkeypatch, tmp_path, "--set", "log_every=7", "--set", "chen2019:batch_size=64"
    )
    made = {run.name: relations.relations.config_of(run, 0, told) for run in RUNS}
    assert {config.log_every for config in made.values()} == {7}
    assert [name for name, config in made.items() if config.batch_size == 64] == ["chen2019"]


def test_a_run_brings_the_one_that_it_starts_from(relations, monkeypatch, tmp_path):
    told = arguments(relations, monkeypatch, tmp_path, "--only", "no-sja")
    assert told.only == ["posenet3d", "no-sja"]


def test_looks_at_the_test_subjects_are_written_down(relations, monkeypatch, tmp_path):
    told = arguments(relations, monkeypatch, tmp_path, "--test")
    run = RUNS[0]
    for seed in (0, 1):
        relations.relations.note_the_look(f"{run.name}, seed {seed}", told.results)
    lines = (tmp_path / "looks_at_test.md").read_text().splitlines()
    assert len([line for line in lines if "posenet3d-exact, seed" in line]) == 2
    assert all("--test" in line for line in lines[-2:])
    assert str(tmp_path) not in lines[-1]


def test_a_student_s_run_starts_from_the_other_run_s_teacher(relations, monkeypatch, tmp_path):
    told = arguments(
        relations, monkeypatch, tmp_path, "--budget", "0.001",
        "--set", "network.backbone.options.channels=8",
        "--set", "network.discriminator.options.channels=8",
        "--set", "batch_size=4", "--set", "validation.every=null",
        "--set", "stages.distillation.batch_size=4", "--set", "stages.sja.batch_size=4",
    )  # fmt: skip
    clips = synthetic_motion(clips=2, seconds=1.0)
    material = relations.relations.filmed(clips, clips, "gentle")
    runs = {name: find_run(name) for name in ("posenet3d", "no-sja")}
    for run in runs.values():
        folder = relations.relations.folder_of(run, 0, told)
        config = relations.relations.config_of(run, 0, told)
        relations.relations.trained(run, 0, config, folder, material, told)
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
