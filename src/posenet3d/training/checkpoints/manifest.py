"""``manifest.json``: what the other files of a checkpoint must be, down to the bit.

    {"files": {"state.pt": {"bytes": 81240, "sha256": "9f.."}, ...}, "format": 1,
     "place": {"stages_done": 1, "step": 500}, "posenet3d": "0.4.0", "run": "5c..",
     "score": 0.0123, "sha256": "e1.."}

Its own ``sha256`` is that of the file without this entry, and there is one way only to write it
(keys sorted, two blanks of indentation), so that a changed bit anywhere in it shows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from posenet3d import __version__
from posenet3d.errors import RunFolderError
from posenet3d.training.checkpoints.place import Place

MANIFEST_FILE = "manifest.json"
FORMAT = 1


class DamageError(ValueError):
    """A file of a checkpoint is not what was written.

    Attributes:
        file: the file's name.
        expected: what it should be, in words.
        got: what it is, in words.
    """

    def __init__(self, file: str, expected: str, got: str) -> None:
        self.file, self.expected, self.got = file, expected, got
        super().__init__(f"{file}: expected {expected}, got {got}")


@dataclass(frozen=True)
class Seal:
    """A file's length and SHA-256.

    Example:
        >>> Seal.of(b"abc") == Seal.of(b"abd")
        False
    """

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Seal":
        """The seal of some bytes."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    @classmethod
    def of_file(cls, file: IO[bytes]) -> "Seal":
        """The seal of an open file, read piece by piece."""
        digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
        return cls(file.tell(), digest.hexdigest())

    def check(self, name: str, found: "Seal") -> None:
        """Make sure that a file has this seal.

        Raises:
            DamageError: if it has another.
        """
        if found.size != self.size:
            raise DamageError(name, f"{self.size} bytes", f"{found.size}")
        if found != self:
            raise DamageError(name, f"SHA-256 {self.sha256}", found.sha256)


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint is and what its files must be.

    Attributes:
        run: the identity of the run: a checksum of its configuration and data.
        place: where in the run it lies.
        score: lower is better; ``None`` where none was measured.
        files: the seal of every other file, by name.

    Example:
        >>> manifest = Manifest("5c", Place(0, 3), 0.5, {"state.pt": Seal.of(b"abc")})
        >>> Manifest.parse(manifest.to_bytes()) == manifest
        True
    """

    run: str
    place: Place
    score: float | None
    files: Mapping[str, Seal]

    def to_bytes(self) -> bytes:
        """The file's content."""
        document = {
            "format": FORMAT,
            "posenet3d": __version__,
            "run": self.run,
            "place": {"stages_done": self.place.stages_done, "step": self.place.step},
            "score": self.score,
            "files": {
                name: {"bytes": seal.size, "sha256": seal.sha256}
                for name, seal in self.files.items()
            },
        }
        return _written(document | {"sha256": Seal.of(_written(document)).sha256})

    @classmethod
    def parse(cls, content: bytes, source: object = "the checkpoint") -> "Manifest":
        """The manifest in a file's content.

        Args:
            content: the file's content.
            source: the checkpoint, for messages.

        Raises:
            DamageError: if it is not, bit by bit, what :meth:`to_bytes` gives.
            RunFolderError: if it is whole, but of a format that this version does not know.
        """
        try:
            document = _unsealed(content)
            if document["format"] == FORMAT:
                return cls._from(document)
            version = document["posenet3d"]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise DamageError(
                MANIFEST_FILE, "the manifest as it was written", f"a changed one ({error})"
            ) from error
        raise RunFolderError(
            source,
            f"expected a checkpoint of format {FORMAT}, got one of format {document['format']!r}; "
            f"go on with posenet3d {version}, which wrote it.",
        )

    @classmethod
    def _from(cls, document: Mapping[str, Any]) -> "Manifest":
        files = {
            name: Seal(seal["bytes"], seal["sha256"]) for name, seal in document["files"].items()
        }
        place = Place(document["place"]["stages_done"], document["place"]["step"])
        return cls(document["run"], place, document["score"], files)


def _unsealed(content: bytes) -> dict[str, Any]:
    """A manifest's entries without its own digest, which must fit them and every byte."""
    document: dict[str, Any] = json.loads(content)
    digest = document.pop("sha256")
    if digest != Seal.of(_written(document)).sha256:
        raise ValueError("its SHA-256 does not fit its contents")
    if _written(document | {"sha256": digest}) != content:
        raise ValueError("it is not written as manifests are")
    return document


def _written(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()
