import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest

from posenet3d.data import write_annotated
from posenet3d.data.datasets import load_dataset, training_set
from posenet3d.data.datasets.threedpw import ThreeDpwDataset
from posenet3d.errors import ConfigurationError, DataError
from posenet3d.evaluation import evaluate
from posenet3d.testing import check_dataset

SPEC = importlib.util.spec_from_file_location(
    "threedpw_files", Path(__file__).with_name("threedpw_files.py")
)
FILES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(FILES)
TEST = "sequenceFiles/test/downtown_b_00.pkl"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("3dpw")
    return root, FILES.write(root)


@pytest.fixture
def sequence(made):
    """A test file's content, to be spoilt."""
    return dict(made[1]["test", "downtown_b_00"])


def test_its_files_keep_the_contract(made):
    check_dataset("3dpw", made[0], projected=None)
    check_dataset("3dpw", made[0], keypoints="projected")


def test_what_was_not_found_is_unknown_and_frames_with_nothing_are_left_out(made):
    root, sequences = made
    found = dict(load_dataset("3dpw", root).training())
    assert list(found) == ["courtyard_a_00/person0/phone", "courtyard_a_00/person1/phone"]
    seen = found["courtyard_a_00/person0/phone"]
    assert (seen.layout, seen.fps, seen.unit) == ("coco_18", 30.0, "pixels")
    assert seen.frame_index[:7].tolist() == [0, 1, 2, 3, 4, 6, 7]
    wrist = FILES.COCO.index("left_wrist")
    assert np.isnan(seen.points[3, wrist]).all()
    assert seen.confidence[3, wrist] == 0
    truth = sequences["train", "courtyard_a_00"]["poses2d"][0]
    np.testing.assert_array_equal(seen.points[5], truth[6, :2].T)
    np.testing.assert_array_equal(seen.confidence[5], truth[6, 2])


def test_the_truth_is_the_bodys_joints_before_the_camera(made):
    first, second = load_dataset("3dpw", made[0]).test()
    assert (first.name, second.name) == (
        "downtown_b_00/person0/phone",
        "downtown_b_00/person1/phone",
    )
    poses = FILES.camera_poses(30)
    truth = FILES.before(poses, FILES.joints(30, FILES.SMPL, seed=1))
    np.testing.assert_allclose(second.joints, truth, atol=1e-12)
    assert (second.joints[..., 2] > 0).all()
    assert second.joints_layout == "smpl_24"
    left_out = first.keypoints.frame_index[~first.counted]
    assert left_out.tolist() == [3, 7, 8]  # a wrist unseen, the camera not valid
    assert second.counted.all()


def test_projected_joints_lack_nothing_where_the_camera_is_valid(made):
    first, _ = load_dataset("3dpw", made[0], keypoints="projected").test()
    assert first.keypoints.layout == "smpl_24"
    assert sorted(set(range(30)) - set(first.keypoints.frame_index.tolist())) == [7, 8]
    assert first.counted.all()
    np.testing.assert_allclose(first.keypoints.points, FILES.pixels(first.joints))


def test_the_protocol_counts_the_frames_that_are_valid(made, tmp_path):
    write_annotated(tmp_path / "test.npz", load_dataset("3dpw", made[0]).test())
    report = evaluate(None, tmp_path / "test.npz", "3dpw")
    assert (report.clips, report["flat"].frames, report.fps) == (2, 26 + 30, 30.0)
    assert np.isfinite([report["flat"].p_mpjpe, report["flat"].mpjve]).all()


def test_validation_is_trained_on_if_asked_for(tmp_path):
    names = (("train", "a_00"), ("validation", "c_00"), ("test", "b_00"))
    FILES.write(tmp_path, names, people=1)
    assert training_set(load_dataset("3dpw", tmp_path)).subjects == ("a_00",)
    both = training_set(load_dataset("3dpw", tmp_path, validation=True))
    assert both.subjects == ("a_00", "c_00")
    with pytest.raises(ConfigurationError, match="keypoints"):
        load_dataset("3dpw", tmp_path, keypoints="openpose")


def test_its_2d_makes_windows_for_networks_that_are_told_of_gaps(made):
    windows = training_set(load_dataset("3dpw", made[0])).windows(frames=9, gaps=True)
    assert len(windows) == (24 - 9) + (30 - 9)  # person 0 was not found in frame 5
    with pytest.raises(DataError, match=r"courtyard_a_00/person0/phone"):
        training_set(load_dataset("3dpw", made[0])).windows(frames=9)


def test_a_pickle_that_calls_something_is_refused_and_not_run(made, tmp_path):
    FILES.write(tmp_path)
    mark = tmp_path / "mark"
    content = pickle.dumps({"poses2d": _Calls(mark)}, protocol=2)
    (tmp_path / TEST).write_bytes(content)
    with pytest.raises(DataError, match=r"downtown_b_00.pkl: it names .* nothing of it was"):
        list(ThreeDpwDataset(tmp_path).test())
    assert not mark.exists()


class _Calls:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_half_downloaded_file_is_named(tmp_path):
    FILES.write(tmp_path)
    path = tmp_path / TEST
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"downtown_b_00.pkl: expected a pickle, got .* damaged"):
        list(ThreeDpwDataset(tmp_path).test())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"poses2d": None}, r"expected an entry 'poses2d', got none; .* no sequence file of 3DPW"),
        ({"poses2d": "x"}, "expected numbers in 'poses2d', got something else"),
        ({"poses2d": [np.ones((30, 3, 18))]}, r"as many people .* got 1, 2 and 2"),
        ({"poses2d": [np.ones((30, 3, 25))] * 2}, r"'poses2d' of \(30, 3, 18\).*got \(30, 3, 25\)"),
        ({"jointPositions": [np.ones((9, 72))] * 2}, r"'jointPositions' of \(30, 72\)"),
        ({"cam_poses": np.ones((30, 3, 4))}, r"'cam_poses' of \(frames, 4, 4\) .* \(30, 3, 4\)"),
    ],
)
def test_other_contents_are_told_with_what_was_expected(tmp_path, sequence, change, told):
    FILES.write(tmp_path)
    sequence.update(change)
    FILES.dump(tmp_path / TEST, {key: each for key, each in sequence.items() if each is not None})
    with pytest.raises(DataError, match=f"downtown_b_00.pkl.*: .*{told}"):
        list(ThreeDpwDataset(tmp_path).test())


def test_a_folder_without_test_files_is_named_with_what_is_missing(tmp_path):
    FILES.write(tmp_path, (("train", "a_00"),))
    with pytest.raises(DataError, match=r"expected the files of 3DPW.* without sequenceFiles/test"):
        ThreeDpwDataset(tmp_path)
