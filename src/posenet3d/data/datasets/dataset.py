"""What a dataset is to the library: a plug-in with 2D to train on and truth to test against."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.datasets.repairs import Repairs
from posenet3d.data.training_set import TrainingSet
from posenet3d.errors import DataError
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.skeletons import LSP_14


@runtime_checkable
class Dataset(Protocol):
    """A dataset in a folder: a plug-in of the group ``posenet3d.datasets``.

    The plug-in is a class, called as ``plugin(root=folder, **options)``; a nested pydantic
    ``Config`` checks the options. Making it reads nothing but what it takes to see that the files
    are there. Both methods give one sequence at a time, so that no dataset is too large.

    Example:
        >>> isinstance(load_dataset("synthetic", clips=1, seconds=0.5), Dataset)
        True
    """

    about: ClassVar[DatasetCard]
    """Where it comes from and which files it must have."""

    def training(self) -> Iterator[tuple[str, KeypointSequence]]:
        """The 2D of the training subjects, and nothing else.

        Yields:
            Name, ``"<subject>/<clip>/<camera>"`` (the part before the first slash is what
            `TrainingSet.hold_out` knows), and sequence.

        Raises:
            DataError: a file is missing, damaged or another one; the message names the file, what
                was expected and what was found.
            StorageError: a file cannot be read.
        """
        ...

    def test(self) -> Iterator[AnnotatedSequence]:
        """The test subjects' 2D with the true joints.

        Yields:
            One person seen by one camera.

        Raises:
            DataError: as for `training`; or the dataset has no 3D.
            StorageError: a file cannot be read.
        """
        ...


def load_dataset(name: str, root: str | Path | None = None, **options: Any) -> Dataset:
    """The dataset of this name, in its folder.

    Args:
        name: a plug-in of the group ``posenet3d.datasets``.
        root: the dataset's folder; ``None`` for one that needs none.
        **options: the dataset's own.

    Returns:
        The dataset; nothing but the folder's contents was looked at.

    Raises:
        ConfigurationError: an option does not fit; lists every fault.
        DataError: the folder lacks a file that is needed.
        UnknownPluginError: there is no such dataset; the known ones are listed.

    Example:
        >>> people = load_dataset("synthetic", clips=1, seconds=0.5)
        >>> [name for name, sequence in people.training()][:2]
        ['synthetic0_0000/reach/view0', 'synthetic0_0000/reach/view1']
    """
    folder = None if root is None else Path(root)
    said = {option: _as_said(value) for option, value in options.items()}
    made = GROUPS["datasets"].build(PluginSpec(name=name, options=said), root=folder)
    return cast(Dataset, made)


def protocols_of(dataset: Dataset) -> tuple[str, ...]:
    """The protocols that a dataset's test sequences are for.

    Args:
        dataset: the dataset.

    Returns:
        Names, the usual one first: its own attribute ``protocols`` where its options decide, as
        those of a dataset that a rig films do; else its card's.

    Example:
        >>> protocols_of(load_dataset("synthetic", clips=1, protocol="cmu14-wild"))
        ('cmu14-wild',)
    """
    named: tuple[str, ...] = getattr(dataset, "protocols", dataset.about.protocols)
    return named


def _as_said(value: Any) -> Any:
    """A path or a tuple as a command line or a file would give it."""
    if isinstance(value, tuple):
        return [_as_said(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def training_set(dataset: Dataset, repairs: Repairs | None = None) -> TrainingSet:
    """A dataset's training 2D in memory, as the trainer takes it.

    Args:
        dataset: the dataset. One that outgrows memory goes through shards instead, see
            `posenet3d.data.write_shards`.
        repairs: what shall be done to the sequences first.

    Returns:
        The set, in layout ``lsp_14``.

    Raises:
        DataError: there is no sequence, two have one name, or a file is damaged.
        StorageError: a file cannot be read.

    Example:
        >>> training_set(load_dataset("synthetic", clips=1, seconds=0.5))
        TrainingSet(4 sequences of 1 subjects, 100 frames)
    """
    named: dict[str, KeypointSequence] = {}
    given = dataset.training()
    for name, sequence in given if repairs is None else repairs.each(given):
        if name in named:
            raise DataError(name, "expected one sequence of this name, got two; rename a file.")
        named[name] = sequence.to_layout(LSP_14.name)
    return TrainingSet(named)
