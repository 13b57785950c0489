"""The command that makes the paper's tables: its plan, its end, and what it says of wrong input."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import posenet3d.reproduction
from posenet3d.cli import main
from posenet3d.cli.several_values import repeated
from posenet3d.data.synthetic import synthetic_motion

TOY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "batch_size=4",
    "validation.picture=false",
    "posenet3d:stages.distillation.batch_size=4",
    "posenet3d:stages.sja.batch_size=4",
]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    return left.value.code


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people's motion."""
    clips = synthetic_motion(clips=2, seconds=0.6)
    joints = {f"S{number}/walk": clip.joints for number, clip in enumerate(clips, 1)}
    path = tmp_path_factory.mktemp("data") / "motion.npz"
    np.savez(path, fps=clips[0].fps, layout=clips[0].layout, **joints)
    return path


def command(motion: Path, out: Path, *more: object) -> list[object]:
    changes = [word for change in TOY for word in ("--set", change)]
    told = ["reproduce", "table2", "--data", motion, "--hold-out", "S2", "--out", out]
    return [*told, "--budget", 0.001, "--device", "cpu", *changes, *more]


class Call:
    """The real command, two seeds, in a process of its own with one thread, as sums depend on it.

    The teacher has steps enough, and a line of metrics each, to be stopped among them.
    """

    patience = 300.0
    """Seconds that it may take on a machine with much else to do."""

    def __init__(self, motion: Path, out: Path) -> None:
        self.out = out
        longer = ["--set", "log_every=1", "--set", "posenet3d:stages.teacher.steps=200"]
        words = command(motion, out, "--seeds", 0, 1, *longer)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "posenet3d", *map(str, words)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self, number: signal.Signals) -> None:
        """Send a signal in the middle of the second training."""
        metrics = self.out / "runs" / "posenet3d-1" / "metrics.csv"
        until = time.monotonic() + self.patience
        while not (metrics.exists() and len(metrics.read_text().splitlines()) > 10):
            assert self._process.poll() is None, "it ended before its second training began"
            assert time.monotonic() < until
            time.sleep(0.01)
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Exit code, and what was said on standard error."""
        with self._process:
            _, told = self._process.communicate(timeout=self.patience)
        return self._process.returncode, told


def table(out: Path) -> dict[str, Any]:
    """What is written of table 2, but for the command that made it."""
    values: dict[str, Any] = json.loads((out / "table2.json").read_text())
    assert values.pop("command").startswith("posenet3d reproduce table2")
    return values


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tables"
    assert run(*command(motion, out, "--seeds", 0, 1, 2, "--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "Left: 3 of 3 runs" in shown
    assert "Not the paper's data" in shown
    assert "teacher 4 × 4" in shown
    assert not out.exists()


def test_a_table_is_made_shown_and_not_made_again(
    motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command(motion, tmp_path, "--seeds", 0)) == 0
    shown = capsys.readouterr()
    assert "[1/1] posenet3d, seed 0" in shown.err
    assert "| PoseNet3D-Student-FT | 60.5 |" in shown.out
    assert f"Table: {tmp_path / 'table2'}.md" in shown.out
    weights = tmp_path / "runs" / "posenet3d-0" / "model.safetensors"
    before = weights.stat().st_mtime_ns
    assert run(*command(motion, tmp_path, "--seeds", 0)) == 0
    assert "Left: 0 of 1 runs" in capsys.readouterr().out
    assert weights.stat().st_mtime_ns == before


def test_ctrl_c_leaves_with_130_and_says_how_to_go_on(
    motion: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(posenet3d.reproduction, "reproduce", interrupted)
    assert run(*command(motion, tmp_path)) == 130
    assert "The same command goes on from there." in capsys.readouterr().err


@pytest.fixture(scope="module")
def whole(motion: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a call that nobody stopped."""
    out = tmp_path_factory.mktemp("tables")
    code, told = Call(motion, out).end()
    assert code == 0, told
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_stopped_process_goes_on_and_gives_the_table_of_one_that_was_not_stopped(
    motion: Path, whole: Path, tmp_path: Path, number: signal.Signals
) -> None:
    stopped = Call(motion, tmp_path)
    stopped.stop(number)
    code, told = stopped.end()
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
    code, told = Call(motion, tmp_path).end()
    assert code == 0, told
    assert "seed 0" not in told
    assert "[2/2] posenet3d, seed 1" in told
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert table(tmp_path) == table(whole)
    pages = [(out / "table2.md").read_text().replace(str(out), "") for out in (tmp_path, whole)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--preset", "quik"], "did you mean 'quick'?"),
        (["--preset", "chen2019"], "four stages"),
        (["--protocol", "cmu15"], "did you mean 'cmu14'?"),
        (["--rig", "h36m"], "h36m"),
        (["--noise", "loud"], "loud"),
        (["--budget", "0"], "positive factor"),
        (["--seeds", "1", "1"], "each once"),
        (["--set", "batch_size"], "expected [RUN:]KEY=VALUE"),
        (["--set", "nobody:batch_size=3"], "no run 'nobody'"),
        (["--set", "bath_size=3"], "bath_size"),
        (["--hold-out", "S9"], "Unknown subject 'S9'"),
        (["--data", "no_such_file.npz"], "no_such_file.npz"),
        (["--test-data", "no_such_file.npz"], "got both"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    motion: Path,
    tmp_path: Path,
    options: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*command(motion, tmp_path, *options)) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown


def test_an_unknown_table_is_told(capsys: pytest.CaptureFixture[str], motion: Path) -> None:
    assert run("reproduce", "table5", "--data", motion) == 2
    assert "Known: 'table1', 'table2', 'table3', 'table4'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--seeds 0 1 --out a", "--seeds 0 --seeds 1 --out a"),
        ("--seeds 0 --seeds 1", "--seeds 0 --seeds 1"),
        ("--out a b --seeds -1", "--out a b --seeds -1"),
        ("--seeds=0 --out a", "--seeds=0 --out a"),
        ("--seeds", "--seeds"),
    ],
)
def test_an_option_may_have_several_values(given: str, expected: str) -> None:
    assert repeated(given.split(), ["--seeds"]) == expected.split()


