"""A run that was stopped and taken up again ends like one that never was."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.errors import RunFolderError
from posenet3d.keypoints import KeypointSequence
from posenet3d.training import Record, RunFolder, Trainer, TrainerConfig
from posenet3d.training.stage_run import StageRun

MakeTrainer = Callable[..., Trainer]
SHORT = {f"stages.{name}.steps": 1 for name in ("teacher", "distillation", "sja", "joint")}
Outcome = Callable[[Path], dict[str, Any]]

CHILD = """
import json, sys, time
import numpy as np
from posenet3d.keypoints import KeypointSequence
from posenet3d.training import Trainer, TrainerConfig
config, clips, run = sys.argv[1:]
data = {
    name: KeypointSequence(points, layout="lsp_14", fps=30.0, unit="normalized")
    for name, points in np.load(clips).items()
}
def tell(record):
    print(record.stage, record.step, flush=True)
    time.sleep(0.05)
config = TrainerConfig.parse(json.loads(config))
Trainer(config, train_data=data, run_dir=run, device="cpu", progress=False).fit(tell)
"""


class InterruptedAt:
    """Raises SIGINT in the middle of some steps, counted over all stages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: int) -> None:
        self.taken, ordinary = 0, StageRun.step

        def step(run: StageRun) -> None:
            self.taken += 1
            if self.taken in steps:
                signal.raise_signal(signal.SIGINT)
            ordinary(run)

        monkeypatch.setattr(StageRun, "step", step)


def run_to_the_end(make: Callable[[], Trainer]) -> int:
    """Take the run up again until it ends; how often it was stopped."""
    for stops in range(10):
        try:
            make().fit()
        except KeyboardInterrupt:
            continue
        return stops
    raise RuntimeError("the run never ends")


@pytest.mark.parametrize("step", [1, 5, 6, 15, 20])
def test_a_run_stopped_at_a_step_ends_as_if_it_never_was(
    step: int,
    trainer: MakeTrainer,
    whole_run: Path,
    outcome: Outcome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupted = InterruptedAt(monkeypatch, step)
    with pytest.raises(KeyboardInterrupt):
        trainer(run_dir=tmp_path).fit()
    assert interrupted.taken == step
    trainer(run_dir=tmp_path).fit()
    assert interrupted.taken == 24
    assert outcome(tmp_path) == outcome(whole_run)


@settings(max_examples=2)
@given(steps=st.sets(st.integers(1, 23), min_size=2, max_size=5))
def test_a_run_stopped_many_times_ends_as_if_it_never_was(
    steps: set[int],
    tiny: Callable[..., TrainerConfig],
    clips: dict[str, KeypointSequence],
    whole_run: Path,
    outcome: Outcome,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("stopped")

    def make() -> Trainer:
        return Trainer(tiny(), train_data=clips, run_dir=folder, device="cpu", progress=False)

    with pytest.MonkeyPatch.context() as patch:
        InterruptedAt(patch, *steps)
        assert run_to_the_end(make) == len(steps)
    assert outcome(folder) == outcome(whole_run)


def test_an_interrupt_inside_a_callback_saves_that_very_step(
    trainer: MakeTrainer, whole_run: Path, outcome: Outcome, tmp_path: Path
) -> None:
    def stop(record: Record) -> None:
        if (record.stage, record.step) == ("sja", 4):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trainer(run_dir=tmp_path).fit(stop)
    newest = RunFolder(tmp_path, read_only=True).newest()
    assert newest is not None
    assert newest.name == "2-00000004"
    trainer(run_dir=tmp_path).fit()
    assert outcome(tmp_path) == outcome(whole_run)


def test_an_error_in_a_callback_goes_on_from_the_last_saved_state(
    trainer: MakeTrainer, whole_run: Path, outcome: Outcome, tmp_path: Path
) -> None:
    def fail(record: Record) -> None:
        if (record.stage, record.step) == ("joint", 4):
            raise ZeroDivisionError

    made = trainer(run_dir=tmp_path)
    with pytest.raises(ZeroDivisionError):
        made.fit(fail)
    made.fit()
    assert outcome(tmp_path) == outcome(whole_run)


def test_a_trainer_without_a_folder_goes_on_too(
    trainer: MakeTrainer, whole_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posenet3d.networks import load_model

    InterruptedAt(monkeypatch, 8)
    made = trainer()
    with pytest.raises(KeyboardInterrupt):
        made.fit()
    made.fit()
    expected = load_model(whole_run).state_dict()
    assert all(torch.equal(made.model.state_dict()[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        # test_kills.py kills ten lives of a run
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_a_process_that_is_stopped_or_killed_can_be_taken_up(
    number: signal.Signals,
    tiny: Callable[..., TrainerConfig],
    clips: dict[str, KeypointSequence],
    trainer: MakeTrainer,
    whole_run: Path,
    outcome: Outcome,
    tmp_path: Path,
) -> None:
    run, points = tmp_path / "run", tmp_path / "clips.npz"
    np.savez(points, **{name: clip.points for name, clip in clips.items()})
    config = json.dumps(tiny().model_dump(mode="json"))
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, config, str(points), str(run)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.split() == ["sja", "4"]:
                child.send_signal(number)
                break
        _, errors = child.communicate(timeout=60)
    assert child.returncode != 0, errors
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
    assert not (run / "report.json").exists()
    trainer(run_dir=run).fit()
    assert outcome(run) == outcome(whole_run)


def test_a_finished_run_is_reported_at_once(
    trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trainer(run_dir=tmp_path)
    report = made.fit()
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    taken = InterruptedAt(monkeypatch)
    assert made.fit() == report
    again = trainer(run_dir=tmp_path)
    assert again.fit() == report
    assert taken.taken == 0
    assert all(torch.equal(one, other) for one, other in zip(
        made.model.state_dict().values(), again.model.state_dict().values(), strict=True
    ))  # fmt: skip
    assert files == {path: path.read_bytes() for path in files}


def test_a_second_interrupt_ends_a_step_at_once(
    trainer: MakeTrainer, tmp_path: Path, whole_run: Path, outcome: Outcome
) -> None:
    def stop(record: Record) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    made = trainer(run_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        made.fit(stop)
    newest = RunFolder(tmp_path, read_only=True).newest()
    assert newest is not None
    assert newest.name == "0-00000003"
    made.fit()
    assert outcome(tmp_path) == outcome(whole_run)


def test_a_run_that_must_go_on_needs_a_saved_state(trainer: MakeTrainer, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="expected a saved state to go on from, got none"):
        trainer(run_dir=tmp_path).fit(resume="must")
    trainer(run_dir=tmp_path).fit()
    assert len(trainer(run_dir=tmp_path).fit(resume="must").stages) == 4


def test_a_run_that_must_be_new_refuses_a_saved_state(trainer: MakeTrainer) -> None:
    made = trainer(SHORT)
    made.fit(resume="never")
    with pytest.raises(RunFolderError, match="expected no saved state, got one"):
        made.fit(resume="never")
