"""Our own csv of 2D keypoints: one row a frame and person, that round-trips exactly.

.. code-block:: text

    # posenet3d keypoints 1
    # layout: coco_17
    # fps: 25.0
    # unit: pixels
    # image_size: 640x480
    # synthesized: nose
    # source of 3: "walk"
    frame,track,nose_x,nose_y,nose_c,left_eye_x,...
    0,3,311.5,120.25,0.93,...

The lines that begin with ``#`` may be left out, and so may the columns ``track`` and ``<joint>_c``
and joints that nobody knows; columns come in any order. Unknown is an empty cell (or ``nan``).
Numbers are written with as many digits as it takes to read the same number again.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path

from posenet3d.errors import DataError
from posenet3d.files.atomic import atomic_write
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.skeletons import layout

FIRST_LINE = "# posenet3d keypoints 1"
"""What the file begins with."""

NO_TRACK = "none"
"""What stands for the track of a person without number, in a comment; in the table: nothing."""


def write_csv(path: str | Path, sequences: Sequence[KeypointSequence] | KeypointSequence) -> None:
    """Sequences written to one csv file, complete or not at all.

    Args:
        path: the file, overwritten if it exists.
        sequences: one, or several of one recording: they share layout, fps, unit, image size and
            synthesised joints, and each has another track.

    Raises:
        DataError: there are none, or they differ in what they must share, or share a track.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from posenet3d.keypoints import load_keypoints
        >>> path = Path(tempfile.mkdtemp(), "walk.csv")
        >>> walk = KeypointSequence(np.full((9, 17, 2), 1 / 3), layout="coco_17", fps=25.0)
        >>> write_csv(path, walk)
        >>> bool((load_keypoints(path).points == walk.points).all())
        True
    """
    people = (sequences,) if isinstance(sequences, KeypointSequence) else tuple(sequences)
    _check(path, people)
    with atomic_write(Path(path)) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="\n", write_through=True)
        for line in _header(people):
            text.write(line + "\n")
        for person in people:
            _write_rows(text, person)
        text.flush()
        text.detach()


def _check(path: str | Path, people: Sequence[KeypointSequence]) -> None:
    if not people:
        raise DataError(path, "expected at least one sequence, got none.")
    for name in ("layout", "fps", "unit", "image_size", "synthesized"):
        values = {str(getattr(person, name)) for person in people}
        if len(values) > 1:
            raise DataError(
                path, f"{name}: expected one for all sequences, got several; write one file each."
            )
    tracks = [person.track_id for person in people]
    if len(set(tracks)) != len(tracks):
        raise DataError(path, f"expected another track a sequence, got {tracks[:20]}.")


def _header(people: Sequence[KeypointSequence]) -> list[str]:
    first = people[0]
    joints = layout(first.layout).joint_names
    made = [joint for joint, mark in zip(joints, first.synthesized, strict=True) if mark]
    columns = [f"{joint}_{axis}" for joint in joints for axis in "xyc"]
    size = first.image_size
    return [
        FIRST_LINE,
        f"# layout: {first.layout}",
        f"# fps: {first.fps!r}",
        f"# unit: {first.unit}",
        *([f"# image_size: {size[0]}x{size[1]}"] if size else []),
        *([f"# synthesized: {' '.join(made)}"] if made else []),
        *(f"# source of {_track(person, NO_TRACK)}: {json.dumps(person.source)}"
          for person in people),
        ",".join(["frame", "track", *columns]),
    ]  # fmt: skip


def _track(person: KeypointSequence, nobody: str) -> str:
    return nobody if person.track_id is None else str(person.track_id)


def _write_rows(text: io.TextIOWrapper, person: KeypointSequence) -> None:
    track = _track(person, "")
    for frame, points, confidence in zip(
        person.frame_index.tolist(), person.points, person.confidence, strict=True
    ):
        cells = [
            f"{x!r},{y!r},{c!r}" if x == x else ",,"
            for (x, y), c in zip(points.tolist(), confidence.tolist(), strict=True)
        ]
        text.write(f"{frame},{track},{','.join(cells)}\n")
