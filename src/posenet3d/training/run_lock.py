"""One process at a time writes to a run folder."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from posenet3d.errors import RunFolderError, StorageError

LOCK_FILE = ".lock"
_HOLDER_FILE = ".lock-holder"
_PATIENCE = 0.5  # seconds; a run being set up holds the lock for less


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a run folder for the block; the operating system lets go when the process dies.

    Args:
        folder: the run folder; the lock is its file ``.lock``, which stays.

    Raises:
        RunFolderError: if another process, or another trainer of this one, holds it.
        StorageError: if the lock file cannot be opened.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with run_lock(folder):
        ...     (folder / ".lock").exists()
        True
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK_FILE, timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout as error:
        raise RunFolderError(
            folder,
            f"expected a run folder of one's own, but another process ({_holder(folder)}) is "
            "training in it; wait for its end, stop it, or choose another run folder.",
        ) from error
    except OSError as error:
        raise StorageError(folder / LOCK_FILE, f"cannot be opened: {error.strerror}.") from error
    holder = folder / _HOLDER_FILE
    try:
        with suppress(OSError):  # only for the message above
            holder.write_text(f"{os.getpid()} on {platform.node()}")
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    try:
        return f"pid {(folder / _HOLDER_FILE).read_text()}"
    except OSError:
        return "its pid is not known"
