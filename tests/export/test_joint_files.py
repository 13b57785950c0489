"""CSV and JSON files of joints say what their numbers mean, and hold them."""

import csv

import numpy as np
import pytest

from posenet3d.export import csv as csv_module
from posenet3d.export import joint_tracks as tracks_module
from posenet3d.files import parse_json
from posenet3d.reconstruction import world_motion
from posenet3d.skeletons import LSP_14

FRAMES = [("world", "y"), ("world", "z"), ("camera", "y")]


@pytest.fixture(scope="module")
def lifted(moving):
    return moving(frames=5, fps=25.0, frame_index=np.array([2, 3, 4, 8, 9]))


def wanted(lifted, frame, up_axis):
    if frame == "camera":
        return lifted.joints3d + lifted.root[:, None]
    return world_motion(lifted, up_axis).joints


def read_csv(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    facts = dict(line[2:].split(": ", 1) for line in lines if line.startswith("#"))
    return facts, list(csv.DictReader(line for line in lines if line and line[0] != "#"))


@pytest.mark.parametrize("at_once", [2, 1024])
@pytest.mark.parametrize(("frame", "up_axis"), FRAMES)
def test_a_csv_file_has_a_row_a_joint_and_frame(
    tmp_path, lifted, frame, up_axis, at_once, monkeypatch
):
    monkeypatch.setattr(tracks_module, "FRAMES_AT_ONCE", at_once)
    lifted.save(tmp_path / "walk.csv", frame=frame, up_axis=up_axis)
    facts, rows = read_csv(tmp_path / "walk.csv")
    assert tuple(rows[0]) == csv_module.COLUMNS
    assert [row["joint"] for row in rows] == list(LSP_14.joint_names) * 5
    assert [int(row["frame"]) for row in rows[::14]] == [2, 3, 4, 8, 9]
    assert [float(row["time_s"]) for row in rows[::14]] == [0.08, 0.12, 0.16, 0.32, 0.36]
    found = np.array([[float(row[key]) for key in ("x_m", "y_m", "z_m")] for row in rows])
    np.testing.assert_allclose(
        found.reshape(5, 14, 3), wanted(lifted, frame, up_axis), rtol=1e-8, atol=1e-9
    )
    assert facts["Unit"] == "metres"
    assert f"{up_axis} up" in facts["Axes"] or frame == "camera"
    assert facts["Body family"] == "makehuman-cc0"


@pytest.mark.parametrize("at_once", [2, 1024])
@pytest.mark.parametrize(("frame", "up_axis"), FRAMES)
def test_a_json_file_is_plain_json_with_every_joint(
    tmp_path, lifted, frame, up_axis, at_once, monkeypatch
):
    monkeypatch.setattr(tracks_module, "FRAMES_AT_ONCE", at_once)
    lifted.save(tmp_path / "walk.json", frame=frame, up_axis=up_axis)
    read = parse_json((tmp_path / "walk.json").read_bytes(), "walk.json")
    assert list(read) == ["metadata", "joint_names", "bones", "frames"]
    assert tuple(read["joint_names"]) == LSP_14.joint_names
    assert [tuple(bone) for bone in read["bones"]] == list(LSP_14.bones)
    found = np.array([each["joints"] for each in read["frames"]])
    np.testing.assert_allclose(found, wanted(lifted, frame, up_axis), atol=1e-7)
    assert [each["frame"] for each in read["frames"]] == [2, 3, 4, 8, 9]
    told = read["metadata"]
    assert (told["unit"], told["fps"], told["layout"]) == ("m", 25.0, "lsp_14")
    assert (told["frame"], told["scale_known"], told["up_from"]) == (frame, False, "given")
    assert told["up_axis"] == (None if frame == "camera" else up_axis)


def test_joints_that_were_not_seen_have_no_confidence(tmp_path, moving):
    unseen = np.zeros((12, 14), dtype=np.bool_)
    unseen[3, LSP_14.index("neck")] = True
    lifted = moving(invented=unseen)
    lifted.save(tmp_path / "walk.json")
    lifted.save(tmp_path / "walk.csv")
    read = parse_json((tmp_path / "walk.json").read_bytes(), "walk.json")["frames"]
    sure = np.array([each["confidence"] for each in read])
    np.testing.assert_array_equal(sure, np.where(unseen, 0.0, 1.0))
    table = [float(row["confidence"]) for row in read_csv(tmp_path / "walk.csv")[1]]
    np.testing.assert_array_equal(np.reshape(table, (12, 14)), sure)


def test_a_held_root_stays_over_the_origin(tmp_path, lifted):
    lifted.save(tmp_path / "walk.json", root="still")
    frames = parse_json((tmp_path / "walk.json").read_bytes(), "walk.json")["frames"]
    joints = np.array([each["joints"] for each in frames])
    np.testing.assert_allclose(joints, world_motion(lifted, "y", "still").joints, atol=1e-7)


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_a_provenance_with_line_breaks_cannot_become_data(tmp_path, moving, suffix):
    lifted = moving(frames=2, provenance={"weights\n1,2": "a\n0,0,neck,9,9,9,1\u2028b"})
    lifted.save(tmp_path / f"walk.{suffix}")
    if suffix == "csv":
        assert len(read_csv(tmp_path / "walk.csv")[1]) == 28
    else:
        facts = parse_json((tmp_path / "walk.json").read_bytes(), "x")["metadata"]["facts"]
        assert facts["Made with weights 1,2"] == "a 0,0,neck,9,9,9,1 b"
