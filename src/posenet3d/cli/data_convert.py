"""``posenet3d data convert``: a dataset made into our files, to train on and to test against."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.completion import one_of
from posenet3d.cli.options import (
    DatasetName,
    DatasetOptions,
    MaybeDistance,
    MaybeNormalization,
)
from posenet3d.cli.progress import progress_bar

if TYPE_CHECKING:
    from posenet3d.data.datasets import Dataset
    from posenet3d.keypoints import KeypointSequence

SPLITS = ("train", "test", "both")


def convert(
    name: DatasetName,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="The folder for the files; it is made.",
            show_default=False,
        ),
    ],
    root: Annotated[
        Path | None, typer.Option("--root", help="The dataset's folder.", show_default=False)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="train, test or both; if not given, all that there is.",
            autocompletion=one_of(*SPLITS),
        ),
    ] = None,
    shards: Annotated[
        bool, typer.Option("--shards", help="Training 2D as shards, for sets that outgrow memory.")
    ] = False,
    normalization: MaybeNormalization = None,
    distance: MaybeDistance = None,
    options: DatasetOptions = None,
) -> None:
    """Make our files of a dataset: 2D to train on, 2D with the truth to test against.

    One sequence is in memory at a time. Each file appears whole or not at all.
    """
    from posenet3d.cli.train_data import parse_options
    from posenet3d.data.datasets import load_dataset

    scale = _scale(shards, normalization, distance)
    dataset = load_dataset(name, root, **parse_options(options or ()))
    places = _places(dataset, out, split, shards)
    commands = []
    for each, path in places.items():
        if each == "test":
            told, command = _write_test(dataset, path)
        elif shards:
            told, command = _write_shards(dataset, path, scale)
        else:
            told, command = _write_training(dataset, path)
        typer.echo(f"{path}: {told}")
        commands.append(command)
    for command in commands:
        typer.echo(f"Next: {command}")


def _scale(shards: bool, mode: str | None, distance: float | None) -> dict[str, Any]:
    """How shards are normalised, by the names of `posenet3d.data.write_shards`."""
    from posenet3d.data.normalization import SCALE_MODES
    from posenet3d.errors import ConfigurationError, UnknownNameError

    given = {"normalization": mode, "distance": distance}
    faults = [
        f"--{name}: expected --shards beside it; train.npz keeps pixels, which training normalises"
        for name, value in given.items()
        if value is not None and not shards
    ]
    if faults:
        raise ConfigurationError(faults)
    if mode is not None and mode not in SCALE_MODES:
        raise UnknownNameError("normalization", mode, SCALE_MODES)
    chosen = {"mode": mode, "distance": distance}
    return {name: value for name, value in chosen.items() if value is not None}


def _places(dataset: "Dataset", out: Path, split: str | None, shards: bool) -> dict[str, Path]:
    """Where each of the splits asked for goes."""
    from posenet3d.errors import DataError, StorageError, UnknownNameError
    from posenet3d.files import make_folder

    if split is not None and split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    there = dataset.about.splits
    asked = there if split is None else ("train", "test") if split == "both" else (split,)
    for each in asked:
        if each not in there:
            got = f"a dataset with {' and '.join(there)} only"
            raise DataError(dataset.about.title, f"expected data for {each!r}, got {got}.")
    names = {"train": "train" if shards else "train.npz", "test": "test.npz"}
    places = {each: out / names[each] for each in asked}
    left = [each for each, path in places.items() if not path.exists()]
    for path in places.values():
        if path.exists():
            rest = f", or make the rest with --split {left[0]}" if left else ""
            raise StorageError(path, f"is already there; choose another folder, remove it{rest}.")
    make_folder(out)
    return places


def _write_training(dataset: "Dataset", path: Path) -> tuple[str, str]:
    """Writes an npz; what was written, and the command that takes it."""
    from posenet3d.cli.writing import Counted, interrupts_told
    from posenet3d.keypoints import write_clips

    with interrupts_told(path), progress_bar("train") as move:
        counted = Counted(move)
        write_clips(path, counted.of(dataset.training()))
    return f"{counted}", f"posenet3d train --data {path} --run runs/mine"


def _write_shards(dataset: "Dataset", path: Path, scale: dict[str, Any]) -> tuple[str, str]:
    from posenet3d.cli.writing import Counted, interrupts_told, training_on_shards
    from posenet3d.data import write_shards

    with interrupts_told(path), progress_bar("train") as move:
        counted = Counted(move)
        index = write_shards(_Training(dataset), path, on_sequence=counted.done, **scale)
    return f"{counted}, normalised by {index.mode!r}", training_on_shards(path, index)


def _write_test(dataset: "Dataset", path: Path) -> tuple[str, str]:
    from posenet3d.cli.writing import Counted, interrupts_told
    from posenet3d.data import write_annotated
    from posenet3d.data.datasets import protocols_of

    with interrupts_told(path), progress_bar("test") as move:
        counted = Counted(move)
        named = ((sequence.name, sequence) for sequence in dataset.test())
        write_annotated(path, (each for _, each in counted.of(named)), protocols_of(dataset))
    unnamed = "" if protocols_of(dataset) else " --protocol h36m"
    return f"{counted}", f"posenet3d evaluate runs/mine --data {path}{unnamed}"


class _Training:
    """A dataset's training 2D, to be gone through more than once."""

    def __init__(self, dataset: "Dataset") -> None:
        self._dataset = dataset

    def __iter__(self) -> "Iterator[tuple[str, KeypointSequence]]":
        return self._dataset.training()
