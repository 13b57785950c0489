"""The scripts of ``examples/cluster``, as they are shipped.

Slurm itself was not at hand: a stand-in for ``srun`` starts the processes, and each finds the
variables that Slurm documents. Which of them matter is Fabric's decision, not the stand-in's.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from posenet3d.keypoints import KeypointSequence, write_clips

CLUSTER = Path(__file__).parents[1] / "examples" / "cluster"
SCRIPTS = ("train_torchrun.sh", "train_slurm.sbatch")

SMALL = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "network.student.options.blocks=0",
    "batch_size=4",
    "log_every=1",
    "validation.every=null",
    'stages=[{"name": "teacher", "steps": 2, "train": ["backbone", "teacher"], '
    '"losses": {"bone_length": 1.0}}]',
]

SRUN = r"""#!/usr/bin/env bash
# Starts SLURM_NTASKS processes of one machine, each with what Slurm would tell it.
while [[ $1 == --* ]]; do shift; done
for (( rank = 0; rank < SLURM_NTASKS; rank++ )); do
  SLURM_PROCID=$rank SLURM_LOCALID=$((rank % SLURM_NTASKS_PER_NODE)) SLURM_STEP_ID=0 \
  SLURM_NODEID=$((rank / SLURM_NTASKS_PER_NODE)) SLURMD_NODENAME=localhost "$@" &
  started+=($!)
done
highest=0
for each in "${started[@]}"; do
  wait "$each"; code=$?
  (( code > highest )) && highest=$code
