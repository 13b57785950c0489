"""Readers that do not share a line with what wrote the files, and a run to log."""

import csv
import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posenet3d.training.loggers import LoggedRun

Drawn = tuple[str, int, str, float | int]
_WANDB_HEADER, _WANDB_BLOCK = 7, 32768


@pytest.fixture
def run(tmp_path: Path) -> LoggedRun:
    return LoggedRun(tmp_path, {"teacher": 4, "joint": 3}, ("bone_length",), {"seed": 3})


def placed(run: LoggedRun, step: int) -> tuple[str, int]:
    """The stage and its step of a step over all stages; a stage's last step belongs to it."""
    for stage, steps in run.stages.items():
        if step <= steps:
            return stage, step
        step -= steps
    raise AssertionError(f"step {step} lies after the run")


@pytest.fixture(scope="session")
def read_csv() -> Callable[[LoggedRun], list[Drawn]]:
    def read(run: LoggedRun) -> list[Drawn]:
        drawn = []
        for name, prefix in (("metrics.csv", ""), ("validation.csv", "validation/")):
            with (run.folder / name).open(newline="") as file:
                for row in csv.DictReader(file):
                    stage, step = row.pop("stage"), int(row.pop("step"))
                    drawn += [(stage, step, prefix + k, float(v)) for k, v in row.items() if v]
        return drawn

    return read


def tensorboard_events(folder: Path) -> Iterator[object]:
    """Every event of a folder, in the order in which TensorBoard reads them."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.glob("events.out.tfevents.*")):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            yield Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]


@pytest.fixture(scope="session")
def events() -> Callable[[Path], Iterator[object]]:
    return tensorboard_events


@pytest.fixture(scope="session")
def read_tensorboard() -> Callable[[LoggedRun], list[Drawn]]:
    """What TensorBoard shows: a session's start hides what was written from its step on."""

    def read(run: LoggedRun) -> list[Drawn]:
        shown: list[tuple[int, str, float]] = []
        for event in tensorboard_events(run.folder / "tensorboard"):
            if event.HasField("session_log"):
                shown = [each for each in shown if each[0] < event.step]
            scalars = [v for v in event.summary.value if v.WhichOneof("value") == "simple_value"]
            shown += [(event.step, each.tag, each.simple_value) for each in scalars]
        drawn = []
        for step, tag, value in shown:
            stage, _, name = tag.partition("/")
            assert placed(run, step)[0] == stage
            drawn.append((stage, placed(run, step)[1], name, value))
        return drawn

    return read


def wandb_records(path: Path) -> Iterator[object]:
    """Every record of W&B's own file: LevelDB's log format after seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, parts = path.read_bytes(), _WANDB_HEADER, b""
    assert content[:4] == b":W&B"
    while place + 7 <= len(content):
        if _WANDB_BLOCK - place % _WANDB_BLOCK < 7:
            place += _WANDB_BLOCK - place % _WANDB_BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield Record.FromString(parts)
            parts = b""


def finished_records(path: Path, seconds: float = 20.0) -> list[object]:
    """All records once the last one is there: W&B's own process writes on after ``finish``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        records = list(wandb_records(path)) if path.stat().st_size > _WANDB_HEADER else []
        if records and records[-1].WhichOneof("record_type") == "exit":
            return records
        time.sleep(0.02)
    raise AssertionError(f"{path} has no end after {seconds} s")


@pytest.fixture(scope="session")
def wandb_history() -> Callable[[LoggedRun], list[dict[str, str]]]:
    """The rows of every offline session, keys to JSON; and ``id``, the W&B run that they are of."""

    def read(run: LoggedRun) -> list[dict[str, str]]:
        rows = []
        paths = (run.folder / "wandb").glob("offline-run-*/*.wandb")
        for path in sorted(paths, key=lambda path: path.parent.stat().st_ctime_ns):
            for record in finished_records(path):
                if record.WhichOneof("record_type") == "run":
                    name = record.run.run_id
                if record.WhichOneof("record_type") == "history":
                    items = record.history.item
                    keys = [".".join(each.nested_key) for each in items]
                    row = dict(zip(keys, [each.value_json for each in items], strict=True))
                    rows.append({"id": name, **row})
        return rows

    return read


@pytest.fixture(scope="session")
def read_wandb(
    wandb_history: Callable[[LoggedRun], list[dict[str, str]]],
) -> Callable[[LoggedRun], list[Drawn]]:
    def read(run: LoggedRun) -> list[Drawn]:
        drawn = []
        for row in wandb_history(run):
            step = int(row["_step"])
            for key, value in row.items():
                stage, _, name = key.partition("/")
                if stage in run.stages and "." not in name:  # a dot: a part of a picture
                    drawn.append((stage, placed(run, step)[1], name, json.loads(value)))
        return drawn

    return read
