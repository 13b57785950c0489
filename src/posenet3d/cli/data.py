"""``posenet3d data``: its commands; the one that writes sequences as shards is here."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posenet3d.cli.data_cmu import cmu
from posenet3d.cli.data_convert import convert
from posenet3d.cli.data_fetch import fetch, list_datasets
from posenet3d.cli.data_info import info
from posenet3d.cli.options import FilmedBy
from posenet3d.cli.writing import interrupts_told, training_on_shards
from posenet3d.errors import how_many

if TYPE_CHECKING:
    from posenet3d.data import SequenceFiles
    from posenet3d.data.sequence_files import NamedSequence

data = typer.Typer(
    help="Datasets and files of 2D keypoints: come by them, convert them, look into them.",
    no_args_is_help=True,
)
data.command("list")(list_datasets)
data.command()(fetch)
data.command()(convert)
data.command()(cmu)
data.command()(info)


@data.command()
def shard(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="IN", help="npz files, and folders of them.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FOLDER", help="The folder to make.", show_default=False),
    ],
    protocol: FilmedBy = None,
    split: Annotated[str, typer.Option(help="The protocol's split: train or test.")] = "train",
    normalization: Annotated[
        str, typer.Option(help="What the scale's mean is taken over, as network.normalization.")
    ] = "sequence",
    distance: Annotated[
        float, typer.Option(help="Camera distance in head-to-root lengths, as network.distance.")
    ] = 10.0,
    frames_per_shard: Annotated[
        int, typer.Option(min=1, help="The most frames a shard; 1,000,000 are 112 MB.")
    ] = 1_000_000,
) -> None:
    """Write normalised 2D sequences as shards, for sets that outgrow memory.

    One sequence is in memory at a time. The folder appears whole or not at all.
    """
    from posenet3d.data import SequenceFiles, write_shards

    files = SequenceFiles(sources, protocol, split=split)
    with interrupts_told(out), _Counted(files) as counted:
        index = write_shards(
            counted,
            out,
            mode=normalization,
            distance=distance,
            frames_per_shard=frames_per_shard,
            on_sequence=counted.done,
        )
    typer.echo(
        f"{out}: {how_many(counted.sequences, 'sequence')}, {how_many(index.frames, 'frame')} in "
        f"{how_many(len(index.shards), 'shard')}, normalised by {index.mode!r}"
    )
    typer.echo(f"Next: {training_on_shards(out, index)}")


class _Counted:
    """Files' sequences, with a bar of the files and a count of what was written."""

    def __init__(self, files: "SequenceFiles") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        console = Console(stderr=True)
        self._files = files
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("files  {task.fields[written]}", style="dim"),
            console=console,
            disable=not console.is_terminal,
        )
        self._bar = self._bars.add_task("", total=len(files.paths), written="")
        self.sequences, self.frames = 0, 0

    def __enter__(self) -> "_Counted":
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def __iter__(self) -> Iterator["NamedSequence"]:
        for done, path in enumerate(self._files.paths):
            self._bars.update(self._bar, completed=done, description=path.name)
            yield from self._files.of(path)
        self._bars.update(self._bar, completed=len(self._files.paths))

    def done(self, name: str, frames: int) -> None:
        """A sequence is written."""
        self.sequences, self.frames = self.sequences + 1, self.frames + frames
        self._bars.update(self._bar, written=f"{self.sequences} sequences, {self.frames} frames")
