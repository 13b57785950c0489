import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import KeypointSource, load_keypoints, load_people
from posenet3d.keypoints.readers import CocoReader
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed


def result(walker, joints: list[str], image: int, at: float = 0.0) -> dict[str, Any]:
    """One entry of the results that COCO's evaluation takes."""
    return {
        "image_id": image,
        "category_id": 1,
        "keypoints": walker.triples(joints, image, at),
        "score": 0.9,
    }


def annotated(walker, joints: list[str], frames: list[int], **image: Any) -> dict[str, Any]:
    """Annotations as in ``person_keypoints_val2017.json``, all joints seen."""
    annotations = []
    for number, frame in enumerate(frames):
        keypoints = walker.triples(joints, frame)
        keypoints[2::3] = [2] * len(joints)
        annotations.append(
            {
                "id": number + 1, "image_id": 100 + number, "category_id": 1, "iscrowd": 0,
                "keypoints": keypoints, "num_keypoints": len(joints), "area": 9.5,
                "bbox": [100.0, 50.0, 200.0, 500.0], "segmentation": [[1.0, 2.0, 3.0, 4.0]],
            }
        )  # fmt: skip
    return {
        "info": {"year": 2017},
        "licenses": [],
        "images": [
            {"id": 100 + number, "file_name": f"frame_{frame:06d}.png", "width": 1280,
             "height": 720, **image}
            for number, frame in enumerate(frames)
        ],
        "annotations": annotations,
        "categories": [
            {"id": 1, "name": "person", "supercategory": "person", "keypoints": joints,
             "skeleton": [[16, 14]]}
        ],
    }  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def written(value: object, name: str = "walk.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(value))
        return path

    return written


def test_results_are_read_exactly(write, walker, coco_order):
    read = load_keypoints(write([result(walker, coco_order, image) for image in (3, 4, 7)]), fps=25)
    assert (read.layout, read.image_size) == ("coco_17", None)
    assert read.frame_index.tolist() == [3, 4, 7]
    walker.check(read)


def test_people_of_results_are_told_apart(write, walker, coco_order):
    people = [
        result(walker, coco_order, image, at)
        for image in range(4)
        for at in ((0.0, 500.0) if image % 2 else (500.0, 0.0))
    ]
    read = load_people(write(people), fps=25)
    assert len(read) == 2
    for person in read:
        walker.check(person, at=500 if person.points[0, 0, 0] > 600 else 0)


def test_what_a_detector_did_not_see_is_unknown(write, walker, coco_order):
    people = [result(walker, coco_order, image) for image in range(2)]
    people[0]["keypoints"][3:6] = [-1, -1, 0]
    people[1]["keypoints"][6:9] = [0, 0, 0.4]
    read = load_keypoints(write(people), fps=25)
    assert np.argwhere(np.isnan(read.points[..., 0])).tolist() == [[0, 1], [1, 2]]
    assert not read.confidence[np.isnan(read.points[..., 0])].any()


def test_annotations_are_read_exactly_with_frames_from_the_files_names(write, walker, coco_order):
    read = load_keypoints(write(annotated(walker, coco_order, [9, 10, 12])), fps=25)
    assert (read.layout, read.image_size) == ("coco_17", (1280, 720))
    assert read.frame_index.tolist() == [9, 10, 12]  # not the ids, which are 100 to 102
    walker.check(read, scored=False)


def test_ids_are_frames_where_the_names_tell_no_order(write, walker, coco_order):
    value = annotated(walker, coco_order, [0, 1])
    for image, name in zip(value["images"], ("beach.png", "town.png"), strict=True):
        image["file_name"] = name
    assert load_keypoints(write(value), fps=25).frame_index.tolist() == [100, 101]


def test_visibilities_become_confidences(write, walker, coco_order):
    value = annotated(walker, coco_order, [0])
    value["annotations"][0]["keypoints"][0:9] = [5, 6, 1, 7, 8, 2, 9, 9, 0]
    read = load_keypoints(write(value))
    assert read.confidence[0, :3].tolist() == [0.5, 1.0, 0.0]
    assert read.points[0, :2].tolist() == [[5.0, 6.0], [7.0, 8.0]]
    assert np.isnan(read.points[0, 2]).all()


def test_a_score_in_annotations_is_refused(write, walker, coco_order):
    value = annotated(walker, coco_order, [0])
    value["annotations"][0]["keypoints"][2] = 0.7
    with pytest.raises(KeypointFormatError, match=r"visibilities 0, 1 and 2, got 0.7"):
        load_people(write(value))


def test_crowds_boxes_and_the_unlabelled_are_passed_over(write, walker, coco_order):
    value = annotated(walker, coco_order, [0, 1])
    crowd = {**value["annotations"][0], "iscrowd": 1, "segmentation": {"counts": [1]}}
    box = {"id": 9, "image_id": 100, "category_id": 3, "bbox": [1, 2, 3, 4]}
    blank = {**value["annotations"][0], "keypoints": [0] * 51, "num_keypoints": 0}
    value["annotations"] += [crowd, box, blank]
    value["categories"].append({"id": 3, "name": "car"})
    (read,) = load_people(write(value), fps=25)
    walker.check(read, scored=False)


@pytest.mark.parametrize("inside", [True, False])
def test_track_numbers_are_kept(write, walker, coco_order, inside):
    value = annotated(walker, coco_order, [0, 1, 200])
    for annotation in value["annotations"]:
        annotation.update({"attributes": {"track_id": 6}} if inside else {"track_id": 6})
    (read,) = load_people(write(value), fps=25)
    assert (read.track_id, len(read)) == (6, 3)


def test_halpes_names_tell_the_layout(write, walker, halpe_order):
    names = ["head" if joint == "head_top" else joint for joint in halpe_order]
    value = annotated(walker, halpe_order, [0, 1])
    value["categories"][0]["keypoints"] = [name.replace("_", " ").title() for name in names]
    value["categories"][0]["keypoints"][19] = "Hip"
    read = load_keypoints(write(value), fps=25)
    assert read.layout == "halpe_26"
    walker.check(read, scored=False)


def test_posetracks_17_joints_are_not_taken_for_cocos(write, walker, coco_order):
    value = annotated(walker, ["nose", "head_bottom", "head_top", *coco_order[3:]], [0])
    with pytest.raises(KeypointFormatError, match="say layout= if"):
        load_people(write(value))


def test_without_names_17_joints_are_cocos(write, walker, coco_order):
    value = annotated(walker, coco_order, [0, 1])
    del value["categories"]
    walker.check(load_keypoints(write(value), fps=25), scored=False)


def test_images_of_several_sizes_have_none(write, walker, coco_order):
    value = annotated(walker, coco_order, [0, 1])
    value["images"][0]["width"] = 640
    assert load_keypoints(write(value), fps=25).image_size is None


def test_an_annotation_of_no_image_is_refused(write, walker, coco_order):
    value = annotated(walker, coco_order, [0, 1])
    value["annotations"][1]["image_id"] = 5
    with pytest.raises(KeypointFormatError, match=r"annotation 1, image_id: .* got 5"):
        load_people(write(value), fps=25)


def test_boxes_alone_are_not_recognised(write):
    value = {"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]}
    assert not CocoReader().sniff(KeypointSource(write(value)))
    alphapose = [{"image_id": 1, "keypoints": [0.0] * 51, "score": 1.0, "idx": 0.0}]
    assert not CocoReader().sniff(KeypointSource(write(alphapose)))


def test_the_reader_keeps_the_contract(write, walker, coco_order):
    people = [result(walker, coco_order, image) for image in range(3)]
    check_keypoint_reader("coco", write(people), fps=25.0)
    check_keypoint_reader("coco", write(annotated(walker, coco_order, [0, 1])), fps=25.0)


def test_damaged_files_end_in_one_error(write, tmp_path, walker, coco_order):
    people = [result(walker, coco_order, image) for image in range(2)]
    check_malformed("coco", write(people), tmp_path, 1000, fps=25.0)
    value = annotated(walker, coco_order, [0, 1])
    check_malformed("coco", write(value), tmp_path, 1000, seed=1, fps=25.0)
