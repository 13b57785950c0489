"""Files and folders that appear whole or not at all.

What is written goes under a hidden temporary name ending in ``.partial`` beside its place, is
flushed to the disk and then renamed, which the operating system does in one piece. A failure
removes the temporary name. A process killed outright leaves the old file as it was, and at worst
the ``.partial`` one, which nothing reads and :func:`remove_partials` clears away.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from posenet3d.errors import PoseNet3DError, StorageError

PARTIAL_SUFFIX = ".partial"


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """An open binary file that takes the place of ``path`` once the block ends well.

    Until then, and after any failure, ``path`` is what it was before. A file already there is
    replaced and passes on its permissions; a symbolic link stays one, and what it points to is
    replaced.

    Args:
        path: the file to write; its folder must exist.

    Yields:
        A file opened for writing bytes. Leave it open: it is flushed and closed here.

    Raises:
        StorageError: the file cannot be written (no folder, no permission, full disk).

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_write(folder / "note.txt") as file:
        ...     _ = file.write(b"whole")
        >>> (folder / "note.txt").read_bytes()
        b'whole'
    """
    target = Path(os.path.realpath(path))
    partial = _partial_name(target)
    with _cleared_on_failure(path, partial):
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.is_file():
            shutil.copymode(target, partial)
        os.replace(partial, target)
        sync_folder(target.parent)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder to fill, which becomes ``path`` once the block ends well.

    Every file in it reaches the disk before the folder gets its name, so ``path`` either exists
    with all its files or does not exist.

    Args:
        path: the folder to make; it must not exist (or be empty), its parent must.

    Yields:
        The temporary folder; write the files into it and close them.

    Raises:
        StorageError: the folder cannot be written, or ``path`` is already taken.

    Example:
        >>> import tempfile
        >>> checkpoint = Path(tempfile.mkdtemp()) / "step_100"
        >>> with atomic_folder(checkpoint) as folder:
        ...     _ = (folder / "manifest.json").write_text("{}")
        >>> [file.name for file in checkpoint.iterdir()]
        ['manifest.json']
    """
    target = Path(os.path.realpath(path))
    partial = _partial_name(target)
    with _cleared_on_failure(path, partial):
        partial.mkdir()
        yield partial
        _sync_tree(partial)
        os.rename(partial, target)
        sync_folder(target.parent)


def make_folder(path: str | os.PathLike[str]) -> None:
    """Makes a folder and those above it, where they are not there yet.

    Args:
        path: the folder.

    Raises:
        StorageError: it cannot be made (no permission, a file of that name).

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "tables" / "runs"
        >>> make_folder(folder)
        >>> folder.is_dir()
        True
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(path, f"cannot be made: {_reason(error)}.") from error


def atomic_remove(path: str | os.PathLike[str]) -> None:
    """Removes a file or folder in one piece: it is there whole, or its name is gone.

    It is first given a ``.partial`` name, so that a process killed half-way through a folder
    leaves nothing under the old name.

    Args:
        path: what to remove; a symbolic link is removed itself.

    Raises:
        StorageError: it is missing or cannot be removed.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "old").mkdir()
        >>> atomic_remove(folder / "old")
        >>> list(folder.iterdir())
        []
    """
    target = Path(path)
    partial = _partial_name(target)
    try:
        os.rename(target, partial)
        sync_folder(target.parent)
        _remove(partial)
    except OSError as error:
        raise StorageError(target, f"cannot be removed: {_reason(error)}.") from error


def remove_partials(folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Clears away what killed processes left half-written in a folder.

    Call it only while nobody else writes there: a living process's unfinished file looks the same.

    Args:
        folder: the folder to clear; its sub-folders are left alone.

    Returns:
        The paths that were removed, sorted; none where the folder does not exist.

    Raises:
        StorageError: a left-over cannot be removed.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / ".9f2c.partial").touch()
        >>> [path.name for path in remove_partials(folder)]
        ['.9f2c.partial']
    """
    found = tuple(sorted(Path(folder).glob(f".*{PARTIAL_SUFFIX}")))
    for partial in found:
        try:
            _remove(partial)
        except OSError as error:
            raise StorageError(partial, f"cannot be removed: {_reason(error)}.") from error
    return found


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Makes the names in a folder survive a power cut; Windows has no such call nor need.

    Args:
        folder: the folder in which something was made, renamed or removed.

    Raises:
        OSError: it cannot be opened or flushed.

    Example:
        >>> import tempfile
        >>> sync_folder(tempfile.mkdtemp())
    """
    if os.name != "posix":  # pragma: no cover
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _partial_name(target: Path) -> Path:
    # Without the target's own name, which may already be as long as the file system allows.
    return target.with_name(f".{secrets.token_hex(8)}{PARTIAL_SUFFIX}")


@contextmanager
def _cleared_on_failure(path: str | os.PathLike[str], partial: Path) -> Iterator[None]:
    """Removes the partial file whatever fails, and gives an ``OSError`` its path and remedy."""
    try:
        yield
    except BaseException as error:
        with suppress(OSError):
            _remove(partial)
        if isinstance(error, OSError) and not isinstance(error, PoseNet3DError):
            raise StorageError(
                os.fspath(path),
                f"cannot be written: {_reason(error)}; nothing was changed. "
                "Check that its folder exists, may be written to and has space left.",
            ) from error
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _sync_tree(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            with open(Path(root) / name, "rb+") as file:
                os.fsync(file.fileno())
        sync_folder(Path(root))
