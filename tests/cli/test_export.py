"""``posenet3d export`` writes what is asked for, or first says all that is wrong."""

import json
import os
import sys

import numpy as np
import pytest

from posenet3d import plugins
from posenet3d.cli import main
from posenet3d.cli.export import plan
from posenet3d.errors import ConfigurationError
from posenet3d.plugins import GROUPS, Plugin
from posenet3d.testing.contracts.exporters import moving_body


@pytest.fixture
def result(tmp_path):
    path = tmp_path / "result.npz"
    moving_body().save(path)
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["export", *map(str, arguments)])
    return left.value.code


def test_several_files_get_their_own_options(result, tmp_path, capsys):
    outs = [tmp_path / "a.trc", tmp_path / "a.csv", tmp_path / "a.ply"]
    given = [part for out in outs for part in ("--out", out)]
    options = ["trc.unit=mm", "csv.frame=camera", "ply.every=3"]
    given += [part for option in options for part in ("--option", option)]
    assert run(result, *given) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in shown] == [
        str(tmp_path / name) for name in ("a.trc", "a.csv", "a_ply")
    ]
    assert shown[2].endswith("2 files")
    assert "\tmm\t" in outs[0].read_text()
    assert "from the camera" in outs[1].read_text()


def test_json_tells_what_was_written(result, tmp_path, capsys):
    assert run(result, "-o", tmp_path / "a.json", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    (written,) = told["written"]
    assert written["path"] == str(tmp_path / "a.json")
    assert written["format"] == "json"
    assert written["bytes"] == (tmp_path / "a.json").stat().st_size


def test_a_file_that_is_there_is_replaced_by_force_only(result, tmp_path, capsys):
    out = tmp_path / "a.csv"
    out.write_text("mine")
    assert run(result, "--out", out) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert run(result, "--out", out, "--force") == 0
    assert out.read_text() != "mine"


def test_a_sequence_that_is_there_is_kept_too(result, tmp_path, capsys):
    (tmp_path / "a_obj").mkdir()
    assert run(result, "--out", tmp_path / "a.obj") == 2
    assert "a_obj is there already" in capsys.readouterr().err


def test_all_faults_come_at_once_and_nothing_is_written(result, tmp_path, capsys):
    outs = ["-o", tmp_path / "a.trc", "-o", tmp_path / "a.gbl", "-o", tmp_path / "no" / "a.csv"]
    assert run(result, *outs, "--option", "trc.unit=feet", "--option", "csv.nonsense=1") == 2
    told = capsys.readouterr().err
    assert "'feet'" in told
    assert "did you mean 'glb'?" in told
    assert "Unknown option 'nonsense'" in told
    assert "there is no folder" in told
    assert [each.name for each in tmp_path.iterdir()] == ["result.npz"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "RESULT: expected"),
        (("x.npz",), "--out: expected at least one file"),
        (("x.npz", "-o", "walk"), "expected a suffix that tells the format"),
        (("x.npz", "-o", "a.trc", "--option", "unit"), "expected KEY=VALUE"),
        (("x.npz", "-o", "a.trc", "--option", "glb.mesh=1"), "no file has the format 'glb'"),
        (("x.npz", "-o", "a.trc", "-o", "a.trc"), "given twice"),
        (("absent.npz", "-o", "a.trc"), "absent.npz: cannot be read"),
    ],
)
def test_a_wrong_call_says_what_was_expected(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_a_format_whose_extra_is_missing_is_told_before_the_first_file_is_written(
    result, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    assert run(result, "-o", tmp_path / "a.trc", "-o", tmp_path / "a.c3d") == 2
    assert "pip install 'posenet3d[io]'" in capsys.readouterr().err
    assert not (tmp_path / "a.trc").exists()


def test_footage_that_is_not_there_is_told_before_the_first_file_is_written(
    result, tmp_path, capsys
):
    outs = "-o", tmp_path / "a.trc", "-o", tmp_path / "a.png"
    assert run(result, *outs, "--option", "png.footage=gone.mp4") == 2
    assert "footage" in (told := capsys.readouterr().err)
    assert "got 'gone.mp4'" in told
    assert not (tmp_path / "a.trc").exists()


@pytest.mark.parametrize(
    ("name", "option", "told"),
    [
        ("a.gif", "start=60", "start: expected a time before stop and the end"),
        ("a.mp4", "start=60", "start: expected a time before stop and the end"),
        ("a.gif", "stop=0", "stop: Input should be greater than 0"),
        ("a.obj", "only=9999", "only: expected a frame from 0 to"),
    ],
)
def test_a_part_that_is_not_there_is_told_before_the_first_file_is_written(
    result, tmp_path, capsys, name, option, told
):
    words = ["-o", tmp_path / "a.trc", "-o", tmp_path / name]
    assert run(result, *words, "--option", f"{name[2:]}.{option}") == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "a.trc").exists()


def test_a_folder_that_may_not_be_written_to_is_told_before_the_first_file_is_written(
    result, tmp_path, monkeypatch, capsys
):
    (tmp_path / "closed").mkdir()
    (tmp_path / "b.trc").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: not str(path).endswith("closed"))
    outs = [tmp_path / name for name in ("a.trc", "closed/a.trc", "b.trc")]
    assert run(result, "--force", *(word for out in outs for word in ("-o", out))) == 2
    told = capsys.readouterr().err
    assert f"{outs[1]}: the folder {outs[1].parent} may not be written to" in told
    assert f"{outs[2]}: it is a folder" in told
    assert not outs[0].exists()


