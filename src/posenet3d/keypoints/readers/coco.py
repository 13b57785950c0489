"""COCO keypoints: results of a detector, and annotations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints.found_people import (
    MAX_TRACK,
    FoundPeople,
    shown,
    triples,
    whole,
)
from posenet3d.keypoints.frame_names import frame_numbers
from posenet3d.keypoints.glance import glance
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource

_CANDIDATES = ("coco_17", "halpe_26")
MAX_SIDE = 10**6
"""The longest side of an image, in pixels."""


@dataclass(frozen=True)
class _Images:
    """What an annotation file says of its images."""

    frame: dict[Any, int]
    """The frame's number by the image's id."""
    size: tuple[int, int] | None
    """(width, height) if all have the same."""


class CocoReader:
    """Reader of COCO's keypoint results and annotations, one JSON file a video.

    Results are a list with an entry a person and image, annotations an object:

    .. code-block:: text

        [{"image_id": 12, "category_id": 1, "keypoints": [x, y, s, ...], "score": 0.9}, ...]

        {"images": [{"id": 12, "file_name": "0012.jpg", "width": 640, "height": 480}, ...],
         "annotations": [{"id": 1, "image_id": 12, "category_id": 1, "keypoints": [x, y, v, ...],
                          "num_keypoints": 17, "iscrowd": 0, "bbox": [x, y, w, h]}, ...],
         "categories": [{"id": 1, "name": "person", "keypoints": ["nose", ...]}]}

    Coordinates are pixels. The third number is a score in results, taken as confidence. In
    annotations it is the visibility: 2, seen, is confidence 1; 1, placed but hidden, is 0.5; 0 is
    unknown. Crowds and annotations without keypoints (boxes, masks) are passed over.

    In results ``image_id`` is the frame's number. In annotations that is the number in which the
    files' names differ, or the image's id where the names tell no order. ``track_id``, of the
    annotation or among its ``attributes`` as CVAT has it, is the person's number. The joints'
    names of the category tell the layout (PoseTrack's 17 joints are not COCO's); without them 17
    joints are COCO's, and of 133 and 136 the body's are taken. Nothing tells the frame rate.

    Example:
        >>> import json
        >>> import tempfile
        >>> from pathlib import Path
        >>> people = [
        ...     {"image_id": frame, "category_id": 1, "keypoints": [5.0, 6.0, 0.9] * 17}
        ...     for frame in range(9)
        ... ]
        >>> path = Path(tempfile.mkdtemp(), "results.json")
        >>> _ = path.write_text(json.dumps(people))
        >>> CocoReader().read(KeypointSource(path), Told(fps=30.0))
        (KeypointSequence('results': 9 frames of 'coco_17', 30 fps, pixels),)
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it has images and annotations with keypoints, or results by image number."""
        if source.is_folder:
            return False
        value = glance(source)
        if isinstance(value, dict):
            people = value.get("annotations")
            return isinstance(value.get("images"), list) and _has_keypoints(people)
        first = value[0] if isinstance(value, list) and value else None
        if not isinstance(first, dict) or not _has_keypoints([first]):
            return False
        return type(first["image_id"]) is int and "idx" not in first

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the file."""
        value = source.json
        if isinstance(value, list):
            return _results(source, value, told)
        if isinstance(value, dict) and isinstance(value.get("annotations"), list):
            return _annotations(source, value, told)
        raise source.error("file", "a list of results, or annotations", shown(value))


def _has_keypoints(people: Any) -> bool:
    """Whether any of the first people has keypoints and an image."""
    return isinstance(people, list) and any(
        isinstance(each, dict) and isinstance(each.get("keypoints"), list) and "image_id" in each
        for each in people[:1000]
    )


def _results(source: KeypointSource, people: list[Any], told: Told) -> tuple[KeypointSequence, ...]:
    found = FoundPeople(source)
    for number, person in enumerate(people):
        place = f"entry {number}"
        if not isinstance(person, dict) or "keypoints" not in person:
            raise source.error(place, "a result with keypoints", shown(person))
        frame = whole(source, f"{place}, image_id", person.get("image_id"), MAX_FRAMES)
        joints = triples(source, f"{place}, keypoints", person["keypoints"])
        found.add(place, frame, joints, _track(source, place, person))
    return found.sequences(told, *_CANDIDATES)


