"""One optimiser's way through a stage: its rates, its gradients, and the steps it leaves out."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from posenet3d.training import OptimizerConfig, Trainer
from posenet3d.training.health import KeptStatistics
from posenet3d.training.optimization import Descent, Schedule
from posenet3d.training.stage_run import StageRun

STEPS = 12
SCHEDULES: list[dict[str, Any]] = [
    {"decay": 0.3},
    {"decay": 0.3, "warmup": 4},
    {"schedule": "constant"},
    {"schedule": "constant", "warmup": 3},
    {"schedule": "cosine", "decay": 0.1},
    {"schedule": "cosine", "decay": 0.0, "warmup": 5},
    {"schedule": "one_cycle", "decay": 0.01},
    {"schedule": "one_cycle", "decay": 0.0},
]
NAN, INFINITY = float("nan"), float("inf")


class WaitsForTheDevice(TorchDispatchMode):
    """Fails on every operation that would make the host wait for a device."""

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if operation.name().split("::")[1] in ("_local_scalar_dense", "nonzero", "is_nonzero"):
            raise AssertionError(f"{operation} waits for the device")
        return operation(*args, **(kwargs or {}))


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def batch(number: int) -> Tensor:
    return torch.randn(16, 3, generator=torch.Generator().manual_seed(number))


def descend(model: nn.Module, descent: Descent, number: int, factor: float = 1.0) -> None:
    descent.begin()
    descent.step(model(factor * batch(number)).square().mean(), number)


def everything(model: nn.Module, descent: Descent) -> dict[str, Tensor]:
    moments = {
        f"{name}.{key}": value
        for name, parameter in model.named_parameters()
        for key, value in descent.optimizer.state[parameter].items()
    }
    return {name: value.clone() for name, value in {**model.state_dict(), **moments}.items()}


def assert_bit_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def rates(config: OptimizerConfig, steps: int = STEPS) -> list[float]:
    schedule = Schedule(config, steps)
    return [schedule.rate(number) for number in range(steps)]


@given(
    lr=st.floats(1e-7, 1.0),
    decay=st.floats(0.001, 1.0),
    steps=st.integers(1, 400),
)
@settings(max_examples=30, deadline=None)
def test_by_default_the_rate_is_bit_for_bit_an_exponential_of_the_step(
    lr: float, decay: float, steps: int
) -> None:
    expected = [lr * decay ** (number / steps) for number in range(steps)]
    assert rates(OptimizerConfig(lr=lr, decay=decay), steps) == expected


def test_by_default_a_stage_is_bit_for_bit_plain_fused_adam() -> None:
    config = OptimizerConfig(lr=0.01, betas=(0.5, 0.9), decay=0.3)
    model, plain = network(), network()
    descent = Descent(model.parameters(), config, STEPS)
    adam = torch.optim.Adam(plain.parameters(), lr=0.01, betas=(0.5, 0.9), fused=True)
    for number in range(STEPS):
        descend(model, descent, number)
        adam.param_groups[0]["lr"] = 0.01 * 0.3 ** (number / STEPS)
        adam.zero_grad()
        plain(batch(number)).square().mean().backward()
        adam.step()
    assert_bit_equal(model.state_dict(), plain.state_dict())


@pytest.mark.parametrize("values", SCHEDULES, ids=str)
@pytest.mark.parametrize("stopped_at", [0, 1, 5, STEPS - 1])
def test_a_stage_goes_on_from_any_step_as_if_it_had_never_stopped(
    values: dict[str, Any], stopped_at: int
) -> None:
    config = OptimizerConfig(lr=0.01, clip=0.5, **values)
    whole, model = network(), network()
    through = Descent(whole.parameters(), config, STEPS)
    before = Descent(model.parameters(), config, STEPS)
    for number in range(STEPS):
        descend(whole, through, number)
    for number in range(stopped_at):
        descend(model, before, number)
    again = network()
    again.load_state_dict(model.state_dict())
    after = Descent(again.parameters(), config, STEPS)
    after.load_state_dict(before.state_dict())
    for number in range(stopped_at, STEPS):
        descend(again, after, number)
    assert_bit_equal(everything(again, after), everything(whole, through))


@pytest.mark.parametrize("values", SCHEDULES, ids=str)
def test_a_rate_depends_on_the_step_alone(values: dict[str, Any]) -> None:
    config = OptimizerConfig(lr=0.01, **values)
    schedule, expected = Schedule(config, STEPS), rates(config)
    for number in (7, 2, 2, 11, 0, 4):
        assert schedule.rate(number) == expected[number]
    assert max(expected) == pytest.approx(0.01, rel=0.15)


@pytest.mark.parametrize("values", [each for each in SCHEDULES if each.get("warmup")], ids=str)
def test_a_warmup_rises_linearly_and_the_schedule_takes_the_steps_that_are_left(
    values: dict[str, Any],
) -> None:
    config = OptimizerConfig(lr=0.01, **values)
    rise = config.warmup
    expected = [0.01 * (number + 1) / (rise + 1) for number in range(rise)]
    assert rates(config)[:rise] == pytest.approx(expected)
    alone = OptimizerConfig(lr=0.01, **{**values, "warmup": 0})
    assert rates(config)[rise:] == pytest.approx(rates(alone, STEPS - rise))


def test_a_warmup_longer_than_the_stage_is_a_rise_only() -> None:
    config = OptimizerConfig(lr=1.0, warmup=9)
    assert rates(config, 3) == pytest.approx([0.1, 0.2, 0.3])


def test_cosine_and_one_cycle_are_the_curves_of_those_names() -> None:
    cosine = rates(OptimizerConfig(lr=1.0, schedule="cosine", decay=0.2), 100)
    assert (cosine[0], cosine[50]) == (1.0, pytest.approx(0.6))
    assert cosine[99] == pytest.approx(0.2, abs=1e-3)
    cycle = rates(OptimizerConfig(lr=1.0, schedule="one_cycle", decay=0.2), 100)
    assert cycle[0] == pytest.approx(1 / 25)
    assert (cycle.index(max(cycle)), max(cycle)) == (29, pytest.approx(1.0))
    assert cycle[99] == pytest.approx(0.2)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("values", SCHEDULES, ids=str)
def test_every_schedule_stands_a_stage_of_a_few_steps(values: dict[str, Any], steps: int) -> None:
    assert all(0 <= rate <= 1.01 for rate in rates(OptimizerConfig(lr=1.0, **values), steps))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decay": 0.0}, "decay above 0 with the schedule 'exponential'"),
        ({"schedule": "constant", "decay": 0.5}, "decay 1 with the schedule 'constant', got 0.5"),
        ({"schedule": "cosine"}, "decay below 1 with the schedule 'cosine', got 1"),
        ({"schedule": "one_cycle"}, "decay below 1 with the schedule 'one_cycle', got 1"),
        ({"schedule": "one_cycle", "decay": 0.1, "warmup": 3}, "no warmup with 'one_cycle'"),
        ({"clip": 0.0}, "greater than 0"),
        ({"warmup": -1}, "greater than or equal to 0"),
    ],
)
def test_numbers_that_make_no_sense_together_are_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        OptimizerConfig(**values)


@pytest.mark.parametrize(("clip", "expected"), [(None, 5.0), (1.0, 1.0), (7.0, 5.0)])
def test_gradients_longer_than_the_limit_are_scaled_down_to_it(
    clip: float | None, expected: float
) -> None:
    weights = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    descent = Descent(weights, OptimizerConfig(clip=clip), STEPS)
    descent.step((3 * weights[0] + 4 * weights[1]).sum(), 0)
    assert descent.norm.item() == 5.0
    taken = torch.cat([each.grad for each in weights if each.grad is not None])
    torch.testing.assert_close(taken, expected * torch.tensor([0.6, 0.8]))


@pytest.mark.parametrize("kind", ["loss", "infinite loss", "gradient", "input"])
def test_a_step_that_is_not_finite_leaves_nothing_behind(kind: str) -> None:
    def spoil(model: nn.Module, descent: Descent) -> None:
        descent.begin()
        answer = model(batch(99) * (NAN if kind == "input" else 1.0))
        loss = answer.square().mean()
        if kind == "loss":
            loss = loss * NAN
        if kind == "infinite loss":
            loss = loss + INFINITY  # of which the gradients are finite

        def backward(loss: Tensor) -> None:
            loss.backward()  # type: ignore[no-untyped-call]
            if kind == "gradient":
                next(model.parameters()).grad[0, 0] = INFINITY  # type: ignore[index]

        descent.step(loss, 5, backward)

    def run(*, left_out: bool) -> dict[str, Tensor]:
        model = network()
        config = OptimizerConfig(lr=0.01, decay=0.1, clip=1.0)
        descent = Descent(model.parameters(), config, STEPS, KeptStatistics([model]))
        for number in range(5):
            descend(model, descent, number)
            assert not descent.left_out
        if left_out:
            before = everything(model, descent)
            spoil(model, descent)
            assert descent.left_out
            assert_bit_equal(everything(model, descent), before)
        for number in range(6, STEPS):
            descend(model, descent, number)
        return everything(model, descent)

    assert_bit_equal(run(left_out=True), run(left_out=False))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_loss_that_is_lost_on_one_rank_is_left_out_on_all(dtype: torch.dtype) -> None:
    """The ranks are two threads that share the mean of their gradients, and nothing else."""
    models = [network().to(dtype), network().to(dtype)]
    descents = [Descent(model.parameters(), OptimizerConfig(), STEPS) for model in models]
    meeting = Barrier(2)

    def rank(number: int) -> None:
        def backward(loss: Tensor) -> None:
            loss.backward()  # type: ignore[no-untyped-call]
            meeting.wait()
            means = [
                torch.stack([each.grad for each in pair if each.grad is not None]).mean(0)
                for pair in zip(*(model.parameters() for model in models), strict=True)
            ]
            meeting.wait()
            for parameter, mean in zip(models[number].parameters(), means, strict=True):
                parameter.grad = mean

        loss = models[number](batch(0).to(dtype)).square().mean()
        descents[number].step(loss + INFINITY if number == 1 else loss, 0, backward)

    with ThreadPoolExecutor(2) as ranks:
        list(ranks.map(rank, range(2)))
    assert [bool(descent.left_out) for descent in descents] == [True, True]
    for model in models:
        assert_bit_equal(
            dict(model.named_parameters()), dict(network().to(dtype).named_parameters())
        )


def test_no_step_waits_for_the_device() -> None:
    model = network()
    config = OptimizerConfig(clip=1.0)
    descent = Descent(model.parameters(), config, STEPS, KeptStatistics([model]))
    with WaitsForTheDevice():
        for number in range(3):
            descend(model, descent, number, NAN if number == 1 else 1.0)
    with WaitsForTheDevice(), pytest.raises(AssertionError, match="waits"):
        bool(descent.left_out)


def test_a_backward_pass_of_ones_own_is_used() -> None:
    weight = nn.Parameter(torch.tensor(2.0))
    descent = Descent([weight], OptimizerConfig(lr=0.5), STEPS)
    seen: list[float] = []

    def engine(loss: Tensor) -> None:
        seen.append(loss.item())
        loss.backward()  # type: ignore[no-untyped-call]

    descent.step(weight * 3, 0, engine)
    assert (seen, descent.norm.item(), weight.item()) == ([6.0], 3.0, 1.5)


@pytest.mark.parametrize(
    ("schedule", "stopped_at"), [(SCHEDULES[5], 4), (SCHEDULES[6], 5)], ids=str
)
def test_a_run_with_a_schedule_goes_on_after_a_stop_as_if_it_never_was(
    schedule: dict[str, Any],
    stopped_at: int,
    trainer: Callable[..., Trainer],
    outcome: Callable[[Path], dict[str, Any]],
    whole_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adam = {"lr": 1e-3, "clip": 0.1, **schedule, "warmup": schedule.get("warmup", 0) and 2}
    changes = {"stages.teacher.optimizer": adam, "stages.joint.discriminator_optimizer": adam}
    trainer(changes, run_dir=tmp_path / "whole").fit()
    stops, ordinary = [stopped_at, 18 + stopped_at], StageRun.step
    taken = 0

    def step(run: StageRun) -> None:
        nonlocal taken
        ordinary(run)
        taken += 1
        if taken in stops:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(StageRun, "step", step)
    for _ in stops:
        with pytest.raises(KeyboardInterrupt):
            trainer(changes, run_dir=tmp_path / "stopped").fit()
    trainer(changes, run_dir=tmp_path / "stopped").fit()
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")
    assert outcome(tmp_path / "whole") != outcome(whole_run)
