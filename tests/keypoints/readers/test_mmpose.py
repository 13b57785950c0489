import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import KeypointSource, load_keypoints, load_people
from posenet3d.keypoints.readers import MMPoseReader
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

H36M = [
    "root", "right_hip", "right_knee", "right_foot", "left_hip", "left_knee", "left_foot",
    "spine", "thorax", "neck_base", "head", "left_shoulder", "left_elbow", "left_wrist",
    "right_shoulder", "right_elbow", "right_wrist",
]  # fmt: skip
OURS = {
    "root": "pelvis", "right_foot": "right_ankle", "left_foot": "left_ankle",
    "neck_base": "nose", "head": "head_top",
}  # fmt: skip


def instance(walker, joints: list[str], frame: int = 0, at: float = 0.0) -> dict[str, Any]:
    """One person as `mmpose.structures.split_instances` makes it."""
    points = [list(walker.place(joint, frame, at)) for joint in joints]
    x, y = zip(*points, strict=True)
    return {
        "keypoints": points,
        "keypoint_scores": [walker.score(joint) for joint in joints],
        "bbox": [[min(x), min(y), max(x), max(y)]],  # a comma in their source makes it a tuple
        "bbox_score": 0.75,
    }


def meta(names: list[str]) -> dict[str, Any]:
    """Their `dataset_meta` as json_tricks writes it: the numbers of joints become texts."""
    return {
        "dataset_name": "coco",
        "num_keypoints": len(names),
        "keypoint_id2name": {str(place): name for place, name in enumerate(names)},
        "dataset_keypoint_weights": {"__ndarray__": [1.0], "dtype": "float64", "shape": [1]},
    }


