"""Each stage changes the parts it names and nothing else."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import Tensor

from posenet3d.errors import ConfigurationError, TrainingError
from posenet3d.networks import PoseNet3D, load_model
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.training import Forward, Trainer, TrainerConfig, objectives
from posenet3d.training.means import Means
from posenet3d.training.objectives import Objective
from posenet3d.training.step import only_training

MakeTrainer = Callable[..., Trainer]
STAGES = ("teacher", "distillation", "sja", "joint")
LEARN = {
    "teacher": {"backbone", "teacher", "views", "discriminator"},
    "distillation": {"student"},
    "sja": {"student", "joint_regressor"},
    "joint": {"backbone", "teacher", "views", "discriminator", "student", "joint_regressor"},
}


def state_after(stage: str, run: Path) -> dict[str, Tensor]:
    return load_model(run / "stages" / stage).state_dict()


def changed_parts(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    assert before.keys() == after.keys()
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_changes_exactly_the_parts_it_names(
    stage: str, whole_run: Path, trainer: MakeTrainer
) -> None:
    place = STAGES.index(stage)
    before = state_after(STAGES[place - 1], whole_run) if place else trainer().model.state_dict()
    changed = changed_parts(before, state_after(stage, whole_run))
    measured = {"metres_per_unit"} if stage == "distillation" else set()
    assert changed == LEARN[stage] | measured


@pytest.mark.parametrize("stage", STAGES)
def test_every_parameter_and_running_mean_of_a_part_that_learns_moves(
    stage: str, whole_run: Path, trainer: MakeTrainer
) -> None:
    place = STAGES.index(stage)
    before = state_after(STAGES[place - 1], whole_run) if place else trainer().model.state_dict()
    after = state_after(stage, whole_run)
    still = {
        name
        for name in before
        if name.split(".")[0] in LEARN[stage] and torch.equal(before[name], after[name])
    }
    assert still <= {"joint_regressor.sign"}


def test_the_rows_of_the_joint_regressor_are_convex_at_every_step(trainer: MakeTrainer) -> None:
    seen = 0
    made = trainer({"log_every": 1, "stages.sja.optimizer.lr": 0.05})

    def check(record: object) -> None:
        nonlocal seen
        weight = made.model.joint_regressor.weight.detach()
        assert (weight >= 0).all()
        torch.testing.assert_close(weight.sum(1), torch.ones(len(weight)), atol=1e-6, rtol=0)
        seen += 1

    made.fit(check)
    assert seen == 24


def test_at_the_start_of_sja_the_joints_are_those_of_the_body(whole_run: Path) -> None:
    model = load_model(whole_run / "stages" / "distillation").eval()
    with torch.no_grad():
        features = model.backbone(0.1 * torch.randn(5, 9, 14, 2))
        joints, (betas, rotations) = model.student_skeleton(features)
        own = model.body.regress(
            betas[:, None], rotations, model.body.joint_regressor[list(model.rows)]
        )
    expected = centre_on_hips(own * model.body_to_camera)
    torch.testing.assert_close(joints, expected, atol=1e-5, rtol=0)


def test_frozen_parts_are_in_eval_mode_and_flags_and_gradients_come_back(
    tiny: Callable[..., TrainerConfig], model: PoseNet3D
) -> None:
    stage = tiny().stages[1]
    odd = model.teacher.offsets.bias.requires_grad_(False)
    flags = [parameter.requires_grad for parameter in model.parameters()]
    with suppress(ZeroDivisionError), only_training(model, stage):
        assert model.student.training
        assert not model.backbone.training
        assert not any(parameter.requires_grad for parameter in model.backbone.parameters())
        assert all(parameter.requires_grad for parameter in model.student.parameters())
        raise ZeroDivisionError
    assert [parameter.requires_grad for parameter in model.parameters()] == flags
    assert not odd.requires_grad
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_losses_that_do_not_depend_on_what_learns_stop_the_first_step(
    trainer: MakeTrainer,
) -> None:
    made = trainer({"stages.distillation.losses": {"bone_length": 1.0}})
    with pytest.raises(TrainingError, match=r"'distillation', step 1: expected losses that depend"):
        made.fit()


def test_a_stage_without_a_parameter_to_learn_fails_before_step_one(trainer: MakeTrainer) -> None:
    with pytest.raises(ConfigurationError) as caught:
        trainer({
            "network.joint_regressor": "fixed",
            "stages.sja.train": ["joint_regressor"],
            "network.views": "uniform",
            "stages.distillation.train": ["views"],
        })  # fmt: skip
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "stages.distillation.train",
        "stages.sja.train",
    ]


@pytest.mark.parametrize(
    ("loss", "fault"),
    [
        (lambda forward: forward.teacher_joints.mean((1, 2, 3)), r"got a tensor \(5,\)"),
        (lambda forward: 1.0, "got float"),
        (lambda forward: {}["gone"], "failed on made-up windows: KeyError: 'gone'"),
    ],
)
def test_a_strangers_loss_of_the_last_stage_is_tried_before_step_one(
    loss: Objective, fault: str, trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objectives, "temporal_consistency", loss)
    with pytest.raises(ConfigurationError, match=rf"stages\.joint\.losses\.\w+: .*{fault}"):
        trainer({"stages.teacher.losses": {"self_supervision": 1.0}})


def test_a_strangers_loss_of_the_students_scale_is_tried_at_a_scale_of_the_body(
    trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def loss(forward: Forward) -> Tensor:
        seen.append(float(forward.mm_per_unit))
        return forward.student_image.square().mean()

    monkeypatch.setattr(objectives, "pose_regularizer", loss)
    made = trainer()
    assert all(500 < scale < 1000 for scale in seen)
    assert float(made.model.metres_per_unit) == 0


def test_epochs_are_as_many_batches_as_hold_all_windows(trainer: MakeTrainer) -> None:
    changes = {"stages.distillation.steps": None, "stages.distillation.epochs": 2}
    made = trainer({**changes, "batch_size": 7, "log_every": 100})
    report = made.fit()
    assert len(made.windows) == 30
    assert report.stages[1].steps == 2 * 4


def test_means_go_on_from_a_saved_state() -> None:
    whole, first, second = Means(), Means(), Means()
    values = [{"a": torch.tensor(x)} for x in (0.1, 0.7, 0.2)]
    for value in values:
        whole.add(value)
    first.add(values[0])
    second.load_state_dict(first.state_dict())
    for value in values[1:]:
        second.add(value)
    assert second.read() == whole.read()
    assert second.read() == {}
