"""OpenPose: the JSON files of ``--write_json``."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.keypoints.found_people import MAX_TRACK, FoundPeople, shown, triples, whole
from posenet3d.keypoints.frame_names import frame_numbers
from posenet3d.keypoints.glance import glance
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource

_CANDIDATES = ("body_25", "body_25b", "coco_18", "mpi_15")
_BODY = ("pose_keypoints_2d", "pose_keypoints")
"""The key of a person's joints; the second up to OpenPose 1.2."""


class OpenPoseReader:
    """Reader of OpenPose's folders of a JSON file a frame, and of single ones of these files.

    .. code-block:: text

        {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, c, ...],
         "face_keypoints_2d": [...], "hand_left_keypoints_2d": [...], ...}]}

    Of each person the body is read; face, hands and 3D are not. A joint that OpenPose did not see
    is ``0, 0, 0`` and becomes unknown. A file without people is a gap. Frames go by the one number
    in which the files' names differ, so that a missing file is a gap too. ``person_id`` is the
    track; where it is -1, as mostly, people are followed by overlap.

    18 joints are COCO_18, 15 are MPI_15. 25 may be BODY_25 or BODY_25B: the reader asks for
    ``layout=``. Nothing tells the frame rate. Coordinates are pixels (``--keypoint_scale 0``, 1 or
    2). With 3 they are shares of the picture from 0 to 1, with 4 from -1 to 1: that is told by
    numbers no larger than 1, and which of the two by numbers below 0. Either needs ``image_size=``
    and is turned into pixels.

    Example:
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> folder = Path(tempfile.mkdtemp())
        >>> for frame in range(3):
        ...     joints = [[100.0 + frame, 20.0 * joint, 0.9] for joint in range(18)]
        ...     person = {"person_id": [-1], "pose_keypoints_2d": sum(joints, [])}
        ...     text = json.dumps({"version": 1.3, "people": [person]})
        ...     _ = (folder / f"walk_00{frame}_keypoints.json").write_text(text)
        >>> OpenPoseReader().read(KeypointSource(folder), Told(fps=25.0))[0].points[:, 0, 0]
        array([100., 101., 102.])
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it holds ``people`` with OpenPose's keys, or none and OpenPose's version."""
        value = glance(source)
        if not isinstance(value, dict) or not isinstance(value.get("people"), list):
            return False
        version = value.get("version")
        if isinstance(version, str) and "alphapose" in version.lower():
            return False
        people = [person for person in value["people"] if person]
        if not people:
            return isinstance(version, int | float)
        return all(
            isinstance(person, dict) and any(key in person for key in _BODY) for person in people
        )

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the folder or file."""
        return read_openpose(source, told, _CANDIDATES)


class _Person(NamedTuple):
    """One person of one frame."""

    place: str
    frame: int
    joints: Float[np.ndarray, "joints 3"]
    track: int | None


def read_openpose(
    source: KeypointSource, told: Told, candidates: tuple[str, ...]
) -> tuple[KeypointSequence, ...]:
    """Everyone in a folder of OpenPose's shape, whatever joints it holds.

    Args:
        source: the folder, or one of its files.
        told: what the caller said.
        candidates: the layouts that the format is written in.

    Returns:
        One sequence a person.

    Raises:
        KeypointFormatError: as `OpenPoseReader`.
        StorageError: a file cannot be read.
        UnknownNameError: no such layout.
    """
    people: list[_Person] = []
    frames = bodiless = 0
    for name, frame, value in _files(source):
        frames += 1
        for place, person in enumerate(_people(source, name, value)):
            read = _person(source, f"{name}person {place}", frame, person)
            people += [read] if read else []
            bodiless += read is None and bool(person)
    if not people and bodiless:
        raise source.error(
            "people", "2D joints of a body", "people with a face, hands or 3D joints alone",
            "run OpenPose with --body 1 and without --3d",
        )  # fmt: skip
    found = FoundPeople(source)
    for person in _in_pixels(source, told, people):
        found.add(*person)
    return found.sequences(told, *candidates, frames=frames)


def _files(source: KeypointSource) -> Iterator[tuple[str, int, Any]]:
    """Each frame: what errors call its file, its number, and what the file holds."""
    if not source.is_folder:
        yield "", frame_numbers(source, [source.path.name])[source.path.name], source.json
        return
    paths = {path.name: path for path in source.members(".json")}
    if not paths:
        raise source.error("folder", "a JSON file a frame", "none")
    for name, frame in frame_numbers(source, paths).items():
        yield f"{name}, ", frame, source.json_of(paths[name])


def _people(source: KeypointSource, name: str, value: Any) -> list[Any]:
    people = value.get("people") if isinstance(value, dict) else None
    if not isinstance(people, list):
        got = shown(value if not isinstance(value, dict) else people)
        raise source.error(f"{name}people", "a list", got, "name the format if it is another")
    return people


def _person(source: KeypointSource, place: str, frame: int, person: Any) -> _Person | None:
    """One person; nothing where the file has none of the body, as Pose2Sim writes ``{}``."""
    if not isinstance(person, dict):
        raise source.error(place, "keys and values", shown(person))
    key = next((key for key in _BODY if person.get(key)), None)
    if key is None:
        return None
    joints = triples(source, f"{place}, {key}", person[key])
    return _Person(place, frame, joints, _track(source, place, person.get("person_id")))


def _track(source: KeypointSource, place: str, number: Any) -> int | None:
    """``person_id``: a number, or a list of one; -1 for none."""
    if isinstance(number, list):
        if len(number) > 1:
            raise source.error(f"{place}, person_id", "one number", shown(number))
        number = number[0] if number else None
    if number is None or number == -1:
        return None
    return whole(source, f"{place}, person_id", number, MAX_TRACK)


def _in_pixels(source: KeypointSource, told: Told, people: list[_Person]) -> list[_Person]:
    """The people as they are, or from shares of the picture to pixels."""
    seen = [person.joints[person.joints[:, 2] > 0, :2] for person in people]
    low = min((float(xy.min()) for xy in seen if len(xy)), default=0.0)
    high = max((float(xy.max()) for xy in seen if len(xy)), default=np.inf)
    if low < -1 or high > 1:
        return people
    if told.image_size is None:
        raise source.error(
            "joints", "pixels", f"numbers from {low:.3g} to {high:.3g}, as --keypoint_scale makes",
            say=["image_size"],
        )  # fmt: skip
    size = np.array(told.image_size, dtype=np.float64)
    half = low < 0

    return [
        person._replace(joints=np.column_stack([
            ((person.joints[:, :2] + 1) / 2 if half else person.joints[:, :2]) * size,
            person.joints[:, 2],
        ]))
        for person in people
    ]  # fmt: skip
