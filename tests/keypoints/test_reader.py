"""What the caller tells of a file goes before what is in it, and is checked at once."""

from pathlib import Path

import pytest

from posenet3d.errors import KeypointFormatError, ShapeError, UnknownNameError
from posenet3d.keypoints import KeypointSource, Told

FILE = KeypointSource(Path("a.json"))


@pytest.mark.parametrize("fps", [0.0, -25.0, float("nan"), float("inf")])
def test_a_frame_rate_that_cannot_be_is_refused(fps):
    with pytest.raises(ShapeError, match="fps: expected a positive number"):
        Told(fps=fps)


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (10_000_000, 10)])
def test_a_size_that_no_picture_has_is_refused(size):
    with pytest.raises(ShapeError, match="image_size: expected width and height"):
        Told(image_size=size)


def test_the_layout_that_is_told_must_fit():
    assert Told(layout="body_25b").layout_of(FILE, 25, "body_25") == "body_25b"
    with pytest.raises(KeypointFormatError, match=r"a\.json: joints: expected 25 a person"):
        Told(layout="body_25b").layout_of(FILE, 17, "coco_17")
    with pytest.raises(UnknownNameError):
        Told(layout="body_52").layout_of(FILE, 17, "coco_17")


def test_one_layout_is_taken_two_are_asked_for_and_none_is_told():
    assert Told().layout_of(FILE, 18, "body_25", "coco_18") == "coco_18"
    with pytest.raises(KeypointFormatError, match="say layout='body_25' or layout='body_25b'"):
        Told().layout_of(FILE, 25, "body_25", "body_25b", "coco_18")
    with pytest.raises(KeypointFormatError, match="say layout='coco_17' or layout='h36m_17'"):
        Told().layout_of(FILE, 17, "coco_17", "h36m_17")
    with pytest.raises(KeypointFormatError, match="say layout='halpe_26'"):
        Told().layout_of(FILE, 26, "body_25", "coco_18")
    with pytest.raises(KeypointFormatError, match="say format= if it is"):
        Told().layout_of(FILE, 19, "body_25")


def test_the_frame_rate_is_as_told_as_found_or_asked_for():
    assert Told(fps=50.0).fps_of(FILE, 25.0, 100) == 50.0
    assert Told().fps_of(FILE, 25.0, 100) == 25.0
    assert Told().fps_of(FILE, None, 1) == 1.0
    with pytest.raises(KeypointFormatError, match="say fps="):
        Told().fps_of(FILE, None, 2)
