import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posenet3d.errors import DataError, KeypointFormatError
from posenet3d.keypoints import KeypointSequence, load_keypoints, load_people, write_csv
from posenet3d.keypoints.csv_file import FIRST_LINE
from posenet3d.skeletons import LSP_14
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

FACTS = (
    "layout", "fps", "unit", "image_size", "track_id", "source",
    "points", "confidence", "frame_index", "synthesized",
)  # fmt: skip


@st.composite
def recordings(draw):
    """Several people of one recording."""
    facts = {
        "layout": "lsp_14",
        "fps": draw(st.floats(1, 240)),
        "unit": draw(st.sampled_from(["pixels", "normalized"])),
        "image_size": draw(st.none() | st.tuples(st.integers(1, 8000), st.integers(1, 8000))),
        "synthesized": draw(arrays(np.bool_, 14)),
    }
    tracks = draw(st.lists(st.none() | st.integers(-3, 9), min_size=1, max_size=3, unique=True))
    return [draw(people(track, facts)) for track in tracks]


@st.composite
def people(draw, track, facts):
    frames = draw(st.integers(1, 4))
    points = draw(arrays(np.float64, (frames, 14, 2), elements=st.floats(-1e6, 1e6)))
    points[draw(arrays(np.bool_, (frames, 14)))] = np.nan
    return KeypointSequence(
        points,
        draw(arrays(np.float64, (frames, 14), elements=st.floats(0, 1))),
        frame_index=np.cumsum(draw(st.lists(st.integers(1, 9), min_size=frames, max_size=frames))),
        track_id=track,
        source=draw(st.text(max_size=9) | st.sampled_from(['a,"b",', "# x: 1\n", "ü/1", '"'])),
        **facts,
    )


