import importlib.util
from pathlib import Path

import numpy as np
import pytest

from posenet3d.data.datasets import load_dataset, training_set
from posenet3d.data.datasets.lsp import LspDataset
from posenet3d.errors import ConfigurationError, DataError
from posenet3d.skeletons import LSP_14
from posenet3d.testing import check_dataset

scipy_io = pytest.importorskip("scipy.io")
SPEC = importlib.util.spec_from_file_location("lsp_files", Path(__file__).with_name("lsp_files.py"))
FILES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(FILES)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folders of LSP and LSP extended, and the joints in them."""
    root = tmp_path_factory.mktemp("lsp")
    lsp, extended = root / "lsp_dataset", root / "lspet_dataset"
    return lsp, extended, FILES.write(lsp, count=1010), FILES.write_extended(extended)


def test_its_files_keep_the_contract(tmp_path):
    FILES.write(tmp_path / "lsp", count=4)
    FILES.write_extended(tmp_path / "lspet", count=5)
    check_dataset("lsp", tmp_path / "lsp")
    check_dataset("lsp", tmp_path / "lspet", complete=False)


def test_its_joints_are_the_canonical_ones():
    assert [name.replace(" ", "_") for name in FILES.ORDER] == list(LSP_14.joint_names)


def test_each_training_picture_is_repeated(made):
    lsp, _, points, _ = made
    found = dict(LspDataset(lsp).training())
    assert len(found) == 1000
    assert list(found)[:2] == ["lsp/im0001/photo", "lsp/im0002/photo"]
    seen = found["lsp/im0002/photo"]
    assert (len(seen), seen.layout) == (10, "lsp_14")
    np.testing.assert_allclose(seen.points, np.tile(points[1], (10, 1, 1)))
    assert seen.source == str(lsp / "images" / "im0002.jpg")
    assert Path(seen.source).is_file()


def test_an_occluded_joint_has_a_place_and_half_the_confidence(made):
    _, seen = next(iter(LspDataset(made[0]).training()))
    wrist = LSP_14.index("left_wrist")
    assert seen.confidence[0, wrist] == 0.5
    assert np.delete(seen.confidence[0], wrist).tolist() == [1.0] * 13
    np.testing.assert_allclose(seen.points[0], made[2][0])


def test_the_test_pictures_are_there_to_look_at(made):
    found = dict(LspDataset(made[0]).pictures())
    assert list(found) == [f"lsp/im{number}/photo" for number in range(1001, 1011)]
    assert {len(each) for each in found.values()} == {1}
    np.testing.assert_allclose(found["lsp/im1001/photo"].points[0], made[2][1000])


def test_there_is_nothing_to_test_against(made):
    with pytest.raises(DataError, match=r"lsp_dataset: expected true joints .* LSP has no 3D"):
        LspDataset(made[0]).test()


def test_what_the_extension_did_not_label_is_unknown(made):
    found = dict(LspDataset(made[1], complete=False).training())
    assert "lsp_extended/im00003/photo" not in found  # no head top, so no scale
    seen = found["lsp_extended/im00002/photo"]
    knee = LSP_14.index("left_knee")
    assert np.isnan(seen.points[0, knee]).all()
    assert seen.confidence[0, knee] == 0
    whole = dict(LspDataset(made[1]).training())
    assert len(whole) == 28
    assert "lsp_extended/im00002/photo" not in whole
    assert list(LspDataset(made[1]).pictures()) == []


def test_both_are_trained_on_together(made):
    both = training_set(load_dataset("lsp", made[0], extended=made[1]))
    assert (len(both), both.subjects) == (1028, ("lsp", "lsp_extended"))


def test_pictures_that_skip_numbers_are_taken_in_their_order(tmp_path):
    points = FILES.write_extended(tmp_path, count=3, unlabelled=())
    for name in ("im00009.png", "im00002.png", "im00005.png"):
        (tmp_path / name).touch()
    found = dict(LspDataset(tmp_path).training())
    assert list(found) == [f"lsp_extended/im0000{number}/photo" for number in (2, 5, 9)]
    np.testing.assert_allclose(found["lsp_extended/im00005/photo"].points[0], points[1])


def test_repeated_pictures_make_a_window_each(made):
    assert len(training_set(LspDataset(made[1])).windows(frames=9)) == 28
    assert len(training_set(LspDataset(made[1], frames=28)).windows(frames=27)) == 28
    with pytest.raises(DataError, match="at least 10 frames"):
        training_set(LspDataset(made[1], frames=1)).windows(frames=9)
    with pytest.raises(ConfigurationError, match="frames"):
        load_dataset("lsp", made[0], frames=0)


def test_another_or_a_damaged_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"got a folder without joints.mat"):
        LspDataset(tmp_path)
    path = tmp_path / "joints.mat"
    scipy_io.savemat(path, {"joints": np.ones((3, 16, 9))})
    with pytest.raises(DataError, match=r"joints.mat: expected .* got \(3, 16, 9\)"):
        list(LspDataset(tmp_path).training())
    scipy_io.savemat(path, {"other": np.ones((3, 14, 9))})
    with pytest.raises(DataError, match=r"joints.mat: expected 'joints' .* got none"):
        list(LspDataset(tmp_path).training())
    FILES.write(tmp_path, count=9)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"joints.mat: expected a MATLAB file"):
        list(LspDataset(tmp_path).training())
