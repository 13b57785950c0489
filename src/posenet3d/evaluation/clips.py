"""What an evaluation goes through: motion that a rig films, or sequences that a dataset brings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import cast

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.annotated_npz import AnnotatedFile, is_annotated_file
from posenet3d.data.motion import MotionClip, load_motion
from posenet3d.errors import DataError
from posenet3d.evaluation.protocols import CMU_14, PROTOCOLS, Protocol, find_protocol
from posenet3d.evaluation.sequences import (
    Detector,
    TestSequence,
    annotated_sequence,
    sequences_of,
)

TestData = Sequence[MotionClip] | Sequence[AnnotatedSequence] | str | Path
"""Clips of 3D motion, annotated sequences, or the npz file of either."""


@dataclass(frozen=True)
class Input:
    """How 2D becomes a lifter's input.

    Example:
        >>> Input().scale
        'sequence'
    """

    scale: str = "sequence"
    """What the scale's mean is taken over, see `posenet3d.data.normalization`."""
    distance: float = 10.0
    """c, the root's depth in head-to-root lengths."""
    length: float | None = None
    """The training set's mean head-to-root length, for the scale ``"dataset"``."""
    detector: Detector | None = None
    """What becomes of the 2D before it is normalised."""


@dataclass(frozen=True)
class EvaluatedClip:
    """One clip of a test set, with all its views.

    Example:
        >>> EvaluatedClip("S9/walk", 100, lambda given: iter(())).key
        'S9/walk'
    """

    key: str
    """The clip's key."""
    frames: int
    """How many frames its first view has."""
    views: Callable[[Input], Iterator[TestSequence]]
    """Its views, read or filmed when they are asked for."""


def usual_protocol(data: TestData) -> Protocol:
    """The protocol of data that come without one.

    Args:
        data: clips or the npz file of them.

    Returns:
        The first that an annotated file names; CMU-14 for anything else.

    Raises:
        DataError: the file is damaged.
        StorageError: the file cannot be read.
        UnknownNameError: the file names a protocol that there is not.

    Example:
        >>> usual_protocol([]).name
        'cmu14'
    """
    if isinstance(data, str | Path):
        named = AnnotatedFile(data).protocols if is_annotated_file(data) else ()
    else:
        named = data.protocols if isinstance(data, AnnotatedFile) else ()
    return find_protocol(named[0]) if named else CMU_14


def evaluated_clips(data: TestData, protocol: Protocol) -> tuple[EvaluatedClip, ...]:
    """The clips that a protocol evaluates.

    Args:
        data: 3D motion for a protocol with a rig, annotated sequences for one without; or the npz
            file of them. A file of sequences that a rig filmed is for that rig's protocol.
        protocol: the protocol.

    Returns:
        The clips; of an annotated file only the names have been read.

    Raises:
        DataError: there is nothing, nothing of the protocol's clips and cameras is there, the data
            are not of the kind that the protocol needs, or the file is for other protocols.
        StorageError: the file cannot be read.

    Example:
        >>> import numpy as np
        >>> clip = MotionClip("S0/still", np.ones((20, 14, 3)), "lsp_14", fps=50.0)
        >>> [clip.key for clip in evaluated_clips([clip], Protocol("cmu14", rig="cmu14"))]
        ['S0/still']
    """
    given = check_protocol(data, protocol)
    if isinstance(given[0], MotionClip):
        return _motion(cast(Sequence[MotionClip], given), cast(str, protocol.rig))
    return _annotated(cast(Sequence[AnnotatedSequence], given), protocol, _source(data))


