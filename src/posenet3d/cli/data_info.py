"""``posenet3d data info``: what is in a file, or in a folder of shards or of keypoint files."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.keypoint_options import Format, Fps, Layout
from posenet3d.cli.options import FilmedBy, JsonTable

if TYPE_CHECKING:
    from posenet3d.data.sequence_files import NamedSequence


def info(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE",
            help="A file of 2D keypoints, of 3D motion or of 2D with the truth, or a folder of "
            "shards or of keypoint files.",
            show_default=False,
        ),
    ],
    protocol: FilmedBy = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare every shard with its checksum.")
    ] = False,
    format: Format = None,
    layout: Layout = None,
    fps: Fps = None,
    as_json: JsonTable = False,
) -> None:
    """Tell sequences, subjects, frames, hours and normalisation."""
    from posenet3d.data.shards import INDEX_FILE
    from posenet3d.errors import DataError

    told = {"format": format, "layout": layout, "fps": fps}
    told = {name: value for name, value in told.items() if value is not None}
    if (source / INDEX_FILE).is_file():
        report = _of_shards(source, protocol, check)
    elif check:
        raise DataError(source, "expected a folder of shards for --check, got something else.")
    elif told or source.is_dir() or source.suffix != ".npz":
        report = _of_keypoints(source, protocol, told)
    else:
        report = _of_npz(source, protocol)
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


def _of_npz(path: Path, protocol: str | None) -> dict[str, Any]:
    """Our own files by what they hold; others, such as VideoPose3D's, by the readers."""
    from posenet3d.data import SequenceFiles
    from posenet3d.data.annotated_npz import holds_annotated
    from posenet3d.files.npz import open_npz
    from posenet3d.keypoints.clips_npz import holds_keypoints

    with open_npz(path) as arrays:
        annotated, seen, named = holds_annotated(arrays), holds_keypoints(arrays), "fps" in arrays
    if annotated:
        return _of_annotated(path, protocol)
    if seen or protocol is not None:
        return _of_sequences(SequenceFiles([path], protocol))
    return _of_motion(path) if named else _of_keypoints(path, protocol, {})


def _of_keypoints(source: Path, protocol: str | None, told: dict[str, Any]) -> dict[str, Any]:
    """What a detector wrote, by any reader."""
    from posenet3d.data.datasets import load_dataset
    from posenet3d.data.sequence_files import refuse_protocol

    refuse_protocol(protocol, source)
    return _of_sequences(load_dataset("keypoint_folder", source, **told).training())


def _of_sequences(named: "Iterable[NamedSequence]") -> dict[str, Any]:
    from posenet3d.data.sequence_files import stretches_of

    names, rates, layouts = [], set(), set()
    stretches, frames, hours = 0, 0, 0.0
    for name, sequence in named:
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


def _of_motion(path: Path) -> dict[str, Any]:
    from posenet3d.data.motion import each_motion
    from posenet3d.files.npz import open_npz

    clips, subjects, frames, hours = 0, set(), 0, 0.0
    with open_npz(path) as arrays:
        for clip in each_motion(arrays, path):
            clips += 1
            subjects.add(clip.subject)
            frames += len(clip)
            hours += len(clip) / clip.fps / 3600
    return {
        "kind": "3D motion, to be filmed by the cameras of --protocol",
        "clips": clips,
        "subjects": len(subjects),
        "frames": frames,
        "hours": round(hours, 4),
        "fps": [clip.fps],
        "layout": [clip.layout],
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
