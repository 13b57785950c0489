import dataclasses

import numpy as np
import pytest

from posenet3d.data import MotionClip, TrainingSet, film, load_training_set
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.keypoints import KeypointSequence, write_clips


def walk(frames=20, joints=14, layout="lsp_14", **facts):
    """A person whose joints lie on a rising line, so that its head is above its hips."""
    line = np.arange(joints)[:, None] * np.array([0.1, -1.0])
    points = np.tile(line, (frames, 1, 1)) + np.arange(frames)[:, None, None]
    return KeypointSequence(points, layout=layout, fps=50.0, **facts)


def motion(tmp_path, **clips):
    joints = np.linspace(0, 1, 20 * 14 * 3).reshape(20, 14, 3)
    keys = {"S01/a": joints, "S02/b": joints} | clips
    np.savez(tmp_path / "motion.npz", fps=50.0, layout="lsp_14", **keys)
    return tmp_path / "motion.npz"


def test_sequences_become_the_canonical_layout():
    made = TrainingSet({"S01/a": walk(joints=17, layout="h36m_17")})
    assert made.sequences["S01/a"].layout == "lsp_14"
    assert made.sequences["S01/a"].points.shape == (20, 14, 2)


def test_the_frame_rate_is_told_where_it_is_one():
    assert TrainingSet({"a": walk(), "b": walk()}).fps == walk().fps
    slow = dataclasses.replace(walk(), fps=24.0)
    assert TrainingSet({"a": walk(), "b": slow}).fps is None
    assert TrainingSet({"b": slow}).fps == 24.0


def test_there_is_no_place_for_a_third_coordinate():
    with pytest.raises(DataError, match=r"\(frames, 14, 2\)"):
        KeypointSequence(np.zeros((5, 14, 3)), layout="lsp_14", fps=50.0)
    assert [field.name for field in dataclasses.fields(TrainingSet)] == ["sequences"]
    filmed = film([MotionClip("S01/a", np.ones((5, 14, 3)), "lsp_14", 50.0)], "cmu14")
    for sequence in filmed.sequences.values():
        facts = [getattr(sequence, field.name) for field in dataclasses.fields(sequence)]
        assert not any(3 in fact.shape for fact in facts if isinstance(fact, np.ndarray))


@pytest.mark.parametrize(
    ("protocol", "split", "views"),
    [("cmu14", "train", 4), ("cmu14-wild", "train", 8), ("cmu14-wild", "test", 4)],
)
def test_a_motion_file_is_filmed_by_the_protocol(protocol, split, views, tmp_path):
    made = load_training_set(motion(tmp_path), protocol, split=split)
    assert list(made.sequences)[:2] == ["S01/a/view0", "S01/a/view1"]
    assert (len(made), made.frames, made.subjects) == (2 * views, 40 * views, ("S01", "S02"))


def test_a_keypoint_file_is_taken_as_it_is(tmp_path):
    write_clips(tmp_path / "clips.npz", {"S01/a": walk(), "S02/b": walk()})
    made = load_training_set(tmp_path / "clips.npz")
    np.testing.assert_array_equal(made.sequences["S02/b"].points, walk().points)
    again = load_training_set(str(tmp_path / "clips.npz"))
    assert made.fingerprint() == again.fingerprint()


def test_sequences_at_hand_go_by_their_sources_or_given_names():
    assert list(load_training_set([walk(source="a"), walk(source="b")]).sequences) == ["a", "b"]
    made = load_training_set({"c": walk(), "d": walk()})
    assert list(made.sequences) == ["c", "d"]
    assert load_training_set(made) is made


def test_motion_without_a_protocol_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"motion\.npz.*3D motion without a protocol.*'cmu14'"):
        load_training_set(motion(tmp_path))


def test_keypoints_with_a_protocol_are_refused(tmp_path):
    write_clips(tmp_path / "clips.npz", {"a": walk()})
    with pytest.raises(DataError, match=r"clips\.npz.*leave the protocol away"):
        load_training_set(tmp_path / "clips.npz", "cmu14")
    with pytest.raises(DataError, match="leave the protocol away"):
        load_training_set([walk()], "cmu14")


def test_two_sequences_of_one_name_are_an_error():
    with pytest.raises(DataError, match=r"a.*got two"):
        load_training_set([walk(source="a"), walk(source="a")])


def test_nothing_is_an_error():
    with pytest.raises(DataError, match="at least one sequence"):
        load_training_set([])


def test_unknown_protocols_are_errors(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'cmu14'"):
        load_training_set(motion(tmp_path), "cmu41")


def test_held_out_subjects_are_whole_names():
    made = load_training_set({"S1/a": walk(), "S13/a/view0": walk(), "S13/b": walk()})
    rest, held = made.hold_out("S1")
    assert (list(rest.sequences), list(held.sequences)) == (["S13/a/view0", "S13/b"], ["S1/a"])
    rest, held = made.hold_out("S13/a")
    assert list(held.sequences) == ["S13/a/view0"]
    rest, held = made.hold_out("S13")
    assert list(rest.sequences) == ["S1/a"]


def test_held_out_subjects_do_not_come_with_the_file(tmp_path):
    assert load_training_set(motion(tmp_path), "cmu14", hold_out=["S02"]).subjects == ("S01",)


def test_holding_out_nobody_all_or_a_stranger_is_an_error():
    made = load_training_set({"S01/a": walk(), "S02/a": walk()})
    with pytest.raises(UnknownNameError, match="'S01', 'S02'"):
        made.hold_out("S03")
    with pytest.raises(DataError, match="to train on"):
        made.hold_out("S01", "S02")
    with pytest.raises(DataError, match="name of a subject"):
        made.hold_out()


def test_windows_do_not_cross_a_gap():
    index = [*range(12), *range(20, 32), 40]
    made = load_training_set({"a": walk(25, frame_index=index)})
    windows = made.windows(frames=9)
    assert len(windows) == 2 * 3
    assert windows.names == ("a from frame 0", "a from frame 20")
    assert windows.skipped == ("a from frame 40",)


def test_unknown_joints_are_an_error_that_names_the_sequence():
    points = walk().points.copy()
    points[3, 4] = np.nan
    lost = KeypointSequence(points, layout="lsp_14", fps=50.0)
    with pytest.raises(DataError, match=r"S02/b.*'left_knee' in frame 3"):
        load_training_set({"S01/a": walk(), "S02/b": lost}).windows()


def test_one_scale_for_two_units_is_an_error():
    made = load_training_set({"a": walk(), "b": walk(unit="normalized")})
    assert len(made.windows()) > 0
    with pytest.raises(DataError, match="one unit"):
        made.windows(mode="dataset")


def test_the_fingerprint_tells_points_names_and_frames():
    base = load_training_set({"a": walk()}).fingerprint()
    moved = KeypointSequence(walk().points + 1e-9, layout="lsp_14", fps=50.0)
    later = walk(frame_index=range(1, 21))
    for other in ({"b": walk()}, {"a": moved}, {"a": later}, {"a": walk(19)}):
        assert load_training_set(other).fingerprint() != base


def test_the_motion_capture_is_filmed(data_folder):
    made = load_training_set(data_folder / "cmu_train.npz", "cmu14-wild", hold_out=["S13"])
    windows = made.windows()
    assert "S13" not in made.subjects
    assert len(windows) == made.frames - 9 * len(made)
    assert windows.skipped == ()
