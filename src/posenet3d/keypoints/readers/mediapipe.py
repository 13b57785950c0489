"""MediaPipe's pose landmarks: as JSON, and results in memory."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints.found_people import FoundPeople, numbers, shown, whole
from posenet3d.keypoints.frame_names import frame_numbers
from posenet3d.keypoints.glance import glance
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource
from posenet3d.skeletons import layout

_LAYOUT = "mediapipe_33"
_JOINTS = layout(_LAYOUT).joint_names
_PEOPLE = ("pose_landmarks", "poseLandmarks", "landmarks", "landmark", "pose")
_FRAME = (
    "frame", "frame_id", "frame_index", "frame_number", "frame_idx", "frameIndex", "frameNumber"
)  # fmt: skip
_FURTHEST = 3.0
"""Parts of the image: pixels lie beyond, and a body that leaves the picture within."""

Landmarks = Float[np.ndarray, "33 3"]
"""x, y as parts of the image; visibility, NaN where there is none."""


class MediaPipeReader:
    """Reader of MediaPipe pose landmarks as users write them to JSON.

    MediaPipe itself writes no file. What is read is a list of frames, where a frame is any of

    .. code-block:: text

        {"frame": 7, "pose_landmarks": PEOPLE}      also poseLandmarks, landmarks, pose
        PEOPLE                                      null or [] where nobody was found

    and PEOPLE one person's 33 landmarks or, as of the Tasks API, a list of such. A landmark is
    ``{"x": 0.5, "y": 0.4, "z": -0.1, "visibility": 0.9}`` or ``[x, y, z, visibility]``; a person's
    are a list, ``{"landmark": [...]}`` (``MessageToDict`` of a legacy result), or an object by
    MediaPipe's names of the joints. The list of frames may stand in ``{"fps": 30, "width": 640,
    "height": 480, "frames": [...]}``. A lone frame is an image, and a folder has a file a frame. A
    list of persons is a list of frames with a person each. Frames without a number are counted.

    x and y are parts of the image's width and height, so that ``image_size=`` must be said where
    the file does not tell it. z and the world landmarks are not used. The visibility is the
    confidence; where any lies outside 0 to 1, all are logits and pass through the logistic
    function; where all are missing or 0, as some versions write them, each joint has confidence 1.

    Example:
        >>> import json
        >>> import tempfile
        >>> from pathlib import Path
        >>> person = [{"x": 0.4, "y": 0.6, "z": 0.0, "visibility": 0.9}] * 33
        >>> frames = [{"frame": number, "pose_landmarks": [person]} for number in range(9)]
        >>> path = Path(tempfile.mkdtemp(), "walk.json")
        >>> _ = path.write_text(json.dumps(frames))
        >>> told = Told(fps=30.0, image_size=(1280, 720))
        >>> MediaPipeReader().read(KeypointSource(path), told)
        (KeypointSequence('walk': 9 frames of 'mediapipe_33', 30 fps, pixels),)
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether the first frame with anybody has 33 landmarks with x and y."""
        try:
            for _, people in _frames_of_value(source, glance(source)):
                for person in people:
                    first = person[0]
                    _landmarks(source, "", person)
                    return isinstance(first, dict)
        except KeypointFormatError:
            pass
        return False

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the file or folder."""
        if told.layout is not None:
            source.check_layout(told.layout, len(_JOINTS))
        wrapper = {} if source.is_folder else _wrapper(source.json)
        size = told.image_size or _size(source, wrapper)
        people: list[tuple[int, Landmarks]] = []
        frames = 0
        for frame, persons in _frames(source):
            frames += 1
            for place, person in enumerate(persons):
                where = f"frame {frame}, person {place}"
                people.append((frame, _landmarks(source, where, person)))
        if people and size is None:
            size_of, got = "the image's width and height", "joints in fractions of them"
            raise source.error("image_size", size_of, got, say=["image_size"])
        fps = wrapper.get("fps")
        if type(fps) not in (int, float, type(None)):
            raise source.error("fps", "a number", shown(fps))
        return _sequences(source, people, size, told, fps, frames)


