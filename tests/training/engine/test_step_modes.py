"""A step makes the host wait for nothing, and computes the same eagerly and compiled."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from posenet3d.errors import ConfigurationError
from posenet3d.training import Trainer
from posenet3d.training.adversary import discriminator_loss
from posenet3d.training.config import AdversarialConfig
from posenet3d.training.engine import Engine, EngineConfig
from posenet3d.training.halves import DiscriminatorHalf
from posenet3d.training.stage_run import StageRun
from posenet3d.training.step import only_training

MakeTrainer = Callable[..., Trainer]
STAGES = ("teacher", "distillation", "sja", "joint")
WAITS = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal.default", "masked_select")


class NoWaiting(TorchDispatchMode):
    """Refuses what would make the host wait for a device."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if any(name in str(func) for name in WAITS):
            raise RuntimeError(f"{func} waits for the device")
        return func(*args, **(kwargs or {}))


def run_of(made: Trainer, stage: int) -> StageRun:
    config = made.config.stages[stage]
    made.model.metres_per_unit.fill_(0.5)
    return StageRun(
        made.model, made.config, config, made._objectives[stage], made.windows, made.engine
    )


@pytest.mark.parametrize("stage", range(4), ids=STAGES)
def test_nothing_waits_for_the_device_in_a_step(stage: int, trainer: MakeTrainer) -> None:
    made = trainer({"mirror_guard.first_check": 100, "mirror_guard.every": 100})
    with only_training(made.model, made.config.stages[stage]):
        run = run_of(made, stage)
        run.step()
        with NoWaiting():
            run.step()
            run.step()
        with pytest.raises(RuntimeError, match="waits for the device"), NoWaiting():
            run.record()


@pytest.mark.parametrize(
    "names",
    [
        ("teacher", "joint", "denoising"),
        pytest.param(("distillation", "sja"), marks=pytest.mark.slow),  # joint has their losses
    ],
)
def test_the_losses_of_each_stage_are_one_graph(names: tuple[str, ...]) -> None:
    """In a process of its own: no compiler follows the checks of shapes that a test run adds."""
    program = Path(__file__).with_name("one_graph.py")
    done = subprocess.run([sys.executable, program, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{name}: one graph" for name in names]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("stage", range(4), ids=STAGES)
def test_cuda_is_not_waited_for_in_a_step(stage: int, trainer: MakeTrainer) -> None:
    made = trainer({"mirror_guard.first_check": 100}, device="cuda")
    made.model.to("cuda")
    made.windows = made.windows.placed("cuda")
    with only_training(made.model, made.config.stages[stage]):
        run = run_of(made, stage)
        run.step()
        torch.cuda.set_sync_debug_mode("error")
        try:
            run.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_graphs_are_for_cuda() -> None:
    with pytest.raises(ConfigurationError, match="graphs need CUDA"):
        Engine(EngineConfig(step="graph"), device="cpu")


def test_a_gradient_penalty_stays_eager() -> None:
    def never(function: Callable[..., object]) -> Callable[..., object]:
        raise AssertionError("compiled")

    config = AdversarialConfig(form="wasserstein", gradient_penalty=10.0)
    DiscriminatorHalf(torch.nn.Identity(), config, never)
    with pytest.raises(AssertionError, match="compiled"):
        DiscriminatorHalf(torch.nn.Identity(), AdversarialConfig(), never)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """No run-time checks of shapes, which no compiler follows."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


class Judge(torch.nn.Module):
    """A discriminator small enough to be compiled in a test."""

    def __init__(self) -> None:
        super().__init__()
        self.logit = torch.nn.Linear(9 * 14 * 2, 1)

    def forward(self, windows: Tensor) -> Tensor:
        logits: Tensor = self.logit(windows.flatten(1))
        return logits[:, 0]


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
@pytest.mark.filterwarnings("ignore")  # of torch itself, while it compiles
def test_the_discriminators_half_is_the_same_compiled() -> None:
    judge, config = Judge(), AdversarialConfig()
    half = DiscriminatorHalf(judge, config, Engine(EngineConfig(step="compiled")).compiler)
    real, fake = torch.randn(4, 9, 14, 2), torch.randn(4, 9, 14, 2)
    loss, values = half(real, fake)
    expected, told = discriminator_loss(judge, config, real, fake)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(values, told)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 2], ids=["teacher", "sja"])
def test_a_step_is_the_same_compiled(stage: int) -> None:
    """In a process of its own, as above."""
    program = Path(__file__).with_name("compiled_step.py")
    command = [sys.executable, program, str(stage)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "the same"), done.stderr