done
exit "$highest"
"""

pytestmark = [
    pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash"),
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch without gloo"),
]


@pytest.fixture(scope="module")
def keypoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(1, 14, 2)) + 0.05 * generator.normal(size=(40, 14, 2))
    sequence = KeypointSequence(points, layout="lsp_14", fps=50.0)
    path = tmp_path_factory.mktemp("data") / "keypoints.npz"
    write_clips(path, {"S1/still": sequence})
    return path


def arguments(keypoints: Path, run: Path) -> list[str]:
    changes = [part for change in SMALL for part in ("--set", change)]
    return ["--data", str(keypoints), "--run", str(run), "--accelerator", "cpu", *changes]


def environment(**variables: str) -> dict[str, str]:
    """This one without traces of a launcher, with the Python that runs these tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLURM", "TORCHELASTIC", "MASTER_", "LOCAL_"))
        and name not in ("RANK", "WORLD_SIZE")
    }
    return {**kept, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1", **variables}


def ended(
    script: str, *words: str, path: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A script run to its end, where programs of a folder go before others."""
    found = os.pathsep.join(each for each in (path, os.environ["PATH"]) if each)
    return subprocess.run(
        ["bash", str(CLUSTER / script), *words],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment(PATH=found, **variables),
    )


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """What Slurm tells a batch script of two tasks on one machine."""
    asked = dict(
        line.removeprefix("#SBATCH --").split("=", 1)
        for line in (CLUSTER / "train_slurm.sbatch").read_text().splitlines()
        if line.startswith("#SBATCH --") and "=" in line
    )
    return {
        "SLURM_JOB_ID": "4711",
        "SLURM_JOBID": "4711",
        "SLURM_JOB_NAME": asked["job-name"],
        "SLURM_JOB_NODELIST": "localhost",
        "SLURM_NODELIST": "localhost",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_NNODES": "1",
        "SLURM_NTASKS": "2",
        "SLURM_NPROCS": "2",
        "SLURM_NTASKS_PER_NODE": "2",
        "SLURM_TASKS_PER_NODE": "2",
        "SLURM_CPUS_PER_TASK": "1",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
        "SLURM_NODEID": "0",
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "MASTER_PORT": str(free_port()),
    }


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_bash_and_may_be_executed(script: str) -> None:
    checked = subprocess.run(["bash", "-n", str(CLUSTER / script)], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert os.access(CLUSTER / script, os.X_OK)


def test_several_machines_need_a_place_to_meet() -> None:
    done = ended("train_torchrun.sh", NODES="2")
    assert done.returncode != 0
    assert "RENDEZVOUS: expected host:port" in done.stderr


def test_torchrun_trains_in_two_processes(keypoints: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = ended("train_torchrun.sh", *arguments(keypoints, run), PROCESSES="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Run folder:") == 1
    assert [stage["name"] for stage in report(run)["stages"]] == ["teacher"]
    assert "OMP_NUM_THREADS" not in done.stderr


@pytest.mark.slow
def test_torchrun_meets_other_machines_at_the_rendezvous(keypoints: Path, tmp_path: Path) -> None:
    """Two launchers on this machine stand for two machines, one process each."""
    run, port = tmp_path / "run", free_port()
    words = arguments(keypoints, run)
    machine = environment(
        PROCESSES="1", NODES="2", RENDEZVOUS=f"localhost:{port}", JOB="one-of-many"
    )
    command = ["bash", str(CLUSTER / "train_torchrun.sh"), *words]
    other = subprocess.Popen(
        command, env=machine, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        first = subprocess.run(command, env=machine, capture_output=True, text=True, timeout=240)
        told = other.communicate(timeout=60)
    finally:
        other.kill()
    assert (first.returncode, other.returncode) == (0, 0), (first.stderr, told[1])
    assert (first.stdout + told[0]).count("Run folder:") == 1
    assert [stage["name"] for stage in report(run)["stages"]] == ["teacher"]


@pytest.mark.slow
def test_slurm_trains_in_the_tasks_that_srun_started(
    keypoints: Path, tmp_path: Path, slurm: dict[str, str]
) -> None:
    """Two processes write one run: Fabric's Slurm environment told them their numbers."""
    seen = tmp_path / "seen"
    seen.mkdir()
    (tmp_path / "sitecustomize.py").write_text(TELLING.format(folder=str(seen)))
    program(tmp_path / "srun", SRUN)
    run = tmp_path / "run"
    words = arguments(keypoints, run)
    slurm["PYTHONPATH"] = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = ended("train_slurm.sbatch", *words, path=str(tmp_path), **slurm)
    assert done.returncode == 0, done.stderr
    assert sorted(path.read_text() for path in seen.iterdir()) == ["0 of 2", "1 of 2"]
    assert done.stdout.count("Run folder:") == 1
    assert [stage["name"] for stage in report(run)["stages"]] == ["teacher"]


TELLING = """
import os
from pathlib import Path
from lightning_fabric.plugins.environments import SLURMEnvironment

began = SLURMEnvironment.__init__

def tell(self, *args, **options):
    began(self, *args, **options)
    told = Path({folder!r}) / str(os.getpid())
    told.write_text(f"{{self.global_rank()}} of {{self.world_size()}}")

SLURMEnvironment.__init__ = tell
"""
"""Has every process note what Fabric's Slurm environment, once it is made, makes of it."""


@pytest.mark.parametrize(("code", "requeued"), [(130, True), (2, False), (0, False)])
def test_a_slurm_job_that_was_stopped_queues_again(
    code: int, requeued: bool, tmp_path: Path, slurm: dict[str, str]
) -> None:
    program(
        tmp_path / "srun", f'#!/usr/bin/env bash\necho "$@" > "{tmp_path}/srun.txt"\nexit {code}\n'
    )
    program(tmp_path / "scontrol", f'#!/usr/bin/env bash\necho "$@" > "{tmp_path}/scontrol.txt"\n')
    done = ended("train_slurm.sbatch", "--run", "runs/a", path=str(tmp_path), **slurm)
    assert done.returncode == code
    assert (tmp_path / "srun.txt").read_text().endswith("--devices auto --nodes 1 --run runs/a\n")
    told = tmp_path / "scontrol.txt"
    assert (told.read_text() if told.exists() else "") == ("requeue 4711\n" if requeued else "")


def report(run: Path) -> dict[str, list[dict[str, object]]]:
    read: dict[str, list[dict[str, object]]] = json.loads((run / "report.json").read_text())
    return read
