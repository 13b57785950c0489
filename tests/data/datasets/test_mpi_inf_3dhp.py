import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from posenet3d.data import write_annotated
from posenet3d.data.datasets import load_dataset, training_set
from posenet3d.data.datasets.mpi_inf_3dhp import MpiInf3dhpDataset
from posenet3d.errors import ConfigurationError, DataError
from posenet3d.evaluation import auc, evaluate, pck
from posenet3d.skeletons import LSP_14, layout
from posenet3d.testing import check_dataset

pytest.importorskip("h5py")
pytest.importorskip("scipy")
SPEC = importlib.util.spec_from_file_location(
    "mpi_inf_3dhp_files", Path(__file__).with_name("mpi_inf_3dhp_files.py")
)
FILES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(FILES)
VNECT = (0, 1, 2, 4, 5, 6, 7, 8)
ONE = {"subjects": ("S1",), "cameras": (0, 7)}


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    """The folder, and what was truly before its cameras."""
    root = tmp_path_factory.mktemp("mpi_inf_3dhp")
    training = FILES.write_training(root, ("S1/Seq1", "S1/Seq2"))
    return root, training, FILES.write_test(root)


def test_its_files_keep_the_contract(bodies):
    check_dataset("mpi_inf_3dhp", bodies[0], projected=None, **ONE)


def test_training_is_what_each_camera_saw(bodies):
    root, training, _ = bodies
    found = dict(load_dataset("mpi_inf_3dhp", root, subjects=["S1"]).training())
    assert list(found) == [f"S1/Seq{seq}/camera{camera}" for seq in (1, 2) for camera in VNECT]
    seen = found["S1/Seq2/camera5"]
    assert (seen.layout, seen.fps, seen.image_size) == ("mpi_inf_3dhp_28", 50.0, (2048, 2048))
    assert found["S1/Seq1/camera5"].fps == 25.0
    assert seen.source.endswith("S1/Seq2/annot.mat (camera 5)")
    np.testing.assert_allclose(seen.points, FILES.pixels(training["S1/Seq2"][5]))


def test_the_layouts_are_in_the_owners_order():
    assert layout("mpi_inf_3dhp_28").joint_names == tuple(FILES.ALL_28)
    relevant = tuple(FILES.ALL_28[at - 1] for at in FILES.RELEVANT)
    assert layout("mpi_inf_3dhp_17").joint_names == relevant


def test_the_14_joints_are_those_of_their_names(bodies):
    root, training, _ = bodies
    dataset = load_dataset("mpi_inf_3dhp", root, **ONE)
    _, seen = next(iter(dataset.training()))
    lsp = seen.to_layout("lsp_14")
    wanted = [FILES.ALL_28.index(name) for name in LSP_14.joint_names]
    np.testing.assert_allclose(lsp.points, FILES.pixels(training["S1/Seq1"][0])[:, wanted])
    assert not lsp.synthesized.any()
    video = next(iter(dataset.test()))
    relevant = [FILES.ALL_28[at - 1] for at in FILES.RELEVANT]
    wanted = [relevant.index(name) for name in LSP_14.joint_names]
    made = video.keypoints.to_layout("lsp_14").points
    np.testing.assert_allclose(made, video.keypoints.points[:, wanted])


def test_a_copy_saved_as_7_3_is_the_same(bodies, tmp_path):
    root, _, _ = bodies
    FILES.write_training(tmp_path, ("S1/Seq1", "S1/Seq2"), v73=True)
    old = list(load_dataset("mpi_inf_3dhp", root, **ONE).training())
    new = list(load_dataset("mpi_inf_3dhp", tmp_path, **ONE).training())
    assert [name for name, _ in new] == [name for name, _ in old]
    for (_, one), (_, other) in zip(new, old, strict=True):
        np.testing.assert_array_equal(one.points, other.points)


def test_rows_without_a_picture_are_left_out(tmp_path, monkeypatch):
    from posenet3d.data.datasets import mpi_inf_3dhp as module

    short = module._RECORDINGS["S1/Seq1"]._replace(frames=7)
    monkeypatch.setattr(module, "_RECORDINGS", {"S1/Seq1": short})
    FILES.write_training(tmp_path)
    lengths = {len(seen) for _, seen in MpiInf3dhpDataset(tmp_path).training()}
    assert lengths == {7}


