"""Denoising: the game is played with exact 2D, beside it noisy windows should give the same."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from posenet3d.errors import ConfigurationError
from posenet3d.networks import PoseNet3D
from posenet3d.training import Trainer, TrainerConfig
from posenet3d.training.forward import Forward, ForwardSettings
from posenet3d.training.objectives import denoising, knowledge_distillation, student_denoising

MakeTrainer = Callable[..., Trainer]
Config = Callable[..., TrainerConfig]

BESIDE = {
    "network.missing_joints": True,
    "detector_noise": "openpose",
    "noise_in": "denoising",
    "stages.teacher.losses.denoising": 1.0,
    "stages.distillation.losses.student_denoising": 1.0,
}


@pytest.fixture
def model(tiny: Config) -> PoseNet3D:
    torch.manual_seed(0)
    model = PoseNet3D(tiny(BESIDE).network).eval()
    model.measure_scale(model.teacher_skeleton(batch()[:, :-1]))
    return model


def batch() -> torch.Tensor:
    return 0.05 * torch.randn(3, 10, 14, 2, generator=torch.Generator().manual_seed(1))


def forward(model: PoseNet3D, config: TrainerConfig, noisy: torch.Tensor | None) -> Forward:
    settings = ForwardSettings.of(config, config.stages[1])
    return Forward(model, batch(), settings, noisy=noisy)


def test_windows_without_errors_cost_nothing(model: PoseNet3D, tiny: Config) -> None:
    same = forward(model, tiny(), batch())
    assert denoising(same).item() == 0
    torch.testing.assert_close(student_denoising(same), knowledge_distillation(same))


def test_errors_cost(model: PoseNet3D, tiny: Config) -> None:
    off = forward(model, tiny(), batch() + 0.01)
    assert denoising(off).item() > 0


def test_the_skeletons_of_exact_windows_are_not_drawn_to_the_others(
    model: PoseNet3D, tiny: Config
) -> None:
    noisy = batch()
    noisy[:, :, 3] = float("nan")
    both = forward(model, tiny(), noisy)
    for objective in (denoising, student_denoising):
        assert not torch.autograd.grad(
            objective(both), both.teacher_joints, retain_graph=True, allow_unused=True
        )[0]


def test_a_run_without_errors_to_undo_says_what_to_set(model: PoseNet3D, tiny: Config) -> None:
    with pytest.raises(ConfigurationError, match="noise_in"):
        denoising(forward(model, tiny(), None))


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        ({"noise_in": "input"}, "noise_in"),
        ({"detector_noise": None}, "detector_noise"),
    ],
)
def test_a_stage_that_denoises_needs_noise_beside_the_input(
    without: dict[str, Any], expected: str, tiny: Config
) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        tiny({**BESIDE, **without})


def test_noise_for_denoising_needs_a_stage_that_denoises(tiny: Config) -> None:
    with pytest.raises(ConfigurationError, match="denoising"):
        tiny({"network.missing_joints": True, "detector_noise": "gentle", "noise_in": "denoising"})


def test_the_game_sees_exact_windows_and_denoising_sees_noisy_ones(trainer: MakeTrainer) -> None:
    exact = trainer({"network.missing_joints": True}).fit().stages[0].start
    beside = trainer(BESIDE).fit()
    assert {"denoising", *exact} == set(beside.stages[0].start)
    assert beside.stages[0].start["denoising"] > 0
    assert beside.stages[1].end["student_denoising"] > 0
    assert "student_denoising" not in beside.stages[2].end


def test_a_student_learns_from_noisy_windows_in_its_own_stage(trainer: MakeTrainer) -> None:
    one, other = (
        trainer({**BESIDE, "stages.distillation.losses.student_denoising": weight})
        for weight in (1.0, 3.0)
    )
    one.fit(), other.fit()
    parameters = zip(one.model.student.parameters(), other.model.student.parameters(), strict=True)
    assert any(not torch.equal(first, second) for first, second in parameters)
