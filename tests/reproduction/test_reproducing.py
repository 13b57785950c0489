"""A table made: what is trained and measured, what is kept, what is told."""

import json

import pytest
import torch

from posenet3d.errors import (
    ConfigurationError,
    DataError,
    GameCollapsedError,
    RunFolderError,
    StorageError,
)
from posenet3d.evaluation import evaluate
from posenet3d.reproduction import (
    DETECTED,
    EXACT,
    Material,
    collect,
    plan_table,
    reproduce,
    reproducing,
)
from posenet3d.reproduction.planning import parse_changes
from posenet3d.reproduction.speed import estimated_seconds

TOY = {
    "seeds": [0],
    "budget": 1e-3,
    "changes": [
        "network.backbone.options.channels=8",
        "network.discriminator.options.channels=8",
        "batch_size=4",
        "validation.picture=false",
        "posenet3d:stages.distillation.batch_size=4",
        "posenet3d:stages.sja.batch_size=4",
    ],
}


class Workshop:
    """Trains and measures in no time, and counts; both write what the real ones write."""

    def __init__(self):
        self.trained, self.measured, self.fails, self.report = [], [], {}, None

    def train_run(self, config, training, folder, *, teacher, device, progress):
        if config.name in self.fails:
            raise self.fails[config.name]
        assert teacher is None or teacher.parent.parent in self.trained
        self.trained.append(folder)
        (folder / "stages" / "teacher").mkdir(parents=True)
        (folder / "report.json").write_text("{}")

    def measure(self, network, test, protocol, *, detector, device, on_progress):
        self.measured.append(network)

        def lift(windows):
            flat = torch.nn.functional.pad(windows, (0, 1))
            return {"teacher": flat, "student": flat, "mean": flat}

        self.report = self.report or evaluate(lift, test, protocol, detector=detector, samples=0)
        return self.report


@pytest.fixture
def workshop(monkeypatch):
    made = Workshop()
    monkeypatch.setattr(reproducing, "train_run", made.train_run)
    monkeypatch.setattr(reproducing, "measure", made.measure)
    monkeypatch.setattr(reproducing, "source_commit", lambda: "c0ffee")  # git is slow
    return made


def plan(material, out, table="table4", **options):
    return plan_table(table, material, out, **(TOY | options))


@pytest.fixture(scope="module")
def made(material, tmp_path_factory):
    """Table 2, truly trained and measured at toy size."""
    planned = plan(material, tmp_path_factory.mktemp("tables"), "table2")
    return planned, reproduce(planned, progress=False, command="posenet3d reproduce table2")


def test_a_table_is_trained_measured_and_written(made):
    planned, results = made
    assert results.complete
    assert [(each.stage, each.subjects) for each in results.measurements] == [
        ("sja", ("S2",)),
        ("joint", ("S2",)),
    ]
    written = json.loads((planned.out / "table2.json").read_text())
    assert (written["filmed"], written["papers_protocol"]) == (True, "h36m")
    assert written["command"] == "posenet3d reproduce table2"
    (part,) = written["parts"]
    student = part["rows"][0]
    assert (student["method"], student["paper"]) == ("PoseNet3D-Student", [63.7])
    error = results.measurements[0].figures["student"]["p_mpjpe"]
    assert student["ours"][0]["by_seed"] == {"0": error}
    page = (planned.out / "table2.md").read_text()
    assert f"| PoseNet3D-Student | 63.7 | {error:.1f} |" in page
    assert "**Not the paper's data:**" in page


def test_what_is_done_is_not_done_again(made, workshop):
    planned, results = made
    again = reproduce(plan(planned.material, planned.out, "table2"), progress=False)
    assert again.measurements == results.measurements
    assert workshop.trained == workshop.measured == []


def test_another_table_shares_the_runs_and_is_measured_on_its_own_test(made, workshop):
    """Table 3 needs Table 2's run, on other cameras."""
    planned, _ = made
    given = planned.material
    wild = Material(given.training, given.test, "cmu14-wild", rig=given.rig, noise=given.noise)
    results = reproduce(plan(wild, planned.out, "table3"), progress=False)
    assert workshop.trained == []
    assert [network.name for network in workshop.measured] == ["joint"]
    assert results.complete
    assert plan(given, planned.out, "table2").left == ()  # nor are its figures lost


def test_a_plan_tells_what_is_left(material, tmp_path, workshop):
    planned = plan(material, tmp_path)
    assert [job.name for job in planned.left][:2] == ["posenet3d, seed 0", "chen2019, seed 0"]
    assert planned.jobs[1].lengths == "teacher 4 × 4"
    assert planned.jobs[1].windows == 16
    reproduce(planned, progress=False)
    assert planned.left == plan(material, tmp_path).left == ()


