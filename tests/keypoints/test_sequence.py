import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import KeypointFormatError, UnknownNameError
from posenet3d.keypoints import KeypointSequence


def sequence(points=None, **facts):
    points = np.ones((5, 17, 2)) if points is None else points
    return KeypointSequence(
        points, **{"layout": "coco_17", "fps": 25.0, "source": "a.json"} | facts
    )


def points_with(value):
    points = np.ones((5, 17, 2))
    points[3, 4] = value
    return points


def test_a_sequence_has_its_facts_with_sane_defaults():
    made = sequence(points_with(np.nan))
    assert (len(made), made.unit, made.image_size, made.track_id) == (5, "pixels", None, None)
    assert made.confidence.sum() == 5 * 17 - 1
    assert made.frame_index.tolist() == [0, 1, 2, 3, 4]
    assert not made.synthesized.any()
    assert "5 frames of 'coco_17'" in repr(made)


def test_a_sequence_cannot_be_changed_nor_can_its_input_change_it():
    points = np.ones((5, 17, 2))
    made = sequence(points)
    points[:] = 7
    assert (made.points == 1).all()
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.fps = 3.0
    for name in ("points", "confidence", "frame_index", "synthesized"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(made, name)[0] = 1


def test_whole_numbers_and_lists_are_points_too():
    made = sequence(np.ones((5, 17, 2), dtype=np.int32).tolist(), fps=25)
    assert made.points.dtype == np.float64
    assert isinstance(made.fps, float)


def test_an_unknown_joint_has_no_confidence_whatever_was_given():
    confidence = np.full((5, 17), 0.8)
    confidence[3, 4] = np.nan
    made = sequence(points_with(np.nan), confidence=confidence)
    assert made.confidence[3, 4] == 0
    assert (np.delete(made.confidence.ravel(), 3 * 17 + 4) == 0.8).all()


BAD = {
    "joints": ({"points": np.ones((5, 18, 2))}, r"\(frames, 17, 2\)"),
    "axes": ({"points": np.ones((5, 17, 3))}, r"\(frames, 17, 2\)"),
    "flat": ({"points": np.ones((5, 34))}, r"\(frames, 17, 2\)"),
    "empty": ({"points": np.ones((0, 17, 2))}, "at least one frame"),
    "text": ({"points": np.full((5, 17, 2), "1")}, "dtype"),
    "complex": ({"points": np.ones((5, 17, 2), dtype=complex)}, "dtype"),
    "ragged": ({"points": [[[1.0, 2.0]], [[1.0]]]}, "unlike length"),
    "infinite": ({"points": points_with(np.inf)}, "frame 3, joint 4"),
    "half known": ({"points": points_with((np.nan, 1))}, "NaN for both"),
    "confidence shape": ({"confidence": np.ones((5, 16))}, r"\(5, 17\)"),
    "confidence below 0": ({"confidence": np.full((5, 17), -1.0)}, "zero or more"),
    "confidence NaN": ({"confidence": np.full((5, 17), np.nan)}, "zero or more"),
    "fps 0": ({"fps": 0.0}, "positive"),
    "fps infinite": ({"fps": np.inf}, "positive"),
    "fps NaN": ({"fps": np.nan}, "positive"),
    "fps true": ({"fps": True}, "fps: expected a number"),
    "unit": ({"unit": "feet"}, "'pixels' or 'normalized'"),
    "image size 0": ({"image_size": (0, 10)}, "positive whole"),
    "image size float": ({"image_size": (10.0, 10.0)}, "positive whole"),
    "image size 3": ({"image_size": (10, 10, 3)}, "positive whole"),
    "index twice": ({"frame_index": [0, 1, 1, 2, 3]}, "1 at place 2"),
    "index negative": ({"frame_index": [-1, 1, 2, 3, 4]}, "-1 at place 0"),
    "index short": ({"frame_index": [0, 1]}, r"\(5,\)"),
    "index float": ({"frame_index": np.arange(5.0)}, "whole numbers"),
    "track": ({"track_id": True}, "whole number"),
    "synthesized": ({"synthesized": np.zeros(17)}, "truth values"),
}


@pytest.mark.parametrize(("facts", "match"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_an_error_that_names_the_source(facts, match):
    with pytest.raises(KeypointFormatError, match=rf"a\.json.*{match}"):
        sequence(**facts)


def test_an_unknown_layout_is_an_error():
    with pytest.raises(UnknownNameError, match="coco_17"):
        sequence(layout="coco")


def test_conversion_keeps_the_facts_and_marks_made_joints():
    made = sequence(image_size=(640, 480), track_id=3, frame_index=[1, 2, 5, 6, 7])
    canonical = made.to_layout("lsp_14")
    assert canonical.layout == "lsp_14"
    assert (canonical.image_size, canonical.track_id, canonical.source) == ((640, 480), 3, "a.json")
    assert canonical.frame_index.tolist() == [1, 2, 5, 6, 7]
    assert canonical.synthesized.nonzero()[0].tolist() == [12, 13]
    assert made.to_layout("coco_17") is made


def test_what_was_made_once_stays_marked_after_the_next_conversion():
    once = sequence().to_layout("lsp_14")
    twice = once.to_layout("mpii_16")
    marked = [n for n, s in zip(range(16), twice.synthesized, strict=True) if s]
    assert marked == [6, 7, 8, 9]  # pelvis and thorax, upper neck and head top


@given(
    steps=st.lists(st.integers(1, 3), min_size=1, max_size=30),
)
def test_unbroken_stretches_are_the_sequence_without_its_gaps(steps):
    index = np.cumsum(steps)
    points = np.arange(len(steps) * 34.0).reshape(-1, 17, 2)
    whole = sequence(points, frame_index=index)
    parts = whole.unbroken()
    np.testing.assert_array_equal(np.concatenate([p.points for p in parts]), points)
    np.testing.assert_array_equal(np.concatenate([p.frame_index for p in parts]), index)
    assert all((np.diff(part.frame_index) == 1).all() for part in parts)
    assert len(parts) == 1 + sum(step > 1 for step in steps[1:])


def test_time_counts_from_the_first_frame_and_goes_on_in_gaps():
    seen = KeypointSequence(
        np.ones((3, 14, 2)), layout="lsp_14", fps=10.0, frame_index=np.array([4, 5, 8])
    )
    assert seen.seconds.tolist() == pytest.approx([0.0, 0.1, 0.4])
    assert (seen.span, seen.duration) == (5, 0.5)


def test_a_cut_keeps_frame_numbers_and_an_empty_one_is_an_error():
    assert sequence().cut(2, 4).frame_index.tolist() == [2, 3]
    with pytest.raises(KeypointFormatError, match="at least one frame"):
        sequence().cut(3, 3)
