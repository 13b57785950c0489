"""The command line in real processes: started plainly, and by torchrun."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from posenet3d.keypoints import KeypointSequence, write_clips

TINY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "network.student.options.blocks=0",
    "batch_size=4",
    "log_every=2",
    "checkpoints.every=2",
    "validation.every=null",
    *(f"stages.{name}.steps=4" for name in ("teacher", "distillation", "sja", "joint")),
    *(f"stages.{name}.batch_size=4" for name in ("distillation", "sja")),
]
TWO = ["--accelerator", "cpu", "--devices", "2"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch without gloo"),
    pytest.mark.skipif(os.name == "nt", reason="torchrun and signals are for POSIX systems"),
]


@pytest.fixture(scope="module")
def keypoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(1, 14, 2)) + 0.05 * generator.normal(size=(40, 14, 2))
    sequence = KeypointSequence(points, np.ones((40, 14)), layout="lsp_14", fps=50.0)
    path = tmp_path_factory.mktemp("data") / "keypoints.npz"
    write_clips(path, {"S1/still": sequence})
    return path


def command(starter: list[str], keypoints: Path, run: Path, *more: str) -> list[str]:
    python = [] if starter else [sys.executable]
    changes = [part for change in TINY for part in ("--set", change)]
    train = ["-m", "posenet3d", "train", "--data", str(keypoints), "--run-dir", str(run)]
    return [*starter, *python, *train, *changes, *more]


def ended(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)


def files_of(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model.safetensors")


@pytest.mark.parametrize("starter", [[], TORCHRUN], ids=["plain", "torchrun"])
def test_two_processes_train_and_the_first_one_writes(
    starter: list[str], keypoints: Path, tmp_path: Path
) -> None:
    done = ended(command(starter, keypoints, tmp_path / "run", *TWO))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Run folder:") == 1
    assert (tmp_path / "run" / "model.safetensors").is_file()
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 * 2


def test_torchrun_interrupted_goes_on_and_ends_alike(keypoints: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert ended(command(TORCHRUN, keypoints, whole, *TWO)).returncode == 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = command(TORCHRUN, keypoints, stopped, *TWO)
    with subprocess.Popen(started, env=environment, stderr=subprocess.PIPE) as process:
        wait_for(stopped / "metrics.csv")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode != 0
    assert not (stopped / "model.safetensors").exists()
    done = ended(command(TORCHRUN, keypoints, stopped, *TWO, "--resume", "must"))
    assert done.returncode == 0, done.stderr
    one, other = files_of(whole), files_of(stopped)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("starter", [[], TORCHRUN], ids=["plain", "torchrun"])
@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_in_one_process_ends_all_within_a_minute(
    rank: int, starter: list[str], keypoints: Path, tmp_path: Path
) -> None:
    failing = tmp_path / "failing.py"
    failing.write_text(
        "import sys, time\n"
        "from posenet3d.cli import main\n"
        "from posenet3d.training.stage_run import StageRun\n"
        "ordinary = StageRun.step\n"
        "def step(run):\n"
        f"    if run.done == 2 and run.engine.share.rank == {rank}:\n"
        "        raise ZeroDivisionError('planted')\n"
        "    ordinary(run)\n"
        "StageRun.step = step\n"
        "main(sys.argv[1:])\n"
    )
    whole = command(starter, keypoints, tmp_path / "run", *TWO)
    at = len(starter) if starter else 1
    started = [*whole[:at], str(failing), *whole[at + 2 :]]
    begun = time.monotonic()
    done = ended(started)
    assert done.returncode != 0
    assert "planted" in done.stderr
    assert time.monotonic() - begun < 60 + 30  # and the start of the processes


def wait_for(path: Path, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not (path.is_file() and len(path.read_text().splitlines()) >= 2):
        if time.monotonic() > end:
            raise AssertionError(f"{path} has no line in {seconds} s")
        time.sleep(0.02)
