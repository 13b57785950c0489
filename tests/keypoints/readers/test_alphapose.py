import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import KeypointSource, load_keypoints, load_people
from posenet3d.keypoints.readers import AlphaPoseReader
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

OPENPOSE_FROM_17 = [0, 51, 18, 24, 30, 15, 21, 27, 36, 42, 48, 33, 39, 45, 6, 3, 12, 9]
"""Their `indexarr`: where each joint of ``open`` and ``cmu`` begins in the flat list."""


def entry(walker, joints: list[str], frame: int, at: float = 0.0, **more: Any) -> dict[str, Any]:
    """One person as `alphapose.utils.pPose_nms.write_json` makes it."""
    return {
        "image_id": f"{frame}.jpg",
        "category_id": 1,
        "keypoints": walker.triples(joints, frame, at),
        "score": 3.1194,  # a sum, not a probability
        "box": [100.0, 50.0, 200.0, 500.0],
        **more,
    }


def by_image(walker, joints: list[str], frames: list[int], form: str) -> dict[str, Any]:
    """``--format open`` and ``cmu``: as `write_json` does, whatever the number of joints."""
    images = {}
    for frame in frames:
        flat = walker.triples(joints, frame)
        flat += [(flat[15 + place] + flat[18 + place]) / 2 for place in range(3)]
        body = [value for start in OPENPOSE_FROM_17 for value in flat[start : start + 3]]
        people = {
            "open": {"people": [{"pose_keypoints_2d": body}]},
            "cmu": {"bodies": [{"joints": body}]},
        }[form]
        images[f"{frame}.jpg"] = {"version": "AlphaPose v0.3", **people}
    return images