@pytest.fixture(scope="module")
def h36m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of VideoPose3D's files, of made-up people."""
    pytest.importorskip("scipy")
    path = Path(__file__).parents[1] / "data" / "datasets" / "human36m_files.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    files = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(files)
    files.RECORDINGS = [each for each in files.RECORDINGS if each.startswith("Photo")]
    root = tmp_path_factory.mktemp("h36m")
    standing, places = files.cameras(), files.world()
    seen = files.views(standing, places)
    files.write_archives(root, places, seen)
    files.write_detections(root, seen)
    files.write_metadata_xml(root / "metadata.xml", standing)
    return root


def test_human36m_is_converted_and_a_table_made_under_the_papers_protocol(
    h36m: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact, detected = tmp_path / "gt", tmp_path / "cpn"
    for keypoints, out in (("gt", exact), ("cpn_ft_h36m_dbb", detected)):
        told = ["data", "convert", "human36m", "--root", h36m, "--out", out]
        options = [f"keypoints={keypoints}", 'actions=["Photo"]', 'subjects=["S1"]']
        told += [word for option in options for word in ("--option", option)]
        assert run(*told) in (0, None), capsys.readouterr().err
    made = ["reproduce", "table2", "--data", exact, "--detected", detected, "--seeds", 0]
    made += ["--budget", 0.001, "--device", "cpu", "--out", tmp_path / "tables"]
    made += [word for change in TOY for word in ("--set", change)]
    assert run(*made) in (0, None), capsys.readouterr().err
    table = json.loads((tmp_path / "tables" / "table2.json").read_text())
    assert table["complete"]
    assert not table["filmed"]
    assert table["protocol"] == table["papers_protocol"] == "h36m"
    assert sorted(table["subjects"]) == ["S11", "S9"]
    page = (tmp_path / "tables" / "table2.md").read_text()
    assert "63.7" in page
    assert "**Not the paper's protocol:**" not in page
