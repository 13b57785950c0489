"""Frames read from shards at their places in the files, without mapping them into memory.

A positional read needs no address space, moves no file pointer (so threads and forked processes
share a file safely), and a file that fails or was cut off is an error; in a memory map it would
end the process.
"""

import itertools
import os
import threading
import weakref
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from posenet3d.data.shards.index import Shard
from posenet3d.errors import DataError, StorageError

FRAME_BYTES = 14 * 2 * 4
MOST_OPEN = 256
"""Files kept open; those beyond are opened for each reading."""


class ShardFiles:
    """Reads runs of frames from the shards of a folder.

    Args:
        folder: the folder.
        shards: its shards, in order.

    Raises:
        DataError: a shard is missing or has not the size that the index tells.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.save(folder / "00000.npy", np.arange(4 * 28, dtype="<f4").reshape(4, 14, 2))
        >>> files = ShardFiles(folder, [Shard(file="00000.npy", frames=4, sha256="0" * 64)])
        >>> read = np.empty((2, 1, 14, 2), dtype="<f4")
        >>> files.read(np.array([3, 0]), read)
        >>> read[:, 0, 0, 0].tolist()
        [84.0, 0.0]
    """

    def __init__(self, folder: Path, shards: Sequence[Shard]) -> None:
        self._folder, self._shards = folder, tuple(shards)
        self._ends = np.cumsum([shard.frames for shard in self._shards])
        for shard in self._shards:
            _check_size(folder / shard.file, shard)
        self._open: dict[int, tuple[FileIO, int]] = {}
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._open)

    def read(
        self, starts: Int[np.ndarray, " runs"], into: Float[np.ndarray, "runs frames 14 2"]
    ) -> None:
        """Fill an array with runs of frames, each from one shard.

        They are read in the order of their places on the disk, whatever order they are asked in.

        Args:
            starts: each run's first frame, counted over all shards.
            into: what to fill, float32 and contiguous.

        Raises:
            DataError: a shard is no array of the size that the index tells.
            StorageError: a shard cannot be read.
        """
        if not len(starts):
            return
        size = into.shape[1] * FRAME_BYTES
        buffer = into.data.cast("B")
        order = np.argsort(starts)
        shards = np.searchsorted(self._ends, starts[order], side="right")
        bounds = np.flatnonzero(np.diff(shards, prepend=-1, append=len(self._ends)))
        for begin, end in itertools.pairwise(bounds.tolist()):
            number, places = int(shards[begin]), order[begin:end]
            first = int(self._ends[number]) - self._shards[number].frames
            offsets = (starts[places] - first) * FRAME_BYTES
            self._read_shard(number, offsets.tolist(), places.tolist(), buffer, size)

    def _read_shard(
        self, number: int, offsets: list[int], places: list[int], buffer: memoryview, size: int
    ) -> None:
        path = self._folder / self._shards[number].file
        try:
            file, header = self._opened(number)
            try:
                for offset, place in zip(offsets, places, strict=True):
                    target = buffer[place * size : (place + 1) * size]
                    if _read_at(file, target, header + offset) != size:
                        _read_rest(file, target, header + offset, path)
            finally:
                if number not in self._open:
                    file.close()
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error

    def _opened(self, number: int) -> tuple[FileIO, int]:
        """A shard's file and the size of its header."""
        with self._lock:
            if number in self._open:
                return self._open[number]
            shard = self._shards[number]
            path = self._folder / shard.file
            file = FileIO(path)
            try:
                opened = file, _header_size(file, path, shard)
            except BaseException:
                file.close()
                raise
            if len(self._open) < MOST_OPEN:
                self._open[number] = opened
            return opened

    def close(self) -> None:
        """Close the files; the next reading opens them anew."""
        with self._lock:
            _close(self._open)


def _close(files: dict[int, tuple[FileIO, int]]) -> None:
    while files:
        files.popitem()[1][0].close()


if hasattr(os, "preadv"):

    def _read_at(file: FileIO, target: memoryview, offset: int) -> int:
        """Fill a buffer from a place in a file; how many bytes came."""
        return os.preadv(file.fileno(), [target], offset)

else:  # pragma: no cover (Windows, which has no positional read and no fork)
    _POINTER = threading.Lock()

    def _read_at(file: FileIO, target: memoryview, offset: int) -> int:
        """Fill a buffer from a place in a file; how many bytes came."""
        with _POINTER:
            file.seek(offset)
            return file.readinto(target) or 0


def _read_rest(file: FileIO, target: memoryview, offset: int, path: Path) -> None:
    """Read again what came only in part, as a network's file system may give it."""
    done = 0
    while done < len(target):
        came = _read_at(file, target[done:], offset + done)
        if came == 0:
            raise DataError(path, "was cut off while it was read; fetch or write it again.")
        done += came


def _check_size(path: Path, shard: Shard) -> None:
    """Make sure that a shard is there and large enough for its frames."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise DataError(path, "expected a shard, got no such file; fetch it again.") from None
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    if size <= shard.frames * FRAME_BYTES:
        raise DataError(
            path,
            f"expected {shard.frames} frames, got a file of {size} bytes, which is too small; "
            "fetch or write it again.",
        )


def _header_size(file: FileIO, path: Path, shard: Shard) -> int:
    """Where a shard's frames begin."""
    try:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except ValueError as error:
        raise DataError(path, f"expected a .npy file of version 1 ({error}).") from None
    expected = (shard.frames, 14, 2)
    if shape != expected or fortran or dtype != np.dtype("<f4"):
        raise DataError(
            path, f"expected float32 of {expected}, got {dtype} of {shape}; write the shards anew."
        )
    return file.tell()
