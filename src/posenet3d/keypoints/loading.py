"""Keypoint files of any format that a plug-in reads: recognised, read, one sequence a person."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from posenet3d.errors import (
    DataError,
    KeypointFormatError,
    PluginError,
    PoseNet3DError,
    ShapeError,
    how_many,
)
from posenet3d.files.npz import open_npz
from posenet3d.keypoints.footage import is_footage
from posenet3d.keypoints.glance import check_json
from posenet3d.keypoints.reader import KeypointReader, Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource
from posenet3d.keypoints.text_table import check_table
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.skeletons import layout as layout_named


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
        Sequences, whoever is seen most first: by the sum, over the frames, of the longer side of
        the box around the person's joints.

    Raises:
        KeypointFormatError: the file is of no known format, of several, or not what its format
            promises; or it lacks something that must be said.
        ShapeError: a frame rate or an image's size that is none; or names of joints for a format
            that names them itself.
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
    found = whoever_is_in(path, format, layout, fps, image_size, joints=joints)
    if not found:
        source = KeypointSource(Path(path))
        raise source.error(
            "people", "at least one person", "none in any frame",
            "a joint of confidence 0 counts as not seen",
        )  # fmt: skip
    return found


def whoever_is_in(
    path: str | Path,
    format: str | None = None,
    layout: str | None = None,
    fps: float | int | None = None,
    image_size: tuple[int, int] | None = None,
    *,
    joints: Mapping[str, str] | None = None,
) -> tuple[KeypointSequence, ...]:
    """As `load_people`, but nobody is an answer too: one frame of many may be empty.

    Args:
        path: as for `load_people`, as are the others.
        format: see there.
        layout: see there.
        fps: see there.
        image_size: see there.
        joints: see there.

    Returns:
        As `load_people`; empty where nobody is.

    Raises:
        KeypointFormatError: as `load_people`, but for that.
        ShapeError: as `load_people`.
        StorageError: as `load_people`.
        UnknownNameError: as `load_people`.
        UnknownPluginError: as `load_people`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "cam_0001.json")
        >>> _ = path.write_text('{"version": 1.3, "people": []}')
        >>> whoever_is_in(path)
        ()
    """
    told = check_reading(format, layout, fps, image_size, joints=joints)
    source = KeypointSource(Path(path))
    source.check_there()
    if format is None:
        _check_no_footage(source)
    name, reader = (format, _reader(format)) if format is not None else _recognised(source)
    _check_joints(name, reader, told)
    return tuple(sorted(reader.read(source, told), key=lambda person: -_seen(person)))


def check_reading(
    format: str | None = None,
    layout: str | None = None,
    fps: float | int | None = None,
    image_size: tuple[int, int] | None = None,
    *,
    joints: Mapping[str, str] | None = None,
) -> Told:
    """What a caller says of a file, refused where it can be true of none.

    Args:
        format: as for `load_people`, as are the others.
        layout: see there.
        fps: see there.
        image_size: see there.
        joints: see there.

    Raises:
        ShapeError: a frame rate or an image's size that is none; or names of joints for a format
            that names them itself.
        UnknownNameError: no such layout.
        UnknownPluginError: no such format.

    Example:
        >>> check_reading("openpose", fps=60).fps
        60.0
    """
    if format is not None:
        GROUPS["keypoint_readers"].find(format)
    if layout is not None:
        layout_named(layout)
    told = Told(layout, None if fps is None else float(fps), image_size, dict(joints or {}))
    if format is not None and told.joints:
        _check_joints(format, _reader(format), told)
    return told


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

    Detectors find people where there are none, for some frames. So where several people are in the
    file and ``person`` is not given, tracks that are shorter than half a second *and* than a tenth
    of the longest one are left out of account. If more than one is left, you are asked: nothing in
    a file tells who of two people is meant, or whether two tracks are one person, who was hidden.

    Args:
        path: a detector's file, or its folder of a file a frame.
        format: the reader's name, such as ``"openpose"``; found out from the file if ``None``.
        layout: which joint is which, such as ``"coco_17"``; needed where the file does not tell.
        fps: frames a second; needed where the file does not tell.
        image_size: (width, height) in pixels.
        joints: the file's own name of each joint, by the layout's, for formats whose users name
            the parts (DeepLabCut, SLEAP).
        person: which one where there are several: the track's number; or -1 for whoever is seen
            most, the first of `load_people`.

    Returns:
        That person's sequence.

    Raises:
        KeypointFormatError: as `load_people`; or there are several people and ``person`` does
            not say which: the message lists them.
        ShapeError: as `load_people`.
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
    if person == -1:
        return people[0]
    if person is None:
        chosen = [each for each in people if not is_ghost(each, max(map(len, people)))]
    else:
        chosen = [each for each in people if each.track_id == person]
    if len(chosen) == 1:
        return chosen[0]
    expected = "one person" if person is None else f"a person of track {person}"
    raise KeypointFormatError(
        path,
        f"expected {expected}, got {len(people)} ({_listed(people)})",
        say=["person"],
        how="with a track's number, or -1 for whoever is seen most, or take load_people for all",
    )


GHOST_SECONDS = 0.5
"""Shorter tracks may be a detector's mistakes."""

