"""The game: when the discriminator learns, and what happens when it wins or a loss is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from posenet3d import losses
from posenet3d.errors import GameCollapsedError, TrainingError
from posenet3d.networks import PoseNet3D, load_model
from posenet3d.training import AdversarialConfig, Forward, Record, RunFolder, Trainer
from posenet3d.training.adversary import FORMS, Adversary, discriminator_loss
from posenet3d.training.stage_run import StageRun
from posenet3d.training.step import StageRunner

MakeTrainer = Callable[..., Trainer]
CPU = torch.device("cpu")


class Sure(nn.Module):
    """A discriminator that is always right, by the sign of the first number."""

    def forward(self, windows: Tensor) -> Tensor:
        return 50.0 * windows[:, 0, 0, 0]


def windows_of(value: float, count: int = 4) -> Tensor:
    return torch.full((count, 9, 14, 2), value)


def test_the_discriminator_learns_at_every_kth_step(
    trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trainer({"adversarial.every": 3})
    learnt, ordinary = [], StageRunner.step

    def step(runner: StageRunner, batch: Tensor, number: int, *rest: Any) -> dict[str, Tensor]:
        before = [each.clone() for each in made.model.discriminator.parameters()]
        values = ordinary(runner, batch, number, *rest)
        pairs = zip(before, made.model.discriminator.parameters(), strict=True)
        if any(not torch.equal(one, other) for one, other in pairs):
            learnt.append((runner.stage.name, number))
        assert ("discriminator_loss" in values) == ((runner.stage.name, number) in learnt)
        return values

    monkeypatch.setattr(StageRunner, "step", step)
    made.fit()
    assert learnt == [("teacher", 0), ("teacher", 3), ("joint", 0), ("joint", 3)]


def test_a_discriminator_that_is_too_sure_rests_until_it_doubts_again() -> None:
    adversary = Adversary(AdversarialConfig(max_accuracy=0.9), CPU)
    assert not adversary.rests
    taken = torch.tensor(False)
    while not adversary.rests:
        right = discriminator_loss(Sure(), adversary.config, windows_of(1.0), windows_of(-1.0))[1]
        adversary.watch(right, taken)
    assert 0.9 < adversary.accuracy < 0.92
    with torch.no_grad():
        for _ in range(20):
            wrong = discriminator_loss(Sure(), adversary.config, windows_of(-1.0), windows_of(1.0))
            adversary.watch(wrong[1], taken)
    assert not adversary.rests


def test_a_resting_discriminator_is_watched_but_does_not_learn(
    model: PoseNet3D, batch: Tensor, trainer: MakeTrainer
) -> None:
    made = trainer({"adversarial.max_accuracy": 0.6, "adversarial.every": 1})
    runner = StageRun(
        made.model,
        made.config,
        made.config.stages[0],
        made._objectives[0],
        made.windows,
        made.engine,
    ).runner
    runner.adversary.accuracy = torch.tensor(0.95)
    before = [each.clone() for each in made.model.discriminator.parameters()]
    values = runner.step(batch, 0)
    assert "accuracy_fake" in values
    assert float(runner.adversary.accuracy) != pytest.approx(0.95)
    after = made.model.discriminator.parameters()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_without_a_limit_it_never_rests() -> None:
    adversary = Adversary(AdversarialConfig(), CPU)
    adversary.accuracy = torch.tensor(1.0)
    assert not adversary.rests


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_the_pair_of_pure_functions(form: str, model: PoseNet3D) -> None:
    pure = getattr(losses, f"{form}_discriminator_loss")
    real, fake = torch.randn(4, 9, 14, 2), torch.randn(8, 9, 14, 2)
    config = AdversarialConfig(form=form)
    loss, values = discriminator_loss(model.discriminator, config, real, fake)
    expected = pure(model.discriminator(real), model.discriminator(fake))
    torch.testing.assert_close(loss, expected)
    assert ("accuracy_real" in values) == (form != "wasserstein")


def test_the_gradient_penalty_sees_the_fakes_of_every_branch(model: PoseNet3D) -> None:
    config = AdversarialConfig(form="wasserstein", gradient_penalty=10.0)
    real, fake = torch.randn(4, 9, 14, 2), torch.randn(8, 9, 14, 2)
    torch.manual_seed(0)
    loss, values = discriminator_loss(model.discriminator, config, real, fake)
    torch.manual_seed(0)
    penalty = losses.gradient_penalty(model.discriminator, torch.cat([real, real]), fake)
    torch.testing.assert_close(values["gradient_penalty"], penalty.detach())
    torch.testing.assert_close(loss, values["discriminator_loss"] + 10 * penalty)


def test_a_run_with_wgan_gp_works(trainer: MakeTrainer) -> None:
    made = trainer({"adversarial": {"form": "wasserstein", "gradient_penalty": 10.0}})
    records: list[Record] = []
    report = made.fit(records.append)
    assert report.stages[0].end["gradient_penalty"] >= 0
    assert "accuracy_real" not in report.stages[0].end
    assert len(report.stages) == 4


def test_the_game_collapses_after_enough_certain_steps_on_end() -> None:
    adversary = Adversary(AdversarialConfig(collapse_steps=100), CPU)
    adversary.accuracy = torch.tensor(0.999)
    adversary.check("teacher", 60, 60)
    adversary.accuracy = torch.tensor(0.9)
    adversary.check("teacher", 120, 60)
    adversary.accuracy = torch.tensor(0.999)
    adversary.check("teacher", 180, 60)
    with pytest.raises(GameCollapsedError, match=r"accuracy of 0\.999 for 120 steps") as caught:
        adversary.check("teacher", 240, 60)
    assert (caught.value.stage, caught.value.step) == ("teacher", 240)


@pytest.mark.parametrize("step", [4, 6])
def test_a_collapsed_game_is_saved_and_stays_collapsed(
    step: int, trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posenet3d.training.adversary.ACCURACY_MOMENTUM", 0.0)
    monkeypatch.setattr(
        losses,
        "discriminator_accuracy",
        lambda *_, **__: losses.DiscriminatorAccuracy(torch.ones(()), torch.ones(())),
    )
    changes = {"adversarial.collapse_steps": step}
    with pytest.raises(GameCollapsedError) as caught:
        trainer(changes, run_dir=tmp_path).fit()
    assert (caught.value.stage, caught.value.step) == ("teacher", step)
    newest = RunFolder(tmp_path, read_only=True).newest()
    assert newest is not None
    assert newest.name == f"0-{step:08}"
    with pytest.raises(GameCollapsedError, match="new run folder"):
        trainer(changes, run_dir=tmp_path).fit()


@pytest.mark.parametrize("lost_at", [2, 4])
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_state(
    lost_at: int, trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost at the third step, just before a state is due, or at the fifth, after it."""
    made = trainer(run_dir=tmp_path)
    ordinary, taken = made._objectives[0]["bone_length"], 0

    def lose(forward: Forward) -> Tensor:
        nonlocal taken
        taken += 1
        return ordinary(forward) * (float("nan") if taken > lost_at else 1.0)

    made._objectives[0]["bone_length"] = lose
    with pytest.raises(TrainingError, match=r"expected finite losses and gradients, got NaN"):
        made.fit()
    newest = RunFolder(tmp_path, read_only=True).newest()
    assert newest is not None
    assert newest.name == ("0-00000000" if lost_at == 2 else "0-00000003")
    weights = [
        each for each in load_model(newest).state_dict().values() if each.is_floating_point()
    ]
    assert all(bool(value.isfinite().all()) for value in weights)
