"""Which clips a folder holds, at any depth, and what they are called."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from posenet3d.errors import KeypointFormatError, StorageError
from posenet3d.keypoints.loading import whoever_is_in
from posenet3d.keypoints.source import KeypointSource, by_number

NO_KEYPOINTS = frozenset(
    {
        *(".md", ".rst", ".pdf", ".html", ".log", ".zip", ".gz"),
        *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".jpg", ".jpeg", ".png", ".gif", ".webp"),
    }
)
"""Suffixes of what lies beside keypoints; such files are left out of a folder."""

_A_FRAME_EACH = (".json", ".txt")
"""Suffixes of the files that detectors write one of for each frame."""

_LOOKED_AT = 20
"""How many of a folder's files are read to find one with somebody in it."""


def entries(folder: Path) -> tuple[Path, ...]:
    """What is in a folder and may be keypoints, by the numbers in the names.

    Hidden names are left out, and suffixes of pictures, videos and texts (`NO_KEYPOINTS`).

    Args:
        folder: the folder; its sub-folders are not entered, but are among what it holds.

    Raises:
        StorageError: it cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b10.json", "b9.json", "b.mp4", ".hidden.json"):
        ...     (folder / name).touch()
        >>> [path.name for path in entries(folder)]
        ['b9.json', 'b10.json']
    """
    try:
        names = sorted(os.listdir(folder), key=by_number)
    except OSError as error:
        raise StorageError(folder, f"cannot be read: {error.strerror}.") from error
    every = (folder / name for name in names if not name.startswith("."))
    return tuple(path for path in every if path.suffix.lower() not in NO_KEYPOINTS)


def find_clips(root: Path, **reading: Any) -> Iterator[tuple[str, Path]]:
    """The clips in a folder, at any depth, and their names.

    A folder whose files hold a frame each, as OpenPose writes them, is one clip; each other file
    is a clip of its own. Files without a suffix (``LICENSE``) are left out. A name is the path
    from ``root``, without the suffix where that tells it: ``anna/walk`` for
    ``<root>/anna/walk.json`` and for ``<root>/anna/walk/000001.json`` …; a ``root`` that is a clip
    itself, folder or file, gives its own name.

    Args:
        root: a folder, or a file.
        **reading: options of `load_people`, which is asked of a file what it holds.

    Yields:
        Name and path, to be read by `load_people`.

    Raises:
        KeypointFormatError: none of a folder's files can be read as told; what is wrong with the
            first.
        StorageError: a folder cannot be read, or there is nothing.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "anna").mkdir()
        >>> (folder / "anna" / "walk.csv").touch()
        >>> [name for name, _ in find_clips(folder)]
        ['anna/walk']
    """
    KeypointSource(root).check_there()
    paths = list(_clips(root, reading, frozenset()))
    whole = Path(os.path.abspath(root))
    if paths == [root]:
        yield whole.name if root.is_dir() else whole.stem, root
        return
    for name, path in zip(names_below(root, paths), paths, strict=True):
        yield (whole.name if path == root else name), path


def names_below(root: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    """Paths as names: from a folder on, without the suffix where that still tells them apart.

    Args:
        root: the folder.
        paths: files and folders below it.

    Returns:
        One name a path, ``/`` between its parts.

    Example:
        >>> names_below(Path("a"), [Path("a/x.json"), Path("a/x.npz"), Path("a/b/y.npz")])
        ('x.json', 'x.npz', 'b/y')
    """
    full = [path.relative_to(root).as_posix() for path in paths]
    short = [
        name if path.is_dir() else path.relative_to(root).with_suffix("").as_posix()
        for name, path in zip(full, paths, strict=True)
    ]
    taken = Counter(short)
    return tuple(
        brief if taken[brief] == 1 else name for brief, name in zip(short, full, strict=True)
    )


def _clips(path: Path, reading: dict[str, Any], above: frozenset[str]) -> Iterator[Path]:
    """The clips at a path; ``above`` are the folders that it lies in, for links in a circle."""
    real = os.path.realpath(path)
    if not path.is_dir():
        yield path
        return
    if real in above:
        return
    frames = _frames(path, reading)
    if frames:
        yield path
    for entry in entries(path):
        if entry.is_dir():
            yield from _clips(entry, reading, above | {real})
        elif entry.suffix and entry.suffix.lower() != frames:
            yield entry


def _frames(folder: Path, reading: dict[str, Any]) -> str:
    """The suffix of the files that hold a frame each; empty where there are none such."""
    for suffix in _A_FRAME_EACH:
        files = KeypointSource(folder).members(suffix)
        if len(files) > 1 and _hold_a_frame(files, reading):
            return suffix
    return ""


def _hold_a_frame(files: Sequence[Path], reading: dict[str, Any]) -> bool:
    """Whether the first file with somebody in it has one frame; so too where nobody is found."""
    faults = []
    for path in files[:_LOOKED_AT]:
        try:
            people = whoever_is_in(path, **{**reading, "fps": 1.0})
        except KeypointFormatError as fault:
            faults.append(fault)
        else:
            if people:
                return max(map(len, people)) == 1
    if len(faults) == len(files[:_LOOKED_AT]):
        raise faults[0]
    return True