def from_mediapipe(
    results: Iterable[Any], image_size: tuple[int, int], fps: float | int
) -> tuple[KeypointSequence, ...]:
    """The people in results of MediaPipe's pose landmarkers, one sequence each.

    The package is not needed: whatever has ``pose_landmarks`` will do. That is ``None`` or has the
    33 under ``landmark`` (``mp.solutions.pose`` and ``holistic``), or is a list of people with 33
    landmarks each (``PoseLandmarkerResult``), or of one's 33 (``HolisticLandmarkerResult``).

    Args:
        results: one result a frame, in order; ``None`` for a frame without one.
        image_size: (width, height) in pixels.
        fps: frames a second.

    Returns:
        Sequences in pixels, in order of their first frame; empty where nobody was found. The
        visibility is the confidence, see `MediaPipeReader`.

    Raises:
        KeypointFormatError: a result has other parts.

    Example:
        >>> from types import SimpleNamespace as Object
        >>> person = [Object(x=0.5, y=0.5, z=0.0, visibility=0.9)] * 33
        >>> results = [Object(pose_landmarks=[person])] * 9
        >>> (sequence,) = from_mediapipe(results, image_size=(640, 480), fps=30)
        >>> sequence.points[0, 0].tolist()
        [320.0, 240.0]
    """
    source = KeypointSource(Path("mediapipe"))
    people = [
        (frame, _landmarks(source, f"frame {frame}", person))
        for frame, result in enumerate(results)
        for person in _people_of_result(source, frame, result)
    ]
    told = Told(fps=float(fps))
    return _sequences(source, people, image_size, told, None, None)


def _sequences(
    source: KeypointSource,
    people: list[tuple[int, Landmarks]],
    size: tuple[int, int] | None,
    told: Told,
    fps: float | None,
    frames: int | None,
) -> tuple[KeypointSequence, ...]:
    if not people or size is None:
        return ()
    joints = np.stack([person for _, person in people])
    if (np.abs(joints[..., :2]) > _FURTHEST).mean() > 0.5:
        got = f"{np.abs(joints[..., :2]).max():g}"
        raise source.error("landmarks", "x and y as parts of the image", got, "divide by its size")
    joints[..., :2] *= size
    joints[..., 2] = _confidence(joints[..., 2])
    found = FoundPeople(source)
    for (frame, _), person in zip(people, joints, strict=True):
        found.add(f"frame {frame}", frame, person)
    return found.sequences(told, _LAYOUT, fps=fps, frames=frames, image_size=size)


def _confidence(visibility: Float[np.ndarray, "people 33"]) -> Float[np.ndarray, "people 33"]:
    known = np.nan_to_num(visibility)
    if not known.any():
        return np.ones_like(known)
    if known.min() < 0 or known.max() > 1:
        logistic = 1 / (1 + np.exp(-np.maximum(known, -700.0)))
        return np.asarray(np.where(np.isnan(visibility), 0.0, logistic))
    return np.asarray(known)


def _frames(source: KeypointSource) -> Iterator[tuple[int, list[Any]]]:
    """Each frame's number and people."""
    if not source.is_folder:
        yield from _frames_of_value(source, source.json)
        return
    paths = {path.name: path for path in source.members(".json")}
    for name, frame in frame_numbers(source, paths).items():
        value = source.json_of(paths[name])
        yield frame, _people(source, name[-60:], value)


def _wrapper(value: Any) -> dict[str, Any]:
    """What surrounds the list of frames."""
    return value if isinstance(value, dict) and "frames" in value else {}


def _frames_of_value(source: KeypointSource, value: Any) -> Iterator[tuple[int, list[Any]]]:
    value = _wrapper(value).get("frames", value)
    if not isinstance(value, list) or _is_person(value):
        value = [value]
    named = value[0] if value and isinstance(value[0], dict) else {}
    key = next((key for key in _FRAME if key in named), None)
    for place, entry in enumerate(value):
        number = place
        if key is not None:
            told = entry.get(key) if isinstance(entry, dict) else entry
            number = whole(source, f"entry {place}, {key}", told, MAX_FRAMES)
        yield number, _people(source, f"frame {number}", entry)


