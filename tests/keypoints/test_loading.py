"""Files are recognised or asked about, and one person is given or asked for."""

import json

import numpy as np
import pytest

from posenet3d.errors import (
    KeypointFormatError,
    PluginLoadError,
    ShapeError,
    StorageError,
    UnknownNameError,
)
from posenet3d.keypoints import (
    KeypointSequence,
    KeypointSource,
    load_keypoints,
    load_people,
    loading,
    write_clips,
)
from posenet3d.keypoints.readers.openpose import OpenPoseReader
from posenet3d.plugins import GROUPS, PluginSpec

XYC = [[100.0 + joint, 200.0 + 3 * joint, 0.75] for joint in range(17)]
FLAT = [value for row in XYC for value in row]
LANDMARKS = [{"x": 0.3, "y": 0.01 * joint, "z": 0.0, "visibility": 0.9} for joint in range(33)]


def as_json(value):
    return lambda path: path.write_text(json.dumps(value))


def as_text(text):
    return lambda path: path.write_text(text)


def as_arrays(**arrays):
    return lambda path: np.savez(path, **arrays)


def in_folder(name, write):
    def written(path):
        path.mkdir()
        write(path / name)

    return written


def as_hdf5(path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["node_names"] = [b"LKnee", b"RKnee"]
        file["tracks"] = np.ones((1, 2, 2, 5))


def as_pickled(path):
    found = {"walker": {"walk": [np.ones((5, 17, 2))]}}
    np.savez(path, positions_2d=np.array(found, dtype=object))


OPENPOSE = {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [*FLAT, 1, 2, 3]}]}
ALPHAPOSE = [{"image_id": "0.jpg", "category_id": 1, "keypoints": FLAT, "score": 2.5, "idx": 1}]
ALPHAPOSE_OPEN = {"version": "AlphaPose v0.3", "people": [{"pose_keypoints_2d": [*FLAT, 1, 2, 3]}]}
COCO = [{"image_id": 0, "category_id": 1, "keypoints": FLAT, "score": 0.9}]
MMPOSE = [{
    "keypoints": [row[:2] for row in XYC], "keypoint_scores": [0.75] * 17,
    "bbox": [[0, 0, 9, 9]], "bbox_score": 0.9,
}]  # fmt: skip
ULTRALYTICS = " ".join(["0", *["0.5"] * 4, *["0.4 0.6 0.9"] * 17])

SAMPLES = {
    "alphapose": [
        ("a.json", as_json(ALPHAPOSE)),
        ("sep-json", in_folder("0.json", as_json(ALPHAPOSE_OPEN))),
    ],
    "coco": [
        ("a.json", as_json(COCO)),
        ("person_keypoints.json", as_json({
            "images": [{"id": 7, "file_name": "7.jpg", "width": 640, "height": 480}],
            "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "keypoints": FLAT}],
            "categories": [],
        })),
    ],
    "csv": [("a.csv", as_text("frame,right_knee_x,right_knee_y\n0,10.5,20.5\n"))],
    "deeplabcut": [
        ("a.csv", as_text(
            "scorer,net,net,net\nbodyparts,RKnee,RKnee,RKnee\ncoords,x,y,likelihood\n0,1,2,0.9\n"
        )),
    ],
    "mediapipe": [("a.json", as_json([{"pose_landmarks": [LANDMARKS]}]))],
    "mmpose": [
        ("a.json", as_json([{"frame_id": 0, "instances": MMPOSE}])),
        ("b.json", as_json({"meta_info": {}, "instance_info": MMPOSE})),
        ("pictures", in_folder("0.json", as_json(MMPOSE))),
    ],
    "npz": [("a.npz", as_arrays(points=np.ones((5, 17, 2)), layout="coco_17", fps=25.0))],
    "openpose": [
        ("a_0_keypoints.json", as_json(OPENPOSE)),
        ("frames", in_folder("a_0_keypoints.json", as_json(OPENPOSE))),
        ("nobody.json", as_json({"version": 1.3, "people": []})),
    ],
    "pose2sim": [],  # the caller must name it
    "sleap": [("a.h5", as_hdf5)],
    "ultralytics": [("labels", in_folder("a_1.txt", as_text(f"{ULTRALYTICS}\n")))],
    "videopose3d": [("data_2d_custom_a.npz", as_pickled)],
}  # fmt: skip


def test_every_format_has_a_sample_here():
    own = {plugin.name for plugin in GROUPS["keypoint_readers"].advertised()
           if plugin.distribution == "posenet3d"}  # fmt: skip
    assert own == set(SAMPLES)


