"""Landmarks of a video as JSON, as the reader of MediaPipe's landmarks takes them."""

import json
import os
from collections.abc import Sequence

import numpy as np

from posenet3d.errors import DataError
from posenet3d.files import atomic_write
from posenet3d.keypoints import KeypointSequence

_LAYOUT = "mediapipe_33"


def write_landmarks_json(
    path: str | os.PathLike[str], people: Sequence[KeypointSequence], frames: int
) -> None:
    """The people of a video written to one JSON file, a line a frame, complete or not at all.

    Tracks are not kept: the reader tells people apart anew. x and y are parts of the image.

    Args:
        path: the file; an existing one is replaced.
        people: sequences in pixels of layout ``mediapipe_33``, of one video.
        frames: how many frames the video has, those without anybody too.

    Raises:
        DataError: there is nobody, or one is of another layout or unit, or without an image size.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from posenet3d.keypoints import load_keypoints
        >>> walk = KeypointSequence(
        ...     np.ones((9, 33, 2)), layout="mediapipe_33", fps=25.0, image_size=(640, 480)
        ... )
        >>> file = Path(tempfile.mkdtemp(), "walk.json")
        >>> write_landmarks_json(file, [walk], frames=9)
        >>> load_keypoints(file)
        KeypointSequence('walk': 9 frames of 'mediapipe_33', 25 fps, pixels)
    """
    size = _size(path, people)
    seen: list[list[object]] = [[] for _ in range(frames)]
    for person in people:
        for place, frame in enumerate(person.frame_index.tolist()):
            seen[frame].append(_landmarks(person, place, size))
    head = {"fps": people[0].fps, "width": size[0], "height": size[1]}
    with atomic_write(path) as file:
        file.write(json.dumps(head)[:-1].encode() + b', "frames": [\n')
        for number, found in enumerate(seen):
            line = json.dumps({"frame": number, "pose_landmarks": found})
            file.write(line.encode() + (b",\n" if number < frames - 1 else b"\n]}\n"))


def _size(path: object, people: Sequence[KeypointSequence]) -> tuple[int, int]:
    if not people:
        raise DataError(path, "expected at least one sequence, got none.")
    for person in people:
        if (person.layout, person.unit) != (_LAYOUT, "pixels") or person.image_size is None:
            raise DataError(
                path,
                f"expected people of {_LAYOUT!r} in pixels of a known image, got {person!r}.",
            )
    size: tuple[int, int] = people[0].image_size  # type: ignore[assignment]
    return size


def _landmarks(
    person: KeypointSequence, place: int, size: tuple[int, int]
) -> list[dict[str, float]]:
    """One person of a frame; an unknown joint is at 0, 0 with no visibility."""
    points = np.nan_to_num(person.points[place] / size)
    return [
        {"x": round(x, 6), "y": round(y, 6), "visibility": round(c, 6)}
        for (x, y), c in zip(points.tolist(), person.confidence[place].tolist(), strict=True)
    ]