def test_the_recordings_are_those_of_the_owners_table():
    from posenet3d.data.datasets.mpi_inf_3dhp import _RECORDINGS

    fast = [name for name, recording in _RECORDINGS.items() if recording.fps == 50.0]
    assert fast == ["S1/Seq2", "S3/Seq1", "S3/Seq2", "S5/Seq1", "S5/Seq2"]
    for recording in _RECORDINGS.values():  # about four minutes each
        assert 240 < recording.frames / recording.fps < 270


def test_test_videos_have_the_universal_skeleton_in_metres(bodies):
    root, _, truth = bodies
    found = {each.subject: each for each in load_dataset("mpi_inf_3dhp", root).test()}
    assert list(found) == [f"TS{video}" for video in range(1, 7)]
    np.testing.assert_allclose(found["TS2"].joints, truth["TS2"], atol=1e-9)
    assert found["TS2"].name == "TS2/test/camera"
    assert [int(each.counted.sum()) for each in found.values()] == [10] * 4 + [40] * 2
    assert found["TS4"].keypoints.image_size == (2048, 2048)
    assert found["TS5"].keypoints.image_size == (1920, 1080)
    own = next(iter(load_dataset("mpi_inf_3dhp", root, truth="annot3").test()))
    ratio = np.ptp(own.joints, axis=1) / np.ptp(found["TS1"].joints, axis=1)
    np.testing.assert_allclose(ratio, 1 / FILES.UNIVERSAL)


def test_the_test_set_may_lie_as_the_owners_script_unpacks_it(bodies, tmp_path):
    name = "mpi_inf_3dhp_test_set"
    shutil.copytree(bodies[0] / name, tmp_path / name / name)
    dataset = load_dataset("mpi_inf_3dhp", tmp_path)
    assert all(len(paths) in (0, 6) for paths in dataset.about.found(tmp_path).values())
    found, wanted = (
        list(load_dataset("mpi_inf_3dhp", root).test()) for root in (tmp_path, bodies[0])
    )
    assert [each.key for each in found] == [each.key for each in wanted]
    np.testing.assert_array_equal(found[0].joints, wanted[0].joints)


def test_frames_without_annotations_are_left_out(tmp_path):
    import h5py

    FILES.write_test(tmp_path, videos=(1,))
    path = tmp_path / "mpi_inf_3dhp_test_set/TS1/annot_data.mat"
    with h5py.File(path, "r+") as file:
        file["annot2"][3:5] = 0.0
    first = next(iter(MpiInf3dhpDataset(tmp_path).test()))
    assert len(first) == 38
    assert first.keypoints.frame_index[:5].tolist() == [0, 1, 2, 5, 6]
    assert first.counted[:4].tolist() == [True, False, False, False]


def test_the_protocol_counts_the_valid_frames_and_takes_no_velocities(bodies, tmp_path):
    root, _, _ = bodies
    write_annotated(tmp_path / "test.npz", load_dataset("mpi_inf_3dhp", root).test())
    report = evaluate(None, tmp_path / "test.npz", "mpi-inf-3dhp")
    flat = report["flat"]
    assert (report.clips, report.views, flat.frames) == (6, 1, 4 * 10 + 2 * 40)
    assert list(flat.by_subject) == [f"TS{video}" for video in range(1, 7)]
    assert np.isnan([report.fps, flat.mpjve, flat.mpjve_videopose3d]).all()
    assert np.isfinite([flat.p_mpjpe, flat.pck_150, flat.auc, flat.n_pck_150, flat.n_auc]).all()
    assert '"mpjve": null' in report.to_json()


def test_its_2d_makes_windows_to_train_on(bodies):
    windows = training_set(load_dataset("mpi_inf_3dhp", bodies[0], **ONE)).windows(frames=9)
    assert len(windows) == 4 * (30 - 9)


