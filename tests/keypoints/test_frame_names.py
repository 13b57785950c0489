from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints.frame_names import frame_numbers
from posenet3d.keypoints.source import KeypointSource

SOURCE = KeypointSource(Path("walk"))


@given(st.sets(st.integers(0, 10**7), min_size=2), st.integers(0, 9), st.sampled_from(["", "2_"]))
def test_the_number_that_differs_is_the_frame(frames, width, before):
    names = {f"clip{before}{frame:0{width}d}.jpg": frame for frame in frames}
    assert frame_numbers(SOURCE, names) == names


@pytest.mark.parametrize(
    ("name", "frame"),
    [("bus.jpg", 0), ("12.jpg", 12), ("walk2_0007.png", 7), ("9" * 30, 0), ("a.mp4", 0)],
)
def test_a_single_names_frame_is_its_last_number(name, frame):
    assert frame_numbers(SOURCE, [name]) == {name: frame}


def test_no_names_have_no_frames():
    assert frame_numbers(SOURCE, []) == {}


@pytest.mark.parametrize(
    "names",
    [
        ["beach.jpg", "town.jpg"],
        ["a_1.jpg", "b_1.jpg"],
        ["a1_1.jpg", "a2_2.jpg"],
        ["1.jpg", "1.png"],
        ["1.jpg", "01.jpg"],
        ["a.jpg", "a1.jpg"],
    ],
)
def test_names_that_differ_in_more_than_a_number_are_refused(names):
    with pytest.raises(KeypointFormatError, match="frames of one video together"):
        frame_numbers(SOURCE, names)


def test_numbers_that_count_no_frames_are_refused():
    with pytest.raises(KeypointFormatError, match="frame numbers below"):
        frame_numbers(SOURCE, ["1.jpg", "1699999999999.jpg"])
