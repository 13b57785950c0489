"""`posenet3d lift --many`: a folder in, a folder out, exit codes that say so."""

import json

import numpy as np
import pytest

from posenet3d.cli import main
from posenet3d.reconstruction import load_reconstruction


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    made.mkdir()
    for name in ("a", "b"):
        points = np.random.default_rng(0).random((12, 17, 2))
        np.savez(made / f"{name}.npz", fps=50, layout="coco_17", points=points)
    return made


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code


def test_a_folder_is_lifted_and_the_next_run_skips_it(folder, tmp_path, capsys):
    words = "lift", folder, "--many", "--out", tmp_path / "out", "--to", "npz,json"
    assert run(*words, "--smooth", "one_euro") == 0
    assert "2 lifted, 0 finished before, 0 failed" in capsys.readouterr().out
    assert sorted(each.name for each in (tmp_path / "out").glob("?.*")) == [
        "a.json", "a.npz", "b.json", "b.npz",
    ]  # fmt: skip
    assert run(*words, "--smooth", "one_euro", "--json") == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == 2


def test_a_bad_file_is_told_and_ends_with_2(folder, tmp_path, capsys):
    (folder / "c.npz").write_bytes(b"PK no zip")
    assert run("lift", folder, "--many", "--out", tmp_path / "out", "--to", "npz") == 2
    told = capsys.readouterr().out
    assert "2 lifted, 0 finished before, 1 failed" in told
    assert "c.npz" in told


def test_a_clip_too_long_for_a_format_is_told_before_it_is_lifted(folder, tmp_path, capsys):
    points = np.random.default_rng(0).random((1210, 17, 2))
    np.savez(folder / "c.npz", fps=50, layout="coco_17", points=points)
    words = "lift", folder, "--many", "--out", tmp_path / "out", "--to", "npz,gif"
    assert run(*words, "--option", "gif.height=64", "--option", 'gif.panels=["front"]') == 2
    told = capsys.readouterr().out
    assert "2 lifted, 0 finished before, 1 failed" in told
    assert "c.npz: gif: expected at most 600 pictures, got 605" in told
    assert not (tmp_path / "out" / "c.npz").exists()


def test_a_folder_that_looks_like_one_clip_is_told(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for frame in range(2):
        points = np.random.default_rng(frame).random((1, 17, 2))
        np.savez(tmp_path / "in" / f"cam_{frame}.npz", fps=50, layout="coco_17", points=points)
    assert run("lift", tmp_path / "in", "--many", "--out", tmp_path / "out", "--to", "npz") == 0
    assert "Each input was one frame." in capsys.readouterr().out


def test_failures_are_told_in_the_command_lines_options(folder, tmp_path, capsys):
    points = np.random.default_rng(0).random((12, 17, 2))
    np.savez(folder / "d.npz", layout="coco_17", points=points)
    np.savez(folder / "e.npz", fps=50, points=points)
    assert run("lift", folder, "--many", "--out", tmp_path / "out", "--to", "npz") == 2
    told = capsys.readouterr().out
    assert "d.npz: fps: expected frames a second, got a file that does not tell; say --fps." in told
    assert (
        "e.npz: layout: expected the joints' layout, got a file that does not tell; say --" in told
    )
    assert "fps=" not in told
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert "say --fps." in report["outcomes"][2]["error"]


def test_the_frame_rate_to_lift_at_reaches_the_files(folder, tmp_path, capsys):
    words = "lift", folder, "--many", "--out", tmp_path / "out", "--to", "npz"
    assert run(*words, "--resample", "25") == 0
    lifted = load_reconstruction(tmp_path / "out" / "a.npz")
    assert lifted.provenance["resample"] == "to 25 frames a second"
    assert (len(lifted), lifted.fps) == (12, 50.0)
    assert run(*words, "--resample", "none") == 0
    assert "2 lifted, 0 finished before" in capsys.readouterr().out.splitlines()[-1]


def test_an_interrupt_tells_that_the_same_command_goes_on(folder, tmp_path, monkeypatch, capsys):
    def interrupted(estimator, sequence, **options):
        raise KeyboardInterrupt

    words = "lift", folder, "--many", "--out", tmp_path / "out", "--to", "npz"
    with monkeypatch.context() as once:
        once.setattr("posenet3d.inference.Estimator.predict", interrupted)
        assert run(*words) == 130
    assert "The same command goes on." in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "report.json").read_text())["done"] == 0
    assert run(*words) == 0


def test_options_that_do_not_go_together_are_refused(folder, tmp_path, capsys):
    assert run("lift", folder, "--many", "--out", tmp_path / "out", "--person", "1") == 2
    assert "--person: not with --many" in capsys.readouterr().err
    assert run("lift", folder / "a.npz", "--out", tmp_path / "a.npz", "--to", "glb") == 2
    assert "--to: goes with --many" in capsys.readouterr().err
    few = "--fewest-frames", "9"
    assert run("lift", folder / "a.npz", "--out", tmp_path / "a.npz", *few) == 2
    assert "--fewest-frames: goes with --many" in capsys.readouterr().err


def test_options_of_the_files_reach_them(folder, tmp_path):
    words = "lift", folder, "--many", "--out", tmp_path / "out", "--to", "trc,json"
    assert run(*words, "--option", "trc.unit=mm") == 0
    assert "\tmm\t" in (tmp_path / "out" / "a.trc").read_text().splitlines()[2]


def test_options_that_no_file_takes_are_refused_before_lifting(folder, tmp_path, capsys):
    words = "lift", folder, "--many", "--out", tmp_path / "out", "--to", "trc"
    for option, told in (("glb.root=still", "no file has the format 'glb'"), ("sun=1", "sun")):
        assert run(*words, "--option", option) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "out" / "a.trc").exists()


def test_whoever_is_in_few_frames_is_left_out(folder, tmp_path, capsys):
    words = "lift", folder, "--many", "--out", tmp_path / "out", "--to", "npz"
    assert run(*words, "--fewest-frames", "13") == 2
    assert "expected somebody in 13 frames or more" in capsys.readouterr().out
