import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from posenet3d.body import (
    mannequin_data,
    read_body_file,
    read_smpl_file,
    smpl_files,
    write_body_file,
)
from posenet3d.errors import BodyModelFileError, StorageError

PROGRAM = Path(__file__).with_name("official_layout.py")
SPEC = importlib.util.spec_from_file_location("official_layout", PROGRAM)
LAYOUT = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(LAYOUT)


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Makes a file of the official layout, in a process that may fake chumpy."""
    folder = tmp_path_factory.mktemp("official")

    def made(protocol=2, made_by="python2"):
        path = folder / f"SMPL_{protocol}_{made_by}.pkl"
        if not path.exists():
            command = [sys.executable, str(PROGRAM), str(path), str(protocol), made_by]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        return path

    return made


@pytest.mark.parametrize(
    ("protocol", "made_by"),
    [(0, "python2"), (1, "python2"), (2, "python2"), (0, "python3"), (2, "python3"),
     (3, "python3"), (4, "python3"), (5, "python3")],
)  # fmt: skip
def test_a_file_of_the_official_layout_loads_exactly(official, protocol, made_by):
    data, expected = read_smpl_file(official(protocol, made_by)), LAYOUT.arrays()
    for name, array in (
        ("v_template", data.v_template),
        ("shapedirs", data.shapedirs),
        ("posedirs", data.posedirs),
        ("J_regressor", data.joint_regressor),
        ("weights", data.weights),
        ("f", data.faces),
    ):
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    assert data.num_betas == 300
    assert data.parents[:5] == (-1, 0, 0, 0, 1)
    assert data.joint_names[16] == "left_shoulder"
    assert "non-commercial" in data.license
    assert "chumpy" not in sys.modules


def test_a_converted_file_is_the_same_body_of_the_same_family(official, tmp_path):
    data = read_smpl_file(official())
    write_body_file(tmp_path / "smpl.npz", data)
    for again in (read_body_file(tmp_path / "smpl.npz"), read_smpl_file(tmp_path / "smpl.npz")):
        for name in ("v_template", "shapedirs", "posedirs", "joint_regressor", "weights", "faces"):
            np.testing.assert_array_equal(getattr(again, name), getattr(data, name))
        assert (again.parents, again.joint_names) == (data.parents, data.joint_names)
        assert (again.family, again.license) == (data.family, data.license)
        assert again.family.startswith("smpl:")


def test_the_same_body_makes_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_body_file(tmp_path / name, mannequin_data())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        write_body_file(tmp_path / "nowhere" / "body.npz", mannequin_data())


def test_fewer_betas_are_the_leading_ones_of_the_same_family(official):
    few, every = read_smpl_file(official(), betas=10), read_smpl_file(official())
    assert few.num_betas == 10
    assert few.family == every.family
    np.testing.assert_array_equal(few.shapedirs, every.shapedirs[..., :10])


def test_family_and_digest_can_be_named(official):
    data = read_smpl_file(official(), family="mine")
    assert data.family == "mine"
    assert read_smpl_file(official(), sha256=data.sha256).sha256 == data.sha256
    with pytest.raises(BodyModelFileError, match="expected SHA-256 0000"):
        read_smpl_file(official(), sha256="0" * 64)


def test_an_npz_of_another_family_keeps_it(tmp_path):
    write_body_file(tmp_path / "body.npz", mannequin_data())
    data = read_smpl_file(tmp_path / "body.npz")
    assert (data.family, data.license) == (mannequin_data().family, mannequin_data().license)


def test_a_missing_file_tells_where_smpl_is_obtained_and_what_needs_none(tmp_path):
    with pytest.raises(BodyModelFileError) as caught:
        read_smpl_file(tmp_path / "SMPL_NEUTRAL.pkl")
    for fact in ("No such file", "smpl.is.tue.mpg.de", "register", "SMPL_NEUTRAL.pkl", "mannequin"):
        assert fact in str(caught.value)


def test_what_a_pickle_lacks_is_listed(tmp_path, official):
    content = official(2, "python3").read_bytes()
    path = tmp_path / "body.pkl"
    path.write_bytes(content.replace(b"X\x09\x00\x00\x00shapedirs", b"X\x09\x00\x00\x00shapedirz"))
    with pytest.raises(BodyModelFileError, match="expected the arrays shapedirs, got v_template"):
        read_smpl_file(path)


def test_a_text_in_an_arrays_place_is_told(tmp_path):
    path = tmp_path / "body.pkl"
    keys = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table")
    path.write_bytes(b"(d" + b"".join(b"S'%s'\nS'lbs'\ns" % key.encode() for key in keys) + b".")
    with pytest.raises(BodyModelFileError, match="expected arrays of numbers as v_template"):
        read_smpl_file(path)


def test_a_file_that_is_too_long_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(smpl_files, "MAX_BYTES", 10)
    (tmp_path / "body.pkl").write_bytes(bytes(11))
    with pytest.raises(BodyModelFileError, match="expected at most 10 bytes"):
        read_smpl_file(tmp_path / "body.pkl")
