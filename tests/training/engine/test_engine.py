"""What a run runs on: checked before it begins, told in its folder, no part of its identity."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from posenet3d.data import WindowSet
from posenet3d.errors import ConfigurationError
from posenet3d.training import Trainer, TrainerConfig
from posenet3d.training.engine import Engine, EngineConfig, Share
from posenet3d.training.engine.device import matmul_precision
from posenet3d.training.placement import describe_windows, place_windows

MakeTrainer = Callable[..., Trainer]
SHORT = {f"stages.{name}.steps": 2 for name in ("teacher", "distillation", "sja", "joint")}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"engine.strategy": "fsdp"}, "million parameters, which every device holds"),
        ({"engine.accelerator": "cpu", "engine.step": "graph"}, "graphs need CUDA"),
        ({"engine.precision": "fp8"}, "engine.precision"),
        ({"engine.devices": 0}, "engine.devices"),
    ],
)
def test_what_makes_no_sense_is_told_with_the_reason(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        TrainerConfig.preset("quick").override(change)


@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp64"])
def test_every_precision_trains_and_leaves_torch_as_it_was(
    precision: str, trainer: MakeTrainer
) -> None:
    before = torch.get_default_dtype(), torch.get_float32_matmul_precision()
    made = trainer({**SHORT, "engine.precision": precision})
    report = made.fit()
    assert len(report.stages) == 4
    assert (torch.get_default_dtype(), torch.get_float32_matmul_precision()) == before
    kinds = {each.dtype for each in made.model.parameters()}
    assert kinds == {torch.float64 if precision == "fp64" else torch.float32}


def test_bf16_computes_other_numbers_than_fp32(trainer: MakeTrainer) -> None:
    ends = [
        trainer({**SHORT, "engine.precision": precision}).fit().stages[0].end["bone_length"]
        for precision in ("fp32", "bf16")
    ]
    assert ends[0] != ends[1]
    assert ends[0] == pytest.approx(ends[1], rel=0.1)


def test_a_run_may_go_on_on_another_engine(trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer(SHORT, run_dir=tmp_path).fit()
    again = trainer({**SHORT, "engine.precision": "bf16"}, run_dir=tmp_path)
    assert len(again.fit(resume="must").stages) == 4
    told = json.loads((tmp_path / "environment.json").read_text())
    assert told["engine"]["precision"] == "bf16"
    assert told["data"] == "2D set: 30 windows, 0.0 MB on cpu"


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_as_asked_for_and_come_back(threads: int, trainer: MakeTrainer) -> None:
    before, seen = torch.get_num_threads(), []
    made = trainer({**SHORT, "engine.threads": threads})
    made.fit(lambda record: seen.append(torch.get_num_threads()))
    assert set(seen) == {threads}
    assert torch.get_num_threads() == before


def test_matmul_precision_comes_back_after_an_error() -> None:
    before = torch.get_float32_matmul_precision()
    with suppress(ZeroDivisionError), matmul_precision(True):
        assert torch.get_float32_matmul_precision() == "high"
        raise ZeroDivisionError
    assert torch.get_float32_matmul_precision() == before


def test_the_shares_of_all_processes_are_the_whole() -> None:
    whole = torch.arange(12).reshape(6, 2)
    parts = [Share(rank, 3).rows(whole) for rank in range(3)]
    assert torch.equal(torch.stack(parts, 1).flatten(0, 1), whole)


def windows() -> WindowSet:
    return WindowSet({"walk": np.random.default_rng(0).normal(size=(40, 14, 2))})


@pytest.mark.parametrize("data", ["auto", "device", "pinned"])
def test_on_the_cpu_it_is_all_one_where_the_set_lies(data: str) -> None:
    engine = Engine(EngineConfig.model_validate({"data": data, "accelerator": "cpu"}))
    placed = place_windows(windows(), engine)
    assert placed.points.device == placed.device == torch.device("cpu")
    one, other = (each.sample(0, "teacher", 3, 8) for each in (placed, windows()))
    assert torch.equal(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("data", ["device", "pinned"])
def test_on_cuda_pinned_and_resident_sets_give_the_same_windows(data: str) -> None:
    engine = Engine(EngineConfig.model_validate({"data": data, "accelerator": "cuda"}))
    placed = place_windows(windows(), engine)
    assert placed.points.is_cuda == (data == "device")
    drawn: Tensor = placed.sample(0, "teacher", 3, 8)
    assert drawn.is_cuda
    assert torch.equal(drawn.cpu(), windows().sample(0, "teacher", 3, 8))
    assert "pinned" in describe_windows(placed) or data == "device"


def test_torchrun_with_another_number_of_processes_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "TORCHELASTIC_RUN_ID": "1", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="expected 4 and 2, as torchrun started"):
        Engine(EngineConfig(accelerator="cpu", devices=2))


def test_slurms_tasks_are_taken_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    from posenet3d.training.engine.environment import processes_started

    for name, value in {"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_NNODES": "2"}.items():
        monkeypatch.setenv(name, value)
    assert processes_started(EngineConfig(devices="auto"), "cpu") == (4, 2)
    with pytest.raises(ConfigurationError, match="as Slurm started"):
        processes_started(EngineConfig(devices=1), "cpu")
