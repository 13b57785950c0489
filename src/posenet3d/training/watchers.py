"""What looks on while a run trains: its loggers and its validation, in the first process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from posenet3d.networks import PoseNet3D
from posenet3d.training.config import TrainerConfig
from posenet3d.training.engine import Engine
from posenet3d.training.loggers import LoggedRun, Loggers
from posenet3d.training.placement import WindowSource
from posenet3d.training.report import Record
from posenet3d.training.run_folder import RunFolder
from posenet3d.training.stage_run import StageRun


class Watchers:
    """Loggers and validation of a run.

    Args:
        config: the run's configuration.
        folder: the run folder; without one nothing is logged.
        steps: how many steps each stage has.

    Raises:
        ConfigurationError: if a logger's options do not fit.
        MissingExtraError: if a logger's package is not installed.
        UnknownPluginError: if there is no such logger.
    """

    def __init__(
        self, config: TrainerConfig, folder: RunFolder | None, steps: Mapping[str, int]
    ) -> None:
        self.config, self.folder = config, folder
        self._loggers: Loggers | None = None
        if folder is not None:
            losses = dict.fromkeys(name for stage in config.stages for name in stage.losses)
            told = config.model_dump(mode="json")
            run = LoggedRun(folder=folder.path, stages=steps, losses=tuple(losses), config=told)
            self._loggers = Loggers.build(config.loggers, run)

    @contextmanager
    def open(
        self,
        model: PoseNet3D,
        windows: WindowSource,
        engine: Engine,
        stages_done: int,
        step: int,
    ) -> Iterator["Watchers"]:
        """A block in which the loggers are open and validation is possible.

        Args:
            model: the network.
            windows: what it is validated on.
            engine: the processes, of which the first looks on.
            stages_done: stages that are done.
            step: steps of the next one that are done.
        """
        from posenet3d.training.validation import Validation

        self._engine = engine
        first = engine.is_first
        never = self.config.validation.every is None
        self._validation = None if never or not first else Validation(model, self.config, windows)
        loggers = self._loggers if first else None
        with loggers or nullcontext():
            if loggers is not None:
                loggers.start_at(stages_done, step)
            yield self

    def log(self, record: Record) -> None:
        """Tell every logger a record."""
        if self._loggers is not None and self._engine.is_first:
            self._loggers.log(record)

    def validate(self, run: StageRun) -> tuple[float, Record]:
        """Look at the network as it is now, or at its averaged weights.

        Returns:
            The score, lower is better, and the figures, in every process.
        """
        with run.as_scored():  # in every process: they may measure statistics together
            return self._engine.from_first(lambda: self._look(run))

    def _look(self, run: StageRun) -> tuple[float, Record]:
        validation = self._validation
        if validation is None:
            raise RuntimeError("expected an open validation in the first process")
        point = validation.point(run.stage, run.done)
        if self.folder is not None and self._loggers is not None:
            path = validation.picture(point, self.folder.path)
            if path is not None:
                self._loggers.picture("skeletons", run.stage.name, run.done, path)
        return point.score, point.record
