"""What a training run reports: each stage's losses at its start and end, and how it went."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Values = Mapping[str, float]


@dataclass(frozen=True)
class Record:
    """One line of a run's metrics: means since the record before.

    Attributes:
        stage: the stage's name.
        step: optimiser steps done in that stage.
        values: losses (unweighted) and other figures by name.

    Example:
        >>> Record("teacher", 50, {"self_supervision": 1.5}).step
        50
    """

    stage: str
    step: int
    values: Values


@dataclass(frozen=True)
class StageReport:
    """How one stage went.

    Attributes:
        name: the stage's name.
        steps: optimiser steps.
        seconds: wall time, of all sittings together.
        start: figures of the first record.
        end: figures of the last record.
        health: how often what was found.
    """

    name: str
    steps: int
    seconds: float
    start: Values
    end: Values
    health: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingReport:
    """What :meth:`posenet3d.Trainer.fit` returns; also ``report.json`` in the run folder.

    Attributes:
        stages: a report a stage, in order.
        mirror_turns: how often the mirror guard turned the lifter round.
        mirror_evidence: the last running mean of the anatomical evidence, head-to-root units;
            positive: the depth is the right way round.
        camera_pitch_degrees: the pitch that the view sampler ended with; ``None``: unknown.
        metres_per_unit: metres of the body to a head-to-root unit; 0 before the student's stages.
        run_dir: the run folder, or ``None``.

    Example:
        >>> stage = StageReport("teacher", 10, 1.0, {"bone_length": 2.0}, {"bone_length": 1.0})
        >>> TrainingReport(stages=(stage,)).stages[0].end["bone_length"]
        1.0
    """

    stages: tuple[StageReport, ...]
    mirror_turns: int = 0
    mirror_evidence: float = 0.0
    camera_pitch_degrees: float | None = None
    metres_per_unit: float = 0.0
    run_dir: Path | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the folder."""
        values = asdict(self)
        del values["run_dir"]
        return values
