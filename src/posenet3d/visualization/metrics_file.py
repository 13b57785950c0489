"""A run's metrics file as curves over the steps of all its stages."""

import csv
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError, StorageError

_PLACES = ("stage", "step", "epoch", "global_step", "seconds", "elapsed", "time")
"""Columns that say where a row stands, not how training goes."""


@dataclass(frozen=True)
class Metrics:
    """The curves of a run.

    Attributes:
        steps: steps since the run began, strictly rising over all stages.
        stages: each stage's name, and where it begins and ends in ``steps``.
        curves: values by column name, NaN where a row has none; columns without any are left out.
    """

    steps: Float[np.ndarray, " rows"]
    stages: tuple[tuple[str, float, float], ...]
    curves: Mapping[str, Float[np.ndarray, " rows"]]


def read_metrics(path: str | os.PathLike[str]) -> Metrics:
    r"""The curves in a metrics file.

    The file is a CSV table with the columns ``stage`` and ``step`` (from each stage's own
    beginning), and a column for each number that was recorded. Where a resumed run wrote a step
    twice the later row counts; a last row that was cut off counts as far as it goes.

    Args:
        path: the CSV file.

    Raises:
        StorageError: the file is missing or cannot be read.
        DataError: it is no such table, or has no rows.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> table = Path(tempfile.mkdtemp()) / "metrics.csv"
        >>> _ = table.write_text("stage,step,loss\nteacher,10,2.5\nteacher,20,1.5\nsja,10,0.5\n")
        >>> metrics = read_metrics(table)
        >>> metrics.steps.tolist(), metrics.curves["loss"].tolist()
        ([10.0, 20.0, 30.0], [2.5, 1.5, 0.5])
        >>> metrics.stages
        (('teacher', 0.0, 20.0), ('sja', 20.0, 30.0))
    """
    rows = _latest_rows(path, _read_rows(path))
    stages = _stages(rows)
    begins = {name: begin for name, begin, _ in stages}
    steps = np.array([begins[stage] + step for stage, step in rows])
    columns = {name: None for row in rows.values() for name in row if name and name not in _PLACES}
    curves = {name: np.array([_number(row.get(name)) for row in rows.values()]) for name in columns}
    return Metrics(steps, stages, {k: v for k, v in curves.items() if not np.isnan(v).all()})


def _read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    source = os.fspath(path)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            rows = list(table)
            missing = {"stage", "step"} - set(table.fieldnames or ())
    except OSError as error:
        raise StorageError(source, f"cannot be read: {error.strerror or error}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(source, f"expected a CSV table ({error}).") from error
    if missing:
        raise DataError(
            source, f"expected the columns 'stage' and 'step', lacks {sorted(missing)}."
        )
    return rows


def _latest_rows(
    path: str | os.PathLike[str], rows: Iterable[dict[str, str]]
) -> dict[tuple[str, float], dict[str, str]]:
    """The rows by stage and step: stages as they first occur, steps rising, later rows win."""
    latest = {(row["stage"], _number(row["step"])): row for row in rows if row["step"]}
    order = list(dict.fromkeys(stage for stage, _ in latest))
    places = [place for place in latest if math.isfinite(place[1])]
    if not places:
        raise DataError(os.fspath(path), "expected rows with a stage and a step, got none.")
    return {p: latest[p] for p in sorted(places, key=lambda p: (order.index(p[0]), p[1]))}


def _stages(rows: Iterable[tuple[str, float]]) -> tuple[tuple[str, float, float], ...]:
    lengths: dict[str, float] = {}
    for stage, step in rows:
        lengths[stage] = max(lengths.get(stage, 0.0), step)
    ends = np.cumsum(list(lengths.values())).tolist()
    begins = [0.0, *ends[:-1]]
    return tuple(zip(lengths, begins, ends, strict=True))


def _number(cell: str | None) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return math.nan
