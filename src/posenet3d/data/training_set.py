"""What the trainer eats: 2D keypoint sequences, and nothing else.

3D motion becomes 2D here, before the trainer sees it: a rig's cameras film each clip. The types
have no place for a third coordinate, so no truth about depth can leak into training.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from posenet3d.data.motion import MotionClip
from posenet3d.data.normalization import mean_head_to_root, normalize_all
from posenet3d.data.sequence_files import (
    belongs,
    check_one_unit,
    filmed,
    refuse_protocol,
    sequences_of,
    stretches_of,
)
from posenet3d.data.shards import ShardedSet, load_shards
from posenet3d.data.windows import WindowSet
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.files.npz import load_npz
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LSP_14

_LAYOUT = LSP_14.name


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Named 2D sequences in layout ``lsp_14``; converted to it if they come in another.

    Attributes:
        sequences: name to sequence. The part of a name before the first slash is its subject.

    Raises:
        DataError: there are no sequences.

    Example:
        >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="h36m_17", fps=50.0)
        >>> TrainingSet({"S01/walk": walk, "S02/walk": walk})
        TrainingSet(2 sequences of 2 subjects, 100 frames)
    """

    sequences: Mapping[str, KeypointSequence]

    def __post_init__(self) -> None:
        if not self.sequences:
            raise DataError("training set", "expected at least one sequence, got none.")
        converted = {name: s.to_layout(_LAYOUT) for name, s in self.sequences.items()}
        object.__setattr__(self, "sequences", MappingProxyType(converted))

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self.sequences)

    def __repr__(self) -> str:
        return (
            f"TrainingSet({len(self)} sequences of {len(self.subjects)} subjects, "
            f"{self.frames} frames)"
        )

    @property
    def frames(self) -> int:
        """How many frames there are in all sequences."""
        return sum(map(len, self.sequences.values()))

    @property
    def fps(self) -> float | None:
        """Frames a second of every sequence; ``None`` where they differ."""
        rates = {sequence.fps for sequence in self.sequences.values()}
        return rates.pop() if len(rates) == 1 else None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects' names, in the order in which they first occur."""
        return tuple(dict.fromkeys(name.partition("/")[0] for name in self.sequences))

    def hold_out(self, *subjects: str) -> tuple["TrainingSet", "TrainingSet"]:
        """The set without some subjects, and those subjects, for choices that need unseen people.

        Args:
            *subjects: names or leading parts of names up to a slash: ``"S13"`` takes
                ``"S13/13_29"`` but not ``"S130/01"``.

        Returns:
            The set to train on, and the set held out.

        Raises:
            UnknownNameError: nothing has that name.
            DataError: nothing is named, or nothing is left to train on.

        Example:
            >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="h36m_17", fps=50.0)
            >>> rest, held_out = TrainingSet({"S01/walk": walk, "S02/walk": walk}).hold_out("S02")
            >>> rest.subjects, held_out.subjects
            (('S01',), ('S02',))
        """
        for subject in subjects:
            if not any(belongs(name, subject) for name in self.sequences):
                raise UnknownNameError("subject", subject, self.subjects)
        held = {
            name: sequence
            for name, sequence in self.sequences.items()
            if any(belongs(name, subject) for subject in subjects)
        }
        rest = {name: s for name, s in self.sequences.items() if name not in held}
        if not rest or not held:
            what = "at least one subject to train on" if held else "the name of a subject"
            raise DataError("hold_out", f"expected {what}, got none; known: {self.subjects}.")
        return TrainingSet(rest), TrainingSet(held)

    def windows(
        self,
        frames: int = 9,
        *,
        mode: str = "sequence",
        distance: float = 10.0,
        length: float | None = None,
        following: int = 1,
        device: torch.device | str = "cpu",
        gaps: bool = False,
    ) -> WindowSet:
        """The normalised windows that training draws from.

        A sequence with gaps in its frame numbers falls into stretches, which no window crosses;
        each keeps the scale of its own frames.

        Args:
            frames: T, the frames of a window.
            mode: what the scale's mean is taken over; see `posenet3d.data.normalization`.
            distance: c, the distance of the person from the camera in head-to-root lengths.
            length: for mode ``"dataset"``: the mean head-to-root length; measured if ``None``.
            following: how many frames come with a window after it.
            device: where the windows live.
            gaps: take missing joints (NaN), which stay so, for networks that are told of them;
                see `normalize`.

        Returns:
            The windows; `WindowSet.skipped` names the stretches that were too short.

        Raises:
            DataError: a joint is unknown, a scale is zero, all sequences are too short, or
                mode ``"dataset"`` meets two units.
            UnknownNameError: no such mode.

        Example:
            >>> up = np.linspace(0, -1, 14)[:, None] * np.array([0.0, 1.0])
            >>> walk = KeypointSequence(np.tile(up, (50, 1, 1)), layout="lsp_14", fps=50.0)
            >>> len(TrainingSet({"S01/walk": walk}).windows(frames=9))
            41
        """
        if mode == "dataset":
            check_one_unit(sequence.unit for sequence in self.sequences.values())
        points = {name: stretch.points for name, stretch in self._stretches.items()}
        normalized = normalize_all(
            tuple(points.values()), mode, distance, length=length, names=tuple(points), gaps=gaps
        )
        centred = (made.points for made in normalized)
        named = dict(zip(points, centred, strict=True))
        return WindowSet(named, frames, following=following, device=device, gaps=gaps)

    @cached_property
    def _stretches(self) -> dict[str, KeypointSequence]:
        """The unbroken parts of every sequence, by name and first frame."""
        return {
            called: part
            for name, sequence in self.sequences.items()
            for called, part in stretches_of(name, sequence)
        }

    def mean_head_to_root(self, *, gaps: bool = False) -> float:
        """The mean head-to-root length of all frames, in the sequences' unit.

        What mode ``"dataset"`` scales by; a network trained so keeps it with its weights.

        Args:
            gaps: take missing joints; see `normalize`.

        Example:
            >>> up = np.linspace(0, -1, 14)[:, None] * np.array([0.0, 1.0])
            >>> walk = KeypointSequence(np.tile(up, (50, 1, 1)), layout="lsp_14", fps=50.0)
            >>> round(TrainingSet({"S01/walk": walk}).mean_head_to_root(), 3)
            0.808
        """
        parts = [part.points for part in self._stretches.values()]
        return mean_head_to_root(parts, gaps=gaps)

    def fingerprint(self) -> str:
        """A hash of all names, frame numbers and points, to tell one set from another.

        Returns:
            SHA-256 in hexadecimal.

        Example:
            >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="h36m_17", fps=50.0)
            >>> TrainingSet({"a": walk}).fingerprint() == TrainingSet({"b": walk}).fingerprint()
            False
        """
        digest = hashlib.sha256()
        for name, sequence in self.sequences.items():
            digest.update(f"{len(name)} {name} {len(sequence)}".encode())
            digest.update(np.ascontiguousarray(sequence.frame_index).tobytes())
            digest.update(np.ascontiguousarray(sequence.points).tobytes())
        return digest.hexdigest()


