"""The guard against the depth mirror turns a mirrored teacher round."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from posenet3d.networks import PoseNet3D
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.training import MirrorGuardConfig, Trainer
from posenet3d.training.mirror_guard import MirrorGuard
from posenet3d.training.stage_run import StageRun

MakeTrainer = Callable[..., Trainer]
CPU = torch.device("cpu")


def offsets(model: PoseNet3D, batch: Tensor) -> Tensor:
    with torch.no_grad():
        return model.eval().teacher_skeleton(batch[:, :-1])[..., 2] - model.config.distance


def first_stage(made: Trainer) -> StageRun:
    return StageRun(
        made.model,
        made.config,
        made.config.stages[0],
        made._objectives[0],
        made.windows,
        made.engine,
    )


def test_turning_negates_offsets_moments_and_a_learnt_pitch(
    trainer: MakeTrainer, batch: Tensor
) -> None:
    made = trainer({"network.views": {"name": "learned", "options": {"initial_degrees": 9}}})
    runner = first_stage(made).runner
    for number in (2, 4, 5):  # steps without a decision of the guard
        runner.guard.evidence = torch.tensor(1.0)
        runner.step(batch, number)
    model, before = made.model, offsets(made.model, batch)
    turned = [*model.teacher.mirrored_parameters(), model.views.scaled_pitch]
    moments = [runner.descent.optimizer.state[each]["exp_avg"].clone() for each in turned]
    squares = [runner.descent.optimizer.state[each]["exp_avg_sq"].clone() for each in turned]
    pitch = float(model.views.pitch)
    runner.guard.evidence = torch.tensor(-0.25)
    runner.guard.turn(turned, runner.descent.optimizer)
    torch.testing.assert_close(offsets(model, batch), -before, atol=1e-5, rtol=0)
    assert before.abs().max() > 1e-4
    assert float(model.views.pitch) == -pitch != 0
    for each, moment, square in zip(turned, moments, squares, strict=True):
        assert torch.equal(runner.descent.optimizer.state[each]["exp_avg"], -moment)
        assert torch.equal(runner.descent.optimizer.state[each]["exp_avg_sq"], square)
    assert moments[0].any()
    assert (float(runner.guard.evidence), runner.guard.turned) == (0.25, 1)


@pytest.mark.parametrize(
    ("views", "trained", "expected"),
    [
        ({"name": "gravity", "options": {"pitch_degrees": 12.0}}, True, 12.0),
        ({"name": "learned", "options": {"initial_degrees": 12.0, "gain": 1e-9}}, True, -12.0),
        ({"name": "learned", "options": {"initial_degrees": 12.0}}, False, 12.0),
    ],
)
def test_a_mirrored_teacher_is_turned_by_the_step_and_a_given_pitch_is_not(
    views: dict[str, object], trained: bool, expected: float, trainer: MakeTrainer, batch: Tensor
) -> None:
    parts = ["backbone", "teacher", *(["views"] if trained else [])]
    made = trainer({"network.views": views, "stages.teacher.train": parts})
    runner = first_stage(made).runner
    runner.guard.evidence = torch.tensor(-1.0)
    runner.step(batch, 1)
    assert runner.guard.turned == 1
    assert torch.rad2deg(made.model.views.pitch).item() == pytest.approx(expected, abs=1e-3)


def test_a_teacher_mirrored_on_purpose_is_turned_round_in_training(
    trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The anatomy is replaced by a lifter's own answer: which sign its bias has."""
    made = trainer({"stages.teacher.optimizer.lr": 1e-6})
    model = made.model
    nn.init.constant_(model.teacher.offsets.bias, 0.5)
    nn.init.zeros_(model.teacher.offsets.weight)
    monkeypatch.setattr(
        "posenet3d.training.halves.mirror_evidence",
        lambda joints: 10.0 - joints[..., 2].mean(-1),
    )
    report = made.fit()
    assert report.mirror_turns == 1
    assert report.mirror_evidence > 0
    assert (model.teacher.offsets.bias < 0).all()


def test_a_guard_that_is_off_only_reports(
    trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "posenet3d.training.halves.mirror_evidence",
        lambda joints: -torch.ones(joints.shape[:-2]),
    )
    made = trainer({"mirror_guard.enabled": False})
    report = made.fit()
    assert report.mirror_turns == 0
    assert report.mirror_evidence == pytest.approx(0.95**6 - 1)
    assert report.stages[0].end["mirror_evidence"] == report.mirror_evidence
    assert "mirror_evidence" not in report.stages[3].end


def test_it_decides_at_its_own_steps_only() -> None:
    guard = MirrorGuard(MirrorGuardConfig(first_check=60, every=100), CPU)
    guard.evidence = torch.tensor(-1.0)
    assert [step for step in range(1, 401) if guard.objects(step)] == [60, 100, 200, 300, 400]
    guard.evidence = torch.tensor(1.0)
    assert not any(guard.objects(step) for step in range(1, 401))


def test_evidence_is_a_running_mean_over_batches(batch: Tensor) -> None:
    from posenet3d.skeletons.anatomy import mirror_evidence

    guard = MirrorGuard(MirrorGuardConfig(momentum=0.5), CPU)
    depth = torch.randn(4, 9, 14, 1, generator=torch.Generator().manual_seed(3)) / 10
    joints = centre_on_hips(torch.cat([10 * batch[:, :-1], depth], -1))
    for _ in range(2):
        guard.watch(mirror_evidence(joints).mean(), torch.tensor(False))
    guard.watch(torch.tensor(float("nan")), torch.tensor(True))
    torch.testing.assert_close(guard.evidence, 0.75 * mirror_evidence(joints).mean())
    mirrored = joints * torch.tensor([1.0, 1.0, -1.0])
    torch.testing.assert_close(mirror_evidence(mirrored), -mirror_evidence(joints))


def test_joints_that_are_missing_are_no_evidence(
    trainer: MakeTrainer, batch: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the teacher says of legs that it never sees would outweigh the elbows."""
    from posenet3d.skeletons import LSP_14
    from posenet3d.skeletons.anatomy import ARMS, LEGS, flexion

    told: list[Tensor] = []
    steady = {"name": "teacher", "options": {"dropout": 0.0}}
    changes = {"network.teacher": steady, "network.backbone.options.dropout": 0.0}
    made = trainer({"network.missing_joints": True, **changes})
    runner = first_stage(made).runner
    hidden = batch.clone()
    hidden[..., list(LSP_14.indices(*(name for leg in LEGS for name in leg[1:]))), :] = torch.nan
    monkeypatch.setattr(runner.guard, "watch", lambda evidence, left_out: told.append(evidence))
    with torch.no_grad():
        joints = made.model.train().teacher_skeleton(hidden[:, :-1])
    runner.step(hidden, 2)
    assert flexion(joints, LEGS).mean().abs() > 1e-6
    torch.testing.assert_close(told[0], -flexion(joints, ARMS).mean())
