"""``posenet3d data``: sequences written as shards, and what is in a file or in a folder of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.data_cmu import cmu
from posenet3d.cli.data_convert import convert
from posenet3d.cli.data_fetch import fetch, list_datasets
from posenet3d.cli.options import Distance, FilmedBy, JsonTable, Normalization
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


@data.command()
def info(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE", help="A folder of shards, or an npz file.", show_default=False
        ),
    ],
    protocol: FilmedBy = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare every shard with its checksum.")
    ] = False,
    as_json: JsonTable = False,
) -> None:
    """Tell sequences, subjects, frames, hours and normalisation."""
    folder = source.is_dir()
    report = _of_shards(source, protocol, check) if folder else _of_file(source, protocol, check)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print_report(source, report)


def _of_shards(folder: Path, protocol: str | None, check: bool) -> dict[str, Any]:
    from posenet3d.data import load_shards
    from posenet3d.data.sequence_files import refuse_protocol

    found = load_shards(folder)
    refuse_protocol(protocol, folder)
    if check:
        found.check()
    index = found.index
    return {
        "sequences": len(found),
        "stretches": len(index),
        "subjects": len(found.subjects),
        "frames": found.frames,
        "hours": round(found.hours, 4),
        "fps": sorted(set(index.fps)),
        "layout": [index.layout],
        "normalization": index.mode,
        "distance": index.distance,
        "head_to_root_length": index.length,
        "shards": len(index.shards),
        "bytes": sum((folder / shard.file).stat().st_size for shard in index.shards),
        "sha256": found.fingerprint(),
        "checksums": "as written" if check else "not checked",
    }


def _of_file(path: Path, protocol: str | None, check: bool) -> dict[str, Any]:
    from posenet3d.data import SequenceFiles
    from posenet3d.data.annotated_npz import is_annotated_file
    from posenet3d.data.sequence_files import stretches_of
    from posenet3d.errors import DataError

    if check:
        raise DataError(path, "expected a folder of shards for --check, got a file.")
    if is_annotated_file(path):
        return _of_annotated(path, protocol)
    names, rates, layouts = [], set(), set()
    stretches, frames, hours = 0, 0, 0.0
    for name, sequence in SequenceFiles([path], protocol):
        names.append(name)
        rates.add(sequence.fps)
        layouts.add(sequence.layout)
        stretches += sum(1 for _ in stretches_of(name, sequence))
        frames += len(sequence)
        hours += len(sequence) / sequence.fps / 3600
    return {
        "sequences": len(names),
        "stretches": stretches,
        "subjects": len({name.partition("/")[0] for name in names}),
        "frames": frames,
        "hours": round(hours, 4),
        "fps": sorted(rates),
        "layout": sorted(layouts),
        "normalization": None,
    }


def _of_annotated(path: Path, protocol: str | None) -> dict[str, Any]:
    from posenet3d.data import AnnotatedFile
    from posenet3d.data.sequence_files import refuse_protocol

    refuse_protocol(protocol, path)
    keys, cameras, subjects, rates = set(), set(), set(), set()
    layouts, truths = set(), set()
    frames, counted, hours = 0, 0, 0.0
    file = AnnotatedFile(path)
    for sequence in file:
        keys.add(sequence.key)
        cameras.add(sequence.camera)
        subjects.add(sequence.subject)
        rates.add(sequence.keypoints.fps)
        layouts.add(sequence.keypoints.layout)
        truths.add(sequence.joints_layout)
        frames += len(sequence)
        counted += int(sequence.counted.sum())
        hours += len(sequence) / sequence.keypoints.fps / 3600
    return {
        "kind": "2D with the true joints, to evaluate on",
        "protocols": list(file.protocols),
        "clips": len(keys),
        "cameras": sorted(cameras),
        "subjects": len(subjects),
        "frames": frames,
        "frames_counted": counted,
        "hours": round(hours, 4),
        "fps": sorted(rates),
        "layout": sorted(layouts),
        "joints_layout": sorted(truths),
    }


def _print_report(source: Path, report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, title=source.resolve().name, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in report.items():
        listed = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if value is not None:
            table.add_row(name.replace("_", " "), listed)
    Console().print(table, markup=False)


class _ByFile:
    """The sequences of files, with a bar that tells how many of the files are done."""

    def __init__(self, files: "SequenceFiles", move: Move) -> None:
        self._files, self._move = files, move

    def __iter__(self) -> Iterator["NamedSequence"]:
        for done, path in enumerate(self._files.paths):
            self._move(done, len(self._files.paths))
            yield from self._files.of(path)