def load_training_set(
    source: str
    | Path
    | Iterable[KeypointSequence]
    | Mapping[str, KeypointSequence]
    | TrainingSet
    | ShardedSet,
    protocol: str | None = None,
    *,
    split: str = "train",
    hold_out: Iterable[str] = (),
) -> TrainingSet | ShardedSet:
    """The 2D training set of a file, of a folder of shards, or of sequences at hand.

    A file of 2D keypoints (see :func:`~posenet3d.keypoints.write_clips`) is taken as it is. A file
    of 3D motion (see `load_motion`) is filmed by a protocol's cameras first, and only what they see
    is kept. A folder of shards (see `posenet3d.data.shards`) stays on the disk.

    Args:
        source: an npz file of 2D keypoints or of 3D motion; a folder of shards; or sequences,
            named by a mapping or else by their own `source`.
        protocol: the camera rig for 3D motion, ``"cmu14"`` or ``"cmu14-wild"``; ``None`` for 2D.
        split: the rig's split, ``"train"`` or ``"test"``.
        hold_out: subjects to leave out; see `TrainingSet.hold_out`.

    Returns:
        The set: a `ShardedSet` of a folder, else a `TrainingSet`; the trainer takes both.

    Raises:
        DataError: 3D motion without a protocol, 2D keypoints or shards with one, two sequences of
            one name, nothing at all, a folder without shards, or a damaged file.
        StorageError: the file cannot be read.
        UnknownNameError: no such protocol, split, layout or subject.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "motion.npz")
        >>> clips = {"S01/walk": np.random.default_rng(0).normal(size=(50, 14, 3))}
        >>> np.savez(path, fps=50.0, layout="lsp_14", **clips)
        >>> load_training_set(path, "cmu14")
        TrainingSet(4 sequences of 1 subjects, 200 frames)
    """
    if isinstance(source, str | Path):
        found = _from_path(Path(source), protocol, split)
    else:
        found = _from_memory(source, protocol)
    subjects = tuple(hold_out)
    return found.hold_out(*subjects)[0] if subjects else found


def film(clips: Iterable[MotionClip], protocol: str, split: str = "train") -> TrainingSet:
    """What a protocol's cameras see of 3D clips: every clip from every view, in 2D.

    Args:
        clips: the clips.
        protocol: ``"cmu14"`` or ``"cmu14-wild"``.
        split: ``"train"`` or ``"test"``.

    Returns:
        The views, named ``<clip>/view<number>``.

    Raises:
        DataError: there are no clips, or two have the same key.
        UnknownNameError: no such protocol or split.

    Example:
        >>> joints = np.random.default_rng(0).normal(size=(50, 14, 3))
        >>> clip = MotionClip("S01/walk", joints, "lsp_14", fps=50.0)
        >>> list(film([clip], "cmu14").sequences)[:2]
        ['S01/walk/view0', 'S01/walk/view1']
    """
    return TrainingSet(_named(filmed(clips, protocol, split)))


def _from_path(path: Path, protocol: str | None, split: str) -> TrainingSet | ShardedSet:
    if path.is_dir():
        refuse_protocol(protocol, path)
        return load_shards(path)
    return TrainingSet(dict(sequences_of(load_npz(path), path, protocol, split)))


def _from_memory(
    source: Iterable[KeypointSequence] | Mapping[str, KeypointSequence] | TrainingSet | ShardedSet,
    protocol: str | None,
) -> TrainingSet | ShardedSet:
    refuse_protocol(protocol, "the sequences")
    if isinstance(source, TrainingSet | ShardedSet):
        return source
    if isinstance(source, Mapping):
        return TrainingSet(source)
    return TrainingSet(_named((sequence.source, sequence) for sequence in source))


def _named(sequences: Iterable[tuple[str, KeypointSequence]]) -> dict[str, KeypointSequence]:
    """Sequences by their names, which must differ."""
    named: dict[str, KeypointSequence] = {}
    for name, sequence in sequences:
        if name in named:
            raise DataError(
                name,
                "expected one sequence of this name, got two; give each its own `source`.",
            )
        named[name] = sequence
    return named
