"""What a logger is, and what it is told of the run that it writes about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from posenet3d.training.report import Record

VALIDATION = "validation/"
"""How the names of figures of a validation point begin."""


@dataclass(frozen=True)
class LoggedRun:
    """The run that a logger writes about; what a logger is built with.

    Attributes:
        folder: the run folder; a logger keeps its files under it.
        stages: the stages' names and how many steps each has, in order.
        losses: the losses' names.
        config: the run's configuration as plain values.

    Example:
        >>> run = LoggedRun(Path("runs/a"), {"teacher": 3500, "distillation": 2000})
        >>> run.global_step("distillation", 50)
        3550
    """

    folder: Path
    stages: Mapping[str, int]
    losses: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    def global_step(self, stage: str, step: int) -> int:
        """Optimiser steps since the run began, over all stages: one axis for every curve.

        Args:
            stage: the stage's name.
            step: steps done in that stage.

        Raises:
            KeyError: if the run has no such stage.
        """
        if stage not in self.stages:
            raise KeyError(stage)
        names = list(self.stages)
        return sum(self.stages[name] for name in names[: names.index(stage)]) + step

    def step_at(self, stages_done: int, step: int) -> int:
        """The same where a saved state lies: so many stages are done, and steps of the next one.

        Example:
            >>> LoggedRun(Path("runs/a"), {"teacher": 3500, "joint": 600}).step_at(1, 20)
            3520
        """
        return sum(list(self.stages.values())[:stages_done]) + step


@runtime_checkable
class Logger(Protocol):
    """Writes down how a run goes; a plug-in of ``posenet3d.loggers``.

    It is built as ``component(**options, run=run)`` with a :class:`LoggedRun`, before step one:
    what it needs and does not find (a package, a login) it tells there, by an error of the
    library. Later failures do not stop the run, unless the class sets ``strict = True``: the
    trainer warns once with the reason and goes on calling.

    A run that was stopped goes on from its last saved state, so some records come a second time.
    Drop or overwrite what was written after the place that :meth:`start_at` tells.
    """

    def start_at(self, stages_done: int, step: int) -> None:
        """The run begins, or goes on, where ``stages_done`` stages and ``step`` steps are done."""
        ...

    def log(self, record: Record) -> None:
        """Write down a record; the names of a validation point's figures begin ``validation/``."""
        ...

    def picture(self, name: str, stage: str, step: int, path: Path) -> None:
        """Show a picture (PNG) that lies in the run folder; leave the file where it is."""
        ...

    def close(self) -> None:
        """The run ends or is interrupted; called once, also when training fails."""
        ...
