"""People are told apart over time, and never mixed."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import KeypointFormatError, UnknownNameError
from posenet3d.keypoints.tracking import Detections, sequences_of_people

FPS = 20.0
BODY = np.random.default_rng(5).uniform(0, 100, (17, 2)) * [0.4, 1.0]


def tracked(detections, fps=FPS, **told):
    told = {"layout": "coco_17", "source": "street", **told}
    return sequences_of_people(detections, fps=fps, **told)


def rows(people):
    """Detections of (frame, joints) pairs."""
    frames = np.array([frame for frame, _ in people], dtype=np.int64)
    points = np.array([joints for _, joints in people]).reshape(-1, 17, 2)
    return Detections(points, np.ones(points.shape[:2]), frames)


def at(x, y=0.0):
    return BODY + np.array([x, y])


def places(sequence):
    return np.round(sequence.points.mean(1)[:, 0] - BODY[:, 0].mean(), 6).tolist()


def test_one_person_is_one_sequence_with_the_true_frame_numbers():
    (person,) = tracked(rows([(frame, at(frame)) for frame in (3, 4, 9)]))
    assert person.frame_index.tolist() == [3, 4, 9]
    assert (person.track_id, person.source, person.fps) == (0, "street", FPS)
    np.testing.assert_array_equal(person.points[2], at(9))


def test_people_who_cross_each_other_keep_their_own_tracks():
    there = [(frame, at(10 * frame)) for frame in range(41)]
    back = [(frame, at(400 - 10 * frame, 20.0)) for frame in range(41)]
    first, second = tracked(rows(there + back))
    assert places(first) == [10 * frame for frame in range(41)]
    assert places(second) == [400 - 10 * frame for frame in range(41)]


def test_people_who_cross_each_other_alike_go_on_as_they_went():
    there = [(frame, at(10 * frame)) for frame in range(41)]
    back = [(frame, at(405 - 10 * frame)) for frame in range(41)]
    assert {tuple(places(each)) for each in tracked(rows(there + back))} == {
        tuple(float(10 * frame) for frame in range(41)),
        tuple(float(405 - 10 * frame) for frame in range(41)),
    }


def test_someone_hidden_behind_another_is_found_again():
    behind = [(frame, at(5 * frame)) for frame in range(60) if not 20 <= frame < 38]
    before = [(frame, at(150 - frame / 10, 8.0)) for frame in range(60)]
    first, second = tracked(rows(behind + before))
    assert {len(first), len(second)} == {42, 60}


@pytest.mark.parametrize(("gap", "tracks"), [(20, 1), (21, 2)])
def test_a_gap_longer_than_a_second_begins_a_new_track(gap, tracks):
    assert len(tracked(rows([(0, at(0)), (1, at(0)), (1 + gap, at(0))]))) == tracks


def test_a_person_who_jumps_is_another_person():
    assert len(tracked(rows([(0, at(0)), (1, at(60))]))) == 2


def test_a_person_half_hidden_is_still_the_same():
    half = at(3)
    half[:9] = np.nan
    (person,) = tracked(rows([(0, at(0)), (1, half), (2, at(6))]))
    assert len(person) == 3


def test_everyone_without_a_joint_is_dropped():
    nobody = np.full((17, 2), np.nan)
    assert tracked(rows([(0, nobody), (4, nobody)])) == ()
    (person,) = tracked(rows([(0, nobody), (1, at(0))]))
    assert person.frame_index.tolist() == [1]


def test_nothing_found_is_no_person():
    assert tracked(rows([])) == ()


@st.composite
def crowds(draw):
    """Up to 3 people over 5 frames, some not seen, anywhere, many in the same place."""
    place = st.sampled_from([0.0, 1.0, 8.0, 30.0, 200.0])
    people = []
    for frame in range(5):
        for _ in range(draw(st.integers(0, 3))):
            joints = at(draw(place), draw(place))
            joints[: draw(st.sampled_from([0, 0, 5, 16]))] = np.nan
            people.append((frame, joints))
    return people


def as_values(sequences):
    return [
        (each.track_id, each.frame_index.tolist(), np.nan_to_num(each.points, nan=-1).tolist())
        for each in sequences
    ]


@given(crowds(), st.randoms(use_true_random=False))
def test_the_order_of_the_people_changes_nothing(people, random):
    shuffled = list(people)
    random.shuffle(shuffled)
    assert as_values(tracked(rows(people))) == as_values(tracked(rows(shuffled)))


@given(crowds())
def test_everyone_is_in_one_track_and_a_track_has_one_person_a_frame(people):
    sequences = tracked(rows(people))
    assert sum(len(each) for each in sequences) == len(people)
    assert [each.track_id for each in sequences] == list(range(len(sequences)))
    for each in sequences:
        assert (np.diff(each.frame_index) > 0).all()
        assert (np.diff(each.frame_index) <= FPS).all()


@given(crowds(), st.sampled_from([0.125, 4.0, 1024.0]))
def test_tracks_do_not_depend_on_the_unit(people, scale):
    scaled = [(frame, joints * scale) for frame, joints in people]
    lengths = [each.frame_index.tolist() for each in tracked(rows(people))]
    assert [each.frame_index.tolist() for each in tracked(rows(scaled))] == lengths


def test_tracks_of_the_file_are_kept():
    people = rows([(0, at(0)), (0, at(1)), (1, at(1)), (1, at(0))])
    given_tracks = Detections(
        people.points, people.confidence, people.frame, np.array([7, 3, 7, 3])
    )
    sequences = {each.track_id: places(each) for each in tracked(given_tracks)}
    assert sequences == {7: [0.0, 1.0], 3: [1.0, 0.0]}


def test_people_without_a_number_among_numbered_ones_get_numbers_above():
    people = rows([(0, at(0)), (0, at(500)), (1, at(0)), (1, at(500))])
    mixed = Detections(people.points, people.confidence, people.frame, np.array([7, -1, 7, -1]))
    assert {each.track_id: places(each) for each in tracked(mixed)} == {
        7: [0.0, 0.0],
        8: [500.0, 500.0],
    }


def test_one_number_for_two_people_of_a_frame_is_refused():
    people = rows([(0, at(0)), (4, at(0)), (4, at(100))])
    twice = Detections(people.points, people.confidence, people.frame, np.array([2, 2, 2]))
    with pytest.raises(KeypointFormatError, match="number 2 twice in frame 4"):
        tracked(twice)


@pytest.mark.parametrize("frame", [-1, 20_000_000, 2**62])
def test_a_frame_number_out_of_range_is_refused(frame):
    with pytest.raises(KeypointFormatError, match="expected frames 0 to"):
        tracked(rows([(frame, at(0))]))


def test_coordinates_that_no_picture_has_are_refused():
    with pytest.raises(KeypointFormatError, match="frame 3: expected coordinates up to 1e"):
        tracked(rows([(0, at(0)), (3, at(1e12))]))


def test_a_crowd_beyond_all_measure_is_refused():
    with pytest.raises(KeypointFormatError, match="at most 500 people"):
        tracked(rows([(0, at(place)) for place in range(501)]))


def test_an_unknown_layout_is_named():
    with pytest.raises(UnknownNameError, match="coco_71"):
        tracked(rows([(0, at(0))]), layout="coco_71")


def test_a_still_image_needs_no_frame_rate_of_use():
    assert len(tracked(rows([(0, at(0)), (0, at(300))]), fps=1.0)) == 2


def test_a_person_of_one_joint_is_followed():
    lone = np.full((17, 2), np.nan)
    lone[4] = 5.0
    (person,) = tracked(rows([(0, lone), (1, lone)]))
    assert len(person) == 2


def test_minutes_of_two_dancers_take_seconds():
    frames = np.repeat(np.arange(5000), 2)
    sway = (
        30
        * np.sin(frames / 9)[:, None, None]
        * np.where(np.arange(10000) % 2, 1, -1)[:, None, None]
    )
    points = BODY + sway * [1.0, 0.0]
    found = Detections(points, np.ones((10000, 17)), frames)
    started = time.process_time()
    assert [len(each) for each in tracked(found)] == [5000, 5000]
    assert time.process_time() - started < 10
