"""A run that is killed again and again ends, bit by bit, like one that never was."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posenet3d.keypoints import KeypointSequence
from posenet3d.training import TrainerConfig
from posenet3d.training.checkpoints import CheckpointStore

Config = Callable[..., TrainerConfig]
Outcome = Callable[[Path], dict[str, Any]]
Play = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def play(clips: dict[str, KeypointSequence], tmp_path: Path) -> Play:
    """Has ``killing.py`` train and kill a run; what became of it."""

    def started(config: TrainerConfig, run: Path, **more: Any) -> dict[str, Any]:
        points, job = tmp_path / "clips.npz", tmp_path / "job.json"
        np.savez(points, **{name: clip.points for name, clip in clips.items()})
        values = {"config": config.model_dump(mode="json"), "clips": str(points), "run": str(run)}
        job.write_text(json.dumps({**values, **more}))
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("killing.py")), str(job)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result | {"errors": done.stderr}

    return started


def nothing_is_left(run: Path) -> None:
    """No half-written, doubled or damaged file; every checkpoint is good."""
    left = [path for path in run.rglob("*") if path.suffix in (".partial", ".new", ".damaged")]
    assert left == []
    assert not (run / ".lock-holder").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = CheckpointStore(run / "checkpoints")
        assert store.newest() == run / "checkpoints" / "4-00000000"


def places(config: TrainerConfig, every: int) -> list[str]:
    """The names of all checkpoints that a run writes, in their order."""
    names = []
    for index, stage in enumerate(config.stages):
        assert stage.steps is not None
        names += [f"{index}-{step:08d}" for step in range(0, stage.steps, every)]
    return [*names, f"{len(config.stages)}-00000000"]


@pytest.mark.parametrize(("kills", "every"), [(10, 2), pytest.param(50, 1, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_as_if_it_never_was(
    kills: int, every: int, tiny: Config, play: Play, whole_run: Path, outcome: Outcome,
    tmp_path: Path,
) -> None:  # fmt: skip
    config, run = tiny({"checkpoints.every": every}), tmp_path / "run"
    found = play(config, run, seed=kills, kills=kills, places=places(config, every))
    assert found["code"] == 0, found["errors"]
    doing = [each for each, _ in found["kills"]]
    assert len(doing) == kills
    assert {*doing} == {"in a save", "outside"}, found
    assert {place[0] for _, place in found["kills"]} >= {"0", "1", "2", "3"}
    nothing_is_left(run)
    assert outcome(run) == outcome(whole_run)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")
@pytest.mark.parametrize(("kills", "steps"), [(3, 6), pytest.param(20, 12, marks=pytest.mark.slow)])
def test_when_one_of_two_processes_is_killed_the_run_ends_and_can_be_taken_up(
    kills: int, steps: int, tiny: Config, play: Play, outcome: Outcome, tmp_path: Path
) -> None:
    two = {"engine": {"accelerator": "cpu", "devices": 2, "strategy": "ddp_fork", "threads": 1}}
    longer = {f"stages.{stage.name}.steps": steps for stage in tiny().stages}
    config = tiny({"checkpoints.every": 1, **longer, **two})
    told = {"seed": kills, "places": places(config, 1), "ranks": 2}
    found = play(config, tmp_path / "run", kills=kills, **told)
    assert found["code"] == 0, found["errors"]
    assert len(found["kills"]) == kills
    for killed in found["kills"]:
        assert killed["code"] != 0
        assert killed["seconds"] < 60
    reached = [killed["place"] for killed in found["kills"]]
    assert reached == sorted(reached)
    nothing_is_left(tmp_path / "run")
    assert play(config, tmp_path / "whole", kills=0, **told)["code"] == 0
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")
