from importlib.resources import files

import numpy as np
import pytest

from posenet3d.body import SMPL_JOINT_NAMES, mannequin, mannequin_data
from posenet3d.errors import BodyModelFileError

FLIP_X = np.array([-1, 1, 1])


@pytest.fixture(scope="module")
def archive():
    path = files("posenet3d.assets") / "mannequin.npz"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def mirror(archive):
    return archive["mirror"].astype(int)


@pytest.fixture(scope="module")
def mirror_joints():
    swap = {"left": "right", "right": "left"}
    names = [n.replace(n.split("_")[0], swap.get(n.split("_")[0], n)) for n in SMPL_JOINT_NAMES]
    return [SMPL_JOINT_NAMES.index(name) for name in names]


def test_the_asset_is_small_and_says_where_it_comes_from():
    asset = files("posenet3d.assets") / "mannequin.npz"
    assert len(asset.read_bytes()) < 2_000_000
    data = mannequin_data()
    assert data.family == "makehuman-cc0"
    assert data.license.startswith("CC0 1.0 Universal")
    assert data.joint_names == SMPL_JOINT_NAMES
    assert "CC0" in (files("posenet3d.assets") / "README.md").read_text()


def test_it_is_read_once():
    assert mannequin_data() is mannequin_data()


def test_it_has_smpls_sizes_and_tree():
    data = mannequin_data()
    assert data.v_template.shape == (6890, 3)
    assert data.shapedirs.shape == (6890, 3, 10)
    assert data.posedirs.shape == (6890, 3, 207)
    assert data.parents == (
        -1,
        0,
        0,
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        9,
        9,
        12,
        13,
        14,
        16,
        17,
        18,
        19,
        20,
        21,
    )


def test_rows_are_exactly_convex():
    data = mannequin_data()
    for rows in (data.weights, data.joint_regressor):
        assert rows.min() >= 0
        assert (rows.sum(1, dtype=np.float64) == 1).all()
    assert ((data.weights > 0).sum(1) <= 5).all()


def test_the_mesh_is_one_closed_oriented_surface():
    faces = mannequin_data().faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(edges, axis=0)) == len(edges)
    there, back = ({*map(tuple, e.tolist())} for e in (edges, edges[:, ::-1]))
    assert there == back
    assert len(np.unique(faces)) == 6890
    assert 6890 - len(edges) // 2 + len(faces) == 2


def test_faces_look_outwards():
    data = mannequin_data()
    corners = data.v_template[data.faces].astype(float)
    volume = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert 0.05 < volume < 0.1


def test_every_joint_lies_inside_the_mesh():
    data = mannequin_data()
    joints = data.joint_regressor.astype(float) @ data.v_template
    corners = data.v_template[data.faces].astype(float)
    for name, joint in zip(data.joint_names, joints, strict=True):
        assert winding_number(corners - joint) == pytest.approx(1, abs=1e-6), name


def winding_number(corners):
    """How often triangles wind about the origin (van Oosterom and Strackee 1983)."""
    a, b, c = corners.transpose(1, 0, 2)
    x, y, z = (np.linalg.norm(side, axis=1) for side in (a, b, c))
    dots = (np.einsum("fi,fi->f", *pair) for pair in ((a, b), (b, c), (c, a)))
    ab, bc, ca = dots
    solid = np.arctan2(
        np.einsum("fi,fi->f", a, np.cross(b, c)), x * y * z + ab * z + bc * x + ca * y
    )
    return solid.sum() / (2 * np.pi)


def test_left_and_right_are_mirror_images(mirror, mirror_joints):
    data = mannequin_data()
    assert (mirror[mirror] == np.arange(6890)).all()
    np.testing.assert_allclose(data.v_template[mirror] * FLIP_X, data.v_template, atol=1e-6)
    shapes = data.shapedirs[mirror] * FLIP_X[:, None]
    np.testing.assert_allclose(shapes, data.shapedirs, atol=1e-6)
    np.testing.assert_allclose(data.weights[mirror][:, mirror_joints], data.weights, atol=1e-4)
    regressor = data.joint_regressor[mirror_joints][:, mirror]
    np.testing.assert_allclose(regressor, data.joint_regressor, atol=1e-4)


def test_pose_directions_are_mirror_images(mirror, mirror_joints):
    directions = mannequin_data().posedirs.reshape(6890, 3, 23, 3, 3)
    below = [joint - 1 for joint in mirror_joints[1:]]
    signs = FLIP_X[:, None, None, None] * FLIP_X[:, None] * FLIP_X
    np.testing.assert_allclose(directions[mirror][:, :, below] * signs, directions, atol=1e-4)
    assert 0.01 < np.abs(directions).max() < 0.2


def test_it_stands_y_up_facing_z_with_its_left_on_x():
    data = mannequin_data()
    joints = dict(zip(data.joint_names, data.joint_regressor @ data.v_template, strict=True))
    assert np.ptp(data.v_template[:, 1]) == pytest.approx(1.69, abs=0.03)
    assert joints["head"][1] > joints["pelvis"][1] > joints["left_ankle"][1]
    assert joints["left_hip"][0] > 0 > joints["right_hip"][0]
    assert joints["left_foot"][2] > joints["left_ankle"][2]
    np.testing.assert_allclose(joints["pelvis"], [0, -0.22, 0.03], atol=0.01)
    arm = joints["left_wrist"] - joints["left_shoulder"]
    assert abs(arm[0]) > 0.99 * np.linalg.norm(arm)


def test_positive_betas_are_taller():
    data = mannequin_data()
    for direction in data.shapedirs.transpose(2, 0, 1):
        assert np.ptp((data.v_template + direction)[:, 1]) > np.ptp(data.v_template[:, 1]) - 1e-6


class TestADamagedInstallation:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        mannequin_data.cache_clear()
        monkeypatch.setattr(mannequin, "files", lambda package: tmp_path)
        yield tmp_path
        mannequin_data.cache_clear()

    def test_tells_expected_and_found_digest(self, folder):
        (folder / "mannequin.npz").write_bytes(b"damaged")
        (folder / "mannequin.npz.sha256").write_text(f"{'0' * 64}  mannequin.npz\n")
        with pytest.raises(BodyModelFileError, match=r"mannequin.npz: expected SHA-256 0+, found"):
            mannequin_data()

    @pytest.mark.parametrize("listing", [None, ""])
    def test_tells_a_missing_digest(self, folder, listing):
        if listing is not None:
            (folder / "mannequin.npz.sha256").write_text(listing)
        with pytest.raises(BodyModelFileError, match=r"expected the SHA-256 of mannequin.npz"):
            mannequin_data()
