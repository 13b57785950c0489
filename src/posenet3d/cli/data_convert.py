"""``posenet3d data convert``: a dataset made into our files, to train on and to test against."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from posenet3d.data import AnnotatedSequence
    from posenet3d.data.datasets import Dataset
    from posenet3d.keypoints import KeypointSequence

    Sized = TypeVar("Sized", KeypointSequence, AnnotatedSequence)

SPLITS = ("train", "test", "both")


def convert(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The dataset: see posenet3d data list.", show_default=False
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="The folder for the files; it is made.", show_default=False),
    ],
    root: Annotated[
        Path | None, typer.Option("--root", help="The dataset's folder.", show_default=False)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, test or both; if not given, all that there is."),
    ] = None,
    shards: Annotated[
        bool, typer.Option("--shards", help="Training 2D as shards, for sets that outgrow memory.")
    ] = False,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="KEY=VALUE", help="The dataset's own; may be given again."
        ),
    ] = None,
) -> None:
    """Make our files of a dataset: 2D to train on, 2D with the truth to test against.

    One sequence is in memory at a time. Each file appears whole or not at all.
    """
    from posenet3d.cli.train_data import parse_options
    from posenet3d.data.datasets import load_dataset

    dataset = load_dataset(name, root, **parse_options(options or ()))
    places = _places(dataset, out, split, shards)
    for each, path in places.items():
        write = _write_test if each == "test" else _write_training
        typer.echo(write(dataset, path))
    for each, path in places.items():
        typer.echo(f"Next: {_next(dataset, each, path)}")


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
    for path in places.values():
        if path.exists():
            raise StorageError(path, "is already there; choose another folder, or remove it.")
    make_folder(out)
    return places


def _write_training(dataset: "Dataset", path: Path) -> str:
    from posenet3d.cli.data_writing import interrupts_told
    from posenet3d.data import write_shards
    from posenet3d.keypoints import write_clips

    with interrupts_told(path), _Counted("train") as counted:
        sequences = counted.of(dataset.training())
        if path.suffix:
            write_clips(path, sequences)
        else:
            write_shards(sequences, path)
    return f"{path}: {counted}"


def _write_test(dataset: "Dataset", path: Path) -> str:
    from posenet3d.cli.data_writing import interrupts_told
    from posenet3d.data import write_annotated

    with interrupts_told(path), _Counted("test") as counted:
        named = ((sequence.name, sequence) for sequence in dataset.test())
        write_annotated(path, (sequence for _, sequence in counted.of(named)))
    return f"{path}: {counted}"


def _next(dataset: "Dataset", split: str, path: Path) -> str:
    """The command that takes what was written."""
    if split == "train":
        return f"posenet3d train --data {path} --run runs/mine"
    protocol = next(iter(dataset.about.protocols), "h36m")
    return f"posenet3d evaluate runs/mine --data {path} --protocol {protocol}"


class _Counted:
    """Sequences on their way, counted, with a line on the terminal that tells how far it is."""

    def __init__(self, split: str) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        self._line = Progress(
            *columns, console=console, disable=not console.is_terminal, transient=True
        )
        self._task = self._line.add_task(split, total=None)
        self._split = split
        self.sequences, self.frames = 0, 0

    def __enter__(self) -> "_Counted":
        self._line.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._line.stop()

    def __str__(self) -> str:
        return f"{self.sequences} sequences, {self.frames} frames"

    def of(self, named: "Iterator[tuple[str, Sized]]") -> "Iterator[tuple[str, Sized]]":
        """The sequences themselves."""
        for name, sequence in named:
            yield name, sequence
            self.sequences, self.frames = self.sequences + 1, self.frames + len(sequence)
            self._line.update(self._task, description=f"{self._split}: {self}, {name}")
