"""``posenet3d data``: its commands; the one that writes sequences as shards is here."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posenet3d.cli.completion import SPLITS
from posenet3d.cli.data_cmu import cmu
from posenet3d.cli.data_convert import convert
from posenet3d.cli.data_fetch import fetch, list_datasets
from posenet3d.cli.data_info import info
from posenet3d.cli.options import Distance, FilmedBy, Normalization
from posenet3d.cli.progress import Move, progress_bar
from posenet3d.cli.writing import Counted, interrupts_told, training_on_shards
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
    split: Annotated[
        str, typer.Option(help="The protocol's split: train or test.", autocompletion=SPLITS)
    ] = "train",
    normalization: Normalization = "sequence",
    distance: Distance = 10.0,
    frames_per_shard: Annotated[
        int, typer.Option(min=1, help="The most frames a shard; 1,000,000 are 112 MB.")
    ] = 1_000_000,
) -> None:
    """Write normalised 2D sequences as shards, for sets that outgrow memory.

    One sequence is in memory at a time. The folder appears whole or not at all.
    """
    from posenet3d.data import SequenceFiles, write_shards

    files = SequenceFiles(sources, protocol, split=split)
    with interrupts_told(out), progress_bar("shard") as move:
        counted = Counted(move, steps=False)  # the bar's steps are files
        index = write_shards(
            _ByFile(files, move),
            out,
            mode=normalization,
            distance=distance,
            frames_per_shard=frames_per_shard,
            on_sequence=counted.done,
        )
    typer.echo(
        f"{out}: {counted} in {how_many(len(index.shards), 'shard')}, normalised by {index.mode!r}"
    )
    typer.echo(f"Next: {training_on_shards(out, index)}")


class _ByFile:
    """The sequences of files, with a bar that tells how many of the files are done."""

    def __init__(self, files: "SequenceFiles", move: Move) -> None:
        self._files, self._move = files, move

    def __iter__(self) -> Iterator["NamedSequence"]:
        for done, path in enumerate(self._files.paths):
            self._move(done, len(self._files.paths))
            yield from self._files.of(path)
