import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints import KeypointSource, from_mediapipe, load_keypoints, load_people
from posenet3d.keypoints.readers import MediaPipeReader
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

SIZE = (1280, 720)
ORDER = [
    "NOSE", "LEFT_EYE_INNER", "LEFT_EYE", "LEFT_EYE_OUTER", "RIGHT_EYE_INNER", "RIGHT_EYE",
    "RIGHT_EYE_OUTER", "LEFT_EAR", "RIGHT_EAR", "MOUTH_LEFT", "MOUTH_RIGHT", "LEFT_SHOULDER",
    "RIGHT_SHOULDER", "LEFT_ELBOW", "RIGHT_ELBOW", "LEFT_WRIST", "RIGHT_WRIST", "LEFT_PINKY",
    "RIGHT_PINKY", "LEFT_INDEX", "RIGHT_INDEX", "LEFT_THUMB", "RIGHT_THUMB", "LEFT_HIP",
    "RIGHT_HIP", "LEFT_KNEE", "RIGHT_KNEE", "LEFT_ANKLE", "RIGHT_ANKLE", "LEFT_HEEL",
    "RIGHT_HEEL", "LEFT_FOOT_INDEX", "RIGHT_FOOT_INDEX",
]  # fmt: skip
"""`mediapipe.solutions.pose.PoseLandmark`."""


def ours(name: str) -> str:
    return {"MOUTH_LEFT": "left_mouth", "MOUTH_RIGHT": "right_mouth"}.get(name, name.lower())


def person(walker, frame: int, at: float = 0.0) -> list[dict[str, float]]:
    """33 landmarks of a frame."""
    landmarks = []
    for name in ORDER:
        x, y = walker.place(ours(name), frame, at)
        score = walker.score(ours(name))
        landmarks.append({"x": x / SIZE[0], "y": y / SIZE[1], "z": -0.3, "visibility": score})
    return landmarks


