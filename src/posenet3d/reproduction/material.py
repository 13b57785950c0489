"""What a table is made from: 2D to train on and sequences to measure, each exact and detected.

Either comes as motion capture, which a protocol's cameras film, or as files that a dataset was
converted to. Where detected 2D is not given, the exact one is spoilt by a model of a detector's
errors (`posenet3d.data.detector_noise`), with missing joints turned off: the paper's detector
always answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from posenet3d.data import MotionClip, TrainingSet, camera_rig, film, load_training_set
from posenet3d.data.detector_noise import corrupt, detector_noise
from posenet3d.data.shards import ShardedSet
from posenet3d.errors import DataError
from posenet3d.evaluation.clips import TestData
from posenet3d.evaluation.protocols import find_protocol
from posenet3d.evaluation.sequences import Detector
from posenet3d.keypoints import KeypointSequence
from posenet3d.reproduction.identity import identity
from posenet3d.reproduction.runs import EXACT

Training = Sequence[MotionClip] | Path
"""Motion to film, or a file (or a folder of shards) of 2D keypoints."""

GENTLE = "gentle"
"""The model of a detector's errors that stands in where motion is filmed."""


@dataclass(frozen=True, eq=False)
class Material:
    """What the runs of a table learn from and are measured on. Frozen; files are read when needed.

    Args:
        training: `EXACT` or `DETECTED` to motion clips, or to a file of 2D keypoints.
        test: likewise to motion clips, or to a file of annotated sequences.
        protocol: the name of the protocol that measures.
        rig: the cameras that film motion to train on; ``None`` where there is none to film.
        noise: the name of the model that makes detected 2D of exact, where that is not given.

    Raises:
        UnknownNameError: no such protocol, rig or noise.

    Example:
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> people = synthetic_motion(clips=2, seconds=0.5)
        >>> train, test = {"exact": people[:1]}, {"exact": people[1:]}
        >>> filmed = Material(train, test, "cmu14", rig="cmu14", noise="gentle")
        >>> filmed.sequences("detected")
        TrainingSet(4 sequences of 1 subjects, 100 frames)
    """

    training: Mapping[str, Training]
    """What the runs learn from, by the kind of 2D."""
    test: Mapping[str, TestData]
    """What they are measured on, by the kind of 2D."""
    protocol: str
    """The protocol that measures."""
    rig: str | None = None
    """The cameras that film motion to train on."""
    noise: str | None = None
    """What makes detected 2D of exact, where that is not given."""

    def __post_init__(self) -> None:
        find_protocol(self.protocol)
        if self.rig is not None:
            camera_rig(self.rig)
        if self.noise is not None:
            detector_noise(self.noise)

    def check(self, seen: str) -> None:
        """Make sure that there is 2D of a kind, to train on and to measure.

        Args:
            seen: `EXACT` or `DETECTED`.

        Raises:
            DataError: there is none; the message says what to name.
        """
        exact = seen == EXACT
        for what, given, option in (
            ("train on", self.training, "--data" if exact else "--detected"),
            ("measure", self.test, "--test-data" if exact else "--test-detected"),
        ):
            if seen not in given and (exact or EXACT not in given or self.noise is None):
                also = "" if exact else f", or --noise {GENTLE} to spoil the exact one"
                raise DataError(
                    "data", f"expected {seen} 2D to {what}, got none; name it by {option}{also}."
                )

    def sequences(self, seen: str) -> TrainingSet | ShardedSet:
        """The 2D to train on.

        Args:
            seen: `EXACT` or `DETECTED`.

        Returns:
            The training set.

        Raises:
            DataError: there is no such 2D, or shards are to be spoilt.
            StorageError: a file cannot be read.
        """
        source = self._source(self.training, seen)
        if isinstance(source, Path):
            found = load_training_set(source)
        else:
            found = film(source, self.rig or self.protocol)
        if seen in self.training:
            return found
        if isinstance(found, ShardedSet):
            raise DataError(source, "expected a file of keypoints to spoil, got shards.")
        return TrainingSet({name: self.spoilt(each) for name, each in found.sequences.items()})

    def tested(self, seen: str) -> tuple[TestData, Detector | None]:
        """What is measured, and what becomes of its 2D before.

        Args:
            seen: `EXACT` or `DETECTED`.

        Returns:
            What `posenet3d.evaluation.evaluate` takes as clips and as detector.

        Raises:
            DataError: there is no such 2D.
        """
        return self._source(self.test, seen), None if seen in self.test else self.spoilt

    def spoilt(self, sequence: KeypointSequence) -> KeypointSequence:
        """A sequence with a detector's errors, every joint there.

        Args:
            sequence: exact 2D.
        """
        model = detector_noise(self.noise or GENTLE).model_copy(update={"dropped": 0.0})
        return corrupt(sequence, model)

    def training_frames(self, seen: str) -> int:
        """How many frames there are to train on, all views together.

        Args:
            seen: `EXACT` or `DETECTED`.
        """
        source = self._source(self.training, seen)
        if isinstance(source, Path):
            return load_training_set(source).frames
        return camera_rig(self.rig or self.protocol).views * sum(map(len, source))

    def facts(self, seen: str) -> dict[str, Any]:
        """What tells these data from others, as plain values: figures of others are not reused.

        Args:
            seen: `EXACT` or `DETECTED`.

        Returns:
            Names, checksums, cameras and noise, of training and of test.

        Raises:
            DataError: there is no such 2D.
            StorageError: a file cannot be read.
        """
        self.check(seen)
        return {
            "seen": seen,
            "protocol": self.protocol,
            "rig": self.rig,
            "training": self._source(self._identities["training"], seen),
            "training_noise": None if seen in self.training else self.noise,
            "test": self._source(self._identities["test"], seen),
            "test_noise": None if seen in self.test else self.noise,
        }

    @property
    def filmed(self) -> bool:
        """Whether anything is motion that a rig films, hence not the paper's data."""
        return self.rig is not None or find_protocol(self.protocol).rig is not None

    def _source(self, given: Mapping[str, Any], seen: str) -> Any:
        """What there is of a kind; of detected 2D that is not given, the exact one."""
        self.check(seen)
        return given[seen] if seen in given else given[EXACT]

    @cached_property
    def _identities(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            "training": {seen: identity(source) for seen, source in self.training.items()},
            "test": {seen: identity(source) for seen, source in self.test.items()},
        }
