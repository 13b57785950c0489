"""``metrics.csv``: a line a record; after a stop it goes on exactly where the saved state lies."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from posenet3d.errors import StorageError
from posenet3d.files import atomic_write
from posenet3d.training.report import Record

FIGURES = (
    "discriminator_loss",
    "accuracy_real",
    "accuracy_fake",
    "discriminator_accuracy",
    "gradient_penalty",
    "mirror_evidence",
    "camera_pitch_degrees",
    "seconds",
)
"""Columns after the losses."""


class MetricsLog:
    """The metrics file of a run.

    Args:
        path: the file.
        stages: the stages' names, in order.
        losses: the losses' names.

    Example:
        >>> import tempfile
        >>> log = MetricsLog(Path(tempfile.mkdtemp(), "metrics.csv"), ["teacher"], ["bone_length"])
        >>> log.start_at(stages_done=0, step=0)
        >>> log.append(Record("teacher", 50, {"bone_length": 0.25}))
        >>> log.path.read_text().splitlines()[1]
        'teacher,50,0.25,,,,,,,,'
    """

    def __init__(self, path: Path, stages: Sequence[str], losses: Iterable[str]) -> None:
        self.path = path
        self.stages = tuple(stages)
        self.columns = ("stage", "step", *dict.fromkeys(losses), *FIGURES)

    def start_at(self, stages_done: int, step: int) -> None:
        """Begin the file, or drop the lines that lie after a place.

        Args:
            stages_done: how many stages are done.
            step: steps of the next one.

        Raises:
            StorageError: if the file cannot be read or written.
        """
        place = (stages_done, step)
        kept = [row for row in self._rows() if self._place(row) <= place]
        text = self._text(kept, header=True)
        with atomic_write(self.path) as target:
            target.write(text.encode())

    def append(self, record: Record) -> None:
        """Add a record.

        Raises:
            StorageError: if the file cannot be written.
        """
        text = self._text([{"stage": record.stage, "step": record.step, **record.values}])
        try:
            with self.path.open("a", newline="") as file:
                file.write(text)
        except OSError as error:
            raise StorageError(
                self.path, f"cannot be written: {error.strerror}; make room and run again."
            ) from error

    def _text(self, rows: Iterable[Mapping[str, object]], *, header: bool = False) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="", extrasaction="ignore")
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
        return list(csv.DictReader(io.StringIO(whole, newline="")))

    def _place(self, row: Mapping[str, str]) -> tuple[int, int]:
        """Where a line lies; one that cannot be told lies after everything."""
        try:
            return self.stages.index(row["stage"]), int(row["step"])
        except (KeyError, ValueError, TypeError):
            return len(self.stages) + 1, 0
