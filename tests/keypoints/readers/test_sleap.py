from pathlib import Path

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import load_people
from posenet3d.skeletons import LSP_14
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

h5py = pytest.importorskip("h5py")
GOLDEN = Path(__file__).parent / "golden"
# As golden/make_golden.py has them.
POINTS = np.arange(2 * 4 * 3 * 2, dtype=float).reshape(2, 4, 3, 2) / 3 + 1
LIKELIHOOD = np.linspace(0.5, 1, 24).reshape(2, 4, 3)
JOINTS = [0, 13, 14]  # nose, left knee and right knee of coco_17


@pytest.mark.parametrize("file", ["sleap_matlab.h5", "sleap_standard.h5"])
def test_files_that_sleap_io_writes_give_each_track_whatever_the_order_of_axes(file):
    ann, bob = load_people(GOLDEN / file, fps=30)
    for person, who, frames in ((ann, 0, [0, 1, 2, 3]), (bob, 1, [0, 1, 3])):
        np.testing.assert_allclose(person.points[:, JOINTS], POINTS[who, frames])
        np.testing.assert_allclose(person.confidence[:, JOINTS], LIKELIHOOD[who, frames])
        assert np.isnan(np.delete(person.points, JOINTS, axis=1)).all()
        assert person.frame_index.tolist() == frames
        assert (person.layout, person.track_id) == ("coco_17", who)


def write(folder, **arrays):
    path = folder / "walk.h5"
    good = {"tracks": np.ones((1, 2, 2, 5)), "node_names": [b"LKnee", b"RKnee"]}
    with h5py.File(path, "w") as file:
        for name, value in (good | arrays).items():
            if value is not None:
                file[name] = value
    return path


def test_a_file_without_track_names_and_scores_is_read_too(tmp_path):
    (person,) = load_people(write(tmp_path), fps=30)
    assert (person.track_id, person.source) == (0, "walk")
    knees = LSP_14.indices("left_knee", "right_knee")
    assert person.confidence[:, list(knees)].min() == 1


def test_names_may_be_texts_of_any_length(tmp_path):
    names = np.array(["left knee", "right knee"], dtype=h5py.string_dtype())
    (person,) = load_people(write(tmp_path, node_names=names), fps=30)
    known = np.flatnonzero(np.isfinite(person.points[0, :, 0])).tolist()
    assert known == sorted(LSP_14.indices("left_knee", "right_knee"))


BAD = {
    "axes": ({"tracks": np.ones((1, 5, 2, 2))}, "tracks"),
    "nodes": ({"tracks": np.ones((1, 2, 3, 5))}, "2 nodes"),
    "flat": ({"tracks": np.ones(5)}, "tracks"),
    "text": ({"tracks": np.full((1, 2, 2, 5), b"a")}, "tracks"),
    "none": ({"tracks": None}, "tracks.*nothing"),
    "no names": ({"node_names": None}, "node_names"),
    "names of numbers": ({"node_names": [1, 2]}, "node_names"),
    "scores": ({"point_scores": np.ones((1, 2, 4))}, "point_scores"),
    "infinite": ({"tracks": np.full((1, 2, 2, 5), np.inf)}, "finite"),
}


@pytest.mark.parametrize(("arrays", "match"), BAD.values(), ids=BAD)
def test_what_a_file_does_wrong_is_told(arrays, match, tmp_path):
    with pytest.raises(KeypointFormatError, match=rf"walk\.h5: .*{match}"):
        load_people(write(tmp_path, **arrays), "sleap", fps=30)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (1, 2, 2, 10**9), "dtype": "f8"},
        {"shape": (1, 2, 2, 10**9), "dtype": "f8", "chunks": (1, 2, 2, 1000)},
        {"shape": (1, 2, 2, 10**9), "dtype": "f8", "chunks": (1, 2, 2, 10**6)},
        {"shape": (1, 2, 2, 5), "dtype": "f8", "chunks": (1, 2, 2, 10**8),
         "maxshape": (None,) * 4},
        {"shape": (1, 2, 2, 10**8), "dtype": "f8", "compression": "gzip", "fillvalue": 1.0},
    ],
    ids=["contiguous", "chunked", "large chunks", "one huge chunk", "packed"],
)  # fmt: skip
def test_an_array_that_is_larger_than_its_file_is_not_unpacked(options, tmp_path):
    path = write(tmp_path, tracks=None)
    with h5py.File(path, "a") as file:
        file.create_dataset("tracks", **options)
    with pytest.raises(KeypointFormatError, match="would take"):
        load_people(path, "sleap", fps=30)


def test_an_array_that_lies_in_another_file_is_not_read(tmp_path):
    path = write(tmp_path, tracks=None)
    (tmp_path / "secret.bin").write_bytes(bytes(160))
    with h5py.File(path, "a") as file:
        external = [(str(tmp_path / "secret.bin"), 0, 160)]
        file.create_dataset("tracks", (1, 2, 2, 5), dtype="f8", external=external)
    with pytest.raises(KeypointFormatError, match="elsewhere"):
        load_people(path, "sleap", fps=30)
    with h5py.File(path, "a") as file:
        del file["tracks"]
        file["tracks"] = h5py.ExternalLink(str(GOLDEN / "sleap_matlab.h5"), "tracks")
    with pytest.raises(KeypointFormatError, match="nothing"):
        load_people(path, "sleap", fps=30)


def test_the_reader_keeps_the_contract():
    check_keypoint_reader("sleap", GOLDEN / "sleap_matlab.h5", by_name=True, fps=30.0)


@pytest.mark.usefixtures("impatient")
def test_damaged_files_end_in_errors_of_the_format(tmp_path):
    check_malformed("sleap", write(tmp_path), tmp_path, fps=30.0)


@pytest.mark.slow
def test_many_damaged_files_end_in_errors_of_the_format(tmp_path):
    check_malformed("sleap", write(tmp_path), tmp_path, count=2000, seed=1, fps=30.0)
    check_malformed("sleap", GOLDEN / "sleap_matlab.h5", tmp_path, count=2000, fps=30.0)
