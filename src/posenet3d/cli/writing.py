"""What commands that write files have in common: nothing is replaced unasked, nothing half done."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer


def check_not_there(out: Path, force: bool) -> None:
    """Make sure that a file may be written.

    Raises:
        StorageError: it is there, and nobody said that it may be replaced.

    Example:
        >>> check_not_there(Path("nowhere.npz"), force=False)
    """
    from posenet3d.errors import StorageError

    if out.exists() and not force:
        raise StorageError(out, "is already there; add --force to replace it.")


@contextmanager
def interrupts_told(out: Path) -> Iterator[None]:
    """A block that writes a file or folder; interrupted, it tells that nothing is left.

    Example:
        >>> with interrupts_told(Path("shards")):
        ...     pass
    """
    try:
        yield
    except KeyboardInterrupt:
        if out.exists():
            raise
        typer.echo(f"Interrupted; nothing was written to {out}.", err=True)
        raise typer.Exit(130) from None
