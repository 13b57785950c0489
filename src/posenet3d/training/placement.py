"""Where the 2D set lies during training: on the device, or in pinned host memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch

from posenet3d.data import ShardedSet, ShardedWindows, TrainingSet, WindowSet
from posenet3d.training.config import TrainerConfig
from posenet3d.training.engine import Engine
from posenet3d.typing import Windows2D

MOST_OF_FREE_MEMORY = 0.5
"""A set that takes more of a device's free memory stays on the host; the rest is for training."""

_MEGABYTE = 1e6


@runtime_checkable
class WindowSource(Protocol):
    """What the steps draw from: a :class:`posenet3d.data.WindowSet`, or shards on disk."""

    length: int
    """Frames of a window, the following one included."""

    @property
    def device(self) -> torch.device:
        """Where windows come out."""
        ...

    def __len__(self) -> int: ...
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
        """One process's windows of a step (batch_size / world_size, length, 14, 2)."""
        ...


class TrainingData:
    """The windows of a run, and those that it is validated on.

    Args:
        loaded: the 2D set.
        config: the run's configuration.
        engine: what it trains on.

    Attributes:
        windows: what the steps draw from, in host memory until :meth:`placed`.
        held_out: what is validated on: held-out subjects, or the same windows.
        length: the mean head-to-root length in the set's unit, where the input is normalised by
            ``dataset``; else ``None``.
        fps: frames a second of what is trained on; ``None`` where sequences differ.
        source: what tells the set from others.

    Raises:
        DataError: if the data cannot be used.
        UnknownNameError: if a held-out subject is unknown.
    """

    def __init__(
        self, loaded: TrainingSet | ShardedSet, config: TrainerConfig, engine: Engine
    ) -> None:
        self.source = {
            "sequences": len(loaded),
            "frames": loaded.frames,
            "sha256": loaded.fingerprint(),
        }
        network, held = config.network, config.validation.hold_out
        self._sets: list[TrainingSet | ShardedSet] = [loaded]
        if held:
            self._sets = list(loaded.hold_out(*held))
        self.fps = self._sets[0].fps
        by_dataset = network.normalization == "dataset"
        gaps = network.missing_joints and isinstance(loaded, TrainingSet)  # shards have none
        told = {"gaps": True} if gaps else {}
        self.length = self._sets[0].mean_head_to_root(**told) if by_dataset else None
        self._options: dict[str, Any] = {
            "frames": network.frames,
            "mode": network.normalization,
            "distance": network.distance,
            "length": self.length,
            **told,
        }
        self._take([each.windows(**self._options) for each in self._sets])

    def _take(self, sources: Sequence[WindowSource]) -> None:
        self.windows, self.held_out = sources[0], sources[-1]

    @contextmanager
    def placed(self, engine: Engine) -> Iterator[WindowSource]:
        """A block in which the windows lie where this process trains.

        A set in memory stays there afterwards; the files of shards are closed.
        """
        made = [self._place(each, engine) for each in self._sets]
        self._take(made)
        try:
            yield self.windows
        finally:
            for source in made:
                if isinstance(source, ShardedWindows):
                    source.close()

    def _place(self, data: TrainingSet | ShardedSet, engine: Engine) -> WindowSource:
        source = self.windows if data is self._sets[0] else self.held_out
        if isinstance(source, WindowSet):
            return place_windows(source, engine)
        if source.device == engine.device:
            return source
        windows: WindowSource = data.windows(**self._options, device=engine.device)
        return windows


def place_windows(windows: WindowSet, engine: Engine) -> WindowSet:
    """A set in memory where this process trains, as the engine's ``data`` asks for.

    Example:
        >>> import numpy as np
        >>> windows = WindowSet({"walk": np.zeros((12, 14, 2))})
        >>> place_windows(windows, Engine(device="cpu")).device
        device(type='cpu')
    """
    data = engine.config.data
    pinned = data == "pinned" or (data == "auto" and not _fits(windows, engine.device))
    return windows.placed(engine.device, pinned=pinned, dtype=engine.dtype)


def describe_windows(windows: WindowSource) -> str:
    """How large the 2D set is, and where it lies.

    Example:
        >>> import numpy as np
        >>> describe_windows(WindowSet({"walk": np.zeros((9_000, 14, 2))}))
        '2D set: 8991 windows, 1.1 MB on cpu'
    """
    if not isinstance(windows, WindowSet):
        return f"2D set: {len(windows)} windows, read from disk for {windows.device}"
    size = f"{windows.nbytes / _MEGABYTE:.1f} MB"
    return f"2D set: {len(windows)} windows, {size} on {windows.place}"


def _fits(windows: WindowSet, device: torch.device) -> bool:
    if device.type != "cuda" or windows.points.device == device:
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return windows.nbytes <= MOST_OF_FREE_MEMORY * free
