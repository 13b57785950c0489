"""A keypoint file or folder as readers get it: capped, parsed once, errors that name the place."""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from posenet3d.errors import DataError, KeypointFormatError, StorageError
from posenet3d.files.strict_json import parse_json
from posenet3d.skeletons import layout as layout_named

MAX_BYTES = 4 * 2**30
"""The largest file that is looked at; a caller who has a larger one splits it."""

MAX_FRAMES = 20_000_000
"""The highest frame number plus one: 92 hours of 60 frames a second."""

MAX_FILES = 20_000_000
"""The most files of a folder, one a frame."""


class KeypointSource:
    """One file, or one folder of a file a frame.

    Args:
        path: the file or folder.

    Attributes:
        path: as given.

    Example:
        >>> KeypointSource(Path("walk.json")).suffix
        '.json'
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """What sequences are called by: the file's name without its suffix."""
        return self.path.stem

    @property
    def suffix(self) -> str:
        """The file's suffix in small letters, with its dot; empty for a folder without one."""
        return self.path.suffix.lower()

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    def error(self, what: str, expected: str, got: str, do: str = "") -> KeypointFormatError:
        """The error for a fault in the file.

        Args:
            what: the place: a key, a frame, a line.
            expected: what was expected, in words.
            got: what came, in words.
            do: what the user should do.

        Example:
            >>> str(KeypointSource(Path("a.json")).error("fps", "a number", "'x'", "say fps="))
            "a.json: fps: expected a number, got 'x'; say fps=."
        """
        tail = f"; {do}." if do else "."
        return KeypointFormatError(self.path, f"{what}: expected {expected}, got {got}{tail}")

    def check_layout(self, name: str, joints: int) -> str:
        """The layout's name, if it has so many joints.

        Raises:
            KeypointFormatError: it has not.
            UnknownNameError: no such layout.
        """
        wanted = len(layout_named(name))
        if wanted != joints:
            raise self.error(
                "joints", f"{wanted} a person, as in layout {name!r}", f"{joints}",
                "name the layout that the file is in",
            )  # fmt: skip
        return name

    def read_bytes(self) -> bytes:
        """The file's bytes.

        Raises:
            KeypointFormatError: it is larger than `MAX_BYTES`.
            StorageError: it cannot be read, or is a folder.
        """
        return read_capped(self.path)

    @cached_property
    def json(self) -> Any:
        """The file parsed as strict JSON, once.

        Raises:
            KeypointFormatError: it is not JSON: cut off, too deep, a key twice, NaN or Infinity.
            StorageError: it cannot be read.
        """
        return self.json_of(self.path)

    def json_of(self, path: Path) -> Any:
        """One file of a folder, parsed as strict JSON; errors name that file."""
        try:
            return parse_json(read_capped(path), path)
        except KeypointFormatError:
            raise
        except DataError as error:
            what = str(error).removeprefix(f"{error.source}: ")
            raise KeypointFormatError(path, what) from None

    def members(self, suffix: str) -> tuple[Path, ...]:
        """The folder's own files with a suffix, by the numbers in their names.

        Sub-folders are not entered, so that links cannot lead in a circle.

        Args:
            suffix: in small letters, with its dot.

        Returns:
            Paths; ``a2`` comes before ``a10``. Empty for a file.

        Raises:
            KeypointFormatError: more than `MAX_FILES`.
            StorageError: the folder cannot be read.
        """
        if not self.is_folder:
            return ()
        try:
            with os.scandir(self.path) as entries:
                found = [
                    entry.name
                    for entry in entries
                    if entry.name.lower().endswith(suffix) and entry.is_file()
                ]
        except OSError as error:
            raise StorageError(self.path, f"cannot be read: {error.strerror}.") from error
        if len(found) > MAX_FILES:
            raise self.error("files", f"at most {MAX_FILES}", f"{len(found)}", "split the folder")
        return tuple(self.path / name for name in sorted(found, key=by_number))


def by_number(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts names by the numbers in them.

    Example:
        >>> sorted(["a10", "a9", "b1"], key=by_number)
        ['a9', 'a10', 'b1']
    """
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)


def read_capped(path: Path) -> bytes:
    """A file's bytes, its size looked at first.

    Raises:
        KeypointFormatError: it is larger than `MAX_BYTES`.
        StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise KeypointFormatError(
                    path, f"expected at most {MAX_BYTES} bytes, got {size}; split the file."
                )
            content = file.read(size) if size else _read_stream(file)
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    if len(content) > MAX_BYTES:  # a pipe or device tells no size
        raise KeypointFormatError(path, f"expected at most {MAX_BYTES} bytes; split the file.")
    return content


def _read_stream(file: BinaryIO) -> bytes:
    """What comes from a pipe or device, up to a little more than `MAX_BYTES`.

    ``file.read(MAX_BYTES)`` would take that much memory before the first byte.
    """
    content = bytearray()
    while len(content) <= MAX_BYTES and (piece := file.read(2**20)):
        content += piece
    return bytes(content)
