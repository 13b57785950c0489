"""``metrics.csv``: a line a record; after a stop it goes on exactly where the saved state lies."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from posenet3d.errors import StorageError
from posenet3d.files import atomic_write
from posenet3d.training.loggers.logger import VALIDATION, LoggedRun
from posenet3d.training.report import Record

FIGURES = (
    "discriminator_loss",
    "accuracy_real",
    "accuracy_fake",
    "discriminator_accuracy",
    "gradient_penalty",
    "mirror_evidence",
    "camera_pitch_degrees",
    "camera_pitch_spread_degrees",
    "camera_roll_spread_degrees",
    "seconds",
    "gradient_norm",
    "discriminator_gradient_norm",
    "skipped_steps",
    "frozen_moved",
    "mirror_turns",
    "mirror_warnings",
    "collapses",
)
"""Columns of ``metrics.csv`` after the losses; a figure beside them gets one at the end."""

VALIDATION_FIGURES = (
    "score",
    "knowledge_distillation",
    "self_supervision",
    "temporal_consistency",
    "bone_length",
    "limb_asymmetry",
    "teacher_distance",
    "student_distance",
    "discriminator_accuracy",
)
"""Columns of ``validation.csv``."""


class CsvLogger:
    """Keeps ``metrics.csv`` and, once there is a validation point, ``validation.csv``.

    It is the one logger that a run cannot do without, so it is strict: where its files cannot be
    written, the run stops.

    Args:
        run: the run.

    Example:
        >>> import tempfile
        >>> logger = CsvLogger(run=LoggedRun(Path(tempfile.mkdtemp()), {"teacher": 500}))
        >>> logger.start_at(stages_done=0, step=0)
        >>> logger.log(Record("teacher", 50, {"camera_pitch_degrees": 12.5}))
        >>> (logger.metrics.path).read_text().splitlines()[1]
        'teacher,50,,,,,,,12.5,,,,,,,,,,'
    """

    strict = True

    def __init__(self, *, run: LoggedRun) -> None:
        stages = tuple(run.stages)
        self.metrics = CsvFile(run.folder / "metrics.csv", stages, (*run.losses, *FIGURES))
        self.validation = CsvFile(run.folder / "validation.csv", stages, VALIDATION_FIGURES)

    def start_at(self, stages_done: int, step: int) -> None:
        """Begin the files, or drop the lines that lie after a place.

        Args:
            stages_done: how many stages are done.
            step: steps of the next one.

        Raises:
            StorageError: if a file cannot be read or written.
        """
        self.metrics.start_at(stages_done, step)
        if self.validation.path.exists():
            self.validation.start_at(stages_done, step)

    def log(self, record: Record) -> None:
        """Add a line.

        Raises:
            StorageError: if the file cannot be written.
        """
        validation = {
            name.removeprefix(VALIDATION): value
            for name, value in record.values.items()
            if name.startswith(VALIDATION)
        }
        if not validation:
            self.metrics.append(record)
            return
        if not self.validation.path.exists():
            self.validation.start_at(0, 0)
        self.validation.append(Record(record.stage, record.step, validation))

    def picture(self, name: str, stage: str, step: int, path: Path) -> None:
        """Nothing: the picture lies in the run folder already."""

    def close(self) -> None:
        """Nothing: each line is on its way to the disk as soon as it is written."""


class CsvFile:
    """A file with a line a record, which goes on where a saved state lies.

    No figure is left out: for one without a column the file is written anew with another column.

    Args:
        path: the file.
        stages: the stages' names, in order.
        columns: the figures' names as far as they are known.

    Example:
        >>> import tempfile
        >>> file = CsvFile(Path(tempfile.mkdtemp(), "metrics.csv"), ["teacher"], ["bone_length"])
        >>> file.start_at(stages_done=0, step=0)
        >>> file.append(Record("teacher", 50, {"bone_length": 0.25}))
        >>> file.path.read_text().splitlines()[1]
        'teacher,50,0.25'
    """

    def __init__(self, path: Path, stages: Sequence[str], columns: Iterable[str]) -> None:
        self.path = path
        self.stages = tuple(stages)
        self.columns = ("stage", "step", *dict.fromkeys(columns))

    def start_at(self, stages_done: int, step: int) -> None:
        """Begin the file, or drop the lines that lie after a place.

        Args:
            stages_done: how many stages are done.
            step: steps of the next one.

        Raises:
            StorageError: if the file cannot be read or written.
        """
        place = (stages_done, step)
        self._write(row for row in self._rows() if self._place(row) <= place)

    def append(self, record: Record) -> None:
        """Add a record.

        Raises:
            StorageError: if the file cannot be written.
        """
        row = {"stage": record.stage, "step": record.step, **record.values}
        if not row.keys() <= set(self.columns):
            self._write([*self._rows(), row])
            return
        text = self._text([row])
        try:
            with self.path.open("a", newline="") as file:
                file.write(text)
        except OSError as error:
            raise StorageError(
                self.path, f"cannot be written: {error.strerror}; make room and run again."
            ) from error

    def _write(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Write the file anew, with a column for every figure that a row has."""
        rows = list(rows)
        self.columns = tuple(dict.fromkeys(chain(self.columns, *rows)))
        with atomic_write(self.path) as target:
            target.write(self._text(rows, header=True).encode())

    def _text(self, rows: Iterable[Mapping[str, object]], *, header: bool = False) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def _rows(self) -> list[dict[str, str]]:
        """The whole lines of the file; a killed process may leave the last one unfinished."""
        try:
            text = self.path.read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(self.path, f"cannot be read: {error.strerror}.") from error
        whole = text[: text.rfind("\n") + 1].replace("\0", "")
        rows = csv.DictReader(io.StringIO(whole, newline=""))
        return [{name: cell for name, cell in row.items() if name is not None} for row in rows]

    def _place(self, row: Mapping[str, str]) -> tuple[int, int]:
        """Where a line lies; one that cannot be told lies after everything."""
        try:
            return self.stages.index(row["stage"]), int(row["step"])
        except (KeyError, ValueError, TypeError):
            return len(self.stages) + 1, 0
