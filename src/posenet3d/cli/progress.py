"""The one bar of every command that takes a while: on standard error, and on a terminal only."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol, runtime_checkable


@runtime_checkable
class Move(Protocol):
    """Moves a bar on; what is not given stays."""

    def __call__(
        self, done: int | None = None, total: int | None = None, now: str | None = None
    ) -> None:
        """So much is done of so much, and this is at work."""
        ...


@contextmanager
def progress_bar(
    task: str, total: int | None = None, *, unit: Literal["pieces", "bytes"] = "pieces"
) -> Iterator[Move]:
    """A bar for the block's time, which leaves nothing behind; none where nobody looks.

    Standard output stays what the command prints, also of a block that is interrupted.

    Args:
        task: what is done, in a word or two.
        total: how much there is; the bar runs to and fro until it is known.
        unit: what is counted.

    Yields:
        What moves the bar on: ``(done, total, now)``.

    Example:
        >>> with progress_bar("lift") as move:
        ...     move(50, 120, "walk.json")
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column

    console = Console(stderr=True, force_terminal=sys.stderr.isatty())  # whatever FORCE_COLOR says
    counts = (
        (DownloadColumn(), TransferSpeedColumn())
        if unit == "bytes"
        else (MofNCompleteColumn(), TimeRemainingColumn())
    )
    room = Column(ratio=1, no_wrap=True, overflow="ellipsis")  # what bar and counts leave
    with Progress(
        BarColumn(24),
        *counts,
        TextColumn("{task.description}", markup=False, table_column=room),  # names have brackets
        expand=True,
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else what is printed would go to standard error
        disable=not console.is_interactive,
    ) as bars:
        bar = bars.add_task(task, total=total)

        def move(done: int | None = None, total: int | None = None, now: str | None = None) -> None:
            words = None if now is None else f"{task} {now}"
            bars.update(bar, completed=done, total=total, description=words)

        yield move
