"""What was made of one input, and from which bytes and options: how a batch resumes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from posenet3d.errors import DataError, StorageError
from posenet3d.files import atomic_write, parse_json

_PIECE = 2**20


@dataclass(frozen=True)
class Manifest:
    """The record of a finished input. It is written last, so that it vouches for the files.

    Example:
        >>> Manifest("ab12", {"format": ["glb"]}, {"walk.glb": 100}, 1, 250).people
        1
    """

    checksum: str
    """SHA-256 of the input's bytes, see `checksum_of`."""
    options: Mapping[str, Any]
    """Everything beside the input that the output depends on."""
    files: Mapping[str, int]
    """The files that were made, by their path from the manifest's folder, and their bytes."""
    people: int
    """How many people were lifted."""
    frames: int
    """How many frames they have together."""

    def write(self, path: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        with atomic_write(path) as file:
            file.write(json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n")

    @classmethod
    def read(cls, path: Path) -> "Manifest | None":
        """The manifest in a file; ``None`` where there is none, or it is damaged.

        Example:
            >>> Manifest.read(Path("nothing.json")) is None
            True
        """
        try:
            value = parse_json(path.read_bytes(), path)
            made = cls(**value)
            made_of = (made.checksum, made.options, made.files, made.people, made.frames)
        except (OSError, DataError, TypeError):
            return None
        kinds = (str, dict, dict, int, int)
        fits = all(isinstance(each, kind) for each, kind in zip(made_of, kinds, strict=True))
        return made if fits else None

    def vouches_for(self, checksum: str, options: Mapping[str, Any], folder: Path) -> bool:
        """Whether the same input was lifted with the same options, and the files are still there.

        Args:
            checksum: the input's, now.
            options: the options, now; compared as JSON.
            folder: the folder that the files' paths begin at.

        Example:
            >>> Manifest("ab", {}, {}, 1, 9).vouches_for("ab", {}, Path())
            True
        """
        if (self.checksum, _as_json(self.options)) != (checksum, _as_json(options)):
            return False
        return all(_size(folder / name) == size for name, size in self.files.items())


def checksum_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of its files' names and bytes at any depth.

    Links to folders are not entered. Memory does not grow with the file.

    Args:
        path: a file or folder.

    Raises:
        StorageError: something in it cannot be read.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "a")
        >>> _ = file.write_bytes(b"walk")
        >>> checksum_of(file)[:8]
        '7a6c4fac'
    """
    digest = hashlib.sha256()
    try:
        if not path.is_dir():
            _feed(digest, path)
            return digest.hexdigest()
        for file in sorted(each for each in path.rglob("*") if each.is_file()):
            name = file.relative_to(path).as_posix().encode(errors="surrogateescape")
            digest.update(b"%d %s %d\n" % (len(name), name, file.stat().st_size))
            _feed(digest, file)
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def _feed(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)


def _as_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
