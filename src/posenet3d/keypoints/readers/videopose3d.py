"""VideoPose3D's files: 2D of data sets and of own videos, and what its Detectron scripts write."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError, KeypointFormatError
from posenet3d.files.object_npz import load_object_npz, npz_names
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource
from posenet3d.keypoints.tracking import Detections, sequences_of_people
from posenet3d.skeletons import LAYOUTS

MAX_SEQUENCES = 100_000
"""The most sequences of a file."""

_PERSON = 1  # Detectron lists what it found by class: background, person
_X, _Y, _PROBABILITY = 0, 1, 3  # rows of Detectron's keypoints; 2 is a logit


class _Recording(NamedTuple):
    """One camera's view of one action."""

    name: str
    subject: str
    points: Float[np.ndarray, "frames joints 2|3"]


class VideoPose3DReader:
    """Reader of ``data_2d_*.npz`` (VideoPose3D) and of its Detectron scripts' ``<video>.npz``.

    The former hold one person a recording: a sequence named ``subject/action/camera`` each, with
    its place in the file as track. Their layout is told by ``metadata``: by the joints that it
    says are left and right. The latter hold everyone found in each frame; people are followed, see
    `posenet3d.keypoints.tracking`. Neither says how many frames a second it has. A joint at
    exactly (0, 0) is unknown. Both are pickled; they are read without running anything.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "data_2d_custom_mine.npz")
        >>> found = {"video": {"custom": [np.ones((9, 17, 2), dtype=np.float32)]}}
        >>> np.savez(path, positions_2d=np.array(found, dtype=object))
        >>> told = Told(layout="coco_17", fps=25.0)
        >>> VideoPose3DReader().read(KeypointSource(path), told)
        (KeypointSequence('video/custom/0': 9 frames of 'coco_17', 25 fps, pixels),)
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it is an npz with ``positions_2d``, or with ``keypoints`` and ``boxes``."""
        if source.suffix != ".npz" or source.is_folder:
            return False
        names = npz_names(source.path)
        return "positions_2d" in names or {"keypoints", "boxes"} <= names

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Every recording, or everyone found."""
        try:
            found = load_object_npz(source.path, "positions_2d", "keypoints", "metadata")
        except DataError as error:
            what = str(error).removeprefix(f"{error.source}: ")
            raise KeypointFormatError(source, what) from None
        said = found.get("metadata")
        metadata = said if isinstance(said, dict) else {}
        if "positions_2d" in found:
            recordings = list(_recordings(source, found["positions_2d"]))
            return tuple(
                _sequence(source, told, metadata, number, recording)
                for number, recording in enumerate(recordings)
            )
        if "keypoints" not in found:
            raise source.error("arrays", "'positions_2d' or 'keypoints'", "neither")
        return _people(source, told, metadata, found["keypoints"])


def _recordings(source: KeypointSource, positions: Any) -> Iterator[_Recording]:
    """Each recording of ``positions_2d``: subject, action, camera."""
    count = 0
    for subject, actions in _entries(source, "positions_2d", positions):
        for action, cameras in _entries(source, f"positions_2d, {subject}", actions):
            place = f"{subject}/{action}"[:200]
            if not _listed(cameras):
                raise source.error(place, "a list of arrays, one a camera", _kind(cameras))
            for camera, points in enumerate(cameras):
                count += 1
                if count > MAX_SEQUENCES:
                    raise source.error("positions_2d", f"at most {MAX_SEQUENCES} arrays", "more")
                name = f"{place}/{camera}"
                yield _Recording(name, subject, _array(source, name, points))


def _entries(source: KeypointSource, place: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise source.error(place[:200], "a dictionary", _kind(value))
    return [(str(key), entry) for key, entry in value.items()]


def _kind(value: Any) -> str:
    shape = f" {value.shape}" if isinstance(value, np.ndarray) else ""
    return type(value).__name__ + shape


def _array(source: KeypointSource, place: str, value: Any) -> Float[np.ndarray, "frames joints _"]:
    good = isinstance(value, np.ndarray) and value.ndim == 3 and value.shape[2] in (2, 3)
    if not good or value.dtype.kind not in "fiu":
        raise source.error(place, "numbers (frames, joints, 2)", _kind(value))
    return np.asarray(value, dtype=np.float64)


def _sequence(
    source: KeypointSource,
    told: Told,
    metadata: Mapping[str, Any],
    number: int,
    recording: _Recording,
) -> KeypointSequence:
    points = recording.points
    layout = _layout(source, told, metadata, points.shape[1])
    fps = told.fps_of(source, None, len(points))
    xy = np.where((points[..., :2] == 0).all(axis=-1, keepdims=True), np.nan, points[..., :2])
    videos = metadata.get("video_metadata")
    video = videos.get(recording.subject) if isinstance(videos, dict) else None
    try:
        return KeypointSequence(
            xy,
            points[..., 2] if points.shape[2] == 3 else None,
            layout=layout,
            fps=fps,
            image_size=_size(told, video),
            track_id=number,
            source=recording.name,
        )
    except KeypointFormatError as error:
        what = str(error).removeprefix(f"{error.source}: ")
        raise KeypointFormatError(source, f"{recording.name}: {what}") from None


def layout_by_sides(metadata: Mapping[str, Any], joints: int) -> str | None:
    """The layout whose left and right joints are those of a file's metadata.

    Args:
        metadata: with ``keypoints_symmetry``, the numbers of the left and of the right joints.
        joints: how many joints there are.

    Returns:
        The layout's name; ``None`` where the metadata do not tell, or there is none.

    Example:
        >>> sides = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
        >>> layout_by_sides({"keypoints_symmetry": sides}, 17)
        'h36m_17'
    """
    sides = metadata.get("keypoints_symmetry")
    if not isinstance(sides, list) or len(sides) != 2:
        return None
    left, right = (
        {int(joint) for joint in side if _whole(joint)} if _listed(side) else set()
        for side in sides
    )
    for name, skeleton in LAYOUTS.items():
        same = set(skeleton.left) == left and set(skeleton.right) == right
        if len(skeleton) == joints and same:
            return name
    return None


def _layout(source: KeypointSource, told: Told, metadata: Mapping[str, Any], joints: int) -> str:
    """As told; else the layout whose left and right joints are those of the metadata."""
    by_sides = layout_by_sides(metadata, joints) if told.layout is None else None
    return by_sides or told.layout_of(source, joints, "h36m_17", "coco_17")


def _listed(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _whole(value: Any) -> bool:
    return (isinstance(value, int | np.integer) and not isinstance(value, bool)) or (
        isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu"
    )


def _size(told: Told, video: Any) -> tuple[int, int] | None:
    """(width, height): as told, else as the script noted down."""
    if told.image_size is not None or not isinstance(video, dict):
        return told.image_size
    width, height = video.get("w"), video.get("h")
    if _whole(width) and _whole(height) and 0 < int(width) < 2**31 and 0 < int(height) < 2**31:  # type: ignore[arg-type]
        return int(width), int(height)  # type: ignore[arg-type]
    return None


def _people(
    source: KeypointSource, told: Told, metadata: Mapping[str, Any], frames: Any
) -> tuple[KeypointSequence, ...]:
    """Everyone that Detectron found, followed from frame to frame."""
    if not _listed(frames) or len(frames) > MAX_FRAMES:
        raise source.error("keypoints", f"a list of at most {MAX_FRAMES} frames", _kind(frames))
    found, frame = [], []
    for number, classes in enumerate(frames):
        for person in _persons(source, number, classes):
            found.append(person)
            frame.append(number)
    if not found:
        return ()
    rows = np.stack(found).astype(np.float64)
    layout = told.layout_of(source, rows.shape[2], "coco_17")
    detections = Detections(
        np.stack([rows[:, _X], rows[:, _Y]], axis=-1),
        np.maximum(rows[:, _PROBABILITY], 0.0),
        np.array(frame, dtype=np.int64),
    )
    fps = told.fps_of(source, None, len(frames))
    size = _size(told, metadata)
    return sequences_of_people(detections, layout=layout, fps=fps, image_size=size, source=source)


def _persons(source: KeypointSource, frame: int, classes: Any) -> Iterator[np.ndarray]:
    """The (4, 17) arrays of one frame."""
    if not _listed(classes):
        raise source.error(f"frame {frame}", "a list of classes", _kind(classes))
    if len(classes) <= _PERSON:
        return
    people = classes[_PERSON]
    if not _listed(people):
        raise source.error(f"frame {frame}", "a list of people", _kind(people))
    for person in people:
        good = isinstance(person, np.ndarray) and person.dtype.kind in "fiu"
        if not good or person.shape != (4, 17):
            raise source.error(f"frame {frame}", "keypoints (4, 17)", _kind(person))
        yield person
