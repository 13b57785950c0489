"""All loggers of a run as one: built from the configuration, and unable to lose the run."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from posenet3d.errors import ConfigurationError, PoseNet3DError
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.training.loggers.logger import LoggedRun, Logger
from posenet3d.training.report import Record


class LoggerWarning(UserWarning):
    """A logger failed; the run goes on without what it could not write."""


class Loggers:
    """Tells every logger of a run; a failing one is reported once and does not stop the run.

    A logger whose class sets ``strict = True`` (``csv``) does stop it. Any other is called again
    next time, since a network or a disk may come back.

    Args:
        loggers: the loggers by name.

    Example:
        >>> import tempfile
        >>> run = LoggedRun(Path(tempfile.mkdtemp()), {"teacher": 500})
        >>> with Loggers.build([PluginSpec(name="csv")], run) as loggers:
        ...     loggers.start_at(stages_done=0, step=0)
        ...     loggers.log(Record("teacher", 50, {"seconds": 1.5}))
        >>> (run.folder / "metrics.csv").exists()
        True
    """

    def __init__(self, loggers: Mapping[str, Logger]) -> None:
        self.loggers = dict(loggers)
        self._failed: set[str] = set()

    @classmethod
    def build(cls, specs: Iterable[PluginSpec], run: LoggedRun) -> "Loggers":
        """Make the loggers that a configuration names; nothing is written yet.

        Args:
            specs: names and options; each name once.
            run: what they are told of the run.

        Raises:
            ConfigurationError: options do not fit, or a logger is named twice.
            MissingExtraError: a logger's package is not installed.
            PluginLoadError: a plug-in cannot be imported or built.
            UnknownPluginError: no package advertises a logger of this name.
        """
        specs = tuple(specs)
        names = [spec.name for spec in specs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            listed = ", ".join(map(repr, twice))
            raise ConfigurationError([f"loggers: expected each logger once, got {listed} again"])
        return cls({spec.name: GROUPS["loggers"].build(spec, run=run) for spec in specs})

    def __enter__(self) -> "Loggers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_at(self, stages_done: int, step: int) -> None:
        """The run begins or goes on; what a user can mend is raised here, before the next step.

        Raises:
            PoseNet3DError: by a logger, if it cannot begin for a reason that a user can mend.
        """
        self._each(lambda logger: logger.start_at(stages_done, step), passing=PoseNet3DError)

    def log(self, record: Record) -> None:
        """Tell every logger a record.

        Raises:
            StorageError: if ``metrics.csv`` cannot be written.
        """
        self._each(lambda logger: logger.log(record))

    def picture(self, name: str, stage: str, step: int, path: Path) -> None:
        """Hand every logger a picture."""
        self._each(lambda logger: logger.picture(name, stage, step, path))

    def close(self) -> None:
        """Close every logger."""
        self._each(lambda logger: logger.close())

    def _each(
        self,
        call: Callable[[Logger], None],
        passing: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> None:
        for name, logger in self.loggers.items():
            try:
                call(logger)
            except passing:
                raise
            except Exception as error:
                if getattr(logger, "strict", False):
                    raise
                self._warn(name, error)

    def _warn(self, name: str, error: Exception) -> None:
        if name in self._failed:
            return
        self._failed.add(name)
        kept = " Nothing is missing in metrics.csv." if "csv" in self.loggers else ""
        warnings.warn(
            f"The logger {name!r} failed ({type(error).__name__}: {error}); training goes on, and "
            f"the logger is tried again at each record.{kept}",
            LoggerWarning,
            stacklevel=4,
        )
