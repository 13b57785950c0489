import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from posenet3d.cli import main
from posenet3d.cli.train import parse_changes
from posenet3d.errors import ConfigurationError
from posenet3d.keypoints import KeypointSequence, write_clips

TINY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "network.student.options.blocks=0",
    "batch_size=4",
    "log_every=1",
    "validation.every=null",
    *(f"stages.{name}.batch_size=4" for name in ("distillation", "sja")),
    *(f"stages.{name}.steps=2" for name in ("teacher", "distillation", "sja", "joint")),
]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    return left.value.code


def tiny(*changes: str) -> list[str]:
    return [part for change in [*TINY, *changes] for part in ("--set", change)]


@pytest.fixture(scope="module")
def keypoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An npz file with the 2D keypoints of a figure that turns."""
    height = np.array([0, 0.4, 0.9, 0.9, 0.4, 0, 0.9, 1.1, 1.4, 1.4, 1.1, 0.9, 1.5, 1.7])
    side = np.array([-1, -1, -1, 1, 1, 1, -2, -2, -2, 2, 2, 2, 0, 0]) * 0.1
    turn = np.cos(np.linspace(0, 3, 40))[:, None]
    points = np.stack(np.broadcast_arrays(side * turn, -height), axis=-1)
    sequence = KeypointSequence(points, np.ones((40, 14)), layout="lsp_14", fps=50.0)
    path = tmp_path_factory.mktemp("data") / "keypoints.npz"
    write_clips(path, {"S1/turn": sequence})
    return path


def test_a_run_is_trained_reported_and_can_be_evaluated(
    keypoints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    command = ["train", "--data", keypoints, "--run", folder, "--seed", 3, "--device", "cpu"]
    assert run(*command, *tiny()) == 0
    shown = capsys.readouterr().out
    for stage in ("teacher", "distillation", "sja", "joint"):
        assert stage in shown
    config = json.loads((folder / "config.json").read_text())["trainer"]
    assert (config["seed"], config["batch_size"]) == (3, 4)
    assert (folder / "model.safetensors").is_file()


def test_a_run_starts_from_weights_that_ship_and_others_from_it(
    keypoints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--data", keypoints, "--preset", "detected", "--device", "cpu"]
    short = ["--set", "stages.denoising.steps=1", "--set", "batch_size=4"]
    for start, folder in (("best-wild", tmp_path / "a"), (tmp_path / "a", tmp_path / "b")):
        assert run(*command, "--start-from", start, "--run", folder, *short) == 0
        told = json.loads((folder / "config.json").read_text())
        assert told["trainer"]["start_from"] == str(start)
        assert told["trainer"]["network"]["missing_joints"] is True
    capsys.readouterr()
    assert run(*command, "--start-from", "best-wlid", "--run", tmp_path / "c") != 0
    assert "best-wild" in capsys.readouterr().err


def test_a_finished_run_is_not_trained_again(keypoints: Path, tmp_path: Path) -> None:
    command = ["train", "--data", keypoints, "--run", tmp_path, *tiny()]
    assert run(*command) == 0
    weights = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert run(*command) == 0
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == weights


def test_a_folder_of_another_configuration_is_told(
    keypoints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", "--data", keypoints, "--run", tmp_path, *tiny()) == 0
    assert run("train", "--data", keypoints, "--run", tmp_path, *tiny("batch_size=5")) == 2
    shown = capsys.readouterr().err
    assert "batch_size: 4 before, 5 now" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--preset", "quik"], "did you mean 'quick'?"),
        (["--set", "batch_size"], "expected key=value"),
        (["--set", "bath_size=3"], "bath_size"),
        (["--set", "stages.techer.steps=3"], "did you mean 'teacher'?"),
        (["--set", "network.views=unifrom"], "unifrom"),
        (["--set", "network.frames=81"], "at least 82 frames"),
        (["--protocol", "cmu14"], "leave the protocol away"),
        (["--device", "abacus"], "abacus"),
        (["--device", "cpu", "--devices", "2"], "none beside several processes, got cpu"),
        (["--device", "cuda:1", "--set", "engine.nodes=2"], "by --accelerator, such as cuda"),
        (["--data", "no_such_file.npz"], "no_such_file.npz"),
        (["--seed", "-1"], "seed"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    keypoints: Path,
    tmp_path: Path,
    options: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("train", "--data", keypoints, "--run", tmp_path / "run", *tiny(), *options) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown


def test_a_run_folder_that_is_a_file_is_told(
    keypoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", "--data", keypoints, "--run", keypoints, *tiny()) == 2
    assert "expected a folder to write to" in capsys.readouterr().err


def test_every_malformed_change_is_told() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_changes(["seed", "=3", "batch_size=2"])
    assert len(caught.value.faults) == 2
    assert parse_changes(["a.b=c=d"]) == {"a.b": "c=d"}


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a child")
def test_an_interrupted_run_leaves_with_130_and_goes_on(keypoints: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = tiny("stages.teacher.steps=100000", "checkpoints.every=100000")
    command = [sys.executable, "-m", "posenet3d", "train", "--data", str(keypoints)]
    command += ["--run", str(folder), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_for_lines(folder / "metrics.csv", 3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, told
    assert "The same command goes on from there" in told
    assert "Traceback" not in told
    assert list(folder.glob("checkpoints/*/state.pt"))
    before = len((folder / "metrics.csv").read_text().splitlines())
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for_lines(folder / "metrics.csv", before + 2)
    finally:
        process.kill()
        process.wait()
    steps = [int(row.split(",")[1]) for row in (folder / "metrics.csv").read_text().split()[1:-1]]
    assert steps == list(range(1, len(steps) + 1))


def wait_for_lines(path: Path, count: int, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.is_file() and len(path.read_text().splitlines()) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} has not got {count} lines in {seconds} s")
