"""Windows of frames that stay on the disk: what `WindowSet` is for data that outgrows memory."""

import os
import weakref
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from posenet3d.data.shards.index import ShardIndex
from posenet3d.data.shards.read_ahead import ReadAhead
from posenet3d.data.shards.shard_files import ShardFiles
from posenet3d.data.stateless import places_of
from posenet3d.data.windows import draw
from posenet3d.errors import DataError, ShapeError
from posenet3d.typing import Windows2D

_MAX_NAMED = 5


class _Request(NamedTuple):
    """What a worker's windows of a step are a function of."""

    seed: int
    stage: str | int
    step: int
    batch_size: int
    rank: int
    world_size: int


class ShardedWindows:
    """Every window of T frames, each with the frame that follows it, in a folder of shards.

    The same windows under the same numbers as a `WindowSet` of the same sequences, and the same
    draws: training gives the same weights. Memory holds a few numbers a stretch and two batches;
    where a window lies is computed from its number. While a step runs, a thread reads the next
    step's windows. On a CUDA device they come through pinned memory.

    A forked process opens the files and starts the thread anew.

    Args:
        folder: the folder of shards.
        index: its index.
        stretches: the numbers of the stretches to draw from, rising; all if ``None``.
        frames: T, the frames of a window.
        following: how many frames after the window come with it.
        device: where the windows go.
        dtype: of the windows there.

    Attributes:
        length: frames of one window, the following ones included.
        device: where the windows go.
        dtype: of the windows there.

    Raises:
        DataError: all stretches are too short; or a shard is missing or too small. When windows
            are read: a shard is no such array.
        ShapeError: ``frames`` < 1 or ``following`` < 0.
        StorageError: when windows are read, a shard cannot be.

    Example:
        >>> import tempfile
        >>> from posenet3d.data.shards import write_shards
        >>> from posenet3d.data.synthetic import synthetic_training_set
        >>> walks = synthetic_training_set(clips=2, seconds=1.0)
        >>> folder = Path(tempfile.mkdtemp(), "shards")
        >>> windows = ShardedWindows(folder, write_shards(walks.sequences.items(), folder))
        >>> len(windows), windows.sample(seed=0, stage="teacher", step=5, batch_size=6).shape
        (328, torch.Size([6, 10, 14, 2]))
        >>> windows.close()
    """

    def __init__(
        self,
        folder: str | Path,
        index: ShardIndex,
        stretches: Int[np.ndarray, " stretches"] | None = None,
        frames: int = 9,
        *,
        following: int = 1,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if frames < 1 or following < 0:
            raise ShapeError(
                "frames", expected="frames >= 1 and following >= 0", got=f"{frames}, {following}"
            )
        self._folder, self._index = Path(folder), index
        self.length = frames + following
        self.device, self.dtype = _with_number(torch.device(device)), dtype
        lengths = np.array(index.lengths)
        chosen = np.arange(len(lengths)) if stretches is None else stretches
        enough = lengths[chosen] >= self.length
        self._kept, self._left_out = chosen[enough], chosen[~enough]
        if not len(self._kept):
            raise _nothing_remains(index.names(chosen[:_MAX_NAMED]), lengths[chosen], self.length)
        counts = lengths[self._kept] - self.length + 1
        self._ends = np.cumsum(counts)  # the windows up to the end of each stretch
        first_frames = (np.cumsum(lengths) - lengths)[self._kept]
        self._shifts = first_frames - (self._ends - counts)  # from a window's number to its frame
        self._open()

    def _open(self) -> None:
        self._process = os.getpid()
        self._files = ShardFiles(self._folder, self._index.shards)
        self._ahead = ReadAhead(_reader(weakref.ref(self)))

    def __len__(self) -> int:
        """How many windows there are."""
        return int(self._ends[-1])

    def __repr__(self) -> str:
        return (
            f"ShardedWindows({len(self)} windows of {self.length} frames from "
            f"{len(self._kept)} sequences in {len(self._index.shards)} shards, on {self.device}, "
            f"{len(self._left_out)} skipped)"
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the stretches that windows are drawn from."""
        return self._index.names(self._kept)

    @cached_property
    def skipped(self) -> tuple[str, ...]:
        """The names of the stretches that were too short."""
        return self._index.names(self._left_out)

    def gather(self, which: Int[Tensor, " batch"]) -> Windows2D:
        """Windows by their numbers.

        Args:
            which: (batch,) numbers from 0 to ``len(self) - 1``, on any device.

        Returns:
            (batch, length, 14, 2), normalised units, on the device.

        Raises:
            DataError: a shard is no array of the size that the index tells.
            ShapeError: a number is out of range.
            StorageError: a shard cannot be read.
        """
        self._mind_the_fork()
        return self._delivered(self._read(which))

    def sample(
        self,
        seed: int,
        stage: str | int,
        step: int,
        batch_size: int,
        *,
        rank: int = 0,
        world_size: int = 1,
    ) -> Windows2D:
        """The windows of one training step, drawn uniformly with replacement.

        As `WindowSet.sample`; the windows of ``step + 1`` are read meanwhile.

        Args:
            seed: the run's seed.
            stage: the stage's name or number.
            step: the step in the stage, from 0.
            batch_size: windows of the step on all workers together.
            rank: this worker's number.
            world_size: how many workers there are.

        Returns:
            (batch_size / world_size, length, 14, 2), normalised units, on the device.

        Raises:
            DataError: a shard is no array of the size that the index tells.
            ShapeError: the batch does not divide among the workers, or rank is out of range.
            StorageError: a shard cannot be read.
        """
        self._mind_the_fork()
        now = _Request(seed, stage, step, batch_size, rank, world_size)
        return self._delivered(self._ahead.get(now, then=now._replace(step=step + 1)))

    def all_windows(self, batch_size: int = 4096) -> Iterator[Windows2D]:
        """Every window once, in order, in batches; the last batch may be smaller.

        Args:
            batch_size: windows a batch.

        Yields:
            (batch, length, 14, 2), normalised units, on the device.

        Raises:
            DataError: a shard is no array of the size that the index tells.
            ShapeError: the batch size is not positive.
            StorageError: a shard cannot be read.
        """
        if batch_size < 1:
            raise ShapeError("batch_size", expected="at least 1", got=f"{batch_size}")
        for first in range(0, len(self), batch_size):
            yield self.gather(torch.arange(first, min(first + batch_size, len(self))))

    def close(self) -> None:
        """End the reading thread and close the files; what is asked for next opens them anew."""
        self._mind_the_fork()
        self._ahead.close()
        self._files.close()

    def _mind_the_fork(self) -> None:
        if os.getpid() != self._process:
            self._open()

    def _drawn(self, request: _Request) -> Windows2D:
        """A worker's windows of a step, on the CPU."""
        seed, stage, step, batch_size, rank, world_size = request
        places = places_of(batch_size, rank, world_size)
        return self._read(draw(seed, stage, step, places, len(self)))

    def _read(self, which: Int[Tensor, " batch"]) -> Windows2D:
        """Windows by their numbers, on the CPU; in pinned memory where they go to a CUDA device."""
        numbers = which.cpu().numpy()
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < len(self)):
            raise ShapeError(
                "which",
                expected=f"numbers from 0 to {len(self) - 1}",
                got=f"{numbers.min()} to {numbers.max()}",
            )
        starts = numbers + self._shifts[np.searchsorted(self._ends, numbers, side="right")]
        windows = self._empty(len(numbers))
        self._files.read(starts, windows.numpy())
        return windows

    def _empty(self, count: int) -> Windows2D:
        shape = (count, self.length, 14, 2)
        if self.device.type != "cuda":
            return torch.empty(shape, dtype=torch.float32, device="cpu")
        with torch.cuda.device(self.device):
            return torch.empty(shape, dtype=torch.float32, device="cpu", pin_memory=True)

    def _delivered(self, windows: Windows2D) -> Windows2D:
        return windows.to(self.device, non_blocking=True).to(self.dtype)


def _reader(windows: "weakref.ref[ShardedWindows]") -> Callable[[_Request], Windows2D]:
    """What the thread calls; it does not keep the windows alive."""

    def read(request: _Request) -> Windows2D:
        alive: ShardedWindows | None = windows()
        return alive._drawn(request) if alive is not None else torch.empty(0, 0, 14, 2)

    return read


def _with_number(device: torch.device) -> torch.device:
    """A CUDA device by its number: the reading thread has a current device of its own."""
    return torch.device("cuda", torch.cuda.current_device()) if str(device) == "cuda" else device


def _nothing_remains(
    names: tuple[str, ...], lengths: Int[np.ndarray, " stretches"], window: int
) -> DataError:
    named = ", ".join(f"{n!r} has {frames}" for n, frames in zip(names, lengths, strict=False))
    more = f" and {len(lengths) - len(names)} more" if len(lengths) > len(names) else ""
    return DataError(
        "training windows",
        f"expected a sequence of at least {window} frames, got "
        + (f"only shorter ones ({named}{more})" if names else "no sequences")
        + "; give longer sequences or choose fewer frames a window.",
    )
