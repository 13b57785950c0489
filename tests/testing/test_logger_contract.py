"""The contract of loggers is kept by one that keeps its promises, and each breach is named."""

import json
from pathlib import Path

import pytest
import torch

from posenet3d.testing import check_logger
from posenet3d.training.loggers import LoggedRun


class Lines:
    """A stranger's logger: a JSON line a record, cut back where a run goes on."""

    def __init__(self, run):
        self.run, self.path = run, run.folder / "lines.json"

    def start_at(self, stages_done, step):
        place = self.run.step_at(stages_done, step)
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        kept = [line for line in lines if json.loads(line)["place"] <= place]
        self.path.write_text("".join(f"{line}\n" for line in kept))

    def log(self, record):
        place = self.run.global_step(record.stage, record.step)
        line = {"place": place, "stage": record.stage, "step": record.step, **record.values}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def picture(self, name, stage, step, path):
        pass

    def close(self):
        pass


def read(run: LoggedRun):
    for line in (run.folder / "lines.json").read_text().splitlines():
        values = json.loads(line)
        stage, step, _ = values.pop("stage"), values.pop("step"), values.pop("place")
        yield from ((stage, step, name, value) for name, value in values.items())


def test_a_strangers_logger_keeps_the_contract():
    check_logger(Lines, read)


def breach(name, method):
    return type("Breach", (Lines,), {name: method})


def forgets_to_cut(self, stages_done, step):
    self.path.touch()


def cuts_everything(self, stages_done, step):
    self.path.write_text("")


def draws_random_numbers(self, record):
    torch.rand(1)
    Lines.log(self, record)


def moves_the_picture(self, name, stage, step, path):
    path.rename(path.with_name("mine.png"))


def changes_the_record(self, record):
    Lines.log(self, record)
    record.values.clear()


def writes_elsewhere(self, record):
    Lines.log(self, record)
    (self.run.folder.parent / "elsewhere").touch()


def needs_to_have_begun(self):
    Path(self.path).unlink()


def rounds(self, record):
    values = {name: round(value, 1) for name, value in record.values.items()}
    Lines.log(self, type(record)(record.stage, record.step, values))


@pytest.mark.parametrize(
    ("name", "method", "promise"),
    [
        ("picture", None, "missing: picture"),
        ("start_at", forgets_to_cut, "nothing is shown twice"),
        ("start_at", cuts_everything, "every figure is shown"),
        ("log", draws_random_numbers, "random states"),
        ("picture", moves_the_picture, "picture is left"),
        ("log", changes_the_record, "record is left as it is"),
        ("log", writes_elsewhere, "writes in the run folder"),
        ("close", needs_to_have_begun, "closed before it began"),
        ("log", rounds, "of step"),
    ],
)
def test_a_breach_is_named(name, method, promise):
    with pytest.raises(AssertionError, match=promise):
        check_logger(breach(name, method), read)
