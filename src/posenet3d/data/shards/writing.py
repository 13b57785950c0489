"""Normalised sequences written as shards, one sequence after another."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.data.normalization import mean_head_to_root, normalize
from posenet3d.data.sequence_files import NamedSequence, check_one_unit, stretches_of
from posenet3d.data.shards.index import INDEX_FILE, Shard, ShardIndex
from posenet3d.errors import DataError, ShapeError, StorageError
from posenet3d.files.atomic import atomic_folder
from posenet3d.skeletons import LSP_14

FRAMES_PER_SHARD = 1_000_000
"""Frames of a shard unless told otherwise: 112 MB, which the writer holds in memory."""

Points = Float[np.ndarray, "frames 14 2"]


def write_shards(
    sequences: Iterable[NamedSequence],
    out: str | Path,
    *,
    mode: str = "sequence",
    distance: float = 10.0,
    frames_per_shard: int = FRAMES_PER_SHARD,
    on_sequence: Callable[[str, int], None] | None = None,
) -> ShardIndex:
    """Sequences written as a folder of shards, normalised; complete or not at all.

    The folder has ``00000.npy``, ``00001.npy`` … of (frames, 14, 2) float32, little endian, which
    ``np.load(..., mmap_mode="r")`` opens, and ``index.json``, a `ShardIndex`. The numbers in it are
    those that `TrainingSet.windows` makes of the same sequences in memory. A shard holds whole
    stretches; one longer than ``frames_per_shard`` gets a shard of its own. One sequence and one
    shard are in memory at a time.

    Args:
        sequences: names and sequences, such as `SequenceFiles`; for mode ``"dataset"`` something
            that can be gone through twice, as the set's length is measured first.
        out: the folder to make.
        mode: what the scale's mean is taken over; see `posenet3d.data.normalization`.
        distance: c, the distance of the person from the camera in head-to-root lengths.
        frames_per_shard: the most frames of a shard of several stretches.
        on_sequence: called with the name and the frames of each sequence that was written.

    Returns:
        The index.

    Raises:
        DataError: there are no sequences, two have one name, a joint is unknown, a scale is zero,
            or mode ``"dataset"`` meets two units.
        ShapeError: ``frames_per_shard`` or ``distance`` is not positive, or the sequences can be
            gone through only once.
        StorageError: the folder exists, or cannot be written.
        UnknownNameError: no such mode.

    Example:
        >>> import tempfile
        >>> from posenet3d.data.synthetic import synthetic_training_set
        >>> walks = synthetic_training_set(clips=2, seconds=1.0).sequences
        >>> index = write_shards(walks.items(), Path(tempfile.mkdtemp(), "shards"))
        >>> len(index), index.frames, [shard.file for shard in index.shards]
        (8, 400, ['00000.npy'])
    """
    if frames_per_shard < 1:
        raise ShapeError("frames_per_shard", expected="at least 1", got=f"{frames_per_shard}")
    if Path(out).exists():
        raise StorageError(out, "is already there; choose another folder, or remove it.")
    length = _measured(sequences) if mode == "dataset" else None
    with atomic_folder(out) as folder:
        writer = _ShardWriter(folder, frames_per_shard)
        for name, sequence in _unique(sequences):
            converted = sequence.to_layout(LSP_14.name)
            for called, part in stretches_of(name, converted):
                made = normalize(part.points, mode, distance, length=length, name=called)
                gapless = len(part) == len(sequence)
                first = None if gapless else int(part.frame_index[0])
                writer.add(name, first, made.points.astype("<f4"), sequence.fps)
            if on_sequence is not None:
                on_sequence(name, len(sequence))
        index = writer.finish(mode, distance, length)
        (folder / INDEX_FILE).write_text(index.model_dump_json() + "\n")
    return index


class _ShardWriter:
    """Gathers stretches until a shard is full, and what the index says of them."""

    def __init__(self, folder: Path, frames_per_shard: int) -> None:
        self._folder, self._most = folder, frames_per_shard
        self._parts: list[Points] = []
        self._shards: list[Shard] = []
        self._stretches: list[tuple[str, int | None, int, float]] = []

    def add(self, sequence: str, first_frame: int | None, points: Points, fps: float) -> None:
        """Take the next stretch; writes the shard before it where it would grow too large."""
        if self._parts and sum(map(len, self._parts)) + len(points) > self._most:
            self._write_shard()
        self._parts.append(points)
        self._stretches.append((sequence, first_frame, len(points), fps))

    def finish(self, mode: str, distance: float, length: float | None) -> ShardIndex:
        """Write what is left; the index of everything."""
        if not self._stretches:
            raise DataError("training set", "expected at least one sequence, got none.")
        self._write_shard()
        sequences, first_frames, lengths, fps = zip(*self._stretches, strict=True)
        return ShardIndex.model_validate(
            {
                "mode": mode,
                "distance": distance,
                "length": length,
                "sequences": sequences,
                "first_frames": first_frames,
                "lengths": lengths,
                "fps": fps,
                "frames": sum(lengths),
                "shards": tuple(self._shards),
            }
        )

    def _write_shard(self) -> None:
        frames = sum(map(len, self._parts))
        header = io.BytesIO()
        facts = {"descr": "<f4", "fortran_order": False, "shape": (frames, len(LSP_14), 2)}
        np.lib.format.write_array_header_1_0(header, facts)
        digest, name = hashlib.sha256(), f"{len(self._shards):05d}.npy"
        with (self._folder / name).open("xb") as file:
            for content in (header.getvalue(), *(part.tobytes() for part in self._parts)):
                file.write(content)
                digest.update(content)
        self._shards.append(Shard(file=name, frames=frames, sha256=digest.hexdigest()))
        self._parts = []


def _measured(sequences: Iterable[NamedSequence]) -> float:
    """The mean head-to-root length of all frames; goes through the sequences once."""
    if isinstance(sequences, Iterator):
        raise ShapeError(
            "sequences",
            expected="something to go through twice for mode 'dataset'",
            got="an iterator",
            do="give a list, or a class with __iter__",
        )
    units: set[str] = set()

    def points() -> Iterator[Points]:
        for name, sequence in sequences:
            units.add(sequence.unit)
            check_one_unit(units)
            for _, part in stretches_of(name, sequence.to_layout(LSP_14.name)):
                yield part.points

    return mean_head_to_root(points())


def _unique(sequences: Iterable[NamedSequence]) -> Iterator[NamedSequence]:
    """The sequences, whose names must differ."""
    seen: set[str] = set()
    for name, sequence in sequences:
        if name in seen:
            raise DataError(
                name,
                "expected one sequence of this name, got two; give each a name of its own.",
            )
        seen.add(name)
        yield name, sequence