GHOST_SHARE = 0.1
"""And so may be those that are shorter than this share of the longest."""


def is_ghost(person: KeypointSequence, longest: int) -> bool:
    """Whether a track, not a clip that someone named, is too short to be asked about.

    Args:
        person: one of those in a file.
        longest: the frames of whoever is in most.

    Example:
        >>> walk = KeypointSequence(np.ones((5, 17, 2)), layout="coco_17", fps=25.0, track_id=1)
        >>> is_ghost(walk, longest=500), is_ghost(walk, longest=20)
        (True, False)
    """
    short = len(person) < min(GHOST_SECONDS * person.fps, GHOST_SHARE * longest)
    return short and person.track_id is not None


def _seen(person: KeypointSequence) -> float:
    """The sum over frames of the longer side of the person's box."""
    known = np.isfinite(person.points)
    high = np.where(known, person.points, -np.inf).max(1)
    low = np.where(known, person.points, np.inf).min(1)
    return float(np.maximum((high - low).max(1), 0.0).sum())


def _reader(name: str) -> KeypointReader:
    reader: KeypointReader = GROUPS["keypoint_readers"].build(PluginSpec(name=name))
    return reader


def _check_joints(name: str, reader: KeypointReader, told: Told) -> None:
    """Refuses names of joints for a format that would pass them over."""
    if told.joints and not getattr(reader, "takes_joints", False):
        raise ShapeError(
            "joints",
            expected=f"none for format {name!r}, which names its joints itself",
            got=", ".join(f"{joint}={part}" for joint, part in told.joints.items()),
            do="leave them out",
        )


def _recognised(source: KeypointSource) -> tuple[str, KeypointReader]:
    """The one reader that says the file is its own, and its name."""
    names = GROUPS["keypoint_readers"].names()
    sure, broken = [], []
    for name in names:
        try:
            reader = _reader(name)
            if reader.sniff(source):
                sure.append((name, reader))
        except PluginError as error:
            broken.append(str(error))
        except PoseNet3DError:
            raise
        except Exception as error:  # a stranger's reader must not keep others from their files
            broken.append(f"Reader {name!r} failed: {type(error).__name__}: {error}.")
    if len(sure) == 1:
        return sure[0]
    if not sure:
        check_json(source)
        _check_input(source)
    got = f"one that looks like {' and like '.join(name for name, _ in sure)}"
    raise source.error(
        "format", f"one of {', '.join(names)}", got if sure else "something else",
        f"(these could not be asked: {' '.join(broken)})" if broken else "", say=["format"],
    )  # fmt: skip


def _check_input(source: KeypointSource) -> None:
    """Says what an input of no known format is, where that is plain."""
    if source.is_folder:
        inside = sorted(source.path.iterdir())
        if not inside:
            raise KeypointFormatError(source.path, "expected keypoint files, got an empty folder.")
        if all(path.is_dir() for path in inside):
            raise KeypointFormatError(
                source.path,
                f"expected a file a frame, got sub-folders alone, the first {inside[0].name!r}; "
                "name one of them, or lift all by `posenet3d lift --many`.",
            )
    elif source.suffix in (".csv", ".tsv", ".txt"):
        check_table(source)
    elif source.suffix == ".npz" and _is_lifted(source.path):
        raise KeypointFormatError(
            source.path,
            "expected keypoints, got a motion that was lifted; `posenet3d export` and `view` take "
            "it.",
        )


def _is_lifted(path: Path) -> bool:
    try:
        with open_npz(path) as arrays:
            return "joints3d" in arrays
    except DataError:
        return False


def _check_no_footage(source: KeypointSource) -> None:
    """Pictures hold no keypoints; says what does."""
    if is_footage(source.path):
        name = source.path.name
        raise KeypointFormatError(
            source.path,
            "expected keypoints, got a video or images; find the 2D first by `posenet3d detect "
            f"{name} --out {source.name}.npz`, or lift it as it is by `posenet3d lift {name} --out "
            f"{source.name}.glb` (extra 'detect'), or run a detector of your own.",
        )


def _listed(people: Sequence[KeypointSequence]) -> str:
    shown = [
        f"{each.source if each.track_id is None else f'track {each.track_id}'}: "
        f"{how_many(len(each), 'frame')} from {each.frame_index[0]}, {_place(each)}"
        for each in people[:8]
    ]
    return "; ".join([*shown, *([f"{len(people) - 8} more"] if len(people) > 8 else [])])


def _place(person: KeypointSequence) -> str:
    """Where someone is when first seen, so that a user knows who it is."""
    first = person.points[0][np.isfinite(person.points[0, :, 0])]
    if not len(first):
        return "unseen"
    x, y = first.mean(0)
    return f"at x {x:.4g}, y {y:.4g}, {np.ptp(first, 0).max():.3g} tall"