def test_pck_and_auc_are_those_of_the_owners_script_on_a_worked_example():
    """mpii_compute_3d_pck.m: thresh = 0:5:150, error < t, the mean over thresholds.

    Two joints off by 0, 5, 72.5 and 150 mm in turn: below the 31 thresholds lie 30 (5 … 150),
    29 (10 … 150), 16 (75 … 150) and none. The groups' means weighted by their joints are the mean
    over all joints.
    """
    truth = torch.zeros(2, 2, 3, dtype=torch.float64)
    off = torch.tensor([[[0.0, 0, 0], [3, 4, 0]], [[72.5, 0, 0], [0, 90, 120]]]).double()
    assert auc(off, truth).tolist() == pytest.approx([100 * 59 / 62, 100 * 16 / 62], abs=1e-9)
    assert pck(off, truth).tolist() == [100.0, 50.0]  # 150 mm is not below 150 mm
    assert float(auc(off, truth).mean()) == pytest.approx(100 * 75 / 124, abs=1e-9)


def test_a_missing_file_is_named_with_what_to_do(bodies, tmp_path):
    dataset = load_dataset("mpi_inf_3dhp", bodies[0])
    with pytest.raises(DataError, match=r"S2/Seq1/annot.mat: expected a file .* nothing there"):
        list(dataset.training())
    FILES.write_test(tmp_path, videos=(1, 2, 3))
    with pytest.raises(DataError, match=r"TS4/annot_data.mat: expected"):
        list(MpiInf3dhpDataset(tmp_path).test())
    with pytest.raises(DataError, match=r"expected S\*/Seq\*/annot.mat or .* got neither"):
        MpiInf3dhpDataset(tmp_path / "mpi_inf_3dhp_test_set" / "TS1")
    with pytest.raises(ConfigurationError, match="subjects"):
        load_dataset("mpi_inf_3dhp", tmp_path, subjects=["S9"])


def test_a_half_downloaded_file_is_named(tmp_path):
    FILES.write_training(tmp_path, ("S1/Seq1", "S1/Seq2"))
    FILES.write_test(tmp_path, videos=(1,))
    for path in tmp_path.rglob("*.mat"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    dataset = MpiInf3dhpDataset(tmp_path, subjects=("S1",))
    with pytest.raises(DataError, match=r"S1/Seq1/annot.mat: expected a MATLAB file"):
        list(dataset.training())
    with pytest.raises(DataError, match=r"TS1/annot_data.mat: expected an HDF5 file"):
        list(dataset.test())


def test_other_shapes_are_told_with_what_was_expected(tmp_path):
    import scipy.io

    FILES.write_training(tmp_path, ("S1/Seq1", "S1/Seq2"))
    path = tmp_path / "S1/Seq1/annot.mat"
    dataset = MpiInf3dhpDataset(tmp_path, subjects=("S1",))
    with pytest.raises(DataError, match=r"expected a camera 20, got \[0, 1"):
        list(MpiInf3dhpDataset(tmp_path, subjects=("S1",), cameras=(20,)).training())
    scipy.io.savemat(path, {"annot2": np.ones((5, 56))})
    with pytest.raises(DataError, match=r"expected a cell 'annot2'.* got numbers \(5, 56\)"):
        list(dataset.training())
    scipy.io.savemat(path, {"annot2": FILES._cell([np.ones((5, 34))])})
    with pytest.raises(DataError, match=r"expected 'annot2' of \(frames, 56\).* got \(5, 34\)"):
        list(dataset.training())
    FILES.write_test(tmp_path, videos=(1,))
    test = tmp_path / "mpi_inf_3dhp_test_set/TS1/annot_data.mat"
    FILES.write_v73(test, {"annot2": np.ones((2, 17, 1, 4)), "valid_frame": np.ones((1, 4))})
    with pytest.raises(
        DataError, match=r"expected 'univ_annot3' of \(3, 17, 1, frames\), got none"
    ):
        list(dataset.test())
    joints = np.ones((3, 17, 1, 3))
    FILES.write_v73(test, {"annot2": np.ones((2, 17, 1, 4)), "univ_annot3": joints})
    with pytest.raises(DataError, match=r"as many frames .* got 4, 3 and 0"):
        list(dataset.test())