def _annotations(
    source: KeypointSource, value: dict[str, Any], told: Told
) -> tuple[KeypointSequence, ...]:
    images = _images(source, value.get("images"))
    found = FoundPeople(source)
    for place, person in _people(source, value["annotations"]):
        image = person.get("image_id")
        if not isinstance(image, int | str) or image not in images.frame:
            raise source.error(f"{place}, image_id", "the id of an image", shown(image))
        joints = _confidence_of_visibility(source, place, person["keypoints"])
        found.add(place, images.frame[image], joints, _track(source, place, person))
    names = _joint_names(source, value.get("categories"))
    frames = len(images.frame)
    return found.sequences(told, *_CANDIDATES, names=names, frames=frames, image_size=images.size)


def _people(source: KeypointSource, entries: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The annotations of single people, and their places."""
    for number, entry in enumerate(entries):
        place = f"annotation {number}"
        if not isinstance(entry, dict):
            raise source.error(place, "an annotation", shown(entry))
        if "keypoints" in entry and entry.get("iscrowd") not in (1, True):
            yield place, entry


def _confidence_of_visibility(
    source: KeypointSource, place: str, keypoints: Any
) -> Float[np.ndarray, "joints 3"]:
    joints = triples(source, f"{place}, keypoints", keypoints)
    visibility = joints[:, 2]
    if not np.isin(visibility, (0, 1, 2)).all():
        wrong = visibility[~np.isin(visibility, (0, 1, 2))][0]
        raise source.error(f"{place}, keypoints", "visibilities 0, 1 and 2", f"{wrong:g}")
    joints[:, 2] = visibility / 2
    return joints


def _track(source: KeypointSource, place: str, person: dict[str, Any]) -> int | None:
    attributes = person.get("attributes")
    inner = attributes.get("track_id") if isinstance(attributes, dict) else None
    track = person.get("track_id", inner)
    return None if track is None else whole(source, f"{place}, track_id", track, MAX_TRACK)


def _images(source: KeypointSource, value: Any) -> _Images:
    if not isinstance(value, list) or not all(isinstance(image, dict) for image in value):
        raise source.error("images", "a list of images", shown(value))
    names: dict[Any, str] = {}
    sizes = set()
    for number, image in enumerate(value):
        place, key = f"image {number}", image.get("id")
        if not isinstance(key, int | str) or key in names:
            raise source.error(f"{place}, id", "a number or name of its own", shown(key))
        name = image.get("file_name", "")
        if not isinstance(name, str):
            raise source.error(f"{place}, file_name", "a text", shown(name))
        names[key] = name
        sizes.add(_size(source, place, image))
    return _Images(_frames(source, names), sizes.pop() if len(sizes) == 1 else None)


def _size(source: KeypointSource, place: str, image: dict[str, Any]) -> tuple[int, int] | None:
    if image.get("width") is None or image.get("height") is None:
        return None
    width, height = (
        whole(source, f"{place}, {side}", image[side], MAX_SIDE) for side in ("width", "height")
    )
    return (width, height) if width and height else None


def _frames(source: KeypointSource, names: dict[Any, str]) -> dict[Any, int]:
    """By the files' names where these count frames; else the ids themselves."""
    try:
        if len(set(names.values())) == len(names):
            frames = frame_numbers(source, names.values())
            return {key: frames[name] for key, name in names.items()}
    except KeypointFormatError:
        pass
    return {key: whole(source, "images, id", key, MAX_FRAMES) for key in names}


def _joint_names(source: KeypointSource, value: Any) -> tuple[str, ...] | None:
    """The joints' names of the categories that have any."""
    categories = value if isinstance(value, list) else []
    lists = [each.get("keypoints") for each in categories if isinstance(each, dict)]
    named = [names for names in lists if names]
    if not named:
        return None
    if named.count(named[0]) < len(named):
        raise source.error("categories", "one list of joints", "several", "split the file")
    if not isinstance(named[0], list) or not all(isinstance(name, str) for name in named[0]):
        raise source.error("categories, keypoints", "names of joints", shown(named[0]))
    return tuple(named[0])
