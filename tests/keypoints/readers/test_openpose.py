"""OpenPose's and Pose2Sim's files, in the joint orders that OpenPose's documentation gives."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError, StorageError
from posenet3d.keypoints import KeypointSource, Told, load_keypoints, load_people
from posenet3d.keypoints.readers.openpose import OpenPoseReader
from posenet3d.keypoints.readers.pose2sim import Pose2SimReader
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

# https://github.com/CMU-Perceptual-Computing-Lab/openpose, doc/02_output.md and poseParameters.cpp
ORDERS = {
    "body_25": "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle "
    "LHip LKnee LAnkle REye LEye REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel",
    "body_25b": "Nose LEye REye LEar REar LShoulder RShoulder LElbow RElbow LWrist RWrist LHip "
    "RHip LKnee RKnee LAnkle RAnkle UpperNeck HeadTop LBigToe LSmallToe LHeel RBigToe RSmallToe "
    "RHeel",
    "coco_18": "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip "
    "LKnee LAnkle REye LEye REar LEar",
    "mpi_15": "Head Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip "
    "LKnee LAnkle Chest",
}
AMBIGUOUS = {"body_25", "body_25b"}


def ours(name: str) -> str:
    """``LBigToe`` as the library calls it."""
    sided = re.sub("^([LR])(?=[A-Z])", lambda found: {"L": "Left", "R": "Right"}[found[1]], name)
    snake = re.sub("(?<!^)(?=[A-Z])", "_", sided).lower()
    return {"head": "head_top"}.get(snake, snake)


def order(layout: str) -> list[str]:
    return [ours(name) for name in ORDERS[layout].split()]


def frame_file(*people: list[float], number: int = -1) -> dict[str, Any]:
    """A frame as OpenPose 1.7 writes it."""
    parts = ("face", "hand_left", "hand_right")
    return {
        "version": 1.3,
        "people": [
            {
                "person_id": [number],
                "pose_keypoints_2d": joints,
                **{f"{part}_keypoints_2d": [] for part in parts},
                **{f"{part}_keypoints_3d": [] for part in ("pose", *parts)},
            }
            for joints in people
        ],
    }


@pytest.fixture
def write(tmp_path):
    """Writes frames into a folder as OpenPose names them."""

    def written(*frames: object, first: int = 0, folder: str = "walk") -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for number, frame in enumerate(frames, start=first):
            (place / f"{folder}_{number:012d}_keypoints.json").write_text(json.dumps(frame))
        return place

    return written


def walk(walker, layout: str = "coco_18", frames: int = 4) -> list[dict[str, Any]]:
    return [frame_file(walker.triples(order(layout), frame)) for frame in range(frames)]


@pytest.mark.parametrize("layout", ORDERS)
def test_each_joint_is_under_its_name(write, walker, layout):
    told = {"layout": layout} if layout in AMBIGUOUS else {}
    read = load_keypoints(write(*walk(walker, layout)), fps=60, **told)
    assert (read.layout, read.fps, read.unit, len(read)) == (layout, 60.0, "pixels", 4)
    walker.check(read)


def test_25_joints_may_be_either_of_two(write, walker):
    with pytest.raises(KeypointFormatError, match="layout='body_25' or layout='body_25b'"):
        load_people(write(*walk(walker, "body_25")), fps=60)


def test_a_single_file_is_a_picture(write, walker):
    folder = write(walk(walker)[0], first=12)
    read = load_keypoints(next(folder.iterdir()))
    assert (len(read), read.fps, read.frame_index.tolist()) == (1, 1.0, [12])


def test_frames_go_by_the_numbers_in_their_names(write, walker):
    folder = write(*walk(walker)[:2], first=99)
    write(walk(walker)[2], first=101)
    for path in folder.glob("*0101_*"):
        path.rename(folder / "walk_102_keypoints.json")
    assert load_keypoints(folder, fps=60).frame_index.tolist() == [99, 100, 102]


def test_frames_without_people_are_gaps(write, walker):
    first, _, third, _ = walk(walker)
    read = load_keypoints(write(first, frame_file(), third), fps=60)
    assert read.frame_index.tolist() == [0, 2]
    walker.check(read)


def test_a_folder_that_begins_and_ends_empty_is_recognised(write, walker):
    folder = write(frame_file(), *walk(walker)[1:], frame_file())
    assert load_keypoints(folder, fps=60).frame_index.tolist() == [1, 2, 3]


def test_joints_that_openpose_did_not_see_are_unknown(write, walker):
    frames = walk(walker)
    frames[1]["people"][0]["pose_keypoints_2d"][6:9] = [0, 0, 0]
    read = load_keypoints(write(*frames), fps=60)
    assert np.isnan(read.points[1, 2]).all()
    assert read.confidence[1, 2] == 0
    assert np.isfinite(read.points).sum() == read.points.size - 2


def test_two_people_whose_order_changes_are_two_sequences(write, walker):
    near, far = ([walker.triples(order("coco_18"), f, at) for f in range(4)] for at in (0.0, 400.0))
    frames = [frame_file(near[0], far[0]), frame_file(far[1], near[1]), frame_file(far[2])]
    folder = write(*frames, frame_file(near[3], far[3]))
    people = load_people(folder, fps=60)
    assert [each.frame_index.tolist() for each in people] == [[0, 1, 2, 3], [0, 1, 3]]
    walker.check(people[0], at=400.0)
    walker.check(people[1])


@pytest.mark.parametrize("number", [7, [7]])
def test_person_id_is_the_track(write, walker, number):
    frames = walk(walker)
    for frame in frames:
        frame["people"][0]["person_id"] = number
    assert load_keypoints(write(*frames), fps=60).track_id == 7


@pytest.mark.parametrize("number", [-1, [-1], [], None])
def test_no_person_id_is_none(write, walker, number):
    frames = walk(walker)
    for frame in frames:
        frame["people"][0]["person_id"] = number
    assert load_keypoints(write(*frames), fps=60).track_id == 0


def test_files_of_openpose_1_0_are_read(write, walker):
    frames = [
        {"version": 1.0, "people": [{"pose_keypoints": walker.triples(order("coco_18"), frame)}]}
        for frame in range(4)
    ]
    walker.check(load_keypoints(write(*frames), fps=60))


def scaled(walker, to) -> list[dict[str, Any]]:
    """A walk whose coordinates are shares of a picture of 640 x 600."""
    frames = walk(walker)
    for frame in frames:
        joints = np.array(frame["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
        joints[:, :2] = to(joints[:, :2] / [640, 600])
        joints[4] = [*to(np.zeros(2)), 0]  # one that was not seen
        frame["people"][0]["pose_keypoints_2d"] = joints.ravel().tolist()
    return frames


@pytest.mark.parametrize("to", [lambda share: share, lambda share: 2 * share - 1], ids=["01", "11"])
def test_keypoint_scale_is_undone_with_the_pictures_size(write, walker, to):
    folder = write(*scaled(walker, to))
    with pytest.raises(KeypointFormatError, match="--keypoint_scale makes; say image_size="):
        load_keypoints(folder, fps=60)
    read = load_keypoints(folder, fps=60, image_size=(640, 600))
    assert read.image_size == (640, 600)
    whole = load_keypoints(write(*walk(walker), folder="whole"), fps=60)
    assert np.isnan(read.points[:, 4]).all()
    seen = [joint for joint in range(18) if joint != 4]
    np.testing.assert_allclose(read.points[:, seen], whole.points[:, seen], atol=1e-4, rtol=0)


def test_a_face_without_a_body_is_told(write):
    face = {"person_id": [-1], "pose_keypoints_2d": [], "face_keypoints_2d": [1.0, 2.0, 0.5] * 70}
    with pytest.raises(KeypointFormatError, match="expected 2D joints of a body"):
        load_people(write({"version": 1.3, "people": [face]}), fps=60)


def test_nobody_in_any_frame_is_told(write):
    with pytest.raises(KeypointFormatError, match="at least one person, got none in any frame"):
        load_people(write(frame_file(), frame_file()), fps=60)


def test_two_cameras_in_one_folder_are_refused(write, walker):
    folder = write(*walk(walker))
    for path in sorted(folder.iterdir()):
        path.with_name(path.name.replace("walk", "other")).write_bytes(path.read_bytes())
    with pytest.raises(KeypointFormatError, match="frames of one video together"):
        load_people(folder, fps=60)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(KeypointFormatError, match="expected keypoint files, got an empty folder"):
        load_people(tmp_path)
    with pytest.raises(KeypointFormatError, match="expected a JSON file a frame, got none"):
        load_people(tmp_path, format="openpose")


def test_an_empty_file_among_good_ones_is_named(write, walker):
    folder = write(*walk(walker))
    bad = sorted(folder.iterdir())[2]
    bad.write_bytes(b"")
    with pytest.raises(KeypointFormatError, match=bad.name):
        load_people(folder, fps=60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pose_keypoints_2d": [1.0, 2.0]}, "x, y and confidence of each joint"),
        ({"pose_keypoints_2d": "1 2 3"}, "expected a list of numbers"),
        ({"pose_keypoints_2d": [None] * 54}, "expected a list of numbers"),
        ({"pose_keypoints_2d": [1.0] * 51}, "expected 18 joints as the people before"),
        ({"person_id": [1, 2]}, "expected one number"),
        ({"person_id": [-7]}, "expected a whole number from 0"),
        ({"person_id": "a"}, "expected a whole number from 0"),
    ],
)
def test_a_fault_in_a_person_is_told_with_its_place(write, walker, change, message):
    frames = walk(walker)
    frames[2]["people"][0].update(change)
    with pytest.raises(KeypointFormatError, match=message) as caught:
        load_people(write(*frames), fps=60, format="openpose")
    assert "walk_000000000002_keypoints.json, person 0" in str(caught.value)


@pytest.mark.parametrize("value", [[], {}, {"people": {}}, {"people": None}, 3, {"people": [7]}])
def test_a_file_of_another_shape_is_refused(write, value):
    folder = write(value)
    assert not OpenPoseReader().sniff(KeypointSource(folder))
    with pytest.raises(KeypointFormatError):
        OpenPoseReader().read(KeypointSource(folder), Told(fps=60.0))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StorageError, match="got nothing there"):
        OpenPoseReader().read(KeypointSource(tmp_path / "walk.json"), Told())


def test_the_contract_of_readers_is_kept(write, walker):
    check_keypoint_reader("openpose", write(*walk(walker)), fps=60.0)
    check_keypoint_reader("openpose", next(write(*walk(walker)).iterdir()))


def test_damaged_folders_end_in_the_librarys_errors(write, walker, tmp_path):
    check_malformed("openpose", write(*walk(walker, "mpi_15", 2)), tmp_path, fps=60.0)


def test_damaged_files_end_in_the_librarys_errors(write, walker, tmp_path):
    file = next(write(*walk(walker, "mpi_15", 1)).iterdir())
    check_malformed("openpose", file, tmp_path, count=500, fps=60.0, image_size=(640, 600))


def test_the_real_clip_is_read(data_folder):
    told = {"layout": "body_25b", "fps": 60, "image_size": (1088, 1920)}
    people = load_people(data_folder / "openpose_body25b", **told)
    assert [len(each) for each in people] == [100, 100, 1]
    assert people[2].frame_index.tolist() == [37]
    person = load_keypoints(data_folder / "openpose_body25b", person=-1, **told)
    assert person.frame_index.tolist() == list(range(100))
    np.testing.assert_allclose(person.points[0, 0], (505.232, 431.63))
    steps = np.diff(person.points, axis=0)
    assert np.nanmedian(np.abs(steps)) < 6  # OpenPose's grid is 5.3 pixels
    assert np.nanmax(np.linalg.norm(np.nanmean(steps, 1), axis=-1)) < 40
    with pytest.raises(KeypointFormatError, match="track 1: 100 frames from 0"):
        load_keypoints(data_folder / "openpose_body25b", **told)


@pytest.mark.parametrize(
    ("joints", "layout", "told"),
    [
        (26, "halpe_26", None),
        (136, "halpe_26", None),
        (133, "coco_17", None),
        (18, "coco_18", None),
        (33, "mediapipe_33", None),
        (17, "coco_17", "coco_17"),
        (25, "body_25b", "body_25b"),
    ],
)
def test_pose2sim_reads_the_joints_of_its_models(write, joints, layout, told):
    rows = [[100.0 + joint, 50.0 + joint, 0.5] for joint in range(joints)]
    frames = [frame_file([value for row in rows for value in row])] * 3
    read = load_keypoints(write(*frames), format="pose2sim", fps=60, layout=told)
    assert (read.layout, len(read)) == (layout, 3)


@pytest.mark.parametrize(("joints", "other"), [(17, "h36m_17"), (25, "body_25b")])
def test_pose2sim_asks_where_two_layouts_fit(write, joints, other):
    with pytest.raises(KeypointFormatError, match=f"or layout='{other}'"):
        load_keypoints(write(frame_file([100.0, 50.0, 0.5] * joints)), format="pose2sim")


def test_pose2sim_joints_are_under_their_names(write, walker, halpe_order):
    frames = [frame_file(walker.triples(halpe_order, frame)) for frame in range(3)]
    walker.check(load_keypoints(write(*frames), format="pose2sim", fps=60))


def test_26_joints_are_read_as_openposes_only_if_told(write, walker, halpe_order):
    folder = write(*[frame_file(walker.triples(halpe_order, frame)) for frame in range(3)])
    with pytest.raises(KeypointFormatError, match="say layout='halpe_26'"):
        load_keypoints(folder, fps=60)
    walker.check(load_keypoints(folder, fps=60, layout="halpe_26"))


def test_people_that_pose2sim_did_not_find_are_left_out(write, walker, halpe_order):
    frames = [frame_file(walker.triples(halpe_order, frame)) for frame in range(3)]
    for frame in frames:
        frame["people"].insert(0, {})
    folder = write(*frames)
    assert OpenPoseReader().sniff(KeypointSource(folder))
    walker.check(load_keypoints(folder, format="pose2sim", fps=60))


def test_pose2sim_keeps_the_contract(write, walker, halpe_order, tmp_path):
    folder = write(*[frame_file(walker.triples(halpe_order, frame)) for frame in range(2)])
    check_keypoint_reader("pose2sim", folder, sniffed=False, fps=60.0)
    assert Pose2SimReader().sniff(KeypointSource(folder)) is False
    check_malformed("pose2sim", folder, tmp_path, fps=60.0)
