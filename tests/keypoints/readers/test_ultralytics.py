from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import (
    KeypointSource,
    from_ultralytics,
    load_keypoints,
    load_people,
)
from posenet3d.keypoints.readers import UltralyticsReader
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

SIZE = (1280, 720)


def line(walker, joints: list[str], frame: int, at: float = 0.0, *more: float, v: Any = "c") -> str:
    """One person as `ultralytics.engine.results.Results.save_txt` writes it, with its %g."""
    rows = np.reshape(walker.triples(joints, frame, at), (-1, 3)) / (*SIZE, 1)
    if v != "c":
        rows = rows[:, :2] if v is None else np.column_stack([rows[:, :2], np.full(len(rows), v)])
    numbers = (0, 0.5, 0.5, 0.2, 0.8, *rows.reshape(-1), *more)
    return " ".join(f"{number:.9g}" for number in numbers)


@pytest.fixture
def write(tmp_path):
    def written(frames: dict[str, list[str]]) -> Path:
        folder = tmp_path / "labels"
        folder.mkdir(exist_ok=True)
        for name, lines in frames.items():
            (folder / f"{name}.txt").write_text("".join(f"{text}\n" for text in lines))
        return folder

    return written


def test_a_folder_is_read_exactly_and_missing_files_stay_gaps(write, walker, coco_order):
    folder = write({f"walk_{frame}": [line(walker, coco_order, frame)] for frame in (8, 9, 10, 13)})
    read = load_keypoints(folder, fps=25, image_size=SIZE)
    assert (read.layout, read.image_size, read.unit) == ("coco_17", SIZE, "pixels")
    assert read.frame_index.tolist() == [8, 9, 10, 13]
    walker.check(read)


def test_the_images_size_must_be_told(write, walker, coco_order):
    folder = write({f"walk_{frame}": [line(walker, coco_order, frame)] for frame in (1, 2)})
    with pytest.raises(KeypointFormatError, match="say image_size="):
        load_people(folder, fps=25)
    with pytest.raises(KeypointFormatError, match="say fps="):
        load_people(folder, image_size=SIZE)


@pytest.mark.parametrize(
    ("more", "track"),
    [((), None), ((0.87,), None), ((3,), 3), ((0.87, 3), 3), ((1, 3), 3)],
)
@pytest.mark.parametrize("v", ["c", None])
def test_confidence_and_track_may_follow(write, walker, coco_order, more, track, v):
    frames = {
        f"walk_{frame}": [line(walker, coco_order, frame, 0.0, *more, v=v)] for frame in (1, 2, 60)
    }
    people = load_people(write(frames), fps=25, image_size=SIZE)
    assert len(people) == (1 if track is not None else 2)  # 58 frames out of sight
    assert people[0].track_id == (track or 0)
    walker.check(people[0], scored=v == "c")


def test_a_person_without_a_track_yet_is_another(write, walker, coco_order):
    frames = {
        "walk_1": [line(walker, coco_order, 1, 0.0, 0.5)],
        "walk_2": [line(walker, coco_order, 2, 0.0, 0.5, 7)],
        "walk_3": [line(walker, coco_order, 3, 0.0, 0.5, 7)],
    }
    people = load_people(write(frames), fps=25, image_size=SIZE)
    assert [(person.track_id == 7, len(person)) for person in people] == [(True, 2), (False, 1)]


def test_people_are_told_apart(write, walker, coco_order):
    frames = {
        f"walk_{frame}": [
            line(walker, coco_order, frame, at)
            for at in ((0.0, 500.0) if frame % 2 else (500.0, 0.0))
        ]
        for frame in range(1, 5)
    }
    people = load_people(write(frames), fps=25, image_size=SIZE)
    assert len(people) == 2
    for person in people:
        walker.check(person, at=500 if person.points[0, 0, 0] > 600 else 0)


def test_a_repeated_run_that_was_appended_counts_once(write, walker, coco_order):
    frames = {f"walk_{frame}": [line(walker, coco_order, frame)] * 2 for frame in (1, 2)}
    walker.check(load_keypoints(write(frames), fps=25, image_size=SIZE))


def test_labels_made_by_hand_have_visibilities(write, walker, coco_order):
    frames = {"7": [line(walker, coco_order, 7, v=2)], "8": [line(walker, coco_order, 8, v=1)]}
    words = frames["7"][0].split()
    words[5:8] = ["0", "0", "0"]
    frames["7"] = [" ".join(words)]
    read = load_keypoints(write(frames), fps=25, image_size=SIZE)
    assert np.isnan(read.points[0, 0]).all()
    assert read.confidence[0].tolist() == [0.0] + [1.0] * 16
    assert read.confidence[1].tolist() == [0.5] * 17


def test_a_joint_that_was_set_to_the_corner_is_unknown(write, walker, coco_order):
    words = line(walker, coco_order, 1).split()
    words[5:8] = ["0", "0", "0.37"]  # what several versions write below a confidence of 0.5
    read = load_keypoints(write({"bus": [" ".join(words)]}), image_size=SIZE)
    assert np.isnan(read.points[0, 0]).all()
    assert read.confidence[0, 0] == 0