def _people(source: KeypointSource, place: str, entry: Any) -> list[Any]:
    """The people of a frame, each a list of landmarks."""
    if entry is None or entry == [] or entry == {}:
        return []
    if isinstance(entry, dict):
        key = next((key for key in _PEOPLE if key in entry), None)
        named = _by_name(entry)
        if key is None and named is None:
            got = shown(list(entry)[:4]) if not entry else f"keys {', '.join(list(entry)[:4])[:60]}"
            raise source.error(place, f"landmarks under {' or '.join(_PEOPLE)}", got)
        return [named] if key is None else _people(source, place, entry[key])
    if _is_person(entry):
        return [entry]
    if not isinstance(entry, list):
        raise source.error(place, "a person's landmarks or a list of such", shown(entry))
    people = [_one(source, place, person) for person in entry]
    return [person for person in people if person is not None]


def _one(source: KeypointSource, place: str, person: Any) -> Any:
    """One person of a list: landmarks themselves, or an object around them."""
    if isinstance(person, dict):
        inner = person.get("landmark", person.get("landmarks"))
        person = inner if isinstance(inner, list) else _by_name(person)
    if not _is_person(person):
        raise source.error(place, f"{len(_JOINTS)} landmarks a person", shown(person))
    return person


def _is_person(value: Any) -> bool:
    """Whether it is a list of as many landmarks as a person has."""
    return isinstance(value, list) and len(value) == len(_JOINTS) and _is_landmark(value[0])


def _is_landmark(value: Any) -> bool:
    if isinstance(value, dict):
        return "x" in value and "y" in value
    return isinstance(value, list) and 3 <= len(value) <= 5 and type(value[0]) in (int, float)


def _by_name(entry: dict[str, Any]) -> list[Any] | None:
    """Landmarks under MediaPipe's names of the joints, in the order of the layout."""
    named = {_own_name(key): value for key, value in entry.items() if _is_landmark(value)}
    found = [named.get(joint) for joint in _JOINTS]
    return None if any(landmark is None for landmark in found) else found


def _own_name(name: str) -> str:
    """``MOUTH_LEFT`` is the only joint whose side comes last."""
    words = name.lower().replace(" ", "_").split("_")
    return "_".join(reversed(words) if words[0] == "mouth" else words)


def _landmarks(source: KeypointSource, place: str, person: list[Any]) -> Landmarks:
    rows = []
    for joint, landmark in zip(_JOINTS, person, strict=True):
        if isinstance(landmark, dict):
            landmark = [landmark.get("x"), landmark.get("y"), 0, landmark.get("visibility")]
        if not isinstance(landmark, list) or len(landmark) < 3:
            raise source.error(f"{place}, {joint}", "a landmark", shown(landmark))
        seen = landmark[3] if len(landmark) > 3 else None
        row = [landmark[0], landmark[1], np.nan if seen is None else seen]
        rows.append(numbers(source, f"{place}, {joint}", row))
    return np.stack(rows)


def _size(source: KeypointSource, wrapper: dict[str, Any]) -> tuple[int, int] | None:
    if wrapper.get("width") is None or wrapper.get("height") is None:
        return None
    width, height = (whole(source, side, wrapper[side], 10**6) for side in ("width", "height"))
    return (width, height) if width and height else None


def _people_of_result(source: KeypointSource, frame: int, result: Any) -> list[list[Any]]:
    """The people of a result in memory, their landmarks as in a file."""
    if result is None:
        return []
    if not hasattr(result, "pose_landmarks"):
        got = type(result).__name__
        raise source.error(f"frame {frame}", "a result with pose_landmarks", got)
    people = result.pose_landmarks
    if people is None:
        return []
    if hasattr(people, "landmark"):
        people = [people.landmark]
    people = list(people)
    if people and hasattr(people[0], "x"):
        people = [people]
    return [_plain(source, frame, person) for person in people]


def _plain(source: KeypointSource, frame: int, person: Iterable[Any]) -> list[Any]:
    landmarks = list(person)
    if len(landmarks) != len(_JOINTS):
        raise source.error(f"frame {frame}", f"{len(_JOINTS)} landmarks", f"{len(landmarks)}")
    return [
        {
            key: None if (value := getattr(landmark, key, None)) is None else float(value)
            for key in ("x", "y", "visibility")
        }
        for landmark in landmarks
    ]
