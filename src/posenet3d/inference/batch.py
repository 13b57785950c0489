"""A batch of inputs: how each is read, lifted and written, and what became of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from posenet3d.errors import ConfigurationError
from posenet3d.keypoints.loading import check_reading
from posenet3d.keypoints.repair.repairing import check_repair
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.reconstruction import Reconstruction

Status = Literal["done", "skipped", "failed"]


@runtime_checkable
class Predictor(Protocol):
    """What lifts one person: :class:`Estimator`, or something of your own."""

    @property
    def provenance(self) -> Mapping[str, str]:
        """What tells its outputs apart from another's: weights, version."""
        ...

    @property
    def predict(self) -> Callable[..., Reconstruction]:
        """One person's motion in 3D: a sequence and options in."""
        ...


@dataclass(frozen=True)
class Plan:
    """How each input of a batch is read, lifted and written.

    Example:
        >>> Plan(formats=("glb", "bvh"), reading={"layout": "body_25"}).fewest_frames
        1
    """

    formats: tuple[str, ...] = ("glb",)
    """The exporters, by name: one file a format and person."""
    reading: Mapping[str, Any] = field(default_factory=dict)
    """Options of :func:`~posenet3d.keypoints.load_people`: ``layout``, ``fps``, ..."""
    repairing: Mapping[str, Any] = field(default_factory=dict)
    """Options of :func:`~posenet3d.keypoints.repair.repair`; nothing is repaired unless asked."""
    predicting: Mapping[str, Any] = field(default_factory=dict)
    """Options of :meth:`Estimator.predict`: ``fusion``, ``height_m``, ..."""
    exporting: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options of the exporters, by format."""
    fewest_frames: int = 1
    """Whoever is in fewer frames is left out: a detector's ghosts."""

    @property
    def specs(self) -> tuple[PluginSpec, ...]:
        """The exporters with their options, as plug-ins are named."""
        return tuple(
            PluginSpec(name=name, options=dict(self.exporting.get(name, {})))
            for name in self.formats
        )

    def check(self) -> None:
        """Nothing, if all of it can be.

        Raises:
            ConfigurationError: no format, one twice, or options of a format that is not written
                or does not take them, or a format whose extra is not installed.
            ShapeError: a number of reading or repairing is out of range.
            UnknownNameError: no such layout or filter.
            UnknownPluginError: no such format.
        """
        check_reading(**self.reading)
        check_repair(**self.repairing)
        faults = [] if self.formats else ["formats: expected at least one, got none"]
        faults += [f"formats: {name!r} twice" for name, n in Counter(self.formats).items() if n > 1]
        faults += [
            f"exporting: options of {name!r}, which is not among the formats"
            for name in self.exporting
            if name not in self.formats
        ]
        if self.fewest_frames < 1:
            faults.append(f"fewest_frames: expected 1 or more, got {self.fewest_frames}")
        if faults:
            raise ConfigurationError(faults)
        exporters = GROUPS["exporters"]
        for name in self.formats:
            exporters.find(name)
        faults = [fault for spec in self.specs for fault in exporters.faults(spec)]
        if faults:
            raise ConfigurationError(faults)


@dataclass(frozen=True)
class Outcome:
    """What became of one input.

    Example:
        >>> Outcome("walk.json", "failed", error="walk.json: expected JSON").files
        ()
    """

    source: str
    """The input's path."""
    status: Status
    """``done``, ``skipped`` (it was finished before) or ``failed``."""
    files: tuple[str, ...] = ()
    """What was written, by the path from the folder of outputs."""
    people: int = 0
    """How many people."""
    frames: int = 0
    """How many frames, of all people together."""
    seconds: float = 0.0
    """How long it took."""
    error: str = ""
    """Why it failed."""
    unforeseen: bool = False
    """Whether it failed by an error that is no fault of the input's: a defect somewhere."""


@dataclass(frozen=True)
class ManyReport:
    """What became of a batch.

    Example:
        >>> ManyReport((Outcome("a.json", "done"), Outcome("b.json", "failed"))).exit_code
        2
    """

    outcomes: tuple[Outcome, ...]
    """One an input, in the inputs' order."""

    def of(self, status: str) -> tuple[Outcome, ...]:
        """The outcomes of one kind."""
        return tuple(each for each in self.outcomes if each.status == status)

    @property
    def exit_code(self) -> int:
        """0 if nothing failed, 2 for bad inputs, 1 if one failed by an unforeseen error."""
        failed = self.of("failed")
        if any(each.unforeseen for each in failed):
            return 1
        return 2 if failed else 0

    def as_dict(self) -> dict[str, Any]:
        """The report as values that JSON can hold: counts, then every outcome."""
        counts = {name: len(self.of(name)) for name in ("done", "skipped", "failed")}
        return {**counts, "outcomes": [asdict(each) for each in self.outcomes]}
