"""What the commands that write data have in common: how an interrupted one ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer


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
