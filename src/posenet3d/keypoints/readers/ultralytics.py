"""Ultralytics YOLO pose: the text files of ``save_txt=True``, and results in memory."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.errors import KeypointFormatError, StorageError
from posenet3d.keypoints.found_people import MAX_TRACK, FoundPeople
from posenet3d.keypoints.frame_names import frame_numbers
from posenet3d.keypoints.glance import LOOKED_AT
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource, read_capped
from posenet3d.keypoints.tracking import MAX_COORDINATE
from posenet3d.skeletons import layout as layout_named

_LAYOUT = "coco_17"
_BOX = 5
"""Class and box come before the joints."""


class UltralyticsReader:
    """Reader of the folder ``labels`` that ``model.predict(..., save_txt=True)`` writes.

    One file a frame, ``<video>_<frame>.txt`` counted from 1 (or ``<image>.txt``), a line a person:

    .. code-block:: text

        class x y w h  x1 y1 v1 ... x17 y17 v17  [confidence] [track]

    Coordinates are parts of the image's width and height, so that ``image_size=`` must be said, and
    ``fps=`` too. v is a confidence, or 0, 1, 2 in labels made by hand: 2, seen, is confidence 1;
    1, hidden, is 0.5; 0 is unknown. Older versions write no v: each known joint then has
    confidence 1. The confidence of the person comes with ``save_conf=True``, the track from
    ``model.track``; where one number follows the joints, it is a track if it is whole.

    17 joints are COCO's; of models with other joints say ``layout=``. There is no file for a frame
    without people: that stays a gap. The class is not looked at, ``classes.txt`` is passed over,
    and a line that comes twice counts once, for the files are appended to when a run is repeated.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = Path(tempfile.mkdtemp(), "labels")
        >>> folder.mkdir()
        >>> line = "0 0.5 0.5 0.2 0.8" + " 0.4 0.6 0.9" * 17
        >>> for frame in range(1, 10):
        ...     _ = (folder / f"walk_{frame}.txt").write_text(line)
        >>> told = Told(fps=30.0, image_size=(1280, 720))
        >>> UltralyticsReader().read(KeypointSource(folder), told)
        (KeypointSequence('labels': 9 frames of 'coco_17', 30 fps, pixels),)
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether its first lines have as many numbers as 17 joints give, the box within 0 to 1."""
        if not source.is_folder and source.suffix != ".txt":
            return False
        try:
            for path in _files(source)[:LOOKED_AT]:
                rows = _rows(source, path)
                if rows:
                    return all(
                        len(row) in _lengths(17, 3) | _lengths(17, 2)
                        and row[0] == row[0] // 1
                        and ((row[1:_BOX] >= 0) & (row[1:_BOX] <= 1)).all()
                        for row in rows
                    )
        except (KeypointFormatError, StorageError):
            pass
        return False

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the folder or file."""
        paths = {path.name: path for path in _files(source)}
        rows = {
            (frame, number): row
            for name, frame in frame_numbers(source, paths).items()
            for number, row in enumerate(_rows(source, paths[name]))
        }
        if not rows:
            return ()
        if told.image_size is None:
            raise source.error(
                "image_size",
                "the image's width and height",
                "joints in fractions of them",
                say=["image_size"],
            )
        count = len(layout_named(told.layout or _LAYOUT))
        people = {place: _split(source, place, row, count) for place, row in rows.items()}
        labels = _are_labels(joints for joints, _ in people.values())
        counted = _are_counted(rest for _, rest in people.values())
        found = FoundPeople(source)
        for (frame, number), (joints, rest) in people.items():
            scale = (*told.image_size, 0.5 if labels else 1.0)
            track = _track(rest, counted)
            found.add(f"frame {frame}, line {number + 1}", frame, joints * scale, track)
        return found.sequences(told, _LAYOUT)


def from_ultralytics(
    results: Iterable[Any], fps: float | int, layout: str = _LAYOUT
) -> tuple[KeypointSequence, ...]:
    """The people in results of an Ultralytics pose model, one sequence each.

    The package is not needed: whatever has ``keypoints.xy`` and ``keypoints.conf``, ``boxes.id``
    and ``orig_shape``, as tensors or arrays, will do. Confidence is 1 where ``conf`` is ``None``.

    Args:
        results: what ``model(video, stream=True)`` or ``model.track`` gives: one result a frame, in
            order, also for frames without people.
        fps: frames a second; of every n-th frame's results, the rate divided by n.
        layout: the model's joints.

    Returns:
        Sequences in pixels, in order of their first frame, by ``boxes.id`` where there are any;
        empty where nobody was found.

    Raises:
        KeypointFormatError: a result has other parts or shapes.
        UnknownNameError: no such layout.

    Example:
        >>> from types import SimpleNamespace as Object
        >>> seen = Object(xy=np.ones((1, 17, 2)), conf=np.ones((1, 17)))
        >>> result = Object(keypoints=seen, boxes=Object(id=None), orig_shape=(480, 640))
        >>> from_ultralytics([result] * 9, fps=25)
        (KeypointSequence('ultralytics': 9 frames of 'coco_17', 25 fps, pixels),)
    """
    source = KeypointSource(Path("ultralytics"))
    found = FoundPeople(source)
    sizes = set()
    for frame, result in enumerate(results):
        sizes.add(_image_size(source, frame, result))
        for person, (joints, track) in enumerate(_people_of_result(source, frame, result)):
            found.add(f"frame {frame}, person {person}", frame, joints, track)
    told = Told(layout=layout, fps=float(fps))
    size = sizes.pop() if len(sizes) == 1 else None
    return found.sequences(told, image_size=size)