@pytest.mark.parametrize(
    ("name", "file", "write"),
    [(name, file, write) for name, files in SAMPLES.items() for file, write in files],
)
def test_a_sample_is_recognised_by_its_own_reader_alone(tmp_path, name, file, write):
    write(tmp_path / file)
    group = GROUPS["keypoint_readers"]
    sure = [
        other
        for other in group.names()
        if group.build(PluginSpec(name=other)).sniff(KeypointSource(tmp_path / file))
    ]
    assert sure == [name]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.json", b"{}"), ("a.json", b"[[1, 2], [3, 4]]"),
        ("a.npz", b"PK\x03\x04"), ("a.csv", b"a,b\n1,2\n"), ("a.txt", b"hello"),
        ("a", b"\x80\x02}"),
        ("a.h5", b"\x89HDF\r\n\x1a\n"), ("a.pkl", b"\x80\x04."),
    ],
)  # fmt: skip
def test_a_file_of_no_format_is_asked_about(tmp_path, file, content):
    (tmp_path / file).write_bytes(content)
    with pytest.raises(KeypointFormatError, match=r"format: expected one of .*; say format="):
        load_keypoints(tmp_path / file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "got an empty file"),
        (b"[" * 9999, "nested too deep"),
        (b'[{"people": [', "it was cut off"),
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_json_that_is_damaged_is_called_so(tmp_path, content, told, folder):
    path = tmp_path / "frames_000000000000_keypoints.json"
    path.write_bytes(content)
    with pytest.raises(KeypointFormatError, match=told):
        load_keypoints(tmp_path if folder else path)


@pytest.mark.parametrize("name", ["walk.mp4", "walk.MOV", "walk.png"])
def test_a_video_is_called_one_and_the_way_to_its_2d_is_told(tmp_path, name):
    (tmp_path / name).write_bytes(b"\0\0\0 ftyp")
    with pytest.raises(KeypointFormatError, match=rf"got a video .*posenet3d lift {name} --out"):
        load_keypoints(tmp_path / name)


def test_a_file_that_two_readers_claim_is_asked_about(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, points=np.ones((5, 17, 2)), positions_2d=np.ones(3), layout="coco_17", fps=25.0)
    with pytest.raises(
        KeypointFormatError, match="looks like npz and like videopose3d; say format"
    ):
        load_keypoints(path)


def test_a_broken_plug_in_stops_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez(path, points=np.ones((5, 17, 2)), layout="coco_17", fps=25.0)
    whole = loading._reader

    def reader(name):
        if name == "alphapose":
            raise PluginLoadError("posenet3d.keypoint_readers", name, "Plug-in is broken.")
        return whole(name)

    monkeypatch.setattr(loading, "_reader", reader)
    assert len(load_keypoints(path)) == 5
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(
        KeypointFormatError, match=r"say format= \(these could not be asked: Plug-in is broken"
    ):
        load_keypoints(tmp_path / "a.json")


def test_a_reader_that_fails_at_a_glance_stops_no_other(tmp_path, monkeypatch):
    class Fails:
        def sniff(self, source):
            raise RuntimeError("no glance")

    path = tmp_path / "a.npz"
    np.savez(path, points=np.ones((5, 17, 2)), layout="coco_17", fps=25.0)
    whole = loading._reader
    readers = {"alphapose": Fails()}
    monkeypatch.setattr(loading, "_reader", lambda name: readers.get(name) or whole(name))
    assert len(load_keypoints(path)) == 5
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(KeypointFormatError, match="Reader 'alphapose' failed: RuntimeError: no"):
        load_keypoints(tmp_path / "a.json")


def test_an_unknown_format_or_layout_suggests_the_nearest(tmp_path):
    as_json(OPENPOSE)(tmp_path / "a.json")
    with pytest.raises(UnknownNameError, match="openpose"):
        load_keypoints(tmp_path / "a.json", format="openpsoe")
    with pytest.raises(UnknownNameError, match="coco_18"):
        load_keypoints(tmp_path / "a.json", layout="coco_81")


def test_nothing_there_is_told(tmp_path):
    with pytest.raises(StorageError, match="got nothing there"):
        load_keypoints(tmp_path / "a.json")


BODY = np.random.default_rng(5).uniform(0, 100, (18, 2)) * [0.4, 1.0]


@pytest.fixture
def street(tmp_path):
    """Writes a folder of frames: for each person, from, to, where, how large."""

    def written(*people):
        for frame in range(max(end for _, end, *_ in people)):
            seen = [
                {
                    "person_id": [-1],
                    "pose_keypoints_2d": np.column_stack([BODY * size + where, np.ones(18)])
                    .ravel()
                    .tolist(),
                }
                for start, end, where, size in people
                if start <= frame < end
            ]
            as_json({"version": 1.3, "people": seen})(tmp_path / f"a_{frame:03}.json")
        return tmp_path

    return written


def test_a_ghost_of_some_frames_is_set_aside(street):
    folder = street((0, 40, 0.0, 1.0), (20, 23, 500.0, 3.0))
    assert len(load_keypoints(folder, fps=10)) == 40
    assert [len(each) for each in load_people(folder, fps=10)] == [40, 3]