def test_a_path_may_have_brackets_and_letters_of_any_kind(result, tmp_path):
    folder = tmp_path / "odd[" / "b] ünï*"
    folder.mkdir(parents=True)
    assert run(result, "-o", folder / "walk [1].trc") == 0
    assert (folder / "walk [1].trc").stat().st_size > 0


def test_a_file_that_is_no_result_is_told(tmp_path, capsys):
    np.savez(tmp_path / "x.npz", points=np.zeros((5, 14, 2)))
    assert run(tmp_path / "x.npz", "-o", tmp_path / "a.trc") == 2
    assert "expected a reconstruction that posenet3d wrote" in capsys.readouterr().err


def test_the_list_has_every_format_and_option(capsys):
    assert run("--list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == set(GROUPS["exporters"].names())
    assert told["trc"] == {"unit": "m", "root": "grounded"}
    assert run("--list") == 0
    assert ".trc" in capsys.readouterr().out


def test_values_are_json_where_they_are_json_and_text_otherwise(tmp_path):
    given = ["every=3", "only=null", "frame=camera", 'up_axis="z"', "x=a=b", f"deep={'[' * 10**5}"]
    (job,) = plan([tmp_path / "a.OBJ"], given)
    assert job.format == "obj"
    assert job.options["every"] == 3
    assert job.options["only"] is None
    assert (job.options["frame"], job.options["up_axis"]) == ("camera", "z")
    assert job.options["x"] == "a=b"


def test_a_format_can_be_named_where_the_suffix_does_not_tell(result, tmp_path):
    assert run(result, "--out", tmp_path / "markers.txt", "--format", "trc") == 0
    assert (tmp_path / "markers.txt").read_text().startswith("PathFileType")
    with pytest.raises(ConfigurationError):
        plan([tmp_path / "markers"])


def test_an_exporter_that_writes_nothing_is_told_of(result, tmp_path, capsys, monkeypatch):
    idle = Plugin("posenet3d.exporters", "idle", "builtins:dict", "stranger", "3.1")
    known = plugins._advertised
    monkeypatch.setattr(plugins, "_advertised", lambda group: (*known(group), idle))
    assert run(result, "--out", tmp_path / "a.idle") == 2
    assert "expected a file from the exporter 'idle', got none" in capsys.readouterr().err


def test_an_interrupt_says_which_file_is_not_there(result, tmp_path, capsys, monkeypatch):
    def interrupted(*, path, reconstruction):
        raise KeyboardInterrupt

    monkeypatch.setattr(Plugin, "load", lambda plugin: interrupted)
    assert run(result, "--out", tmp_path / "a.trc") == 130
    told = capsys.readouterr().err
    assert told.endswith(f"Interrupted; nothing was written to {tmp_path / 'a.trc'}.\n")
    assert not (tmp_path / "a.trc").exists()