def test_other_joints_need_their_layout(write, walker, halpe_order):
    frames = {f"walk_{frame}": [line(walker, halpe_order, frame)] for frame in (1, 2)}
    folder = write(frames)
    with pytest.raises(KeypointFormatError, match="say layout="):
        load_people(folder, "ultralytics", fps=25, image_size=SIZE)
    read = load_keypoints(folder, "ultralytics", "halpe_26", fps=25, image_size=SIZE)
    walker.check(read)


def test_classes_and_empty_files_are_passed_over(write, walker, coco_order):
    folder = write({"walk_1": [], "walk_2": [line(walker, coco_order, 2)], "walk_3": []})
    (folder / "classes.txt").write_text("person\n")
    read = load_keypoints(folder, image_size=SIZE, fps=25)
    assert read.frame_index.tolist() == [2]
    walker.check(read)


def test_one_file_is_one_frame(write, walker, coco_order):
    folder = write({"walk_12": [line(walker, coco_order, 12)]})
    read = load_keypoints(folder / "walk_12.txt", image_size=SIZE)
    assert (read.frame_index.tolist(), read.fps) == ([12], 1.0)
    walker.check(read)


def test_files_of_two_videos_are_refused(write, walker, coco_order):
    folder = write({name: [line(walker, coco_order, 1)] for name in ("a_1", "b_1")})
    with pytest.raises(KeypointFormatError, match="frames of one video together"):
        load_people(folder, fps=25, image_size=SIZE)


def test_boxes_alone_are_not_recognised(write):
    folder = write({"walk_1": ["0 0.5 0.5 0.2 0.8", "0 0.5 0.5 0.2 0.8 0.9"]})
    assert not UltralyticsReader().sniff(KeypointSource(folder))


def test_the_reader_keeps_the_contract(write, walker, coco_order):
    frames = {f"walk_{frame}": [line(walker, coco_order, frame, 0.0, 0.9, 2)] for frame in (1, 2)}
    check_keypoint_reader("ultralytics", write(frames), fps=25.0, image_size=SIZE)


def test_damaged_files_end_in_one_error(write, tmp_path, walker, coco_order):
    frames = {f"walk_{frame}": [line(walker, coco_order, frame, 0.0, 0.9, 2)] for frame in (1, 2)}
    folder = write(frames)
    told: dict[str, Any] = {"fps": 25.0, "image_size": SIZE}
    check_malformed("ultralytics", folder, tmp_path, 1000, **told)
    check_malformed("ultralytics", folder / "walk_1.txt", tmp_path, 1000, **told)


def results_of(walker, joints: list[str], make: Any, tracks: bool) -> list[SimpleNamespace]:
    """Results of a model, frame by frame; two people, and nobody in frame 2."""
    results = []
    for frame in range(4):
        order = (0.0, 500.0) if frame % 2 else (500.0, 0.0)
        rows = np.array([walker.triples(joints, frame, at) for at in order]).reshape(2, -1, 3)
        numbers = np.array([at // 100 + 1 for at in order])
        results.append(
            SimpleNamespace(
                keypoints=SimpleNamespace(xy=make(rows[..., :2]), conf=make(rows[..., 2])),
                boxes=SimpleNamespace(id=make(numbers) if tracks else None),
                orig_shape=(720, 1280),
            )
        )
    results[2].keypoints = SimpleNamespace(xy=make(np.zeros((1, 0, 2))), conf=None)
    results[2].boxes.id = None
    return results


@pytest.mark.parametrize("tracks", [True, False])
@pytest.mark.parametrize("make", [torch.tensor, np.asarray])
def test_results_in_memory_are_read_exactly(walker, coco_order, make, tracks):
    people = from_ultralytics(iter(results_of(walker, coco_order, make, tracks)), fps=25)
    assert len(people) == 2
    for person in people:
        assert person.frame_index.tolist() == [0, 1, 3]
        assert person.image_size == SIZE
        walker.check(person, at=500 if person.points[0, 0, 0] > 600 else 0)
    if tracks:
        assert {person.track_id for person in people} == {1, 6}


def test_results_without_confidences_or_people_are_read(walker, coco_order):
    results = results_of(walker, coco_order, np.asarray, tracks=False)
    for result in results:
        result.keypoints.conf = None
    for person in from_ultralytics(results, fps=25):
        at = 500 if person.points[0, 0, 0] > 600 else 0
        walker.check(person, at=at, scored=False)
    for result in results:
        result.keypoints = None
    assert from_ultralytics(results, fps=25) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"keypoints": SimpleNamespace(xy=np.ones((2, 17)), conf=None)},
        {"keypoints": SimpleNamespace(xy=np.full((2, 17, 2), np.nan), conf=None)},
        {"keypoints": SimpleNamespace(xy="x", conf=None)},
        {"keypoints": SimpleNamespace(xy=np.ones((2, 17, 2)), conf=np.ones((2, 16)))},
        {"keypoints": SimpleNamespace()},
        {"boxes": SimpleNamespace(id=np.ones(3))},
        {"orig_shape": 7},
    ],
)
def test_strange_results_end_in_one_error(walker, coco_order, change):
    results = results_of(walker, coco_order, np.asarray, tracks=True)
    vars(results[1]).update(change)
    with pytest.raises(KeypointFormatError, match="frame 1"):
        from_ultralytics(results, fps=25)


def test_what_is_no_result_is_refused():
    with pytest.raises(KeypointFormatError, match="a result with keypoints and boxes"):
        from_ultralytics([object()], fps=25)