def test_a_plan_in_epochs_counts_the_frames(material, tmp_path):
    planned = plan(material, tmp_path, "table2", preset="paper", budget=0.5, changes=())
    assert planned.jobs[0].windows == 4 * 75 * material.sequences(DETECTED).frames


def test_every_seed_trains_every_run_and_students_start_from_their_own_seed_s_teacher(
    material, tmp_path, workshop
):
    told = []
    results = reproduce(plan(material, tmp_path, seeds=[3, 5]), progress=False, tell=told.append)
    assert len(workshop.trained) == len(set(workshop.trained)) == len(told) == 14
    assert told[0].startswith("[1/14] posenet3d, seed 3: ")
    assert {each.seed for each in results.measurements} == {3, 5}
    assert plan(material, tmp_path, seeds=[5]).left == ()


def test_a_stopped_table_is_written_as_far_as_it_has_got_and_goes_on(material, tmp_path, workshop):
    workshop.fails["one-frame"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        reproduce(plan(material, tmp_path), progress=False)
    page = (tmp_path / "table4.md").read_text()
    assert "**Not finished:** 4 of 9 measurements are there." in page
    assert "| PoseNet3D-Teacher (1 frame) | 23.4 | – | 41.6 | – |" in page
    workshop.fails.clear()
    before = list(workshop.trained)
    assert reproduce(plan(material, tmp_path), progress=False).complete
    assert len(workshop.trained) == len(before) + 5
    assert "Not finished" not in (tmp_path / "table4.md").read_text()


def test_a_run_that_cannot_go_on_is_told_and_the_others_are_made(material, tmp_path, workshop):
    workshop.fails["chen2019"] = GameCollapsedError("teacher", 50, "it is certain.")
    results = reproduce(plan(material, tmp_path), progress=False)
    assert results.faults == {"chen2019, seed 0": "Stage 'teacher', step 50: it is certain."}
    assert len(workshop.trained) == 6
    page = (tmp_path / "table4.md").read_text()
    assert "**chen2019, seed 0 was stopped:** Stage 'teacher', step 50: it is certain." in page


def test_students_without_a_teacher_to_start_from_are_told(material, tmp_path, workshop):
    workshop.fails["posenet3d"] = GameCollapsedError("teacher", 50, "it is certain.")
    results = reproduce(plan(material, tmp_path), progress=False)
    assert results.faults["no-sja, seed 0"] == "posenet3d has no teacher to start from"
    assert [folder.name for folder in workshop.trained] == [
        *("chen2019-0", "one-frame-0", "baseline-1-0", "baseline-2-0")
    ]
    assert "**linear-sja, seed 0 was stopped:**" in (tmp_path / "table4.md").read_text()


def test_figures_of_other_settings_are_not_taken_for_these(material, people, tmp_path, workshop):
    reproduce(plan(material, tmp_path, "table2"), progress=False)
    with pytest.raises(RunFolderError, match=r"config\.stages\.0\.steps: 4 before, 7 now"):
        collect(plan(material, tmp_path, "table2", budget=2e-3))
    others = Material({EXACT: people}, material.test, "cmu14", rig="cmu14", noise="gentle")
    with pytest.raises(RunFolderError, match=r"data\.training\.name: '1 clip of S1' before"):
        collect(plan(others, tmp_path, "table2"))


def test_a_damaged_measurement_is_told(material, tmp_path, workshop):
    planned = plan(material, tmp_path, "table2")
    reproduce(planned, progress=False)
    path = planned.jobs[0].path("joint")
    path.write_text(path.read_text()[:50])
    with pytest.raises(DataError, match="joint-cmu14"):
        collect(planned)
    path.write_text('{"run": "posenet3d"}')
    with pytest.raises(RunFolderError, match="remove it"):
        collect(planned)


def test_a_folder_that_is_a_file_is_told(material, tmp_path):
    (tmp_path / "tables").write_text("")
    with pytest.raises(StorageError, match="tables"):
        reproduce(plan(material, tmp_path / "tables", "table2"), progress=False)


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_that_are_missing_or_come_twice_are_refused(material, tmp_path, seeds):
    with pytest.raises(ConfigurationError, match="each once"):
        plan(material, tmp_path, seeds=seeds)


def test_every_malformed_change_is_told():
    with pytest.raises(ConfigurationError) as caught:
        parse_changes(["batch_size", "=3", "chen2020:batch_size=3", "batch_size=2"])
    assert len(caught.value.faults) == 3


def test_nothing_left_takes_no_time(material, tmp_path, workshop):
    toy = plan(material, tmp_path, "table2")
    reproduce(toy, progress=False)
    assert estimated_seconds(toy, "cpu") == 0