def check_protocol(
    data: TestData, protocol: Protocol
) -> Sequence[MotionClip] | Sequence[AnnotatedSequence]:
    """Make sure that data are for a protocol.

    Args:
        data: clips or the npz file of them.
        protocol: the protocol.

    Returns:
        The clips; those of an annotated file are read when they are asked for.

    Raises:
        DataError: there are none, they are not of the kind that the protocol needs, or their file
            is for other protocols.
        StorageError: the file cannot be read.

    Example:
        >>> import numpy as np
        >>> clip = MotionClip("S0/still", np.ones((20, 14, 3)), "lsp_14", fps=50.0)
        >>> len(check_protocol([clip], CMU_14))
        1
    """
    source = _source(data)
    given = _load(Path(data)) if isinstance(data, str | Path) else data
    if not len(given):
        raise DataError(source, "expected one clip or more, got none; name a file with test clips.")
    filmed = isinstance(given[0], MotionClip)
    named = given.protocols if isinstance(given, AnnotatedFile) else ()
    if named and protocol.name in PROTOCOLS and protocol.name not in named:
        raise DataError(
            source,
            f"expected protocol {' or '.join(map(repr, named))}, which its sequences are for, got "
            f"{protocol.name!r}; leave the protocol out to take {named[0]!r}.",
        )
    if filmed and protocol.rig is None:
        raise DataError(
            source,
            f"expected annotated sequences for protocol {protocol.name!r}, whose cameras the "
            "dataset brings, got 3D motion; make the file by `posenet3d data convert`.",
        )
    if not filmed and protocol.rig is not None and not named:
        raise DataError(
            source,
            f"expected 3D motion for protocol {protocol.name!r}, whose cameras film it, got "
            "annotated sequences; choose the dataset's own protocol, such as 'h36m'.",
        )
    return given


def _source(data: TestData) -> object:
    return data if isinstance(data, str | Path) else "test data"


def _load(path: Path) -> Sequence[MotionClip] | Sequence[AnnotatedSequence]:
    return AnnotatedFile(path) if is_annotated_file(path) else load_motion(path)


def _motion(clips: Sequence[MotionClip], rig: str) -> tuple[EvaluatedClip, ...]:
    one_frame_rate({float(clip.fps): clip.key for clip in reversed(clips)})

    def film(clip: MotionClip, given: Input) -> Iterator[TestSequence]:
        return sequences_of(clip, rig, given.scale, given.distance, given.length, given.detector)

    return tuple(EvaluatedClip(clip.key, len(clip), partial(film, clip)) for clip in clips)


def _annotated(
    sequences: Sequence[AnnotatedSequence], protocol: Protocol, source: object
) -> tuple[EvaluatedClip, ...]:
    """Sequences that follow each other and have one key are one clip's views."""
    if isinstance(sequences, AnnotatedFile):
        names, lengths = sequences.names, sequences.lengths
    else:
        names = tuple(sequence.name for sequence in sequences)
        lengths = tuple(map(len, sequences))
    keys, _, cameras = zip(*(name.rpartition("/") for name in names), strict=True)
    parts = (("camera", protocol.cameras, cameras), ("clip", protocol.clips, keys))
    for what, wanted, got in parts:
        if wanted and not {*wanted} & {*got}:
            raise DataError(
                source,
                f"expected a {what} of protocol {protocol.name!r}, {' or '.join(wanted[:8])}, "
                f"got {', '.join(sorted(set(got))[:8])}.",
            )
    places = [
        place
        for place in range(len(names))
        if all(not wanted or got[place] in wanted for _, wanted, got in parts)
    ]

    def see(places: list[int], given: Input) -> Iterator[TestSequence]:
        for view, place in enumerate(places):
            yield annotated_sequence(
                sequences[place],
                view,
                len(places),
                given.scale,
                given.distance,
                given.length,
                given.detector,
            )

    groups = groupby(places, key=lambda place: keys[place])
    found = [(key, list(group)) for key, group in groups]
    return tuple(EvaluatedClip(key, lengths[group[0]], partial(see, group)) for key, group in found)


def one_frame_rate(rates: Mapping[float, str]) -> float:
    """The one frame rate there is: velocities a frame cannot be averaged over different ones.

    Args:
        rates: frames a second, and the name of a sequence that has them.

    Returns:
        Frames a second.

    Raises:
        DataError: there are two.

    Example:
        >>> one_frame_rate({50.0: "S9/walk"})
        50.0
    """
    if len(rates) > 1:
        (slow, one), (fast, other) = sorted(rates.items())[:2]
        raise DataError(
            other,
            f"expected clips of one frame rate, got {fast:g} Hz where {one} has {slow:g} Hz; "
            "resample them, or evaluate each frame rate by itself (MPJVE is an error a frame).",
        )
    return next(iter(rates))
