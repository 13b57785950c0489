"""A run is a function of its configuration and data, and leaves the process as it found it."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from posenet3d.errors import PoseNet3DError
from posenet3d.training import Record, Trainer
from posenet3d.training.engine.device import choose_device, denormals_are_flushed, flushed_denormals
from posenet3d.training.interrupts import deferred_interrupts
from posenet3d.training.step import step_seed

MakeTrainer = Callable[..., Trainer]


SHORT = {f"stages.{name}.steps": 2 for name in ("teacher", "distillation", "sja", "joint")}


def weights(made: Trainer) -> dict[str, Tensor]:
    made.fit()
    return made.model.state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_seed_gives_the_same_weights_whatever_torchs_generator(
    trainer: MakeTrainer,
) -> None:
    torch.manual_seed(1)
    first = weights(trainer(SHORT))
    torch.manual_seed(2)
    second = weights(trainer(SHORT))
    assert same(first, second)


def test_another_seed_gives_other_weights(trainer: MakeTrainer) -> None:
    first, second = weights(trainer(SHORT)), weights(trainer({"seed": 1}))
    differing = {name for name in first if not torch.equal(first[name], second[name])}
    assert {"backbone", "teacher", "student", "discriminator", "views"} <= {
        name.split(".")[0] for name in differing
    }


def test_random_numbers_drawn_in_a_callback_change_nothing(trainer: MakeTrainer) -> None:
    made = trainer(SHORT)
    made.fit(lambda record: torch.rand(3))
    assert same(made.model.state_dict(), weights(trainer(SHORT)))


def test_input_noise_changes_the_run(trainer: MakeTrainer) -> None:
    assert not same(weights(trainer({**SHORT, "input_noise": 0.0})), weights(trainer(SHORT)))


def test_steps_have_seeds_of_their_own() -> None:
    seeds = {step_seed(seed, stage, step) for seed in (0, 1) for stage in "ab" for step in (0, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


def surroundings(made: Trainer) -> list[Any]:
    return [
        torch.get_rng_state().tolist(),
        denormals_are_flushed(),
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
        [parameter.requires_grad for parameter in made.model.parameters()],
        torch.is_grad_enabled(),
        made.model.training,
    ]


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_fit_leaves_the_process_as_it_found_it(
    fails: bool, flushed: bool, trainer: MakeTrainer
) -> None:
    made = trainer(SHORT)
    made.model.student.parameters_layer.bias.requires_grad_(False)

    def fail(record: Record) -> None:
        if fails and record.stage == "sja":
            raise ZeroDivisionError

    kept = None
    torch.set_flush_denormal(flushed)
    try:
        before = surroundings(made)
        try:
            made.fit(fail)
        except ZeroDivisionError as error:
            kept = error  # its traceback keeps the frames alive
        assert (kept is not None) == fails
        assert surroundings(made) == before
    finally:
        torch.set_flush_denormal(False)


def test_records_that_are_abandoned_leave_no_trace(trainer: MakeTrainer) -> None:
    made = trainer()
    before = surroundings(made)
    records = made.records()
    next(records)
    assert denormals_are_flushed()
    records.close()
    assert surroundings(made) == before


def test_training_works_in_another_thread(trainer: MakeTrainer) -> None:
    reports = []
    thread = threading.Thread(target=lambda: reports.append(trainer(SHORT).fit()))
    thread.start()
    thread.join()
    assert len(reports[0].stages) == 4


def test_a_second_interrupt_is_raised_and_the_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupts() as interrupt:
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_denormals_are_numbers_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), flushed_denormals():
        raise ZeroDivisionError
    assert not denormals_are_flushed()


@pytest.mark.parametrize("name", ["cdua", "cuda:99", "meta"])
def test_a_device_that_is_not_here_is_told(name: str) -> None:
    with pytest.raises(PoseNet3DError, match=f"got '{name}'"):
        choose_device(name)


def test_auto_is_a_device_of_this_machine() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_run_on_cuda_goes_on_on_cuda(trainer: MakeTrainer, tmp_path: Any) -> None:
    state = torch.cuda.get_rng_state()
    made = trainer(device="cuda", run_dir=tmp_path)

    def stop(record: Record) -> None:
        if record.stage == "distillation":
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        made.fit(stop)
    report = trainer(device="cuda", run_dir=tmp_path).fit()
    assert len(report.stages) == 4
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert made.windows.points.is_cuda
    assert next(made.model.parameters()).is_cuda
    on_cpu = trainer().fit()
    first, second = report.stages[0].start, on_cpu.stages[0].start
    assert first["bone_length"] == pytest.approx(second["bone_length"], rel=0.5)
