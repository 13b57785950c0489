"""Event files for TensorBoard, one axis of steps over all stages."""

import json
import os
import struct
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.errors import MissingExtraError
from posenet3d.training.loggers.logger import LoggedRun
from posenet3d.training.report import Record

_PNG_SIZE = slice(16, 24)
"""Where a PNG's header tells width and height."""


class TensorBoardLogger:
    """Writes ``<run>/tensorboard/``; look at it by ``tensorboard --logdir <run>``.

    A figure's tag is ``<stage>/<figure>`` and its step counts over all stages, so that curves of
    one stage stand together and all stages follow one another. When a run goes on from a saved
    state, a session mark tells TensorBoard to forget what was written after that place
    (tensorboardX calls it ``purge_step``), so nothing is drawn twice.

    Events are written at once, not by tensorboardX's background thread: when the disk is full
    that thread dies, and training would wait for it for ever.

    Args:
        run: the run.
        folder: the name of the folder in the run folder.

    Raises:
        MissingExtraError: tensorboardX is not installed.

    Example:
        >>> import tempfile
        >>> run = LoggedRun(Path(tempfile.mkdtemp()), {"teacher": 500})
        >>> logger = TensorBoardLogger(run=run)
        >>> logger.start_at(stages_done=0, step=0)
        >>> logger.log(Record("teacher", 50, {"bone_length": 0.25}))
        >>> logger.close()
        >>> len(list((run.folder / "tensorboard").iterdir()))
        1
    """

    class Config(BaseModel):
        """Options of the plug-in ``tensorboard``."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        folder: str = Field(default="tensorboard", pattern=r"^[A-Za-z0-9_-]+$")
        """The name of the folder in the run folder."""

    def __init__(self, *, run: LoggedRun, folder: str = "tensorboard") -> None:
        try:
            import tensorboardX  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("tensorboardX", "logging", "TensorBoard's logs") from error
        self.run = run
        self.folder = run.folder / folder
        self._events: Any = None

    def start_at(self, stages_done: int, step: int) -> None:
        """Open an event file of its own for this sitting, and drop what lies after a place.

        Args:
            stages_done: how many stages are done.
            step: steps of the next one.
        """
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import SessionLog

        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        sittings = len(list(self.folder.glob("events.out.tfevents.*")))
        # TensorBoard reads the files in the order of their names, which begin with the second.
        events = EventsWriter(os.fspath(self.folder / "events"), f".{sittings:04d}")
        self._events = events
        start = self.run.step_at(stages_done, step) + 1
        if sittings:
            self._write(start, session_log=SessionLog(status=SessionLog.START))
        else:
            self._write_config()
        events.flush()

    def log(self, record: Record) -> None:
        """Write a scalar for each figure."""
        from tensorboardX.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=f"{record.stage}/{name}", simple_value=float(value))
            for name, value in record.values.items()
        ]
        place = self.run.global_step(record.stage, record.step)
        self._write(place, summary=Summary(value=values))
        self._events.flush()

    def picture(self, name: str, stage: str, step: int, path: Path) -> None:
        """Write a PNG picture as it is."""
        from tensorboardX.proto.summary_pb2 import Summary

        png = path.read_bytes()
        width, height = struct.unpack(">II", png[_PNG_SIZE])
        image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png)
        value = Summary.Value(tag=f"{stage}/{name}", image=image)
        self._write(self.run.global_step(stage, step), summary=Summary(value=[value]))
        self._events.flush()

    def close(self) -> None:
        """Close the event file."""
        events, self._events = self._events, None
        if events is not None:
            events.close()

    def _write_config(self) -> None:
        """The configuration as a text."""
        from tensorboardX.summary import text

        lines = json.dumps(dict(self.run.config), indent=2).splitlines()
        self._write(0, summary=text("config", "\n".join(f"    {line}" for line in lines)))

    def _write(self, step: int, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._events.write_event(Event(wall_time=time.time(), step=step, **content))
