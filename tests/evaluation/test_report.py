"""The report as JSON, as a table and as a picture sheet."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from posenet3d.errors import ConfigurationError, StorageError
from posenet3d.evaluation.provenance import source_commit
from posenet3d.evaluation.report import EvaluationReport, figures_table
from posenet3d.evaluation.samples import PoseSample
from posenet3d.evaluation.scores import HeadScores, Tally
from posenet3d.skeletons.layouts import LSP_14


def head(seed: int, frames: int = 6) -> HeadScores:
    generator = torch.Generator().manual_seed(seed)
    tallies = {}
    for subject in ("S2", "S1"):
        truth = 300 * torch.randn(frames, 14, 3, generator=generator, dtype=torch.float64)
        noise = torch.randn(frames, 14, 3, generator=generator, dtype=torch.float64)
        tallies[subject] = Tally.of_sequence(truth + 50 * noise, truth)
    return HeadScores.of_subjects(tallies)


def report(frames: int = 6, **more: object) -> EvaluationReport:
    names = ("flat", "teacher", "student", "mean")
    heads = {name: head(seed, frames) for seed, name in enumerate(names)}
    facts = {"clips": 2, "views": 4, "frames": 48, "stride": 5, "fps": 50.0, "window": 9}
    return EvaluationReport(
        protocol="cmu14", heads=heads, normalization="sequence", **facts, **more
    )


def test_the_json_holds_each_head_under_its_own_name():
    values = json.loads(report(seed=1, command="posenet3d evaluate run").to_json())
    assert values["protocol"] == "cmu14"
    assert (values["seed"], values["command"]) == (1, "posenet3d evaluate run")
    for name in ("flat", "teacher", "student", "mean"):
        figures = {"p_mpjpe", "n_mpjpe", "mpjve", "mblstd", "p_mpjpe_reflected", "pck_150", "auc"}
        assert figures <= set(values[name])
        assert all(isinstance(values[name][figure], float) for figure in figures)
        assert values[name]["right_way_round"] is True
        assert tuple(values[name]["per_joint"]) == LSP_14.joint_names
        assert list(values[name]["by_subject"]) == ["S1", "S2"]
        assert "by_subject" not in values[name]["subject_mean"]


def test_what_could_not_be_had_is_null():
    text = report(frames=1).to_json()
    assert json.loads(text)["flat"]["mpjve"] is None
    assert "NaN" not in text


def test_the_json_file_is_replaced_as_a_whole(tmp_path: Path):
    path = tmp_path / "eval.json"
    path.write_text("old")
    report().write_json(path)
    assert json.loads(path.read_text())["clips"] == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path):
    with pytest.raises(StorageError, match="missing"):
        report().write_json(tmp_path / "missing" / "eval.json")


def test_the_table_fits_eighty_columns_and_names_what_it_shows():
    console = Console(width=80, color_system=None)
    mirrored = replace(head(0), p_mpjpe_depth_flipped=0.0, mpjve=123.4, n_mpjpe=1234.5)
    heads = {"flat": head(1), "teacher": mirrored}
    with console.capture() as captured:
        console.print(replace(report(), heads=heads))
    text = captured.get()
    for word in ("P-MPJPE", "reflected", "N-MPJPE", "MPJVE", "MBLSTD", "teacher", "subjects", "S1"):
        assert word in text
    assert "…" not in text
    assert max(map(len, str(report()).splitlines())) <= 80


def test_a_mirrored_head_is_told_in_capitals():
    truth = torch.randn(4, 14, 3, generator=torch.Generator().manual_seed(0)).double()
    mirrored = HeadScores.of_subjects(
        {"S1": Tally.of_sequence(truth * torch.tensor([1.0, 1.0, -1.0]).double(), truth)}
    )
    whole = EvaluationReport(
        protocol="cmu14", heads={"flat": mirrored}, clips=1, views=1, frames=4, stride=1,
        fps=50.0, window=9, normalization="sequence",
    )  # fmt: skip
    assert "MIRRORED" in str(whole)
    assert figures_table(whole).row_count == 1


def test_a_sheet_needs_samples(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="samples"):
        report().write_sheet(tmp_path / "sheet.png")


def test_a_sheet_is_drawn_of_the_sampled_frames(tmp_path: Path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    pose = np.linspace(-500.0, 500.0, 42).reshape(14, 3)
    sample = PoseSample("S1/a", 0, 3, pose, {"flat": 0.9 * pose}, pose[:, :2] / 5000)
    report(samples=(sample, sample)).write_sheet(tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_cannot_be_changed():
    with pytest.raises(AttributeError):
        report().seed = 3


def test_the_commit_is_a_hash_or_unknown():
    commit = source_commit()
    assert commit is None or len(commit.partition("+")[0]) == 40
