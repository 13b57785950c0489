"""Writing ``.npz`` archives array by array, so that a set larger than memory can be written."""

import os
import zipfile
from collections.abc import Iterable
from typing import Any

import numpy as np

from posenet3d.errors import DataError
from posenet3d.files.atomic import atomic_write


def write_npz(path: str | os.PathLike[str], arrays: Iterable[tuple[str, Any]]) -> int:
    """Write an ``.npz`` archive, one array in memory at a time, complete or not at all.

    What `numpy.savez` writes, but for arrays that come one after the other.

    Args:
        path: the archive, replaced if it exists.
        arrays: name and what `numpy.asarray` takes; plain numbers, truth values and strings.

    Returns:
        How many arrays were written.

    Raises:
        DataError: two arrays of one name, or one that would need pickle.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "walk.npz")
        >>> write_npz(path, (("walk", np.ones(3)), ("fps", 50)))
        2
        >>> np.load(path)["walk"]
        array([1., 1., 1.])
    """
    written: set[str] = set()
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, values in arrays:
            array = np.asanyarray(values)
            if name in written:
                raise DataError(path, f"expected one array of each name, got two of {name!r}.")
            if array.dtype.hasobject:
                raise DataError(path, f"expected plain arrays, got one of objects under {name!r}.")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
            written.add(name)
    return len(written)
