import pickle

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import load_keypoints, load_people
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

SIDES = {
    "coco_17": [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]],
    "h36m_17": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
}


def walk(frames=4, start=1.0, dtype=np.float32):
    return (np.arange(frames * 34).reshape(frames, 17, 2) / 3 + start).astype(dtype)


def data_set(folder, positions=None, **metadata):
    """As ``data_2d_*.npz`` of VideoPose3D."""
    path = folder / "data_2d_custom_mine.npz"
    if positions is None:
        positions = {"S1": {"Walking 1": [walk(), walk(3, 500.0)], "Eating": [walk(2)]},
                     "S5": {"Walking 1": [walk(5)]}}  # fmt: skip
    np.savez_compressed(path, positions_2d=positions, metadata=metadata)
    return path


@pytest.mark.parametrize("layout", SIDES)
def test_each_recording_is_a_sequence_whose_layout_the_metadata_tells(layout, tmp_path):
    path = data_set(tmp_path, layout_name="any", num_joints=17, keypoints_symmetry=SIDES[layout])
    people = load_people(path, fps=50)
    lengths = {person.source: len(person) for person in people}
    assert lengths == {
        "S1/Walking 1/0": 4, "S1/Walking 1/1": 3, "S1/Eating/0": 2, "S5/Walking 1/0": 5
    }  # fmt: skip
    assert {person.layout for person in people} == {layout}
    second = load_keypoints(path, fps=50, person=1)
    np.testing.assert_array_equal(second.points, walk(3, 500.0))
    assert second.source == "S1/Walking 1/1"


def test_cameras_of_equal_length_and_integers_are_read_too(tmp_path):
    path = data_set(tmp_path, {"S1": {"A": np.stack([walk(), walk()]).astype(np.int32)}})
    assert [len(p) for p in load_people(path, fps=50, layout="coco_17")] == [4, 4]


def test_without_metadata_the_layout_must_be_said(tmp_path):
    with pytest.raises(KeypointFormatError, match="layout='h36m_17' or layout='coco_17'"):
        load_people(data_set(tmp_path), fps=50)


def test_own_videos_have_their_size_and_unknown_joints_are_no_corner(tmp_path):
    points = walk()
    points[1, 3] = 0
    path = data_set(
        tmp_path, {"clip": {"custom": [points]}}, keypoints_symmetry=SIDES["coco_17"],
        video_metadata={"clip": {"w": 640, "h": 480}},
    )  # fmt: skip
    person = load_keypoints(path, fps=25)
    assert person.image_size == (640, 480)
    assert np.argwhere(np.isnan(person.points[..., 0])).tolist() == [[1, 3]]


def detectron(folder, listed=False):
    """As VideoPose3D's Detectron scripts write a video: two people, nobody in frame 2."""
    frames = np.empty((5, 2), dtype=object)
    for frame in range(5):
        found = [person(frame, 0.0), person(frame, 300.0)][:: 1 if frame % 2 else -1]
        frames[frame, 0] = []
        frames[frame, 1] = [] if frame == 2 else found if listed else np.stack(found)
    path = folder / "clip.npz"
    segments = np.array([None] * 5)
    size = {"w": 640, "h": 480}
    np.savez_compressed(path, boxes=frames, segments=segments, keypoints=frames, metadata=size)
    return path


def person(frame, x):
    xy = walk(1, 10.0)[0].T * 10 + np.array([[x + frame], [0]])
    return np.vstack([xy, np.zeros(17), np.full(17, 0.75)]).astype(np.float32)


@pytest.mark.parametrize("listed", [False, True], ids=["Detectron2", "Detectron"])
def test_people_that_detectron_found_are_followed(listed, tmp_path):
    left, right = sorted(
        load_people(detectron(tmp_path, listed), fps=25), key=lambda each: each.points[0, 0, 0]
    )
    for found, x in ((left, 0.0), (right, 300.0)):
        assert found.frame_index.tolist() == [0, 1, 3, 4]
        truth = [person(frame, x)[:2].T for frame in (0, 1, 3, 4)]
        np.testing.assert_allclose(found.points, truth, atol=1e-4)
        assert (found.layout, found.image_size) == ("coco_17", (640, 480))
        np.testing.assert_allclose(found.confidence, 0.75)


BAD = {
    "list": ([walk()], "positions_2d: expected a dictionary"),
    "action": ({"S1": [walk()]}, "positions_2d, S1: expected a dictionary"),
    "camera": ({"S1": {"A": 5}}, "S1/A: expected a list"),
    "3D": ({"S1": {"A": [np.ones((4, 17, 4))]}}, "S1/A/0: expected numbers"),
    "text": ({"S1": {"A": ["x"]}}, "S1/A/0: expected numbers"),
    "joints": ({"S1": {"A": [np.ones((4, 16, 2))]}}, "joints"),
    "infinite": ({"S1": {"A": [np.full((4, 17, 2), np.inf)]}}, "S1/A/0: points: expected finite"),
    "empty": ({"S1": {"A": [np.ones((0, 17, 2))]}}, "at least one frame"),
    "nobody": ({}, "at least one person"),
}


@pytest.mark.parametrize(("positions", "match"), BAD.values(), ids=BAD)
def test_what_a_data_set_does_wrong_is_told_with_its_place(positions, match, tmp_path):
    path = data_set(tmp_path, np.array(positions, dtype=object)
                    if isinstance(positions, dict) else positions)  # fmt: skip
    with pytest.raises(KeypointFormatError, match=rf"data_2d_custom_mine\.npz: .*{match}"):
        load_people(path, "videopose3d", fps=25, layout="coco_17")


def test_a_file_that_is_a_program_runs_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return eval, (f"open({str(tmp_path / 'heard')!r}, 'w')",)

    path = data_set(tmp_path, np.array({"S1": Evil()}, dtype=object))
    with pytest.raises(KeypointFormatError, match="nothing of it was executed"):
        load_people(path, fps=25, layout="coco_17")
    assert not (tmp_path / "heard").exists()
    pickle.loads(pickle.dumps(Evil())).close()  # the canary sings
    assert (tmp_path / "heard").exists()


@pytest.mark.parametrize("make", [data_set, detectron])
def test_the_reader_keeps_the_contract(make, tmp_path):
    check_keypoint_reader("videopose3d", make(tmp_path), fps=25.0, layout="coco_17")


@pytest.mark.parametrize("make", [data_set, detectron])
def test_damaged_files_end_in_errors_of_the_format(make, tmp_path):
    check_malformed("videopose3d", make(tmp_path), tmp_path, 1000, fps=25.0, layout="coco_17")
