"""Loggers together: what stops a run before step one, and what must not stop it later."""

from pathlib import Path

import pytest

from posenet3d import plugins
from posenet3d.errors import ConfigurationError, StorageError, UnknownPluginError
from posenet3d.plugins import Plugin, PluginSpec
from posenet3d.training import Record
from posenet3d.training.loggers import CsvLogger, LoggedRun, Loggers, LoggerWarning

RECORD = Record("teacher", 2, {"bone_length": 0.5})


class Notebook:
    """A stranger's logger, which notes every call, and fails where it is told to."""

    def __init__(self, *, run: LoggedRun, fails: str = "", error: type[Exception] = OSError):
        self.run, self.fails, self.error = run, fails, error
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails:
            raise self.error("no space left")

    def start_at(self, stages_done: int, step: int) -> None:
        self._call("start_at")

    def log(self, record: Record) -> None:
        self._call("log")

    def picture(self, name: str, stage: str, step: int, path: Path) -> None:
        self._call("picture")

    def close(self) -> None:
        self._call("close")


def tell_everything(loggers: Loggers) -> None:
    with loggers:
        loggers.start_at(0, 0)
        for _ in range(3):
            loggers.log(RECORD)
            loggers.picture("skeletons", "teacher", 2, Path("nowhere.png"))


ALL_CALLS = ["start_at", *["log", "picture"] * 3, "close"]


@pytest.mark.parametrize("fails", ["start_at", "log", "picture", "close"])
def test_a_failing_logger_is_told_once_and_the_others_hear_everything(
    run: LoggedRun, fails: str
) -> None:
    bad, good = Notebook(run=run, fails=fails), Notebook(run=run)
    with pytest.warns(LoggerWarning, match="'bad' failed .OSError: no space left.") as told:
        tell_everything(Loggers({"bad": bad, "good": good}))
    assert len(told) == 1
    assert bad.calls == good.calls == ALL_CALLS


@pytest.mark.parametrize("with_csv", [True, False])
def test_that_nothing_is_missing_is_said_only_where_it_is_kept(
    with_csv: bool, run: LoggedRun
) -> None:
    others = {"csv": Notebook(run=run)} if with_csv else {}
    with pytest.warns(LoggerWarning) as told:
        tell_everything(Loggers({**others, "bad": Notebook(run=run, fails="log")}))
    assert ("Nothing is missing in metrics.csv" in str(told[0].message)) == with_csv


def test_an_error_that_a_user_can_mend_stops_the_run_before_step_one_and_only_then(
    run: LoggedRun,
) -> None:
    class RefusedError(StorageError):
        def __init__(self, message: str) -> None:
            super().__init__("here", message)

    with pytest.raises(RefusedError):
        tell_everything(Loggers({"bad": Notebook(run=run, fails="start_at", error=RefusedError)}))
    with pytest.warns(LoggerWarning):
        tell_everything(Loggers({"bad": Notebook(run=run, fails="log", error=RefusedError)}))


def test_a_metrics_file_that_cannot_be_written_stops_the_run(run: LoggedRun) -> None:
    loggers = Loggers({"csv": CsvLogger(run=run)})
    loggers.start_at(0, 0)
    (run.folder / "metrics.csv").unlink()
    (run.folder / "metrics.csv").mkdir()
    with pytest.raises(StorageError):
        loggers.log(RECORD)


def test_a_full_disk_does_not_lose_the_run_and_what_comes_after_it_is_written(
    run: LoggedRun, monkeypatch: pytest.MonkeyPatch, read_tensorboard
) -> None:
    from tensorboardX.event_file_writer import EventsWriter

    def refuse(self: object, event: object) -> None:
        raise OSError(28, "No space left on device")

    loggers = Loggers.build([PluginSpec(name="csv"), PluginSpec(name="tensorboard")], run)
    with loggers:
        loggers.start_at(0, 0)
        with monkeypatch.context() as full:
            full.setattr(EventsWriter, "write_event", refuse)
            with pytest.warns(LoggerWarning, match="No space left"):
                loggers.log(RECORD)
            for _ in range(30):  # more than tensorboardX's own queue holds
                loggers.log(RECORD)
        loggers.log(Record("teacher", 4, {"bone_length": 0.25}))
    assert read_tensorboard(run) == [("teacher", 4, "bone_length", 0.25)]
    assert (run.folder / "metrics.csv").read_text().count("\n") == 33


def test_a_loggers_faults_are_found_before_anything_is_written(run: LoggedRun) -> None:
    for specs, error, said in (
        ([PluginSpec(name="cvs")], UnknownPluginError, "did you mean 'csv'"),
        ([PluginSpec(name="csv"), PluginSpec(name="csv")], ConfigurationError, "'csv' again"),
        (
            [PluginSpec(name="tensorboard", options={"foldr": "a"})],
            ConfigurationError,
            "did you mean 'folder'",
        ),
        ([PluginSpec(name="wandb", options={"mode": "off"})], ConfigurationError, "mode"),
    ):
        with pytest.raises(error, match=said):
            Loggers.build(specs, run)
    assert not list(run.folder.iterdir())


def test_a_strangers_logger_is_built_as_a_plug_in(
    run: LoggedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Plugin("posenet3d.loggers", "notebook", "notebooks:Notebook", "notebooks", "1.0")
    monkeypatch.setattr(plugins, "_advertised", lambda group: (stranger,))
    monkeypatch.setattr(Plugin, "load", lambda plugin: Notebook)
    loggers = Loggers.build([PluginSpec(name="notebook", options={"fails": "never"})], run)
    tell_everything(loggers)
    assert loggers.loggers["notebook"].calls == ALL_CALLS


def test_a_run_without_loggers_writes_no_file(run: LoggedRun) -> None:
    tell_everything(Loggers.build([], run))
    assert not list(run.folder.iterdir())