@pytest.fixture
def write(tmp_path):
    def written(value: object, name: str = "alphapose-results.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))
        return path

    return written


def test_results_are_read_exactly_and_gaps_stay(write, walker, coco_order):
    people = [entry(walker, coco_order, frame) for frame in (0, 1, 4, 5)]
    read = load_keypoints(write(people), fps=25)
    assert (read.layout, read.fps) == ("coco_17", 25.0)
    assert read.frame_index.tolist() == [0, 1, 4, 5]
    walker.check(read)


def test_halpes_26_joints_are_recognised(write, walker, halpe_order):
    read = load_keypoints(write([entry(walker, halpe_order, frame) for frame in range(3)]), fps=25)
    assert read.layout == "halpe_26"
    walker.check(read)


@pytest.mark.parametrize(("joints", "layout"), [(133, "coco_17"), (136, "halpe_26")])
def test_a_whole_body_gives_its_body(write, walker, coco_order, halpe_order, joints, layout):
    body = coco_order if layout == "coco_17" else halpe_order
    order = [*body, *(f"face_{place}" for place in range(joints - len(body)))]
    read = load_keypoints(write([entry(walker, order, frame) for frame in range(2)]), fps=25)
    assert read.layout == layout
    walker.check(read)


def test_frame_10_follows_frame_9_whatever_the_order_in_the_file(write, walker, coco_order):
    people = [entry(walker, coco_order, frame) for frame in (10, 8, 11, 9)]
    read = load_keypoints(write(people), fps=25)
    assert read.frame_index.tolist() == [8, 9, 10, 11]
    walker.check(read)


def test_padded_image_names_count_frames_too(write, walker, coco_order):
    people = [entry(walker, coco_order, frame) for frame in (98, 99, 100)]
    for person in people:
        number = int(person["image_id"].removesuffix(".jpg"))
        person["image_id"] = f"walk2_{number:06d}.png"
    assert load_keypoints(write(people), fps=25).frame_index.tolist() == [98, 99, 100]


def test_images_of_two_videos_are_refused(write, walker, coco_order):
    people = [entry(walker, coco_order, 0, image_id=name) for name in ("a_0.jpg", "b_0.jpg")]
    with pytest.raises(KeypointFormatError, match="frames of one video together"):
        load_people(write(people), fps=25)


@pytest.mark.parametrize("form", ["open", "cmu"])
def test_the_formats_of_other_tools_are_read(write, walker, coco_order, form):
    read = load_keypoints(write(by_image(walker, coco_order, [0, 1, 2], form)), fps=25)
    assert read.layout == "coco_18"
    names = coco_order
    ours = [read.points[:, list(_names("coco_18")).index(name)] for name in names]
    expected = [[walker.place(name, frame) for frame in range(3)] for name in names]
    np.testing.assert_allclose(ours, expected, atol=1e-4)
    walker.check_sides(read)


@pytest.mark.parametrize("form", ["open", "cmu"])
def test_halpes_head_top_is_not_taken_for_the_neck(write, walker, halpe_order, form):
    images = by_image(walker, halpe_order, [0, 1], form)
    key, joints = ("people", "pose_keypoints_2d") if form == "open" else ("bodies", "joints")
    wrong = images["0.jpg"][key][0][joints][3:5]
    np.testing.assert_allclose(wrong, walker.place("head_top"))  # the trap
    read = load_keypoints(write(images), fps=25)
    neck = np.mean([walker.place("left_shoulder"), walker.place("right_shoulder")], axis=0)
    np.testing.assert_allclose(read.points[0, 1], neck, atol=1e-4)


def test_a_folder_of_files_an_image_is_read(write, walker, coco_order):
    for name, image in by_image(walker, coco_order, [9, 10, 12], "cmu").items():
        folder = write(image, f"sep-json/{name.split('.')[0]}.json").parent
    read = load_keypoints(folder, fps=25)
    assert read.frame_index.tolist() == [9, 10, 12]
    walker.check_sides(read)


def test_numbers_of_a_tracker_are_kept(write, walker, coco_order):
    people = [
        entry(walker, coco_order, frame, at, idx=idx)
        for frame in range(3)
        for at, idx in ((0.0, 4), (500.0, [[9.0], [9.0]]))
    ]
    first, second = load_people(write(people), fps=25)
    assert {first.track_id, second.track_id} == {4, 9}
    walker.check(first if first.track_id == 4 else second)


def test_poseflows_file_is_read(write, walker, coco_order):
    people = {
        f"{frame}.jpg": [{"keypoints": walker.triples(coco_order, frame), "scores": 2.9, "idx": 1}]
        for frame in range(3)
    }
    read = load_keypoints(write(people), fps=25)
    assert read.track_id == 1
    walker.check(read)


def test_without_a_tracker_idx_is_0_for_all_and_people_are_told_apart(write, walker, coco_order):
    people = [
        entry(walker, coco_order, frame, at, idx=[0.0])
        for frame in range(4)
        for at in ((0.0, 500.0) if frame % 2 else (500.0, 0.0))
    ]
    read = load_people(write(people), fps=25)
    assert len(read) == 2
    for person in read:
        walker.check(person, at=500 if person.points[0, 0, 0] > 600 else 0)


def test_a_track_that_comes_twice_in_a_frame_is_kept_for_the_first(write, walker, coco_order):
    people = [
        entry(walker, coco_order, frame, at, idx=3) for frame in range(2) for at in (0.0, 500.0)
    ]
    read = load_people(write(people), fps=25)
    assert sorted(person.track_id == 3 for person in read) == [False, True]
    walker.check(next(person for person in read if person.track_id == 3))


def test_image_numbers_of_an_evaluation_are_read(write, walker, coco_order):
    people = [entry(walker, coco_order, frame, image_id=frame, idx=0.0) for frame in range(3)]
    path = write(people)
    assert AlphaPoseReader().sniff(KeypointSource(path))
    walker.check(load_keypoints(path, fps=25))


def test_coco_results_are_not_recognised(write, walker, coco_order):
    people = [{"image_id": 3, "category_id": 1, "keypoints": [0.0] * 51, "score": 0.5}]
    assert not AlphaPoseReader().sniff(KeypointSource(write(people)))


def _names(layout: str) -> tuple[str, ...]:
    from posenet3d.skeletons import LAYOUTS

    return LAYOUTS[layout].joint_names


def test_the_reader_keeps_the_contract(write, walker, coco_order):
    people = [entry(walker, coco_order, frame) for frame in range(3)]
    check_keypoint_reader("alphapose", write(people), fps=25.0)
    check_keypoint_reader(
        "alphapose", write(by_image(walker, coco_order, [0, 1], "open")), fps=25.0
    )


def test_damaged_files_end_in_one_error(write, tmp_path, walker, coco_order):
    people = [entry(walker, coco_order, frame, idx=[[1.0]]) for frame in range(2)]
    check_malformed("alphapose", write(people), tmp_path, 1200, fps=25.0)
    for seed, form in enumerate(("open", "cmu")):
        images = by_image(walker, coco_order, [0, 1], form)
        check_malformed("alphapose", write(images), tmp_path, 400, seed, fps=25.0)


def test_damaged_folders_end_in_one_error(write, tmp_path, walker, coco_order):
    for name, image in by_image(walker, coco_order, [0, 1], "open").items():
        folder = write(image, f"sep-json/{name.split('.')[0]}.json").parent
    check_malformed("alphapose", folder, tmp_path, 400, fps=25.0)
