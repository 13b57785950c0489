"""Which files and folders a batch is made of, and what the outputs of each are called."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from posenet3d.errors import ConfigurationError
from posenet3d.keypoints.clip_folders import entries, names_below


def find_inputs(
    inputs: str | Path | Iterable[str | Path], beside: Path | None = None
) -> tuple[Path, ...]:
    """The inputs that are meant.

    Several paths are taken as they are, and so is one file. One folder stands for what is in it, by
    the numbers in the names: its files, and its sub-folders, each as one input. Hidden names are
    left out, and suffixes of pictures, videos and texts.

    Args:
        inputs: one folder, or files and folders.
        beside: the folder of outputs, which is no input even where it lies in that folder.

    Raises:
        ConfigurationError: there is none, nothing is there, or the outputs would lie between them.
        StorageError: the folder cannot be read.

    Example:
        >>> find_inputs(["walk.json"])
        (PosixPath('walk.json'),)
    """
    if not isinstance(inputs, str | Path):
        found = tuple(Path(each) for each in inputs)
    elif Path(inputs).is_dir():
        if beside is not None and beside.resolve() == Path(inputs).resolve():
            raise ConfigurationError(["out_folder: expected another folder than the inputs'"])
        found = tuple(each for each in entries(Path(inputs)) if not _is_same(each, beside))
    else:
        if not Path(inputs).exists():
            raise ConfigurationError(
                [f"inputs: expected a folder of keypoint files, got nothing at {inputs}"]
            )
        found = (Path(inputs),)
    if not found:
        raise ConfigurationError(
            [f"inputs: expected keypoint files or folders, got none in {inputs}"]
        )
    return found


def _is_same(path: Path, other: Path | None) -> bool:
    return other is not None and path.resolve() == other.resolve()


def name_inputs(inputs: Sequence[Path]) -> tuple[tuple[Path, str], ...]:
    """Each input with the name of its outputs: its own, without the suffix where that tells it.

    Inputs out of several folders keep their folders, from the one that holds all.

    Raises:
        ConfigurationError: an input is named twice.

    Example:
        >>> [name for _, name in name_inputs([Path("a/x.json"), Path("b/x.json")])]
        ['a/x', 'b/x']
        >>> [name for _, name in name_inputs([Path("x.json"), Path("x.npz"), Path("y.npz")])]
        ['x.json', 'x.npz', 'y']
    """
    whole = [Path(os.path.abspath(each)) for each in inputs]
    twice = [str(each) for each, count in Counter(whole).items() if count > 1]
    if twice:
        raise ConfigurationError([f"inputs: {each} twice" for each in twice])
    common = Path(os.path.commonpath([each.parent for each in whole]))
    return tuple(zip(inputs, names_below(common, whole), strict=True))
