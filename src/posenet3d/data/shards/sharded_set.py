"""A folder of shards as a training set."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int

from posenet3d.data.sequence_files import belongs
from posenet3d.data.shards.index import ShardIndex, read_index
from posenet3d.data.shards.shard_files import ShardFiles
from posenet3d.data.shards.sharded_windows import ShardedWindows
from posenet3d.errors import DataError, StorageError, UnknownNameError


@dataclass(frozen=True, eq=False)
class ShardedSet:
    """What a folder of shards holds, for the trainer as a `TrainingSet` is.

    Attributes:
        folder: the folder that `write_shards` made.
        index: its index.
        stretches: the numbers of the stretches in use, rising.

    Example:
        >>> import tempfile
        >>> from posenet3d.data.shards import load_shards, write_shards
        >>> from posenet3d.data.synthetic import synthetic_training_set
        >>> folder = Path(tempfile.mkdtemp(), "shards")
        >>> _ = write_shards(synthetic_training_set(clips=2, seconds=1.0).sequences.items(), folder)
        >>> load_shards(folder)
        ShardedSet(8 sequences of 2 subjects, 400 frames in 1 shards, normalised by 'sequence')
    """

    folder: Path
    index: ShardIndex
    stretches: Int[np.ndarray, " stretches"]

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self._sequences)

    def __repr__(self) -> str:
        return (
            f"ShardedSet({len(self)} sequences of {len(self.subjects)} subjects, {self.frames} "
            f"frames in {len(self.index.shards)} shards, normalised by {self.index.mode!r})"
        )

    @cached_property
    def _sequences(self) -> tuple[str, ...]:
        """The names of the sequences, in order."""
        return tuple(dict.fromkeys(self.index.sequences[n] for n in self.stretches.tolist()))

    @property
    def frames(self) -> int:
        """How many frames there are in all sequences."""
        return int(np.array(self.index.lengths)[self.stretches].sum())

    @property
    def fps(self) -> float | None:
        """Frames a second of every sequence; ``None`` where they differ."""
        rates = {self.index.fps[n] for n in self.stretches.tolist()}
        return rates.pop() if len(rates) == 1 else None

    @property
    def hours(self) -> float:
        """How long the sequences are together."""
        chosen = np.array(self.index.lengths)[self.stretches]
        return float((chosen / np.array(self.index.fps)[self.stretches]).sum() / 3600)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects' names, in the order in which they first occur."""
        return tuple(dict.fromkeys(name.partition("/")[0] for name in self._sequences))

    def hold_out(self, *subjects: str) -> tuple["ShardedSet", "ShardedSet"]:
        """The set without some subjects, and those subjects; nothing is read or copied.

        Args:
            *subjects: names or leading parts of names up to a slash, as `TrainingSet.hold_out`
                takes them. In mode ``"dataset"`` the scale stays that of the whole set.

        Returns:
            The set to train on, and the set held out.

        Raises:
            UnknownNameError: nothing has that name.
            DataError: nothing is named, or nothing is left to train on.
        """
        held = np.zeros(len(self.stretches), dtype=np.bool_)
        names = [self.index.sequences[n] for n in self.stretches.tolist()]
        for subject in subjects:
            of_it = np.array([belongs(name, subject) for name in names])
            if not of_it.any():
                raise UnknownNameError("subject", subject, self.subjects)
            held |= of_it
        if held.all() or not held.any():
            what = "at least one subject to train on" if held.any() else "the name of a subject"
            raise DataError("hold_out", f"expected {what}, got none; known: {self.subjects}.")
        rest, out = self.stretches[~held], self.stretches[held]
        return ShardedSet(self.folder, self.index, rest), ShardedSet(self.folder, self.index, out)

    def windows(
        self,
        frames: int = 9,
        *,
        mode: str = "sequence",
        distance: float = 10.0,
        length: float | None = None,
        following: int = 1,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> ShardedWindows:
        """The normalised windows that training draws from.

        Args:
            frames: T, the frames of a window.
            mode: what the scale's mean is taken over; that of the shards.
            distance: c, the distance of the person from the camera; that of the shards.
            length: for mode ``"dataset"``: the mean head-to-root length; that of the shards, as
                `mean_head_to_root` gives it, or ``None``.
            following: how many frames come with a window after it.
            device: where the windows go.
            dtype: of the windows there.

        Returns:
            The windows; `ShardedWindows.skipped` names the stretches that were too short.

        Raises:
            DataError: the shards were normalised otherwise, a shard is missing, or all sequences
                are too short.
        """
        self._check("mode", mode, self.index.mode)
        self._check("distance", distance, self.index.distance)
        if length is not None:
            self._check("length", length, self.index.length)
        return ShardedWindows(
            self.folder,
            self.index,
            self.stretches,
            frames,
            following=following,
            device=device,
            dtype=dtype,
        )

    def mean_head_to_root(self) -> float:
        """The mean head-to-root length that mode ``"dataset"`` scaled the shards by.

        Raises:
            DataError: they were normalised by another mode.
        """
        self._check("mode", "dataset", self.index.mode)
        return float(self.index.length or 0.0)

    def fingerprint(self) -> str:
        """A hash of names, lengths, normalisation and checksums, to tell one set from another.

        Returns:
            SHA-256 in hexadecimal.
        """
        return self.index.fingerprint(self.stretches)

    def check(self) -> None:
        """Read every shard and compare it with its checksum.

        Raises:
            DataError: a shard is not what was written; it is named.
            StorageError: a shard cannot be read.
        """
        ShardFiles(self.folder, self.index.shards).close()
        for shard in self.index.shards:
            path = self.folder / shard.file
            try:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
            if found != shard.sha256:
                raise DataError(
                    path,
                    f"expected SHA-256 {shard.sha256[:12]}…, got {found[:12]}…: the file changed; "
                    "fetch or write it again.",
                )

    def _check(self, what: str, wanted: object, got: object) -> None:
        if wanted != got:
            raise DataError(
                self.folder,
                f"expected shards normalised with {what} {wanted!r}, got shards with {got!r}; "
                "set the network's normalization and distance to the shards', or write the shards "
                "anew ('posenet3d data shard --normalization ... --distance ...').",
            )


def load_shards(folder: str | Path) -> ShardedSet:
    """The training set of a folder of shards; reads the index only.

    Args:
        folder: the folder that `write_shards` or ``posenet3d data shard`` made.

    Returns:
        The set.

    Raises:
        DataError: there is no index, or it is damaged or of another version.
        StorageError: the index cannot be read.

    Example:
        >>> load_shards("no/such/folder")
        Traceback (most recent call last):
            ...
        posenet3d.errors.DataError: no/such/folder: expected a folder of shards, got one without...
    """
    index = read_index(folder)
    return ShardedSet(Path(folder), index, np.arange(len(index)))
