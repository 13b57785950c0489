"""TRC and C3D files hold the joints that other programs' readers find in them."""

import numpy as np
import pytest

from posenet3d.errors import ConfigurationError, MissingExtraError, PoseNet3DError
from posenet3d.export.joint_tracks import joint_tracks
from posenet3d.reconstruction import world_motion
from posenet3d.skeletons import LSP_14

UNITS = {"m": 1.0, "mm": 1000.0}


@pytest.fixture(scope="module")
def lifted(moving):
    return moving(frames=7, fps=30000 / 1001, frame_index=np.array([4, 5, 6, 9, 10, 11, 12]))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("root", ["grounded", "track", "still"])
def test_another_trc_reader_finds_every_marker(tmp_path, lifted, unit, root):
    from trc import TRCData

    lifted.save(tmp_path / "a walk.trc", unit=unit, root=root)
    read = TRCData()
    read.load(tmp_path / "a walk.trc")
    assert tuple(read["Markers"]) == LSP_14.joint_names
    assert read["Units"] == unit
    assert read["DataRate"] == read["CameraRate"] == pytest.approx(30000 / 1001, rel=1e-9)
    assert (read["NumFrames"], read["Frame#"]) == (7, [1, 2, 3, 6, 7, 8, 9])
    assert read["OrigDataStartFrame"] == 5
    np.testing.assert_allclose(
        read["Time"], np.array([0, 1, 2, 5, 6, 7, 8]) * 1.001 / 30, atol=1e-8
    )
    found = np.stack([read[name] for name in read["Markers"]], axis=1) / UNITS[unit]
    np.testing.assert_allclose(found, world_motion(lifted, "y", root).joints, atol=1e-6)


def test_the_first_line_of_a_trc_file_says_what_the_header_cannot(tmp_path, lifted):
    lifted.save(tmp_path / "walk.trc")
    first = (tmp_path / "walk.trc").read_text().split("\n")[0].split("\t")
    assert first[:3] == ["PathFileType", "4", "(X/Y/Z)"]
    assert first[3].startswith("walk.trc (Unit: metres; Axes: x to the camera's right, y up")
    assert "Up comes from: given by the user" in first[3]
    assert "Scale: unknown" in first[3]
    assert "First frame: 4 of the source, at 0.133466667 s" in first[3]


def test_opensim_reads_the_trc_file(tmp_path, lifted):
    opensim = pytest.importorskip("opensim", reason="OpenSim is not installed (pip has it)")
    lifted.save(tmp_path / "walk.trc")
    table = opensim.TimeSeriesTableVec3(str(tmp_path / "walk.trc"))
    assert table.getColumnLabels() == LSP_14.joint_names
    assert table.getTableMetaDataString("Units") == "m"
    rows = [[table.getRowAtIndex(i)[j].to_numpy() for j in range(14)] for i in range(7)]
    np.testing.assert_allclose(rows, world_motion(lifted, "y").joints, atol=1e-6)


@pytest.mark.parametrize("unit", UNITS)
def test_ezc3d_finds_every_point_and_the_gap(tmp_path, lifted, unit):
    import ezc3d

    lifted.save(tmp_path / "walk.c3d", unit=unit)
    read = ezc3d.c3d(str(tmp_path / "walk.c3d"))
    point = read["parameters"]["POINT"]
    assert tuple(point["LABELS"]["value"]) == LSP_14.joint_names
    assert point["UNITS"]["value"] == [unit]
    assert point["RATE"]["value"][0] == pytest.approx(30000 / 1001)
    assert point["X_SCREEN"]["value"] + point["Y_SCREEN"]["value"] == ["+X", "+Z"]
    points = np.moveaxis(read["data"]["points"][:3], 0, -1).swapaxes(0, 1) / UNITS[unit]
    there = [0, 1, 2, 5, 6, 7, 8]
    np.testing.assert_allclose(points[there], world_motion(lifted, "z").joints, atol=1e-5)
    assert np.isnan(points[[3, 4]]).all()
    residuals = read["data"]["meta_points"]["residuals"][0]
    assert (residuals[:, there] == 0).all()
    assert (residuals[:, [3, 4]] == -1).all()


@pytest.mark.filterwarnings("ignore:No analog data")
def test_another_c3d_reader_finds_the_same(tmp_path, lifted):
    import c3d

    lifted.save(tmp_path / "walk.c3d")
    with (tmp_path / "walk.c3d").open("rb") as file:
        reader = c3d.Reader(file)
        assert tuple(label.strip() for label in reader.point_labels) == LSP_14.joint_names
        assert reader.get("POINT:UNITS").string_value.strip() == "mm"
        frames = np.array([points for _, points, _ in reader.read_frames()])
    there = [0, 1, 2, 5, 6, 7, 8]
    wanted = world_motion(lifted, "z").joints
    np.testing.assert_allclose(frames[there, :, :3] / 1000, wanted, atol=1e-5)
    assert (frames[[3, 4], :, 3] == -1).all()


def test_the_longest_c3d_file_comes_back_and_a_longer_one_is_refused(tmp_path, moving):
    import ezc3d

    def stretched(frames):
        return moving(frames=2, frame_index=np.array([0, frames - 1]), body=None)

    stretched(65_534).save(tmp_path / "long.c3d")
    points = ezc3d.c3d(str(tmp_path / "long.c3d"))["data"]["points"]
    assert points.shape == (4, 14, 65_534)
    assert np.isfinite(points[:3, :, -1]).all()
    with pytest.raises(PoseNet3DError, match="at most 65534 frames"):
        stretched(65_535).save(tmp_path / "longer.c3d")


def test_c3d_without_ezc3d_says_what_to_install(tmp_path, lifted, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ezc3d", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'posenet3d\[io\]'"):
        lifted.save(tmp_path / "walk.c3d")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["trc", "c3d"])
def test_a_unit_that_is_none_is_told(tmp_path, lifted, suffix):
    with pytest.raises(ConfigurationError, match=r"unit: .*'feet'"):
        lifted.save(tmp_path / f"walk.{suffix}", unit="feet")


def test_a_person_who_stands_has_the_head_above_the_feet_in_every_frame_of_reference(moving):
    """Whatever the camera's tilt: up is where gravity is not."""
    still = moving(frames=2)
    up = np.array([0.3, -0.8, 0.4]) / np.linalg.norm([0.3, -0.8, 0.4])
    joints = np.zeros((2, 14, 3))
    joints[:, LSP_14.index("head_top")] = 0.8 * up
    joints[:, LSP_14.index("left_ankle")] = -0.8 * up
    stood = type(still)(joints, still.root, still.keypoints, up=up, up_from="given")
    for axis, place in (("y", 1), ("z", 2)):
        positions = joint_tracks(stood, "world", axis, "still").positions
        rise = positions[0, LSP_14.index("head_top")] - positions[0, LSP_14.index("left_ankle")]
        np.testing.assert_allclose(rise, 1.6 * np.eye(3)[place], atol=1e-9)
