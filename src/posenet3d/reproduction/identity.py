"""What tells data from others: a name and a checksum."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from posenet3d.data import AnnotatedFile, AnnotatedSequence, MotionClip
from posenet3d.errors import StorageError, how_many

_DIGITS = 16


def identity(
    source: Sequence[MotionClip] | Sequence[AnnotatedSequence] | str | Path,
) -> dict[str, str]:
    """A name and a checksum of clips, or of a file or a folder of files.

    Args:
        source: motion, annotated sequences, or a path.

    Returns:
        Plain values: ``name`` and ``sha256`` (its first digits).

    Raises:
        StorageError: a file cannot be read.

    Example:
        >>> clip = MotionClip("S0/still", np.ones((1, 14, 3)), "lsp_14", fps=50.0)
        >>> identity([clip])
        {'name': '1 clip of S0', 'sha256': '...'}
    """
    if isinstance(source, AnnotatedFile):
        source = source.path
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            changed = max(each.stat().st_mtime_ns for each in _files(path))
            return {"name": path.name, "sha256": _of_files(path, changed)}
        except (OSError, ValueError) as error:
            raise StorageError(path, f"cannot be read: {error}.") from error
    digest = hashlib.sha256()
    for clip in source:
        digest.update(f"{clip.key} {clip.joints.shape}".encode())
        digest.update(np.ascontiguousarray(clip.joints).tobytes())
        if isinstance(clip, AnnotatedSequence):
            digest.update(np.ascontiguousarray(clip.keypoints.points).tobytes())
    subjects = dict.fromkeys(clip.subject for clip in source)
    name = f"{how_many(len(source), 'clip')} of {', '.join(subjects)}"
    return {"name": name, "sha256": digest.hexdigest()[:_DIGITS]}


def _files(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


@lru_cache(maxsize=16)
def _of_files(path: Path, changed: int) -> str:
    """The checksum; ``changed`` tells a file that was written since."""
    digest = hashlib.sha256()
    for each in _files(path):
        digest.update(each.name.encode() if path.is_dir() else b"")
        with each.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:_DIGITS]
