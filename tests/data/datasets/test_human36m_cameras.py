"""Human3.6M's cameras: read from what publishes them, or fitted to 2D and 3D."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from posenet3d.data.datasets.human36m.camera_files import read_cameras
from posenet3d.data.datasets.human36m.camera_fitting import fit_camera
from posenet3d.data.datasets.human36m.cameras import Human36mCamera
from posenet3d.data.datasets.human36m.joints import RELEASED, moving_joints
from posenet3d.errors import DataError, StorageError

PROGRAM = Path(__file__).with_name("human36m_files.py")
SPEC = importlib.util.spec_from_file_location("human36m_files", PROGRAM)
files = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(files)

WRITERS = {
    "metadata.xml": files.write_metadata_xml,
    "camera-parameters.json": files.write_camera_json,
    "h36m_dataset.py": files.write_camera_module,
}
ROOM = np.random.default_rng(3).uniform([-1, -1, 0], [1, 1, 2], (400, 3))


@pytest.fixture(scope="module")
def standing():
    return files.cameras()


@pytest.mark.parametrize("name", WRITERS)
def test_a_camera_file_gives_each_camera_as_it_stands_and_distorts(name, standing, tmp_path):
    WRITERS[name](tmp_path / name, standing)
    read = read_cameras(tmp_path / name)
    for subject in files.SUBJECTS:
        for camera in files.CAMERAS:
            pixels, at = standing[subject, camera].sees(ROOM)
            found = read[subject, camera]
            np.testing.assert_allclose(found.to_camera(ROOM), at, atol=1e-9)
            np.testing.assert_allclose(found.project(ROOM), pixels, atol=1e-6)


@pytest.mark.parametrize("name", WRITERS)
def test_a_camera_file_that_is_cut_off_or_another_one_is_named(name, standing, tmp_path):
    path = tmp_path / name
    WRITERS[name](path, standing)
    files.lost_half(path)
    with pytest.raises(DataError, match=name):
        read_cameras(path)
    path.write_bytes(b"{}")
    with pytest.raises(DataError, match=name):
        read_cameras(path)
    path.unlink()
    with pytest.raises(StorageError, match="No such file"):
        read_cameras(path)


def test_numbers_that_make_no_camera_are_refused(standing, tmp_path):
    path = tmp_path / "camera-parameters.json"
    files.write_camera_json(path, standing)
    said = json.loads(path.read_text())
    said["extrinsics"]["S9"]["60457274"]["R"][0][0] += 0.1
    path.write_text(json.dumps(said))
    with pytest.raises(DataError, match="a rotation that is none"):
        read_cameras(path)
    (tmp_path / "metadata.xml").write_text("<a><w0>[1 2 3]</w0></a>")
    with pytest.raises(DataError, match="expected 300 numbers in <w0>, got 3"):
        read_cameras(tmp_path / "metadata.xml")


@pytest.mark.parametrize("camera", files.CAMERAS)
def test_a_camera_is_fitted_to_exact_points_within_a_micrometre(camera, standing):
    pixels, at = standing["S9", camera].sees(ROOM)
    found = fit_camera(ROOM, pixels, camera)
    np.testing.assert_allclose(found.to_camera(ROOM), at, atol=1e-6)
    np.testing.assert_allclose(found.project(ROOM), pixels, atol=1e-6)
    wanted = standing["S9", camera]
    np.testing.assert_allclose(found.tangential, wanted.tangential[::-1], atol=1e-6)
    np.testing.assert_allclose(found.position, wanted.position / 1000, atol=1e-6)


def test_single_precision_costs_some_micrometres(standing):
    pixels, at = standing["S11", "55011271"].sees(ROOM)
    found = fit_camera(ROOM.astype(np.float32), pixels.astype(np.float32), "55011271")
    np.testing.assert_allclose(found.to_camera(ROOM), at, atol=1e-5)


def test_2d_that_is_no_projection_is_refused(standing):
    pixels, _ = standing["S9", "60457274"].sees(ROOM)
    detected = pixels + np.random.default_rng(0).normal(0, 3, pixels.shape)
    with pytest.raises(DataError, match=r"projection of the 3D to 0\.1 pixels, got 2D 2\.\d+ pix"):
        fit_camera(ROOM, detected, "60457274")
    with pytest.raises(DataError, match="expected 100 known points or more, got 60"):
        fit_camera(ROOM[:60], pixels[:60], "60457274")


def test_distortion_is_the_release_s_not_opencv_s():
    """By hand: x = 0.5, y = 0, one coefficient at a time."""
    for radial, tangential, pixels in (
        ((0.1, 0, 0), (0, 0), (500 * (1 + 0.1 * 0.25), 0)),
        ((0, 0.1, 0), (0, 0), (500 * (1 + 0.1 * 0.0625), 0)),
        ((0, 0, 0.1), (0, 0), (500 * (1 + 0.1 * 0.015625), 0)),
        ((0, 0, 0), (0.1, 0), (500 * (1 + 0.1 * 0.5) + 1000 * 0.1 * 0.25, 0)),  # OpenCV: 2 · 0.5
        ((0, 0, 0), (0, 0.1), (500, 1000 * 0.1 * 0.25)),
    ):
        camera = Human36mCamera(
            np.eye(3), np.zeros(3), np.full(2, 1000.0), np.zeros(2),
            np.array(radial, dtype=float), np.array(tangential, dtype=float),
        )  # fmt: skip
        np.testing.assert_allclose(camera.project(np.array([1.0, 0.0, 2.0])), pixels)


def test_seventeen_of_32_joints_are_those_that_videopose3d_keeps():
    numbers = np.arange(32.0)[:, None]
    assert moving_joints(numbers)[:, 0].tolist() == list(files.KEPT)
    assert len(set(RELEASED)) == 32
