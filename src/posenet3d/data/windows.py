"""Windows of consecutive frames over many sequences, drawn without state.

All sequences lie in one tensor on the device; a window is its first frame's place there. Which
windows a step sees is a function of (seed, stage, step) alone, so a resumed run needs only its
counters, and any number of workers sees the same batch between them.
"""

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from posenet3d.data.stateless import places_of, random_bits
from posenet3d.errors import DataError, ShapeError
from posenet3d.typing import Windows2D

_MAX_NAMED = 5


class WindowSet:
    """Every window of T frames, each with the frame that follows it, in a set of sequences.

    Windows never cross from one sequence into the next. A sequence that is too short for one
    window is left out and named in `skipped`; it is an error only when nothing remains.

    Args:
        sequences: name to points (frames, 14, 2), normalised.
        frames: T, the frames of a window.
        following: how many frames after the window come with it: 1 for training (the temporal
            consistency loss compares a window with the one a frame later), 0 for windows alone.
        device: where the points lie and the windows are gathered.
        gaps: take missing joints (NaN), for networks that are told of them.

    Attributes:
        points: (all frames, 14, 2) float32, the sequences one after another.
        starts: (windows,) int64 beside them, each window's first frame in `points`.
        device: where windows come out; the points lie there too, or in pinned host memory.
        length: frames of one window, the following ones included.
        skipped: names of the sequences that were too short.

    Raises:
        DataError: there are no sequences, or all are too short; the message names them.
        ShapeError: a sequence is not (frames, 14, 2); ``frames`` < 1 or ``following`` < 0.

    Example:
        >>> windows = WindowSet({"walk": np.zeros((12, 14, 2)), "blink": np.zeros((4, 14, 2))})
        >>> len(windows), windows.skipped
        (3, ('blink',))
        >>> windows.sample(seed=0, stage="teacher", step=5, batch_size=6).shape
        torch.Size([6, 10, 14, 2])
    """

    def __init__(
        self,
        sequences: Mapping[str, Float[np.ndarray, "_ joints 2"]],
        frames: int = 9,
        *,
        following: int = 1,
        device: torch.device | str = "cpu",
        gaps: bool = False,
    ) -> None:
        if frames < 1 or following < 0:
            raise ShapeError(
                "frames", expected="frames >= 1 and following >= 0", got=f"{frames}, {following}"
            )
        _check_shapes(sequences)
        self.length = frames + following
        kept = {name: p for name, p in sequences.items() if len(p) >= self.length}
        self.skipped = tuple(name for name in sequences if name not in kept)
        if not kept:
            raise _nothing_remains(sequences, self.length)
        self.names = tuple(kept)
        flat = np.concatenate([np.asarray(p, dtype=np.float32) for p in kept.values()])
        self.points: Float[Tensor, "all joints 2"] = torch.from_numpy(flat).to(device)
        self.starts: Int[Tensor, " windows"] = torch.from_numpy(
            _window_starts([len(p) for p in kept.values()], self.length)
        ).to(device)
        self._offsets = torch.arange(self.length, device=device)
        self.device: torch.device = self.points.device
        unfit = torch.isinf(self.points) if gaps else ~torch.isfinite(self.points)
        if bool(unfit.any()):
            raise DataError(
                _first_unknown(kept),
                "expected finite points, got NaN or infinity; fill the gaps, or train a network "
                "that takes missing joints.",
            )

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self.starts)

    def __repr__(self) -> str:
        return (
            f"WindowSet({len(self)} windows of {self.length} frames from {len(self.names)} "
            f"sequences on {self.place}, {len(self.skipped)} skipped)"
        )

    @property
    def nbytes(self) -> int:
        """Bytes of points and starts."""
        return self.points.nbytes + self.starts.nbytes

    @property
    def place(self) -> str:
        """Where the points lie, in words.

        Example:
            >>> WindowSet({"walk": np.zeros((12, 14, 2))}).place
            'cpu'
        """
        if self.points.device == self.device:
            return str(self.device)
        return f"pinned host memory, for {self.device}"

    def placed(
        self,
        device: torch.device | str,
        *,
        pinned: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> "WindowSet":
        """The same windows, which come out on a device.

        Args:
            device: which one.
            pinned: keep the points in pinned host memory: batches are gathered there and copied
                while the device works. Otherwise, and on the CPU, all points lie on the device.
            dtype: of the points.

        Returns:
            The windows; this set stays as it is.

        Example:
            >>> windows = WindowSet({"walk": np.zeros((12, 14, 2))})
            >>> windows.placed("cpu", dtype=torch.float64).gather(torch.tensor([0])).dtype
            torch.float64
        """
        made = copy.copy(self)
        made.device = torch.device(device)
        on_host = pinned and made.device.type != "cpu"
        where = torch.device("cpu") if on_host else made.device
        made.points = self.points.to(where, dtype)
        made.starts, made._offsets = self.starts.to(where), self._offsets.to(where)
        if on_host:
            made.points = made.points.pin_memory()
        made.device = made.device if on_host else made.points.device
        return made

    def gather(self, which: Int[Tensor, " batch"]) -> Windows2D:
        """Windows by their numbers.

        Args:
            which: (batch,) numbers from 0 to ``len(self) - 1``, beside the points.

        Returns:
            (batch, length, 14, 2), normalised units.

        Example:
            >>> windows = WindowSet({"walk": np.zeros((12, 14, 2))}, frames=1, following=0)
            >>> windows.gather(torch.tensor([3, 3])).shape
            torch.Size([2, 1, 14, 2])
        """
        gathered = self.points[self.starts[which][:, None] + self._offsets]
        if gathered.device == self.device:
            return gathered
        return gathered.pin_memory().to(self.device, non_blocking=True)

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

        Window ``i`` of the batch is `draw` of (seed, stage, step); worker ``rank`` takes those
        with ``i = rank (mod world_size)``, so the batch as a whole is the same for any number of
        workers.

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
            ShapeError: the batch does not divide among the workers, or rank is out of range.

        Example:
            >>> windows = WindowSet({"walk": np.random.default_rng(0).normal(size=(99, 14, 2))})
            >>> whole = windows.sample(0, "teacher", 7, 8)
            >>> half = windows.sample(0, "teacher", 7, 8, rank=1, world_size=2)
            >>> bool((whole[1::2] == half).all())
            True
        """
        places = places_of(batch_size, rank, world_size, self.starts.device)
        return self.gather(draw(seed, stage, step, places, len(self)))

    def all_windows(self, batch_size: int = 4096) -> Iterator[Windows2D]:
        """Every window once, in order, in batches; the last batch may be smaller.

        Args:
            batch_size: windows a batch.

        Yields:
            (batch, length, 14, 2), normalised units.

        Raises:
            ShapeError: the batch size is not positive.

        Example:
            >>> windows = WindowSet({"walk": np.zeros((12, 14, 2))}, frames=9)
            >>> [len(batch) for batch in windows.all_windows(2)]
            [2, 1]
        """
        if batch_size < 1:
            raise ShapeError("batch_size", expected="at least 1", got=f"{batch_size}")
        for first in range(0, len(self), batch_size):
            end = min(first + batch_size, len(self))
            yield self.gather(torch.arange(first, end, device=self.starts.device))


def draw(
    seed: int, stage: str | int, step: int, places: Int[Tensor, " batch"], count: int
) -> Int[Tensor, " batch"]:
    """Numbers below ``count``, each a function of (seed, stage, step, place) and nothing else.

    The first 8 bytes of SHA-256 of ``"<seed>/<stage>/<step>"`` (big endian) seed SplitMix64
    (Steele et al. 2014); its output at ``place`` modulo ``count`` is the number. It is computed
    in integers on the device of ``places``, so it is the same on every machine and for every
    version of torch; the modulo's bias is below ``count`` / 2^63.

    Args:
        seed: the run's seed.
        stage: the stage's name or number.
        step: the step in the stage.
        places: places in the batch, from 0.
        count: how many things there are to draw from.

    Returns:
        (batch,) int64 in [0, count), on the device of ``places``.

    Example:
        >>> draw(0, "teacher", 5, torch.arange(3), 1000).tolist()
        [338, 264, 513]
    """
    bits = random_bits(f"{seed}/{stage}/{step}", places)
    return (bits & torch.iinfo(torch.int64).max) % count


def _window_starts(lengths: list[int], window: int) -> Int[np.ndarray, " windows"]:
    """The first frame of every window of sequences that lie one after another."""
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    starts = [
        np.arange(offset, offset + length - window + 1)
        for offset, length in zip(offsets, lengths, strict=True)
    ]
    return np.concatenate(starts).astype(np.int64)


def _check_shapes(sequences: Mapping[str, Float[np.ndarray, "_ joints 2"]]) -> None:
    for name, points in sequences.items():
        if points.ndim != 3 or points.shape[1:] != (14, 2):
            raise ShapeError(f"{name}: points", expected="(frames, 14, 2)", got=f"{points.shape}")


def _nothing_remains(
    sequences: Mapping[str, Float[np.ndarray, "_ joints 2"]], length: int
) -> DataError:
    named = ", ".join(f"{n!r} has {len(p)}" for n, p in list(sequences.items())[:_MAX_NAMED])
    more = f" and {len(sequences) - _MAX_NAMED} more" if len(sequences) > _MAX_NAMED else ""
    return DataError(
        "training windows",
        f"expected a sequence of at least {length} frames, got "
        + (f"only shorter ones ({named}{more})" if sequences else "no sequences")
        + "; give longer sequences or choose fewer frames a window.",
    )


def _first_unknown(sequences: Mapping[str, Float[np.ndarray, "_ joints 2"]]) -> str:
    return next(name for name, p in sequences.items() if not np.isfinite(p).all())