def _files(source: KeypointSource) -> tuple[Path, ...]:
    if source.is_folder:
        return tuple(path for path in source.members(".txt") if path.name != "classes.txt")
    return (source.path,)


def _rows(source: KeypointSource, path: Path) -> list[np.ndarray]:
    """The numbers of each line; a line that comes again is left out."""
    lines = dict.fromkeys(read_capped(path).splitlines())
    rows = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            row = np.array([float(word) for word in line.split()])
        except ValueError:
            row = np.array([np.nan])
        if not (np.abs(row) <= MAX_COORDINATE).all():
            raise KeypointFormatError(
                path, f"line {number + 1}: expected numbers, got {line[:60].decode('latin-1')!r}."
            )
        rows.append(row)
    return rows


def _lengths(joints: int, each: int) -> set[int]:
    """How many numbers a line may have: with neither, one, or both of confidence and track."""
    return {_BOX + joints * each + more for more in range(3)}


def _split(
    source: KeypointSource, place: tuple[int, int], row: np.ndarray, count: int
) -> tuple[Float[np.ndarray, "joints 3"], np.ndarray]:
    """A person's joints, and what follows them."""
    for each in (3, 2):
        if len(row) in _lengths(count, each):
            end = _BOX + count * each
            joints = row[_BOX:end].reshape(count, each)
            if each == 2:
                joints = np.column_stack([joints, np.ones(count)])
            return joints, row[end:]
    shapes = " or ".join(f"{_BOX + count * each} to {_BOX + count * each + 2}" for each in (3, 2))
    raise source.error(
        f"frame {place[0]}, line {place[1] + 1}",
        f"{shapes} numbers of {count} joints",
        f"{len(row)}",
        "if the model has other joints",
        say=["layout"],
    )


def _are_labels(people: Iterable[Float[np.ndarray, "joints 3"]]) -> bool:
    """Whether the third numbers are visibilities 0, 1 and 2, and not confidences."""
    third = np.concatenate([joints[:, 2] for joints in people])
    return bool(np.isin(third, (0, 1, 2)).all() and (third == 2).any())


def _are_counted(rests: Iterable[np.ndarray]) -> bool:
    """Whether numbers that follow the joints alone are tracks, and not confidences."""
    alone = [rest[0] for rest in rests if len(rest) == 1]
    return bool(alone) and all(number == number // 1 for number in alone)


def _track(rest: np.ndarray, counted: bool) -> int | None:
    if len(rest) == 0 or (len(rest) == 1 and not counted):
        return None
    track = rest[-1]
    return int(track) if 0 <= track < MAX_TRACK and track == track // 1 else None


def _array(source: KeypointSource, place: str, value: Any) -> np.ndarray:
    """A tensor of any device, an array or lists."""
    try:
        array = np.asarray(value.cpu() if hasattr(value, "cpu") else value, dtype=np.float64)
    except (TypeError, ValueError):
        raise source.error(place, "an array of numbers", type(value).__name__) from None
    if not (np.abs(array) <= MAX_COORDINATE).all():
        raise source.error(place, f"numbers up to {MAX_COORDINATE:g}", "others among them")
    return array


def _image_size(source: KeypointSource, frame: int, result: Any) -> tuple[int, int] | None:
    shape = getattr(result, "orig_shape", None)
    if shape is None:
        return None
    try:
        height, width = (int(side) for side in shape)
    except (TypeError, ValueError, OverflowError):
        raise source.error(f"frame {frame}, orig_shape", "(height, width)", repr(shape)) from None
    return width, height


def _people_of_result(
    source: KeypointSource, frame: int, result: Any
) -> list[tuple[Float[np.ndarray, "joints 3"], int | None]]:
    keypoints = getattr(result, "keypoints", None)
    if keypoints is None:
        if not hasattr(result, "boxes"):
            got = type(result).__name__
            raise source.error(f"frame {frame}", "a result with keypoints and boxes", got)
        return []
    points = _array(source, f"frame {frame}, xy", getattr(keypoints, "xy", None))
    if points.size == 0:  # (1, 0, 2) in some versions
        return []
    conf = getattr(keypoints, "conf", None)
    scores = (
        np.ones(points.shape[:-1]) if conf is None else _array(source, f"frame {frame}, conf", conf)
    )
    if points.ndim != 3 or points.shape[-1] != 2 or scores.shape != points.shape[:-1]:
        got = f"{points.shape} and {scores.shape}"
        raise source.error(f"frame {frame}", "xy (people, joints, 2), conf to match", got)
    numbers = getattr(getattr(result, "boxes", None), "id", None)
    joints = np.dstack([points, scores])
    if numbers is None:
        return [(each, None) for each in joints]
    tracks = _array(source, f"frame {frame}, boxes.id", numbers)
    if tracks.shape != (len(points),):
        got = f"shape {tracks.shape}"
        raise source.error(f"frame {frame}, boxes.id", f"{len(points)} numbers", got)
    return list(zip(joints, map(int, tracks), strict=True))
