"""Progress of a run on the terminal: stage, step, losses, accuracy and the time left."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from posenet3d.training.report import Record

PLAIN_SECONDS = 10.0
"""Seconds between lines where the output is no terminal."""

_SHORT_NAMES = {
    "self_supervision": "mss",
    "cycle_2d": "2D",
    "temporal_consistency": "tc",
    "bone_length": "bl",
    "bone_proportions": "bp",
    "teacher_adversarial": "adv T",
    "student_adversarial": "adv S",
    "knowledge_distillation": "KD",
    "denoising": "denoising",
    "student_reprojection": "rep",
    "pose_regularizer": "R",
    "shape_regularizer": "β",
    "discriminator_accuracy": "D acc",
    "camera_pitch_degrees": "pitch°",
}


@runtime_checkable
class ProgressDisplay(Protocol):
    """What the trainer tells of its progress; a context manager."""

    def __enter__(self) -> "ProgressDisplay": ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def tell(self, text: str) -> None:
        """Something worth a line before the first step."""
        ...

    def begin(self, stage: str, step: int, steps: int) -> None:
        """A stage begins, or goes on from ``step``."""
        ...

    def advance(self, step: int) -> None:
        """So many steps of the stage are done."""
        ...

    def show(self, record: Record) -> None:
        """New figures."""
        ...


class Silent:
    """No progress at all.

    Example:
        >>> with Silent() as progress:
        ...     progress.begin("teacher", 0, 10)
    """

    def __enter__(self) -> "Silent":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def tell(self, text: str) -> None:
        """Say nothing."""

    def begin(self, stage: str, step: int, steps: int) -> None:
        """Say nothing."""

    def advance(self, step: int) -> None:
        """Say nothing."""

    def show(self, record: Record) -> None:
        """Say nothing."""


class Bars:
    """A bar for each stage on a terminal; a line every ten seconds elsewhere.

    Args:
        stages: names of all stages, so that the whole plan is seen from the start.
        console: where to; standard error by default.
    """

    def __init__(self, stages: Sequence[str], console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[figures]}", style="dim"),
            console=self.console,
            disable=not self.console.is_terminal,
            redirect_stdout=sys.stdout.isatty(),  # else what is printed would go to standard error
            refresh_per_second=4,
        )
        width = max(map(len, stages))
        self._tasks = {
            name: self._bars.add_task(name.ljust(width), start=False, total=None, figures="")
            for name in stages
        }
        self._current = stages[0]
        self._steps = 0
        self._last_line = 0.0

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def tell(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def begin(self, stage: str, step: int, steps: int) -> None:
        """Start the stage's bar."""
        self._current, self._steps, self._last_line = stage, steps, 0.0
        self._bars.update(self._tasks[stage], total=steps, completed=step)
        self._bars.start_task(self._tasks[stage])

    def advance(self, step: int) -> None:
        """Move the stage's bar."""
        self._bars.update(self._tasks[self._current], completed=step)

    def show(self, record: Record) -> None:
        """Put the figures behind the bar, or print them."""
        figures = describe(record)
        self._bars.update(self._tasks[record.stage], figures=figures)
        if self.console.is_terminal:
            return
        if record.step == self._steps or time.monotonic() - self._last_line > PLAIN_SECONDS:
            self._last_line = time.monotonic()
            line = f"{record.stage} {record.step}/{self._steps}  {figures}"
            self.console.print(line, highlight=False, soft_wrap=True)


def describe(record: Record) -> str:
    """The figures of a record that a person watches, on one line.

    Example:
        >>> describe(Record("teacher", 50, {"bone_length": 0.25, "learning_rate": 1e-4}))
        'bl 0.25'
    """
    return "  ".join(
        f"{short} {record.values[name]:.3g}"
        for name, short in _SHORT_NAMES.items()
        if name in record.values
    )
