import json
import subprocess
import sys

import numpy as np
import pytest

from posenet3d.body import mannequin_data, read_body_file, write_body_file
from posenet3d.cli import main


@pytest.fixture
def body_file(tmp_path):
    path = tmp_path / "body.npz"
    write_body_file(path, mannequin_data())
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["body", *map(str, arguments)])
    return left.value.code


def test_convert_writes_an_npz_and_tells_its_licence(body_file, tmp_path, capsys):
    target = tmp_path / "smpl.npz"
    assert run("convert", body_file, "--out", target, "--betas", "4", "--family", "mine") == 0
    shown = capsys.readouterr().out
    assert "6890 vertices, 24 joints, 4 betas, family mine" in shown
    assert f"Licence: {mannequin_data().license}" in shown
    converted = read_body_file(target)
    assert (converted.family, converted.num_betas) == ("mine", 4)
    np.testing.assert_array_equal(converted.v_template, mannequin_data().v_template)


def test_convert_replaces_a_file_only_when_told_to(body_file, tmp_path, capsys):
    target = tmp_path / "smpl.npz"
    target.write_text("precious")
    assert run("convert", body_file, "--out", target) == 2
    assert "already there; add --force" in capsys.readouterr().err
    assert target.read_text() == "precious"
    assert run("convert", body_file, "--out", target, "--force") == 0
    assert read_body_file(target).num_betas == 10


def test_convert_makes_npz_only(body_file, tmp_path, capsys):
    assert run("convert", body_file, "--out", tmp_path / "smpl.pkl") == 2
    assert "ends in .npz" in capsys.readouterr().err


def test_info_tells_family_licence_sizes_and_joints(body_file, capsys):
    assert run("info", body_file, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    data = mannequin_data()
    assert report["family"] == data.family
    assert report["license"] == data.license
    assert (report["vertices"], report["betas"], report["pose_directions"]) == (6890, 10, 207)
    assert report["joints"] == list(data.joint_names)
    assert 1.5 < report["height_m"] < 2


def test_info_is_a_table_for_people(body_file, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert run("info", body_file) == 0
    shown = capsys.readouterr().out
    for fact in ("family", "makehuman-cc0", "6890", "24: pelvis", "height (m)"):
        assert fact in shown


def test_a_missing_file_is_one_message_and_exit_code_2(tmp_path, capsys):
    assert run("info", tmp_path / "SMPL_NEUTRAL.pkl") == 2
    told = capsys.readouterr().err
    assert "smpl.is.tue.mpg.de" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("arguments", [["--help"], ["body", "--help"], ["body", "info", "--help"]])
def test_help_imports_no_torch(arguments):
    program = (
        "import sys\nfrom posenet3d.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False False", done.stderr
