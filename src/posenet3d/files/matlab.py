"""MATLAB's files, read without trusting them: numbers, and cells of numbers.

What MATLAB saves is a file of version 5 (see `posenet3d.files.matlab_v5`) or, with ``-v7.3``, an
HDF5 file behind a head of 512 bytes (see `posenet3d.files.hdf5`). Both look the same here.
"""

import os
import struct
import zlib

import numpy as np

from posenet3d.errors import DataError, StorageError
from posenet3d.files.capped import most_unpacked
from posenet3d.files.hdf5 import Hdf5Contents, is_hdf5, read_hdf5
from posenet3d.files.matlab_v5 import MatlabValue, read_v5

_DAMAGE = (ValueError, TypeError, OverflowError, MemoryError, struct.error)


def read_matlab(path: str | os.PathLike[str], *names: str) -> dict[str, MatlabValue]:
    """Some variables of a MATLAB file of version 5 to 7.3.

    Args:
        path: the file.
        *names: the variables wanted.

    Returns:
        Name to value: numbers in MATLAB's shape, a cell as the list of its arrays of numbers,
        column by column. What the file lacks is left out.

    Raises:
        DataError: it is no such file, is damaged or cut off, holds something else than numbers
            under one of the names, or would take too much memory or time.
        MissingExtraError: it is of version 7.3, and h5py is not installed.
        StorageError: it is missing or cannot be read.

    Example:
        >>> import tempfile
        >>> import scipy.io
        >>> path = os.path.join(tempfile.mkdtemp(), "joints.mat")
        >>> scipy.io.savemat(path, {"joints": np.ones((3, 14, 2000))})
        >>> read_matlab(path, "joints")["joints"].shape
        (3, 14, 2000)
    """
    if is_hdf5(path):
        return _read_v7(path, names)
    source = os.fspath(path)
    try:
        with open(path, "rb") as file:
            most = most_unpacked(os.fstat(file.fileno()).st_size)
            return read_v5(file, names, most)
    except OSError as error:
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error
    except (*_DAMAGE, zlib.error) as error:
        raise DataError(
            source, f"expected a MATLAB file, got one that is damaged or something else ({error})."
        ) from None


def _read_v7(path: str | os.PathLike[str], names: tuple[str, ...]) -> dict[str, MatlabValue]:
    """Version 7.3: axes the other way round, cells as references to arrays."""
    found = read_hdf5(path, *names)
    parts = sorted({part for name in names for part in found.references.get(name, [])})
    cells = read_hdf5(path, *parts) if parts else found
    made: dict[str, MatlabValue] = {}
    for name in names:
        if name in found.arrays:
            made[name] = _array(found, name)
        elif name in found.references:
            wanted = found.references[name]
            lost = [part for part in wanted if part not in cells.arrays]
            if lost:
                raise DataError(
                    os.fspath(path), f"expected numbers in each place of {name!r}, got none in one."
                )
            made[name] = [_array(cells, part) for part in wanted]
    return made


def _array(found: Hdf5Contents, name: str) -> np.ndarray:
    empty = found.attributes.get(name, {}).get("MATLAB_empty")  # its shape is stored instead
    return np.zeros((0, 0)) if empty else found.arrays[name].T
