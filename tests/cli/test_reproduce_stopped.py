"""A real ``posenet3d reproduce`` that is stopped by a signal and called again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posenet3d.data.synthetic import synthetic_motion

pytestmark = pytest.mark.slow

TOY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "batch_size=4",
    "log_every=1",
    "validation.picture=false",
    "posenet3d:stages.teacher.steps=200",
    "posenet3d:stages.distillation.batch_size=4",
    "posenet3d:stages.sja.batch_size=4",
]
PATIENCE = 300.0
"""Seconds that a call may take on a machine with much else to do."""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], list[str]]:
    """Table 2 with two seeds, of two people's motion, into a folder."""
    clips = synthetic_motion(clips=2, seconds=0.6)
    joints = {f"S{number}/walk": clip.joints for number, clip in enumerate(clips, 1)}
    motion = tmp_path_factory.mktemp("data") / "motion.npz"
    np.savez(motion, fps=clips[0].fps, layout=clips[0].layout, **joints)
    options = ["--data", str(motion), "--hold-out", "S2", "--budget", "0.001", "--device", "cpu"]
    changes = [word for change in TOY for word in ("--set", change)]
    begun = [sys.executable, "-m", "posenet3d", "reproduce", "table2", *options, *changes]
    return lambda out: [*begun, "--seeds", "0", "1", "--out", str(out)]


def environment() -> dict[str, str]:
    """One thread: sums are the same in each call."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def finished(words: list[str]) -> str:
    """What a call that runs to its end says on standard error."""
    done = subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def stopped(words: list[str], out: Path, number: signal.Signals) -> tuple[int, str]:
    """Exit code and standard error of a call that gets a signal in the second training."""
    metrics = out / "runs" / "posenet3d-1" / "metrics.csv"
    with subprocess.Popen(
        words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + PATIENCE
        while not (metrics.exists() and len(metrics.read_text().splitlines()) > 10):
            assert process.poll() is None, "it ended before its second training began"
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(number)
        _, told = process.communicate(timeout=PATIENCE)
        return process.returncode, told


def table(out: Path) -> dict[str, Any]:
    """What is written of a table, but for the command that made it."""
    values: dict[str, Any] = json.loads((out / "table2.json").read_text())
    assert values.pop("command").startswith("posenet3d reproduce table2")
    return values


@pytest.fixture(scope="module")
def whole(command: Callable[[Path], list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a call that nobody stopped."""
    out = tmp_path_factory.mktemp("tables")
    finished(command(out))
    return out


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_stopped_call_goes_on_and_gives_the_table_of_one_that_was_not(
    command: Callable[[Path], list[str]], whole: Path, tmp_path: Path, number: signal.Signals
) -> None:
    code, told = stopped(command(tmp_path), tmp_path, number)
    assert "Traceback" not in told
    if number == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == 130
        assert told.splitlines()[-1] == (
            f"Interrupted; saved in {tmp_path}. The same command goes on from there."
        )
    assert not table(tmp_path)["complete"]
    assert not (tmp_path / "runs" / "posenet3d-1" / "report.json").exists()
    first = tmp_path / "runs" / "posenet3d-0"
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*") if path.is_file()}
    told = finished(command(tmp_path))
    assert "seed 0" not in told
    assert "[2/2] posenet3d, seed 1" in told
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert table(tmp_path) == table(whole)
    pages = [(out / "table2.md").read_text().replace(str(out), "") for out in (tmp_path, whole)]
    assert pages[0] == pages[1]
