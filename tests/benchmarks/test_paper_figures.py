"""The benchmark that draws the paper's Fig. 7 and 8: which networks it asks, and what it leaves."""

import sys

import numpy as np
import pytest

from posenet3d import Estimator
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import StorageError
from posenet3d.reproduction import TABLES
from posenet3d.reproduction.runs import STAGES, find_run

MODULES = ("paper_figures",)


@pytest.fixture
def words(tmp_path, monkeypatch):
    """A call on two people's motion, of whom one is drawn."""
    clips = synthetic_motion(clips=2, seconds=0.3)
    walks = {f"S{number}/walk": clip.joints for number, clip in enumerate(clips, 1)}
    np.savez(tmp_path / "cmu_train.npz", fps=50.0, layout=clips[0].layout, **walks)
    tables = str(tmp_path / "tables")
    said = ["paper_figures.py", tables, "--data", str(tmp_path), "--results", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*said, "--subjects", "S2", "--seed", "1"])
    return said


def test_every_column_is_a_network_that_table_4_trains(benchmark):
    asked = {
        place for columns in benchmark.paper_figures.FIGURES.values() for place in columns.values()
    }
    assert {run for run, _ in asked} <= {run.name for run in TABLES["table4"].runs}
    for run, stage in asked:
        assert stage in STAGES[find_run(run).kind]


def test_both_figures_are_drawn_of_held_out_people(benchmark, monkeypatch, tmp_path, words):
    ships, asked, drawn = Estimator.from_pretrained(), [], {}

    class Estimators:
        @staticmethod
        def from_pretrained(folder):
            asked.append(folder.relative_to(tmp_path).as_posix())
            return ships

    def mesh_sheet(rows, picture, *, skeletons):
        drawn[picture.name] = [list(row.lifted) for row in rows], skeletons

    monkeypatch.setattr(benchmark.paper_figures, "Estimator", Estimators)
    monkeypatch.setattr(benchmark.paper_figures, "mesh_sheet", mesh_sheet)
    monkeypatch.setattr(benchmark.paper_figures, "CLIPS", 1)
    benchmark.paper_figures.main()
    assert asked[:2] == ["tables/runs/no-sja-1/stages/sja", "tables/runs/posenet3d-1/stages/sja"]
    assert drawn == {
        "paper_figure_7.png": ([["no SJA", "SJA"]], True),
        "paper_figure_8.png": ([["reprojection only", "and SJA", "distilled"]], False),
    }
    page = (tmp_path / "paper_figures.md").read_text()
    assert "`S2/walk`" in page
    assert "S1/walk" not in page
    assert str(tmp_path) not in page


def test_the_input_is_in_the_pixels_of_its_image(benchmark):
    (clip,) = synthetic_motion(clips=1, seconds=0.3)
    seen = benchmark.paper_figures.in_pixels(clip)
    assert seen.image_size == (1000, 1000)
    assert ((seen.points > 0) & (seen.points < 1000)).all()


def test_runs_that_are_not_there_are_told(benchmark, words):
    with pytest.raises(StorageError, match="no-sja-1"):
        benchmark.paper_figures.main()
