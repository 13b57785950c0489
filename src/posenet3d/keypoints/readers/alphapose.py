"""AlphaPose: its results in each of the formats that it writes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.keypoints.found_people import MAX_TRACK, FoundPeople, shown, triples
from posenet3d.keypoints.frame_names import frame_numbers
from posenet3d.keypoints.glance import glance
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource
from posenet3d.skeletons import layout

_CANDIDATES = ("coco_17", "coco_18", "halpe_26")
_COCO_18 = layout("coco_18")
_LISTS = {"people": "pose_keypoints_2d", "bodies": "joints"}
"""The key of the people, by ``--format open`` and ``cmu``, and that of a person's joints."""

Person = tuple[Float[np.ndarray, "joints 3"], int | None]


class AlphaPoseReader:
    """Reader of ``alphapose-results.json`` and of the folder ``sep-json``.

    The format is a list with an entry a person and frame; frames without people are absent:

    .. code-block:: text

        [{"image_id": "12.jpg", "category_id": 1, "keypoints": [x, y, c, ...], "score": 3.1,
          "box": [x, y, w, h], "idx": 4}, ...]

    ``--format open`` and ``cmu`` write ``{"12.jpg": {"version": "AlphaPose v0.3", "people":
    [{"pose_keypoints_2d": [...]}]}}`` and ``{"12.jpg": {..., "bodies": [{"joints": [...]}]}}``, and
    each image's value again in a file of its own. PoseFlow's ``...-tracked.json`` is
    ``{"12.jpg": [{"keypoints": [...], "scores": 2.9, "idx": 1}]}``. Coordinates are pixels.

    Frames go by the number in the image's name, so that 10 follows 9 and gaps stay gaps. 17 joints
    are COCO's, 26 Halpe's; of 133 and 136 the body's are taken. Nothing tells the frame rate.

    Two traps. ``idx`` is the person's number only where a tracker ran: otherwise it is 0 for all,
    and then people are told apart by where they are. And ``open`` and ``cmu`` are made as if there
    were 17 joints, with the middle of the shoulders behind them as neck; with Halpe's 26 the head
    top stands there instead. The neck is therefore made anew from the shoulders, always.

    Example:
        >>> import json
        >>> import tempfile
        >>> from pathlib import Path
        >>> people = [
        ...     {"image_id": f"{frame}.jpg", "keypoints": [5.0, 6.0, 0.9] * 26} for frame in (9, 10)
        ... ]
        >>> path = Path(tempfile.mkdtemp(), "alphapose-results.json")
        >>> _ = path.write_text(json.dumps(people))
        >>> AlphaPoseReader().read(KeypointSource(path), Told(fps=30.0))
        (KeypointSequence('alphapose-results': 2 frames of 'halpe_26', 30 fps, pixels),)
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether images are named and people in them have AlphaPose's keys."""
        value = glance(source)
        if source.is_folder:
            return _is_image(value)
        if isinstance(value, dict) and value:
            first = next(iter(value.values()))
            return _is_image(first) or (_is_person(first) and "idx" in first[0])
        if not _is_person(value):
            return False
        return "image_id" in value[0] and (
            isinstance(value[0]["image_id"], str) or "idx" in value[0]
        )

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the file or folder."""
        images: dict[str, list[Person]] = {}
        for image, place, person in _people(source):
            images.setdefault(image, []).append(_person(source, place, person))
        tracked = any(track for people in images.values() for _, track in people)
        found = FoundPeople(source)
        for image, frame in sorted(frame_numbers(source, images).items(), key=lambda item: item[1]):
            taken: set[int | None] = set()
            for joints, track in images[image]:
                once = tracked and track not in taken
                found.add(f"image {image[:60]!r}", frame, joints, track if once else None)
                taken.add(track)
        return found.sequences(told, *_CANDIDATES)


def _is_image(value: Any) -> bool:
    """Whether it is one image's value as ``open`` and ``cmu`` have it."""
    version = value.get("version") if isinstance(value, dict) else None
    return isinstance(version, str) and version.startswith("AlphaPose")


def _is_person(value: Any) -> bool:
    """Whether it is a list of people with keypoints."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and isinstance(first.get("keypoints"), list)


def _people(source: KeypointSource) -> Iterator[tuple[str, str, Any]]:
    """Each person's image, place in the file, and entry."""
    if source.is_folder:
        for path in source.members(".json"):
            yield from _people_of_image(source, path.name, source.json_of(path))
    elif isinstance(source.json, dict):
        for image, value in source.json.items():
            yield from _people_of_image(source, image, value)
    elif isinstance(source.json, list):
        for place, entry in enumerate(source.json):
            image = entry.get("image_id") if isinstance(entry, dict) else None
            if not isinstance(image, str) and type(image) is not int:
                raise source.error(f"entry {place}", "a person with image_id", shown(entry))
            yield str(image), f"entry {place}", entry
    else:
        raise source.error("file", "a list of people, or images by name", shown(source.json))


def _people_of_image(
    source: KeypointSource, image: str, value: Any
) -> Iterator[tuple[str, str, Any]]:
    place = f"image {image[:60]!r}"
    if isinstance(value, dict):
        value = next((value[key] for key in _LISTS if key in value), None)
    if not isinstance(value, list):
        raise source.error(place, "a list of people", shown(value))
    for number, entry in enumerate(value):
        yield image, f"{place}, person {number}", entry


def _person(source: KeypointSource, place: str, entry: Any) -> Person:
    keys = ("keypoints", *_LISTS.values())
    key = next((key for key in keys if isinstance(entry, dict) and key in entry), None)
    if key is None:
        raise source.error(place, f"a person with {' or '.join(keys)}", shown(entry))
    joints = triples(source, place, entry[key])
    if key != "keypoints" and len(joints) == len(_COCO_18):
        neck, right, left = map(_COCO_18.index, ("neck", "right_shoulder", "left_shoulder"))
        joints[neck] = (joints[right] + joints[left]) / 2
    return joints, _track(entry.get("idx"))


def _track(idx: Any) -> int | None:
    """``idx``: a number, or lists of it for each of the finds that were merged into the person."""
    flat: list[Any] = [idx]
    for _ in range(3):
        flat = [value for item in flat for value in (item if isinstance(item, list) else [item])]
    tracks = {value for value in flat if type(value) in (int, float) and 0 <= value < MAX_TRACK}
    track = tracks.pop() if len(tracks) == 1 else None
    return int(track) if track is not None and track == track // 1 else None
