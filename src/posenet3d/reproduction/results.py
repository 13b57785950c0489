"""A table filled with what was measured, beside what the paper prints."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from posenet3d.reproduction.planning import Plan
from posenet3d.reproduction.records import Measurement
from posenet3d.reproduction.tables import Part, Point


class Spread(NamedTuple):
    """Mean and standard deviation over seeds; of one seed without the latter."""

    mean: float
    deviation: float | None

    def told(self, digits: int = 1) -> str:
        """The numbers as a table shows them."""
        mean = f"{self.mean:.{digits}f}"
        return mean if self.deviation is None else f"{mean} ± {self.deviation:.{digits}f}"


def spread(numbers: Sequence[float]) -> Spread:
    """Mean and (sample) standard deviation of some numbers.

    Args:
        numbers: one or more.

    Returns:
        Both; of one number the mean alone.

    Example:
        >>> spread([40.0, 60.0]).told(), spread([40.0]).told(2)
        ('50.0 ± 14.1', '40.00')
    """
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Spread(statistics.fmean(numbers), deviation)


@dataclass(frozen=True)
class Results:
    """The figures of a table's runs, as far as they have got.

    Attributes:
        plan: what was to be done.
        measurements: what was measured.
        faults: by job, why its training could not go on.
        command: the command line, if it is known.
    """

    plan: Plan
    measurements: tuple[Measurement, ...]
    faults: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every figure is there."""
        wanted = sum(len(job.stages) for job in self.plan.jobs)
        return len(self.measurements) == wanted

    def by_seed(self, point: Point | None, figure: str) -> dict[int, float]:
        """A figure by seed; empty where there is none.

        Args:
            point: the run, the stage and the head.
            figure: a field of `posenet3d.evaluation.Scores`.
        """
        if point is None:
            return {}
        found = {
            each.seed: each.value(point.head, figure)
            for each in self.measurements
            if (each.run, each.stage) == (point.run, point.stage)
        }
        return {seed: value for seed, value in found.items() if math.isfinite(value)}

    def ratios(self, part: Part, row: int, column: int) -> dict[int, float]:
        """Our figure over that of the part's reference, by seed.

        Args:
            part: the table or its half.
            row: the row's number.
            column: the column's number.
        """
        figure = part.columns[column].figure
        reference = next(each for each in part.rows if each.method == part.reference)
        over = self.by_seed(part.rows[row].points[column], figure)
        under = self.by_seed(reference.points[column], figure)
        return {seed: over[seed] / under[seed] for seed in over if under.get(seed)}

    def to_dict(self) -> dict[str, Any]:
        """The table as plain values: what made it, the paper's figures and ours."""
        plan = self.plan
        return {
            "table": plan.table.name,
            "title": plan.table.title,
            "filmed": plan.material.filmed,
            "preset": plan.preset,
            "budget": plan.budget,
            "seeds": list(plan.seeds),
            "changes": list(plan.changes),
            "protocol": plan.material.protocol,
            "papers_protocol": plan.table.annotated_protocol,
            "data": {seen: plan.material.facts(seen) for seen in plan.table.seen},
            "subjects": list(measured_subjects(self.measurements)),
            "commits": commits(self.measurements),
            "command": self.command,
            "complete": self.complete,
            "faults": dict(self.faults),
            "parts": [self._part(part) for part in plan.table.parts],
            "runs": [
                {
                    "run": job.run.name,
                    "seed": job.seed,
                    "seen": job.run.seen,
                    "stages": job.lengths,
                    "windows": job.windows,
                }
                for job in plan.jobs
            ],
        }

    def _part(self, part: Part) -> dict[str, Any]:
        return {
            "title": part.title,
            "reference": part.reference,
            "columns": [{"title": each.title, "unit": each.unit} for each in part.columns],
            "rows": [
                {
                    "method": row.method,
                    "note": row.note,
                    "paper": list(row.printed),
                    "ours": [self._cell(part, number, place) for place in range(len(row.points))],
                }
                for number, row in enumerate(part.rows)
            ],
        }

    def _cell(self, part: Part, row: int, column: int) -> dict[str, Any] | None:
        point = part.rows[row].points[column]
        found = self.by_seed(point, part.columns[column].figure)
        if point is None or not found:
            return None
        mean, deviation = spread(list(found.values()))
        return {"point": point._asdict(), "mean": mean, "deviation": deviation, "by_seed": found}


def measured_subjects(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Who was measured, once each.

    Example:
        >>> measured_subjects([])
        ()
    """
    return tuple(dict.fromkeys(subject for each in measurements for subject in each.subjects))


def commits(measurements: Iterable[Measurement]) -> list[str]:
    """The commits that measured, the unknown left out.

    Example:
        >>> commits([])
        []
    """
    return sorted({each.commit for each in measurements if each.commit is not None})
