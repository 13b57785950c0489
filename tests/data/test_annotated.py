"""Annotated sequences and their file."""

import numpy as np
import pytest

from posenet3d.data import AnnotatedFile, AnnotatedSequence, write_annotated
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.keypoints import KeypointSequence


def sequence(camera: str = "front", frames: int = 7, **changes) -> AnnotatedSequence:
    draw = np.random.default_rng(frames)
    seen = KeypointSequence(
        draw.normal(size=(frames, 17, 2)),
        layout="coco_17",
        fps=50.0,
        frame_index=np.arange(frames) * 2,
    )
    given = {
        "key": "S9/walk",
        "camera": camera,
        "keypoints": seen,
        "joints": draw.normal(size=(frames, 14, 3)),
        "joints_layout": "lsp_14",
        "counted": np.arange(frames) % 2 == 0,
    }
    return AnnotatedSequence(**given | changes)


def test_a_file_gives_back_what_was_written(tmp_path):
    path = tmp_path / "test.npz"
    written = [sequence("front"), sequence("back", frames=9)]
    write_annotated(path, iter(written))
    read = AnnotatedFile(path)
    assert read.names == ("S9/walk/front", "S9/walk/back")
    assert read.lengths == (7, 9)
    for one, other in zip(written, read, strict=True):
        assert (one.key, one.camera, one.joints_layout) == (
            other.key,
            other.camera,
            other.joints_layout,
        )
        np.testing.assert_array_equal(one.joints, other.joints)
        np.testing.assert_array_equal(one.counted, other.counted)
        np.testing.assert_array_equal(one.keypoints.points, other.keypoints.points)
        np.testing.assert_array_equal(one.keypoints.frame_index, other.keypoints.frame_index)
    assert [one.camera for one in read[::-1]] == ["back", "front"]


def test_a_frame_that_does_not_count_needs_no_truth():
    joints = np.full((3, 14, 3), np.nan)
    joints[1] = 1.0
    only = sequence(frames=3, joints=joints, counted=np.array([False, True, False]))
    assert only.counted.sum() == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": np.ones((6, 14, 3))}, r"expected numbers of shape \(7, 14, 3\)"),
        ({"joints": np.full((7, 14, 3), np.nan)}, "NaN or infinity in frame 0"),
        ({"joints": np.full((7, 14, 3), 4000.0)}, "divide millimetres by 1000"),
        ({"counted": np.ones(7)}, "truth values"),
        ({"camera": "a/b"}, "without a slash"),
        ({"key": ""}, "without a slash"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        sequence(**changes)


def test_an_unknown_layout_is_refused():
    with pytest.raises(UnknownNameError):
        sequence(joints_layout="h36m")


def test_a_file_of_keypoints_alone_is_refused(tmp_path):
    path = tmp_path / "clips.npz"
    np.savez(path, fps=50, layout="lsp_14", points=np.ones((9, 14, 2)))
    with pytest.raises(DataError, match="expected annotated sequences"):
        AnnotatedFile(path)


def test_a_sequence_without_truth_is_named(tmp_path):
    path = tmp_path / "test.npz"
    truth = {"a/b:joints": np.ones((9, 14, 3)), "a/b:points": np.ones((9, 14, 2))}
    np.savez(path, fps=50, layout="lsp_14", **truth, **{"c/d:points": np.ones((9, 14, 2))})
    file = AnnotatedFile(path)
    with pytest.raises(DataError, match="c/d: expected the true joints"):
        file[1]


def test_a_file_names_the_protocols_that_it_is_for(tmp_path):
    path = tmp_path / "test.npz"
    write_annotated(path, [sequence(), sequence("left")], ["h36m", "h36m-frontal"])
    file = AnnotatedFile(path)
    assert (file.protocols, len(file)) == (("h36m", "h36m-frontal"), 2)
    assert [each.camera for each in file] == [file[0].camera, file[1].camera] == ["front", "left"]
    write_annotated(path, [sequence()])
    assert AnnotatedFile(path).protocols == ()


@pytest.mark.parametrize("named", [np.ones(2), np.array([["h36m"]])])
def test_protocols_that_are_no_names_are_refused(named, tmp_path):
    path = tmp_path / "test.npz"
    truth = {"a/b:joints": np.ones((9, 14, 3)), "a/b:points": np.ones((9, 14, 2))}
    np.savez(path, fps=50, layout="lsp_14", protocols=named, **truth)
    with pytest.raises(DataError, match=r"test\.npz: protocols: expected names, got"):
        AnnotatedFile(path)


def test_two_of_one_name_are_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "test.npz"
    with pytest.raises(DataError, match="two of"):
        write_annotated(path, [sequence(), sequence()])
    with pytest.raises(DataError, match="got none"):
        write_annotated(path, [])
    assert not list(tmp_path.iterdir())