@pytest.fixture
def write(tmp_path):
    def written(value: object, name: str = "walk.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))
        return path

    return written


def as_rows(landmarks: list[dict[str, float]]) -> list[list[float]]:
    return [list(landmark.values()) for landmark in landmarks]


SHAPES = {
    "Tasks API": lambda landmarks: {"pose_landmarks": [landmarks], "pose_world_landmarks": [[]]},
    "Tasks API of the web": lambda landmarks: {"landmarks": [landmarks], "worldLandmarks": [[]]},
    "legacy message": lambda landmarks: {"pose_landmarks": {"landmark": landmarks}},
    "legacy of the web": lambda landmarks: {"poseLandmarks": landmarks},
    "message alone": lambda landmarks: {"landmark": landmarks},
    "landmarks alone": lambda landmarks: landmarks,
    "by name": lambda landmarks: dict(zip(ORDER, landmarks, strict=True)),
    "named under a key": lambda landmarks: {"pose": dict(zip(ORDER, landmarks, strict=True))},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_each_shape_is_read_exactly(write, walker, shape):
    path = write([shape(person(walker, frame)) for frame in range(3)])
    read = load_keypoints(path, fps=30, image_size=SIZE)
    assert (read.layout, read.image_size, read.fps) == ("mediapipe_33", SIZE, 30.0)
    assert read.frame_index.tolist() == [0, 1, 2]
    walker.check(read)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_one_image_is_read_in_each_shape(write, walker, shape):
    walker.check(load_keypoints(write(shape(person(walker, 0))), image_size=SIZE))


def test_rows_of_numbers_are_read_where_the_format_is_named(write, walker):
    path = write(
        [{"frame": frame, "landmarks": as_rows(person(walker, frame))} for frame in (4, 5)]
    )
    assert not MediaPipeReader().sniff(KeypointSource(path))
    read = load_keypoints(path, "mediapipe", fps=30, image_size=SIZE)
    assert read.frame_index.tolist() == [4, 5]
    walker.check(read)


def test_width_and_height_are_multiplied_separately_and_must_be_told(write, walker):
    path = write([person(walker, frame) for frame in range(2)])
    with pytest.raises(KeypointFormatError, match="say image_size="):
        load_people(path, fps=30)
    tall = load_keypoints(path, fps=30, image_size=(1280, 1440))
    wide = load_keypoints(path, fps=30, image_size=(1280, 720))
    np.testing.assert_allclose(tall.points, wide.points * (1, 2))


def test_what_surrounds_the_frames_is_taken(write, walker):
    frames = [{"frame": frame, "landmarks": person(walker, frame)} for frame in (5, 7)]
    path = write({"fps": 29.97, "width": SIZE[0], "height": SIZE[1], "frames": frames})
    read = load_keypoints(path)
    assert (read.fps, read.image_size) == (29.97, SIZE)
    assert read.frame_index.tolist() == [5, 7]
    walker.check(read)
    assert load_keypoints(path, fps=25, image_size=(640, 480)).image_size == (640, 480)


@pytest.mark.parametrize(
    "nobody", [None, [], {"pose_landmarks": None}, {"pose_landmarks": []}, {"landmarks": []}]
)
def test_frames_without_anybody_stay_gaps(write, walker, nobody):
    path = write([nobody, person(walker, 1), nobody, person(walker, 3)])
    read = load_keypoints(path, fps=30, image_size=SIZE)
    assert read.frame_index.tolist() == [1, 3]
    walker.check(read)


def test_people_are_told_apart_though_their_order_changes(write, walker):
    frames = [
        {"landmarks": [person(walker, frame, at) for at in order]}
        for frame, order in enumerate([(0.0, 500.0), (500.0, 0.0), (0.0, 500.0)])
    ]
    people = load_people(write(frames), fps=30, image_size=SIZE)
    assert len(people) == 2
    for each in people:
        walker.check(each, at=500 if each.points[0, 0, 0] > 600 else 0)


def test_logits_pass_through_the_logistic_function(write, walker):
    frames = [person(walker, frame) for frame in range(2)]
    for frame in frames:
        for landmark in frame:
            score = landmark["visibility"]
            landmark["visibility"] = float(np.log(score / (1 - score)))
    walker.check(load_keypoints(write(frames), fps=30, image_size=SIZE))


@pytest.mark.parametrize("visibility", [None, 0.0, "absent"])
def test_a_visibility_that_no_version_set_counts_as_1(write, walker, visibility):
    frames = [person(walker, frame) for frame in range(2)]
    for landmark in [landmark for frame in frames for landmark in frame]:
        landmark["visibility"] = visibility
        if visibility == "absent":
            del landmark["visibility"]
    walker.check(load_keypoints(write(frames), fps=30, image_size=SIZE), scored=False)


def test_a_visibility_that_is_missing_among_others_counts_as_0(write, walker):
    frames = [person(walker, frame) for frame in range(2)]
    del frames[1][0]["visibility"]
    read = load_keypoints(write(frames), fps=30, image_size=SIZE)
    assert np.argwhere(np.isnan(read.points[..., 0])).tolist() == [[1, 0]]


def test_a_body_that_leaves_the_picture_is_kept(write, walker):
    frames = [person(walker, frame, at=900) for frame in range(2)]
    walker.check(load_keypoints(write(frames), fps=30, image_size=SIZE), at=900)


def test_pixels_are_refused(write, walker):
    frames = [person(walker, frame) for frame in range(2)]
    for landmark in [landmark for frame in frames for landmark in frame]:
        landmark["x"], landmark["y"] = landmark["x"] * SIZE[0], landmark["y"] * SIZE[1]
    with pytest.raises(KeypointFormatError, match="parts of the image"):
        load_people(write(frames), fps=30, image_size=SIZE)


def test_a_folder_has_a_file_a_frame(write, walker):
    for frame in (9, 10, 12):
        value = {"landmarks": [person(walker, frame)] if frame != 10 else []}
        folder = write(value, f"frames/{frame}.json").parent
    read = load_keypoints(folder, fps=30, image_size=SIZE)
    assert read.frame_index.tolist() == [9, 12]
    walker.check(read)


@pytest.mark.parametrize(
    "value",
    [
        [[{"x": 0.1, "y": 0.2}] * 21],  # a hand
        [{"worldLandmarks": [[{"x": 0.1, "y": 0.2}] * 33]}],
        [{"keypoints": [{"x": 0.1, "y": 0.2}] * 33}],
        {"people": []},
        [{"image_id": 1}],
    ],
)
def test_other_json_is_not_recognised(write, value):
    path = write(value)
    assert not MediaPipeReader().sniff(KeypointSource(path))
    with pytest.raises(KeypointFormatError):
        load_people(path, "mediapipe", fps=30, image_size=SIZE)


def test_the_reader_keeps_the_contract(write, walker):
    path = write([{"frame": frame, "landmarks": [person(walker, frame)]} for frame in range(3)])
    check_keypoint_reader("mediapipe", path, fps=30.0, image_size=SIZE)


def test_damaged_files_end_in_one_error(write, tmp_path, walker):
    told: dict[str, Any] = {"fps": 30.0, "image_size": SIZE}
    names = ("Tasks API", "legacy message", "landmarks alone", "by name")
    for seed, name in enumerate(names):
        frames = [{"frame": 1, **shaped} if isinstance(shaped, dict) else shaped
                  for shaped in (SHAPES[name](person(walker, 1)),)]  # fmt: skip
        value = {"fps": 30, "width": 1280, "height": 720, "frames": frames}
        check_malformed("mediapipe", write(value), tmp_path, 500, seed, **told)


def objects(landmarks: list[dict[str, float]]) -> list[SimpleNamespace]:
    return [SimpleNamespace(**landmark) for landmark in landmarks]


MEMORY = {
    "PoseLandmarkerResult": lambda landmarks: [objects(landmarks)],
    "HolisticLandmarkerResult": objects,
    "legacy": lambda landmarks: SimpleNamespace(landmark=objects(landmarks)),
}


@pytest.mark.parametrize("shape", MEMORY.values(), ids=MEMORY)
def test_results_in_memory_are_read_exactly(walker, shape):
    results: list[Any] = [
        SimpleNamespace(pose_landmarks=shape(person(walker, frame))) for frame in range(4)
    ]
    results[1], results[2] = SimpleNamespace(pose_landmarks=None), None
    (read,) = from_mediapipe(iter(results), image_size=SIZE, fps=30)
    assert (read.frame_index.tolist(), read.fps, read.image_size) == ([0, 3], 30.0, SIZE)
    walker.check(read)


def test_several_people_in_memory_are_told_apart(walker):
    results = [
        SimpleNamespace(pose_landmarks=[objects(person(walker, frame, at)) for at in (500.0, 0.0)])
        for frame in range(3)
    ]
    people = from_mediapipe(results, image_size=SIZE, fps=30)
    assert len(people) == 2
    for each in people:
        walker.check(each, at=500 if each.points[0, 0, 0] > 600 else 0)


def test_nobody_in_memory_gives_nothing():
    nobody = SimpleNamespace(pose_landmarks=[])
    assert from_mediapipe([nobody, None], image_size=SIZE, fps=30) == ()


@pytest.mark.parametrize(
    "result",
    [
        object(),
        SimpleNamespace(pose_landmarks=[objects([{"x": 0.5, "y": 0.5}] * 21)]),
        SimpleNamespace(pose_landmarks=[objects([{"x": 0.5}] * 33)]),
    ],
)
def test_strange_results_end_in_one_error(result):
    with pytest.raises(KeypointFormatError, match="frame 0"):
        from_mediapipe([result], image_size=SIZE, fps=30)
