"""A keypoint file or folder as readers get it: capped, parsed once, errors that name the place."""

import os
import re
import stat
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from posenet3d.errors import DataError, KeypointFormatError, Say, StorageError
from posenet3d.files.strict_json import parse_json
from posenet3d.skeletons import LAYOUTS
from posenet3d.skeletons import layout as layout_named

MAX_BYTES = 4 * 2**30
"""The largest file that is looked at; a caller who has a larger one splits it."""

MAX_JSON_BYTES = 2**30
"""The largest JSON file: parsed, it takes up to twenty times the memory."""

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
        return os.path.isdir(self.path)

    def error(
        self, what: str, expected: str, got: str, do: str = "", *, say: Iterable[Say] = ()
    ) -> KeypointFormatError:
        """The error for a fault in the file.

        Args:
            what: the place: a key, a frame, a line.
            expected: what was expected, in words.
            got: what came, in words.
            do: what the user should do; after ``say``, when or how.
            say: the arguments that mend it, as `DataError` has them.

        Example:
            >>> str(KeypointSource(Path("a.json")).error("fps", "a number", "'x'", say=["fps"]))
            "a.json: fps: expected a number, got 'x'; say fps=."
        """
        fault = f"{what}: expected {expected}, got {got}"
        if say:
            return KeypointFormatError(self.path, fault, say=say, how=do)
        return KeypointFormatError(self.path, fault + (f"; {do}." if do else "."))

    def check_there(self) -> None:
        """Refuses what is not there.

        Raises:
            StorageError: nothing is there, or it cannot be looked at; or it is neither a file nor
                a folder, but a pipe, a socket or a device.
        """
        mode = _mode(self.path)
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise StorageError(self.path, "expected a file or folder, got a pipe or device.")

    def check_layout(self, name: str, joints: int) -> str:
        """The layout's name, if it has so many joints.

        Raises:
            KeypointFormatError: it has not.
            UnknownNameError: no such layout.
        """
        wanted = len(layout_named(name))
        if wanted != joints:
            fitting = [("layout", each) for each, known in LAYOUTS.items() if len(known) == joints]
            expected = f"{wanted} a person, as in layout {name!r}"
            raise self.error("joints", expected, f"{joints}", say=fitting)
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
            return parse_json(read_capped(path, MAX_JSON_BYTES), path)
        except KeypointFormatError:
            raise
        except DataError as error:
            what = str(error).removeprefix(f"{error.source}: ")
            raise KeypointFormatError(path, what) from None

    def members(self, suffix: str) -> tuple[Path, ...]:
        """The folder's own files with a suffix, by the numbers in their names.

        Sub-folders are not entered, so that links cannot lead in a circle. Hidden files, whose
        names begin with a dot, are not the detector's.

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
                    if entry.name.lower().endswith(suffix)
                    and not entry.name.startswith(".")
                    and entry.is_file()
                ]
        except OSError as error:
            raise StorageError(self.path, f"cannot be read: {error.strerror}.") from error
        if len(found) > MAX_FILES:
            raise self.error("files", f"at most {MAX_FILES}", f"{len(found)}", "split the folder")
        return tuple(self.path / name for name in sorted(found, key=by_number))


def by_number(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """A key that sorts names by the numbers in them, however long these are.

    Example:
        >>> sorted(["a10", "a9", "b1"], key=by_number)
        ['a9', 'a10', 'b1']
    """
    parts = re.split(r"([0-9]+)", name)
    key = [(1, 0, part) for part in parts]
    for place in range(1, len(parts), 2):
        digits = parts[place].lstrip("0")
        key[place] = (0, len(digits), digits)
    return tuple(part for part in key if part != (1, 0, "")), name


def read_capped(path: Path, most: int = MAX_BYTES) -> bytes:
    """A file's bytes, its kind and size looked at first.

    Args:
        path: the file.
        most: the most bytes that it may have.

    Raises:
        KeypointFormatError: it is larger.
        StorageError: it is not there, no file (a folder, a pipe, a device), or cannot be read.
    """
    if not stat.S_ISREG(_mode(path)):
        raise StorageError(path, "expected a file, got a folder, a pipe or a device.")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = b"" if size > most else file.read(size + 1)  # read(n) takes n bytes
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    if max(size, len(content)) > most:
        got = max(size, len(content))
        raise KeypointFormatError(
            path, f"expected at most {most} bytes, got {got}; split the file."
        )
    return content


def _mode(path: Path) -> int:
    """What kind of thing is there, links followed."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        raise StorageError(path, "expected a keypoint file or folder, got nothing there.") from None
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a zero byte in the name
        raise StorageError(path, f"expected a path, got one with {error}.") from None
