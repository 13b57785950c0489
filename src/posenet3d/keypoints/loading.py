"""Keypoint files of any format that a plug-in reads: recognised, read, one sequence a person."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from posenet3d.errors import KeypointFormatError, StorageError
from posenet3d.keypoints.reader import KeypointReader, Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource
from posenet3d.plugins import GROUPS, PluginSpec


def load_people(
    path: str | Path,
    format: str | None = None,
    layout: str | None = None,
    fps: float | int | None = None,
    image_size: tuple[int, int] | None = None,
    *,
    joints: Mapping[str, str] | None = None,
) -> tuple[KeypointSequence, ...]:
    """Everyone in a keypoint file or folder, one sequence a person.

    Args:
        path: a file, or a folder of a file a frame.
        format: the reader's name, see ``posenet3d plugins``; found out if ``None``.
        layout: the joints' layout, where the file does not tell or tells it wrongly.
        fps: frames a second, where the file does not tell or tells it wrongly.
        image_size: (width, height) in pixels, as above.
        joints: the file's own name of each joint, by the layout's, for formats whose users name
            the parts (DeepLabCut, SLEAP).

    Returns:
        Sequences, those with the most frames first.

    Raises:
        KeypointFormatError: the file is of no known format, of several, or not what its format
            promises; or it lacks something that must be said.
        StorageError: it is not there, or cannot be read.
        UnknownNameError: no such layout.
        UnknownPluginError: no such format.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> path = Path(tempfile.mkdtemp(), "walk.npz")
        >>> np.savez(path, fps=50, layout="coco_17", points=np.ones((9, 17, 2)))
        >>> load_people(path)
        (KeypointSequence('walk': 9 frames of 'coco_17', 50 fps, pixels),)
    """
    source = KeypointSource(Path(path))
    if not source.path.exists():
        raise StorageError(path, "expected a keypoint file or folder, got nothing there.")
    told = Told(layout, None if fps is None else float(fps), image_size, dict(joints or {}))
    reader = _reader(format) if format is not None else _recognised(source)
    found = reader.read(source, told)
    if not found:
        raise source.error("people", "at least one person", "none in any frame")
    return tuple(sorted(found, key=lambda person: -len(person)))


def load_keypoints(
    path: str | Path,
    format: str | None = None,
    layout: str | None = None,
    fps: float | int | None = None,
    image_size: tuple[int, int] | None = None,
    *,
    joints: Mapping[str, str] | None = None,
    person: int | None = None,
) -> KeypointSequence:
    """One person's 2D joints from a keypoint file or folder.

    Args:
        path: as for `load_people`, as are the next five.
        format: see there.
        layout: see there.
        fps: see there.
        image_size: see there.
        joints: see there.
        person: which one where there are several: the track's number; or -1 for whoever is in
            the most frames.

    Returns:
        That person's sequence.

    Raises:
        KeypointFormatError: as `load_people`; or there are several people and ``person`` does
            not say which: the message lists them.
        StorageError: as `load_people`.
        UnknownNameError: as `load_people`.
        UnknownPluginError: as `load_people`.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> path = Path(tempfile.mkdtemp(), "walk.npz")
        >>> np.savez(path, fps=50, layout="coco_17", points=np.ones((9, 17, 2)))
        >>> load_keypoints(path)
        KeypointSequence('walk': 9 frames of 'coco_17', 50 fps, pixels)
    """
    people = load_people(path, format, layout, fps, image_size, joints=joints)
    if person == -1 or (person is None and len(people) == 1):
        return people[0]
    chosen = [each for each in people if person is not None and each.track_id == person]
    if len(chosen) == 1:
        return chosen[0]
    got = f"{len(people)} ({_listed(people)})"
    expected = "one person" if person is None else f"a person of track {person}"
    raise KeypointFormatError(
        path,
        f"expected {expected}, got {got}; say person= with a track's number, or -1 for whoever "
        "is in the most frames, or take load_people for all.",
    )


def _reader(name: str) -> KeypointReader:
    reader: KeypointReader = GROUPS["keypoint_readers"].build(PluginSpec(name=name))
    return reader


def _recognised(source: KeypointSource) -> KeypointReader:
    """The one reader that says the file is its own."""
    names = GROUPS["keypoint_readers"].names()
    readers = {name: _reader(name) for name in names}
    sure = [name for name, reader in readers.items() if reader.sniff(source)]
    if len(sure) == 1:
        return readers[sure[0]]
    got = f"a file that looks like {' and like '.join(sure)}" if sure else "something else"
    raise source.error("format", f"one of {', '.join(names)}", got, "say format=")


def _listed(people: Sequence[KeypointSequence]) -> str:
    shown = [
        f"track {each.track_id}: {len(each)} frames from {each.frame_index[0]}"
        for each in people[:8]
    ]
    return "; ".join([*shown, *(["..."] if len(people) > 8 else [])])
