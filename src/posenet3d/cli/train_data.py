"""What ``posenet3d train`` takes its 2D from: our files, anyone's keypoint files, or a dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from posenet3d.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from posenet3d.data import TrainingSet

FOLDER = "keypoint_folder"
"""The dataset that reads keypoint files of any format."""

_READING = ("format", "layout", "fps", "image_size")
"""What is said of keypoint files; all else is a repair, which any 2D can be given."""


def training_data(
    data: Path | None,
    dataset: str | None,
    options: Sequence[str],
    reading: Mapping[str, Any],
    *,
    missing_joints: bool,
) -> "Path | TrainingSet":
    """What the trainer gets, from what the command line says.

    Args:
        data: a file or folder; ``None`` for a dataset that needs none.
        dataset: the dataset's name; found out if ``None``.
        options: ``key=value`` of the dataset.
        reading: how keypoint files are read and repaired; ``None`` is not said.
        missing_joints: whether the network is told of missing joints.

    Returns:
        The path itself, where the trainer reads it, or the set in memory.

    Raises:
        ConfigurationError: the options do not go together; every fault is told.
        DataError: the files cannot be used, or joints are missing that the network needs.
        StorageError: a file cannot be read.

    Example:
        >>> training_data(None, "synthetic", ["clips=1", "seconds=0.5"], {}, missing_joints=False)
        TrainingSet(4 sequences of 1 subjects, 100 frames)
    """
    said = {
        name: value
        for name, value in reading.items()
        if value is not None and value is not False  # 0 is said
    }
    _check_together(data, dataset, options, said)
    if dataset is None and data is not None and not said and not holds_raw_keypoints(data):
        return data
    name = dataset or FOLDER
    found = _read(name, data, parse_options(options), said)
    if not missing_joints:
        check_complete(found, data or name)
    return found


def _check_together(
    data: Path | None, dataset: str | None, options: Sequence[str], said: Mapping[str, Any]
) -> None:
    faults = []
    if data is None and dataset is None:
        faults.append("--data: expected a file or folder, got none; or name a --dataset")
    if options and dataset is None:
        faults.append("--option: goes with --dataset, which has the options")
    told = [f"--{name.replace('_', '-')}" for name in _READING if name in said]
    if told and dataset not in (None, FOLDER):
        listed = ", ".join(told)
        faults.append(f"{listed}: for keypoint files, not for dataset {dataset!r}; see --option")
    if faults:
        raise ConfigurationError(faults)


def _read(
    name: str, data: Path | None, options: Mapping[str, Any], said: Mapping[str, Any]
) -> "TrainingSet":
    """A dataset's training 2D, repaired as asked; what was done to it is told."""
    from posenet3d.data.datasets import Repairs, load_dataset, training_set

    if name == FOLDER:
        made = load_dataset(name, data, **options, **said)
        found = training_set(made)
        report = made.report  # type: ignore[attr-defined]
    else:
        repairs = Repairs(**said)
        found = training_set(load_dataset(name, data, **options), repairs)
        report = repairs.tally
    typer.echo(f"Read: {report}", err=True)
    return found


def holds_raw_keypoints(path: Path) -> bool:
    """Whether it is to be read by a keypoint reader: not our npz, not motion, not shards.

    Example:
        >>> holds_raw_keypoints(Path("walk.json")), holds_raw_keypoints(Path("clips.npz"))
        (True, False)
    """
    from posenet3d.data.shards.index import INDEX_FILE
    from posenet3d.keypoints import KeypointSource
    from posenet3d.keypoints.readers import VideoPose3DReader

    if path.is_dir():
        return not (path / INDEX_FILE).is_file()
    if path.suffix.lower() == ".npz":
        return path.is_file() and VideoPose3DReader().sniff(KeypointSource(path))
    return True


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """The dataset's options out of ``key=value``; a value is JSON, or else a text.

    Raises:
        ConfigurationError: one is not ``key=value``, or a key comes twice; every fault is told.

    Example:
        >>> parse_options(["subjects=[1, 5]", "source=cpn_ft_h36m_dbb"])
        {'subjects': [1, 5], 'source': 'cpn_ft_h36m_dbb'}
    """
    import json

    made: dict[str, Any] = {}
    faults = []
    for each in options:
        key, equals, text = each.partition("=")
        if not key or not equals:
            faults.append(f"--option {each}: expected key=value")
        elif key in made:
            faults.append(f"--option: {key!r} twice")
        try:
            made[key] = json.loads(text)
        except ValueError:
            made[key] = text
    if faults:
        raise ConfigurationError(faults)
    return made


def check_complete(found: "TrainingSet", source: object) -> None:
    """Make sure that no joint is missing, for a network that is not told of such.

    Args:
        found: the set, in ``lsp_14``.
        source: what the error calls it.

    Raises:
        DataError: some are missing; it says how many, where the first is, and what can be done.

    Example:
        >>> from posenet3d.data.synthetic import synthetic_training_set
        >>> check_complete(synthetic_training_set(clips=1, seconds=0.5), "synthetic")
    """
    import numpy as np

    from posenet3d.skeletons import LSP_14

    missing, first = 0, ""
    for name, sequence in found.sequences.items():
        lost = np.argwhere(np.isnan(sequence.points[..., 0]))
        missing += len(lost)
        if len(lost) and not first:
            frame, joint = sequence.frame_index[lost[0][0]], LSP_14.joint_names[lost[0][1]]
            first = f"{joint!r} of {name!r} in frame {frame}"
    if missing:
        share = missing / (found.frames * len(LSP_14))
        raise DataError(
            source,
            f"expected every joint in every frame, got {missing} missing ({share:.2%}), first "
            f"{first}. Fill short gaps with --longest-gap 0.2 (seconds), leave incomplete frames "
            "out with --drop-incomplete, or train a network that is told of missing joints with "
            "--set network.missing_joints=true.",
        )