@pytest.fixture
def write(tmp_path):
    def written(value: object, name: str = "walk.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value, indent="  "))
        return path

    return written


def video(walker, joints: list[str], frames: int = 4) -> list[dict[str, Any]]:
    return [
        {"frame_id": frame, "instances": [instance(walker, joints, frame)]}
        for frame in range(frames)
    ]


def test_a_video_of_the_inferencer_is_read_exactly(write, walker, coco_order):
    read = load_keypoints(write(video(walker, coco_order)), layout="coco_17", fps=30)
    assert (read.layout, read.fps, read.source) == ("coco_17", 30.0, "walk")
    assert read.frame_index.tolist() == [0, 1, 2, 3]
    walker.check(read)


def test_17_joints_without_names_need_a_layout(write, walker, coco_order):
    path = write(video(walker, coco_order))
    with pytest.raises(KeypointFormatError, match=r"layout='coco_17' or layout='h36m_17'"):
        load_people(path, fps=30)


def test_a_frame_rate_must_be_told(write, walker, coco_order):
    path = write(video(walker, coco_order))
    with pytest.raises(KeypointFormatError, match="say fps="):
        load_people(path, layout="coco_17")


def test_the_names_of_a_demo_tell_coco(write, walker, coco_order):
    value = {"meta_info": meta(coco_order), "instance_info": video(walker, coco_order)}
    walker.check(load_keypoints(write(value), fps=30))


def test_the_names_of_a_demo_tell_human36m(write, walker):
    joints = [OURS.get(name, name) for name in H36M]
    value = {"meta_info": meta(H36M), "instance_info": video(walker, joints)}
    read = load_keypoints(write(value), fps=30)
    assert read.layout == "h36m_17"
    walker.check(read)


def test_the_names_of_a_demo_tell_halpe(write, walker, halpe_order):
    theirs = {"head_top": "head", "mid_hip": "hip"}
    names = [theirs.get(joint, joint) for joint in halpe_order]
    value = {"meta_info": meta(names), "instance_info": video(walker, halpe_order)}
    read = load_keypoints(write(value), fps=30)
    assert read.layout == "halpe_26"
    walker.check(read)


def test_posetracks_17_joints_are_not_taken_for_cocos(write, walker, coco_order):
    names = ["nose", "head_bottom", "head_top", *coco_order[3:]]
    value = {"meta_info": meta(names), "instance_info": video(walker, coco_order)}
    with pytest.raises(KeypointFormatError, match="joints of a layout in its order"):
        load_people(write(value), fps=30)


def test_a_whole_body_gives_its_body(write, walker, coco_order):
    joints = [*coco_order, *(f"face_{place}" for place in range(133 - 17))]
    walker.check(load_keypoints(write(video(walker, joints)), fps=30))
    read = load_keypoints(write(video(walker, joints)), fps=30, layout="coco_17")
    assert read.layout == "coco_17"


def test_demos_count_frames_from_1_and_the_numbers_are_kept(write, walker, coco_order):
    frames = video(walker, coco_order)[1:]
    value = {"meta_info": meta(coco_order), "instance_info": frames}
    read = load_keypoints(write(value), fps=30)
    assert read.frame_index.tolist() == [1, 2, 3]
    walker.check(read)


def test_frames_without_people_stay_gaps(write, walker, coco_order):
    frames = video(walker, coco_order)
    frames[1]["instances"] = []
    read = load_keypoints(write(frames), layout="coco_17", fps=30)
    assert read.frame_index.tolist() == [0, 2, 3]
    walker.check(read)


def test_two_people_are_told_apart_though_their_order_changes(write, walker, coco_order):
    frames = video(walker, coco_order)
    for number, frame in enumerate(frames):
        other = instance(walker, coco_order, number, at=500)
        frame["instances"].insert(number % 2, other)
    people = load_people(write(frames), layout="coco_17", fps=30)
    assert len(people) == 2
    for person in people:
        walker.check(person, at=500 if person.points[0, 0, 0] > 600 else 0)


def test_track_numbers_are_kept(write, walker, coco_order):
    frames = video(walker, coco_order)
    for frame in frames:
        frame["instances"][0]["track_id"] = 7
    assert load_keypoints(write(frames), layout="coco_17", fps=30).track_id == 7
    frames[0]["instances"][0]["track_id"] = -1  # theirs for nobody's
    assert len(load_people(write(frames), layout="coco_17", fps=30)) == 2


def test_the_list_of_one_image_is_read(write, walker, coco_order):
    read = load_keypoints(write([instance(walker, coco_order)]), layout="coco_17")
    assert (len(read), read.fps) == (1, 1.0)
    walker.check(read)


def test_a_folder_has_an_image_a_file_in_the_order_of_its_numbers(write, walker, coco_order):
    for frame in (9, 10, 11):
        value = [instance(walker, coco_order, frame)] if frame != 10 else []
        folder = write(value, f"images/frame{frame}.json").parent
    read = load_keypoints(folder, layout="coco_17", fps=30)
    assert read.frame_index.tolist() == [9, 11]
    walker.check(read)


def test_a_wrong_file_in_a_folder_is_named(tmp_path):
    value = json.dumps([{"keypoints": [[1.0, 2.0]], "keypoint_scores": [1.0]}])
    (tmp_path / "walk_1.json").write_text(value)
    (tmp_path / "walk_2.json").write_text('{"version": 1.3, "people": []}')
    with pytest.raises(KeypointFormatError, match=r"walk_2\.json: .*, got a dict of 2"):
        load_people(tmp_path, "mmpose", "coco_17", fps=30)


def test_a_joint_without_a_score_is_unknown(write, walker, coco_order):
    frames = video(walker, coco_order)
    person = frames[2]["instances"][0]
    person["keypoints"][3], person["keypoint_scores"][3] = [-1.0, -1.0], -0.002  # no peak at all
    read = load_keypoints(write(frames), layout="coco_17", fps=30)
    assert np.argwhere(np.isnan(read.points[..., 0])).tolist() == [[2, 3]]
    assert read.confidence[2, 3] == 0


def test_3d_predictions_are_refused(write, walker, coco_order):
    frames = video(walker, coco_order)
    frames[0]["instances"][0]["keypoints"] = [[0.1, 0.2, 0.3]] * 17
    with pytest.raises(KeypointFormatError, match="save the 2D predictions"):
        load_people(write(frames), layout="coco_17", fps=30)


@pytest.mark.parametrize(
    "value",
    [[{"image_id": 1, "keypoints": [1, 2, 3]}], {"people": []}, [{"keypoints": []}], [[1]], 3],
)
def test_other_json_is_not_recognised(write, value):
    assert not MMPoseReader().sniff(KeypointSource(write(value)))


def test_the_reader_keeps_the_contract(write, walker, coco_order):
    check_keypoint_reader("mmpose", write(video(walker, coco_order)), layout="coco_17", fps=30.0)
    value = {"meta_info": meta(coco_order), "instance_info": video(walker, coco_order)}
    check_keypoint_reader("mmpose", write(value), fps=30.0)


def test_damaged_files_end_in_one_error(write, tmp_path, walker, coco_order):
    frames = video(walker, coco_order, frames=2)
    check_malformed("mmpose", write(frames), tmp_path, 1200, layout="coco_17", fps=30.0)
    value = {"meta_info": meta(coco_order), "instance_info": frames}
    check_malformed("mmpose", write(value), tmp_path, 800, seed=1, fps=30.0)


def test_damaged_folders_end_in_one_error(write, tmp_path, walker, coco_order):
    for frame in range(2):
        folder = write([instance(walker, coco_order, frame)], f"images/{frame}.json").parent
    check_malformed("mmpose", folder, tmp_path, 400, layout="coco_17", fps=30.0)