@given(recording=recordings())
def test_what_is_written_is_read_again_exactly(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "people.csv"
    write_csv(path, recording)
    again = {person.track_id: person for person in load_people(path)}
    assert len(again) == len(recording)
    for person in recording:
        for fact in FACTS:
            np.testing.assert_equal(
                getattr(again[person.track_id], fact), getattr(person, fact), err_msg=fact
            )


def written(folder, *rows, header="frame,right_knee_x,right_knee_y,left_knee_x,left_knee_y"):
    path = folder / "walk.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_table_of_ones_own_needs_no_comments_and_no_order(tmp_path):
    header = '"left_knee_x","frame","left_knee_y","right_knee_y","right_knee_x"'
    path = written(tmp_path, "1,7,2,4,3", ",5,,6,5", header=header)
    person = load_keypoints(path, fps=25)
    assert person.frame_index.tolist() == [5, 7]
    knees = person.points[:, list(LSP_14.indices("right_knee", "left_knee"))]
    np.testing.assert_array_equal(knees, [[[5, 6], [np.nan, np.nan]], [[3, 4], [1, 2]]])
    assert person.confidence.max() == 1


def test_people_are_told_apart_by_their_tracks(tmp_path):
    header = "frame,track,right_knee_x,right_knee_y"
    path = written(tmp_path, "0,4,1,1", "0,2,5,5", "1,4,2,2", header=header)
    people = load_people(path, fps=25)
    assert [(p.track_id, p.frame_index.tolist()) for p in people] == [(4, [0, 1]), (2, [0])]


def test_what_the_caller_tells_goes_before_what_the_file_says(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, KeypointSequence(np.ones((2, 14, 2)), layout="lsp_14", fps=25.0))
    assert load_keypoints(path, fps=50, image_size=(9, 8)).fps == 50


BAD = {
    "no rows": ((), "header and at least one row"),
    "short": (("0,1,2,3",), "line 2: expected 5 cells"),
    "text": (("0,1,2,3,x",), "line 2.*'x'"),
    "infinite": (("0,1,2,3,1e999",), "line 2"),
    "underscore": (("0,1,2,3,1_0",), "line 2"),
    "frame": (("0.5,1,2,3,4",), "line 2.*whole number.*'0.5'"),
    "frame too high": (("99999999999,1,2,3,4",), "whole number from 0"),
    "frame twice": (("1,1,2,3,4", "1,1,2,3,4"), "rise"),
    "half": (("1,1,,3,4",), "NaN for both"),
}


@pytest.mark.parametrize(("rows", "match"), BAD.values(), ids=BAD)
def test_what_a_row_does_wrong_is_told_with_its_place(rows, match, tmp_path):
    with pytest.raises(KeypointFormatError, match=rf"walk\.csv: .*{match}"):
        load_people(written(tmp_path, *rows), fps=25)


HEADERS = {
    "no frame": ("right_knee_x,right_knee_y,a_x,a_y,b_x", "columns frame, track"),
    "odd column": ("frame,knee,right_knee_x,right_knee_y,b_x", "'knee'"),
    "twice": ("frame,right_knee_x,right_knee_x,right_knee_y,left_knee_x", "twice"),
    "x alone": ("frame,right_knee_x,left_knee_x,left_knee_y,left_knee_c", "only one of them"),
    "no joint": ("frame,tail_x,tail_y,left_knee_x,left_knee_y", "'tail'"),
    "fps": ("# fps: x\nframe,left_knee_x,left_knee_y,right_knee_x,right_knee_y", "'x'"),
    "layout": ("# layout: lsp_14\nframe,left_knee_x,left_knee_y,nose_x,nose_y", "'nose'"),
    "size": (f"# image_size: 640\n{'frame,left_knee_x,left_knee_y,right_knee_x,right_knee_y'}",
             "640x480"),
    "comment twice": ("# fps: 1\n# fps: 2\nframe,left_knee_x,left_knee_y,a_x,a_y", "twice"),
}  # fmt: skip


@pytest.mark.parametrize(("header", "match"), HEADERS.values(), ids=HEADERS)
def test_what_a_header_does_wrong_is_told(header, match, tmp_path):
    told = {} if "fps" in header else {"fps": 25}
    with pytest.raises(KeypointFormatError, match=match):
        load_people(written(tmp_path, "0,1,2,3,4", "1,1,2,3,4", header=header), "csv", **told)


def one(**facts):
    return KeypointSequence(np.ones((2, 14, 2)), **{"layout": "lsp_14", "fps": 25.0} | facts)


@pytest.mark.parametrize(
    ("sequences", "match"),
    [
        ([], "at least one"),
        ([one(), one()], "another track"),
        ([one(track_id=1), one(fps=30.0, track_id=2)], "fps: expected one"),
        ([one(track_id=1), one(image_size=(1, 1), track_id=2)], "image_size: expected one"),
    ],
)
def test_what_one_table_cannot_hold_is_not_written(sequences, match, tmp_path):
    with pytest.raises(DataError, match=match):
        write_csv(tmp_path / "a.csv", sequences)
    assert not list(tmp_path.iterdir())


def test_the_file_begins_with_what_it_is(tmp_path):
    write_csv(tmp_path / "a.csv", one(track_id=3, source="walk"))
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[:5] == [
        FIRST_LINE, "# layout: lsp_14", "# fps: 25.0", "# unit: pixels", '# source of 3: "walk"'
    ]  # fmt: skip
    assert lines[6].startswith("0,3,1.0,1.0,1.0,")


def sample(folder):
    points = np.arange(3 * 28.0).reshape(3, 14, 2) / 7
    points[1, 3] = np.nan
    facts = {"layout": "lsp_14", "fps": 25.0, "image_size": (640, 480)}
    people = [KeypointSequence(points, track_id=track, **facts) for track in (1, 2)]
    write_csv(folder / "walk.csv", people)
    return folder / "walk.csv"


def test_the_reader_keeps_the_contract(tmp_path):
    check_keypoint_reader("csv", sample(tmp_path))


def test_damaged_files_end_in_errors_of_the_format(tmp_path):
    check_malformed("csv", sample(tmp_path), tmp_path)
