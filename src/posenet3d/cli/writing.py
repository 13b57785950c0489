"""What commands that write share: nothing replaced unasked, nothing half done, what comes next."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from posenet3d.cli.progress import Move
from posenet3d.errors import how_many

if TYPE_CHECKING:
    from posenet3d.data import AnnotatedSequence
    from posenet3d.data.shards import ShardIndex
    from posenet3d.keypoints import KeypointSequence

    Sized = TypeVar("Sized", KeypointSequence, AnnotatedSequence)


def why_not_written(out: Path) -> str:
    """Why no file can be written there, whatever it holds; empty where one can.

    Args:
        out: the file.

    Example:
        >>> why_not_written(Path("nowhere/walk.npz"))
        'there is no folder nowhere'
    """
    if not out.parent.is_dir():
        return f"there is no folder {out.parent}"
    folder = os.path.dirname(os.path.realpath(out))  # of what a link leads to
    if not os.access(folder, os.W_OK):
        return f"the folder {folder} may not be written to"
    return "it is a folder" if out.is_dir() else ""


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


class Counted:
    """Sequences on their way into a file, counted on a bar.

    Args:
        move: moves the bar on.
        steps: whether each is a step of the bar; if not, it is told in words alone.

    Attributes:
        sequences: how many there were.
        frames: how many they had together.

    Example:
        >>> counted = Counted(lambda done, now: print(done, now))
        >>> counted.done("S1/walk", 50)
        1 1 sequence, 50 frames: S1/walk
    """

    def __init__(self, move: Move, steps: bool = True) -> None:
        self._move, self._steps = move, steps
        self.sequences, self.frames = 0, 0

    def __str__(self) -> str:
        return f"{how_many(self.sequences, 'sequence')}, {how_many(self.frames, 'frame')}"

    def of(self, named: "Iterator[tuple[str, Sized]]") -> "Iterator[tuple[str, Sized]]":
        """The sequences themselves, each counted when the next one is asked for."""
        for name, sequence in named:
            yield name, sequence
            self.done(name, len(sequence))

    def done(self, name: str, frames: int) -> None:
        """A sequence is written."""
        self.sequences, self.frames = self.sequences + 1, self.frames + frames
        self._move(self.sequences if self._steps else None, now=f"{self}: {name}")


def training_on_shards(folder: Path, index: "ShardIndex") -> str:
    """The command that trains on shards, with the options for those that are not as presets expect.

    Args:
        folder: where they are.
        index: how they are normalised.

    Returns:
        A command line.

    Example:
        >>> import tempfile
        >>> from posenet3d.data.shards import write_shards
        >>> from posenet3d.data.synthetic import synthetic_training_set
        >>> walks = synthetic_training_set(clips=1, seconds=1.0).sequences
        >>> index = write_shards(walks.items(), Path(tempfile.mkdtemp(), "a"), mode="window")
        >>> training_on_shards(Path("a"), index)
        'posenet3d train --data a --run runs/mine --set network.normalization=window'
    """
    from posenet3d.networks import NetworkConfig

    expected = NetworkConfig()
    written = {"normalization": index.mode, "distance": index.distance}
    changes = "".join(
        f" --set network.{name}={value}"
        for name, value in written.items()
        if value != getattr(expected, name)
    )
    return f"posenet3d train --data {folder} --run runs/mine{changes}"