@pytest.mark.parametrize("frames", [4, 20])
def test_someone_seen_for_longer_must_be_told_from_the_other(street, frames):
    folder = street((0, 40, 0.0, 1.0), (20, 20 + frames, 500.0, 3.0))
    listed = rf"track 1: {frames} frames from 20, at x "
    with pytest.raises(KeypointFormatError, match=listed) as told:
        load_keypoints(folder, fps=10)
    assert "track 0: 40 frames from 0, at x " in str(told.value)
    assert len(load_keypoints(folder, fps=10, person=0)) == 40
    assert len(load_keypoints(folder, fps=10, person=1)) == frames


def test_half_a_second_is_no_ghost_however_long_the_clip(street):
    folder = street((0, 45, 0.0, 1.0), (20, 22, 500.0, 3.0))
    with pytest.raises(KeypointFormatError, match="expected one person, got 2"):
        load_keypoints(folder, fps=4)


def test_in_a_short_clip_nobody_is_a_ghost(street):
    with pytest.raises(KeypointFormatError, match="expected one person, got 2"):
        load_keypoints(street((0, 6, 0.0, 1.0), (0, 1, 500.0, 1.0)), fps=25)


def test_whoever_is_seen_most_comes_first(street):
    folder = street((0, 30, 0.0, 1.0), (0, 20, 500.0, 4.0))
    people = load_people(folder, fps=25)
    assert [len(each) for each in people] == [20, 30]
    assert load_keypoints(folder, fps=25, person=-1).track_id == people[0].track_id


def test_a_person_who_is_not_there_is_told(street):
    with pytest.raises(KeypointFormatError, match="a person of track 7, got 1"):
        load_keypoints(street((0, 5, 0.0, 1.0)), fps=25, person=7)


def test_many_people_are_listed_in_few_words(street):
    folder = street(*[(0, 2, 300.0 * place, 1.0) for place in range(30)])
    with pytest.raises(KeypointFormatError, match=r"got 30 .*22 more") as told:
        load_keypoints(folder, fps=25)
    assert len(str(told.value)) < 1000


def test_clips_that_someone_named_are_never_ghosts(tmp_path):
    clips = {
        name: KeypointSequence(np.ones((frames, 17, 2)), layout="coco_17", fps=25.0, source=name)
        for name, frames in (("long", 500), ("short", 3))
    }
    write_clips(tmp_path / "a.npz", clips)
    with pytest.raises(KeypointFormatError, match="long: 500 frames from 0"):
        load_keypoints(tmp_path / "a.npz")


def test_an_empty_folder_one_of_folders_and_a_lifted_motion_are_told_as_such(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(KeypointFormatError, match="none: expected keypoint files, got an empty"):
        load_keypoints(tmp_path / "none")
    (tmp_path / "pose" / "cam1_json").mkdir(parents=True)
    with pytest.raises(KeypointFormatError, match="sub-folders alone, the first 'cam1_json'"):
        load_keypoints(tmp_path / "pose")
    np.savez(tmp_path / "a.npz", posenet3d="{}", joints3d=np.zeros((2, 14, 3)))
    with pytest.raises(KeypointFormatError, match=r"a\.npz: expected keypoints, got a motion"):
        load_keypoints(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("frame,nose_x,nose_y\n0,1.5,2\n".encode("utf-16"), "text: expected UTF-8, got UTF-16"),
        (b"frame;nose_x;nose_y\n0;1,5;2\n", "expected commas .*, got semicolons"),
        (b"\n# a note, and more\nframe\tnose_x\tnose_y\n0\t1.5\t2\n", "commas .*, got tabs"),
    ],
)
def test_a_table_that_was_saved_in_another_way_is_told_as_such(tmp_path, content, told):
    (tmp_path / "walk.csv").write_bytes(content)
    with pytest.raises(KeypointFormatError, match=told):
        load_keypoints(tmp_path / "walk.csv", layout="coco_17", fps=25)


def test_a_layout_of_another_number_of_joints_names_those_that_fit(tmp_path):
    as_json(OPENPOSE)(tmp_path / "a.json")
    with pytest.raises(KeypointFormatError, match="got 18; say layout='coco_18'"):
        load_keypoints(tmp_path / "a.json", layout="coco_17", fps=25)


@pytest.mark.parametrize("format", [None, "openpose"])
def test_names_of_joints_are_refused_for_a_format_that_has_its_own(tmp_path, monkeypatch, format):
    path = tmp_path / "walk_000_keypoints.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": [1.0] * 75}]}))
    monkeypatch.setattr(OpenPoseReader, "read", lambda *_: pytest.fail("the file is read"))
    with pytest.raises(ShapeError, match="'openpose', which names its joints itself") as refused:
        load_people(path, format, joints={"head_top": "hat"})
    assert refused.value.what == "joints"


def test_what_is_told_is_checked_before_anything_is_read(tmp_path):
    as_json(OPENPOSE)(tmp_path / "a.json")
    with pytest.raises(ShapeError, match="fps: expected a positive number, got -1"):
        load_keypoints(tmp_path / "a.json", fps=-1)
