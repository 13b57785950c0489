"""A table that pandas wrote into an HDF5 file: both of its formats, without pandas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError, KeypointFormatError
from posenet3d.files.hdf5 import Hdf5Contents, is_hdf5, read_hdf5
from posenet3d.files.safe_pickle import pickled_notes
from posenet3d.keypoints.source import KeypointSource

MAX_BLOCKS = 64
"""The most blocks, one a type of numbers, that a table is kept in."""

_WANTED = ("*/table", "*/axis1*", "*/block*_values", "*/block*_items_l*")


@dataclass(frozen=True, eq=False)
class Frame:
    """A table whose columns have names on several levels.

    Example:
        >>> Frame({"coords": ["x", "y"]}, ["0"], np.zeros((1, 2))).values.shape
        (1, 2)
    """

    names: Mapping[str, Sequence[str]]
    """Each level's name, and what it calls each column."""
    rows: Sequence[str]
    """What each row is called, on the last level if there are several."""
    values: Float[np.ndarray, "rows columns"]
    """NaN where there is nothing."""


def looks_like_pandas(source: KeypointSource) -> bool:
    """Whether a file is HDF5 with a table of pandas in it.

    Args:
        source: any file.

    Raises:
        MissingExtraError: it is HDF5, and h5py is not installed.
    """
    if not is_hdf5(source.path):
        return False
    try:
        found = read_hdf5(source.path)
    except DataError:
        return False
    return any("pandas_type" in each for each in found.attributes.values())


def read_frame(source: KeypointSource) -> Frame:
    """The one table of a file.

    Args:
        source: the file.

    Raises:
        KeypointFormatError: it is no HDF5 file, or has not one table as pandas writes it.
        MissingExtraError: h5py is not installed.
        StorageError: it cannot be read.
    """
    try:
        found = read_hdf5(source.path, *_WANTED)
        keys = [key for key, each in found.attributes.items() if "pandas_type" in each]
        if len(keys) != 1:
            raise DataError(source, f"expected one table of pandas, got {len(keys)}.")
        tabled = f"{keys[0]}/table" in found.attributes
        frame = _table(found, keys[0]) if tabled else _fixed(found, keys[0])
    except KeypointFormatError:
        raise
    except DataError as error:
        what = str(error).removeprefix(f"{error.source}: ")
        raise KeypointFormatError(source, what) from None
    except (LookupError, ValueError, TypeError, OverflowError) as error:
        raise KeypointFormatError(
            source, f"expected a table as pandas writes it, got another one ({error!r:.200})."
        ) from None
    return frame


def _table(found: Hdf5Contents, key: str) -> Frame:
    """The format ``table``: rows of a compound type; the columns' names are pickled beside."""
    about = found.attributes[f"{key}/table"]
    info = _plain(found.attributes[key]["info"])
    levels = [str(name) for name in info[1]["names"]]
    columns: list[tuple[str, ...]] = []
    blocks = []
    for number in range(MAX_BLOCKS):
        block = found.arrays.get(f"{key}/table:values_block_{number}")
        if block is None:
            break
        names = [tuple(map(str, name)) for name in _plain(about[f"values_block_{number}_kind"])]
        blocks.append(_block(block, len(names)))
        columns += names
    values = np.concatenate(blocks, axis=1)
    return _frame(levels, columns, _names(found, f"{key}/table:index"), values)


def _fixed(found: Hdf5Contents, key: str) -> Frame:
    """The format ``fixed``: blocks of columns; names as numbers of the levels' entries."""
    levels: list[str] = []
    columns: list[tuple[str, ...]] = []
    blocks = []
    for number in range(MAX_BLOCKS):
        block = found.arrays.get(f"{key}/block{number}_values")
        if block is None:
            break
        levels, names = _multi(found, f"{key}/block{number}_items")
        blocks.append(_block(block, len(names)))
        columns += names
    if f"{key}/axis1" in found.attributes:
        rows = _names(found, f"{key}/axis1")
    else:
        rows = [name[-1] for name in _multi(found, f"{key}/axis1")[1]]
    return _frame(levels, columns, rows, np.concatenate(blocks, axis=1))


def _multi(found: Hdf5Contents, path: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """The levels' names, and each entry's name on each level."""
    levels, parts = [], []
    for level in range(8):
        if f"{path}_level{level}" not in found.attributes:
            break
        entries = _names(found, f"{path}_level{level}")
        places = found.arrays[f"{path}_label{level}"].ravel().tolist()
        if not all(0 <= place < len(entries) for place in places):
            raise ValueError(f"{path}: a name that is not there")
        parts.append([entries[place] for place in places])
        levels.append(str(found.attributes[f"{path}_level{level}"].get("name", level)))
    return levels, list(zip(*parts, strict=True))


def _names(found: Hdf5Contents, path: str) -> list[str]:
    """Texts or whole numbers as texts."""
    texts = found.strings(path)
    return texts if texts is not None else list(map(str, found.arrays[path].ravel().tolist()))


def _block(block: np.ndarray, columns: int) -> Float[np.ndarray, "rows columns"]:
    if block.ndim != 2 or block.shape[1] != columns or block.dtype.kind not in "if":
        raise ValueError(f"{block.dtype} {block.shape} for {columns} columns")
    return block.astype(np.float64, copy=False)


def _plain(text: Any) -> Any:
    """A pickled list or dictionary of texts; nothing of it is executed."""
    return pickled_notes(str(text).encode("latin-1"), "names of columns")


def _frame(
    levels: Sequence[str],
    columns: Sequence[tuple[str, ...]],
    rows: Sequence[str],
    values: Float[np.ndarray, "rows columns"],
) -> Frame:
    if len(rows) != len(values) or any(len(column) != len(levels) for column in columns):
        raise ValueError("as many names as rows and columns")
    names = {level: [column[at] for column in columns] for at, level in enumerate(levels)}
    return Frame(names, rows, values)
