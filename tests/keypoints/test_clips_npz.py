import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posenet3d.errors import DataError, KeypointFormatError, StorageError, UnknownNameError
from posenet3d.keypoints import KeypointSequence, read_clips, write_clips

FACTS = (
    "layout", "fps", "unit", "image_size", "track_id", "source",
    "points", "confidence", "frame_index", "synthesized",
)  # fmt: skip


@st.composite
def sequences(draw):
    frames = draw(st.integers(1, 4))
    numbers = st.floats(-1e6, 1e6)
    points = draw(arrays(np.float64, (frames, 14, 2), elements=numbers))
    points[draw(arrays(np.bool_, (frames, 14)))] = np.nan
    return KeypointSequence(
        points,
        draw(st.none() | arrays(np.float64, (frames, 14), elements=st.floats(0, 1))),
        layout="lsp_14",
        fps=draw(st.floats(1, 240)),
        unit=draw(st.sampled_from(["pixels", "normalized"])),
        image_size=draw(st.none() | st.tuples(st.integers(1, 8000), st.integers(1, 8000))),
        frame_index=np.cumsum(draw(st.lists(st.integers(1, 9), min_size=frames, max_size=frames))),
        track_id=draw(st.none() | st.integers(-1, 99)),
        source=draw(st.sampled_from(["S01/a b/view0", "c:\\clips.json", "ü", "keypoints"])),
        synthesized=draw(arrays(np.bool_, 14)),
    )


@given(clips=st.dictionaries(st.sampled_from(["a", "S01/b/view0", "c:d", "ü"]), sequences(),
                             min_size=1, max_size=3))  # fmt: skip
def test_what_is_written_is_read_again_exactly(clips, tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clips.npz"
    write_clips(path, clips)
    again = read_clips(path)
    assert list(again) == list(clips)
    for name, clip in clips.items():
        for fact in FACTS:
            np.testing.assert_equal(getattr(again[name], fact), getattr(clip, fact))


def test_facts_of_the_whole_file_hold_for_each_clip_that_has_none(tmp_path):
    clip = np.ones((9, 17, 2))
    path = tmp_path / "clips.npz"
    arrays = {"walk:points": clip, "run:points": clip, "run:fps": 100}
    np.savez(path, fps=50, layout="coco_17", image_size=(640, 480), **arrays)
    clips = read_clips(path)
    assert {name: clip.fps for name, clip in clips.items()} == {"walk": 50, "run": 100}
    assert clips["walk"].image_size == (640, 480)
    assert clips["walk"].source == "walk"


def test_a_file_of_one_clip_needs_no_names(tmp_path):
    np.savez(tmp_path / "walk.npz", points=np.ones((9, 17, 2)), fps=50, layout="coco_17")
    assert list(read_clips(tmp_path / "walk.npz")) == ["walk"]


GOOD = {"a:points": np.ones((9, 17, 2)), "fps": 50, "layout": "coco_17"}
BAD = {
    "no clip": ({"fps": 50, "layout": "coco_17"}, "'points'"),
    "no fps": ({"a:points": np.ones((9, 17, 2)), "layout": "coco_17"}, "'fps'"),
    "no layout": ({"a:points": np.ones((9, 17, 2)), "fps": 50}, "'layout'"),
    "3D": (GOOD | {"a:points": np.ones((9, 17, 3))}, r" a: points: expected \(frames, 17, 2"),
    "foreign field": (GOOD | {"a:depth": np.ones(9)}, "'a:depth'"),
    "field of no clip": (GOOD | {"b:fps": 50}, "'b:fps'"),
    "frames for all": (GOOD | {"frame_index": np.arange(9)}, "'frame_index'"),
    "many fps": (GOOD | {"fps": np.ones(3)}, "fps: expected a single value"),
    "layout a number": (GOOD | {"layout": 17}, "layout: expected a single value"),
    "NaN fps": (GOOD | {"fps": np.nan}, " a: fps: expected a positive"),
}


@pytest.mark.parametrize(("arrays", "match"), BAD.values(), ids=BAD)
def test_a_file_that_breaks_the_format_is_an_error_that_names_it(arrays, match, tmp_path):
    np.savez(tmp_path / "clips.npz", **arrays)
    with pytest.raises(KeypointFormatError, match=rf"clips\.npz.*{match}"):
        read_clips(tmp_path / "clips.npz")


def test_an_unknown_layout_in_a_file_is_an_error(tmp_path):
    np.savez(tmp_path / "clips.npz", **GOOD | {"layout": "coco"})
    with pytest.raises(UnknownNameError, match="coco_17"):
        read_clips(tmp_path / "clips.npz")


def test_pickled_objects_are_not_read(tmp_path):
    np.savez(tmp_path / "clips.npz", **GOOD | {"a:track_id": np.array([None])})
    with pytest.raises(DataError):
        read_clips(tmp_path / "clips.npz")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(StorageError):
        read_clips(tmp_path / "nothing.npz")


@pytest.mark.parametrize(
    "clips", [{}, {"": KeypointSequence(np.ones((1, 14, 2)), layout="lsp_14", fps=1.0)}]
)
def test_nothing_and_the_nameless_are_not_written(clips, tmp_path):
    with pytest.raises(DataError, match="with a name"):
        write_clips(tmp_path / "clips.npz", clips)
    assert not list(tmp_path.iterdir())
