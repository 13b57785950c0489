"""The paper's baselines: what their presets say, what their objectives are, and that they train."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from posenet3d import losses
from posenet3d.body import head_top_weights
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.evaluation import evaluate
from posenet3d.geometry import project
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import PoseNet3D, load_model
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips
from posenet3d.training import Forward, ForwardSettings, Trainer, TrainerConfig, objectives
from posenet3d.training.adversary import FORMS, discriminator_loss
from posenet3d.training.config import AdversarialConfig

SETTINGS = ForwardSettings(form=FORMS["standard"])
NARROW = {"channels": 8}


def small(name: str, changes: Mapping[str, Any] | None = None) -> TrainerConfig:
    """A baseline with eight channels and a few steps."""
    config = TrainerConfig.preset(name, batch_size=4, log_every=2)
    short = {f"stages.{stage.name}.steps": 4 for stage in config.stages}
    short |= {f"stages.{stage.name}.epochs": None for stage in config.stages}
    short |= {f"stages.{stage.name}.optimizer.lr": 1e-3 for stage in config.stages}
    narrow = {"network.backbone.options": NARROW, "network.discriminator.options": NARROW}
    return config.override({**short, **narrow, "validation.every": None, **(changes or {})})


def fitted(
    config: TrainerConfig, clips: dict[str, KeypointSequence], run_dir: Path | None = None
) -> Trainer:
    trainer = Trainer(config, train_data=clips, run_dir=run_dir, device="cpu", progress=False)
    trainer.fit()
    return trainer


@pytest.fixture
def single() -> PoseNet3D:
    """A network of one frame with the two judges of Chen et al., in eval mode."""
    torch.manual_seed(0)
    network = PoseNet3D(small("chen2019").network)
    network.metres_per_unit.fill_(0.5)
    for parameter in network.teacher.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return network.eval()


@pytest.fixture
def pairs(batch: Tensor) -> Tensor:
    """Four single frames and the ones after."""
    return batch[:, :2]


# The single-frame baseline


def test_chen2019_is_single_frame_with_four_blocks_of_1024() -> None:
    config = TrainerConfig.preset("chen2019")
    network = PoseNet3D(config.network)
    assert network.receptive_field == 1
    assert len(network.backbone.blocks) + 1 == 4  # the teacher branch has the fourth
    assert {each.out_features for each in linears(network.backbone)} == {1024}
    assert config.network.views.name == "uniform"
    assert config.mirror_guard.enabled is False
    (stage,) = config.stages
    assert set(stage.losses) == {"self_supervision", "cycle_2d", "teacher_adversarial"}


def linears(module: torch.nn.Module) -> list[torch.nn.Linear]:
    return [each for each in module.modules() if isinstance(each, torch.nn.Linear)]


def test_the_fakes_are_a_frame_and_the_next_from_one_view(single: PoseNet3D, pairs: Tensor) -> None:
    turned = Forward(single, pairs, SETTINGS)
    fakes = turned.fakes("teacher")
    assert fakes.shape == pairs.shape
    torch.testing.assert_close(fakes[:, :1], turned.teacher_reprojection)
    still = torch.cat([pairs[:, :1], pairs[:, :1]], dim=1)
    first, second = Forward(single, still, SETTINGS).fakes("teacher").unbind(1)
    torch.testing.assert_close(first, second)  # a body at rest, turned once, stays at rest


def test_the_fakes_of_a_discriminator_of_windows_are_the_reprojections(
    model: PoseNet3D, batch: Tensor
) -> None:
    forward = Forward(model.eval(), batch, SETTINGS)
    assert forward.fakes("teacher") is forward.teacher_reprojection
    assert torch.equal(model.judged(batch), batch[:, :-1])


def test_the_student_can_be_judged_by_its_differences_too(single: PoseNet3D, pairs: Tensor) -> None:
    forward = Forward(single, pairs, SETTINGS)
    fakes = forward.fakes("student")
    assert fakes.shape == pairs.shape
    torch.testing.assert_close(fakes[:, :1], forward.student_reprojection)


def test_each_judge_learns_by_a_loss_of_its_own(single: PoseNet3D, pairs: Tensor) -> None:
    fakes = Forward(single, pairs, SETTINGS).fakes("teacher").detach()
    loss, values = discriminator_loss(single.discriminator, AdversarialConfig(), pairs, fakes)
    real = single.discriminator(pairs).unflatten(0, (-1, 2))
    fake = single.discriminator(fakes).unflatten(0, (-1, 2))
    by_frames, by_differences = (
        losses.standard_discriminator_loss(real[:, judge], fake[:, judge]) for judge in (0, 1)
    )
    torch.testing.assert_close(loss, (by_frames + by_differences) / 2)
    assert 0 <= float(values["accuracy_real"]) <= 1


def test_the_game_without_an_equal_share_of_fakes_is_split_at_the_right_place(
    single: PoseNet3D, pairs: Tensor
) -> None:
    fakes = torch.cat([pairs + 0.01, pairs - 0.01])
    loss, _ = discriminator_loss(single.discriminator, AdversarialConfig(), pairs, fakes)
    expected = losses.standard_discriminator_loss(
        single.discriminator(pairs), single.discriminator(fakes)
    )
    torch.testing.assert_close(loss, expected)


def test_the_lifter_s_loss_is_the_mean_over_both_judges(single: PoseNet3D, pairs: Tensor) -> None:
    forward = Forward(single, pairs, SETTINGS)
    logits = single.discriminator(forward.fakes("teacher")).unflatten(0, (-1, 2))
    parts = [losses.standard_generator_loss(logits[:, judge]) for judge in (0, 1)]
    torch.testing.assert_close(objectives.teacher_adversarial(forward), sum(parts) / 2)


def test_turned_back_the_right_skeleton_is_the_input_again(
    single: PoseNet3D, pairs: Tensor
) -> None:
    forward = Forward(single, pairs, SETTINGS)
    forward.__dict__["relifted"] = forward.teacher_turned  # a lifter that finds what was turned
    root = middle_of_hips(forward.teacher_joints)
    at_c = forward.teacher_joints - root + torch.tensor([0.0, 0.0, 10.0])
    torch.testing.assert_close(forward.turned_back, centre_on_hips(project(at_c)))
    assert objectives.cycle_2d(forward) < 1e-3
    forward.__dict__.pop("turned_back")
    forward.__dict__["relifted"] = forward.teacher_turned * torch.tensor([1.0, 1.0, 1.3])
    assert objectives.cycle_2d(forward) > 1e-4


def test_the_cycle_is_seen_through_the_view_of_the_reprojection(
    single: PoseNet3D, pairs: Tensor
) -> None:
    views = {"teacher": torch.diag(torch.tensor([-1.0, 1.0, -1.0])).expand(4, 3, 3)}
    forward = Forward(single, pairs, SETTINGS, views)
    relifted = centre_on_hips(forward.relifted) * torch.tensor([-1.0, 1.0, -1.0])
    image = centre_on_hips(project(relifted + torch.tensor([0.0, 0.0, 10.0])))
    torch.testing.assert_close(
        objectives.cycle_2d(forward), losses.reprojection_error(image, forward.now)
    )


def test_chen2019_trains_and_is_evaluated_on_single_frames(
    clips: dict[str, KeypointSequence], tmp_path: Path
) -> None:
    trainer = fitted(small("chen2019"), clips, tmp_path)
    before = PoseNet3D(trainer.config.network)
    assert [each.name for each in trainer.report().stages] == ["teacher"]
    assert {"cycle_2d", "discriminator_loss"} <= set(trainer.report().stages[0].end)
    model = load_model(tmp_path)
    assert set(model.state_dict()) == set(before.state_dict())
    report = evaluate(
        model.lift, synthetic_motion(clips=1, seconds=0.4), "cmu14", frames=model.receptive_field
    )
    assert list(report.heads) == ["flat", "teacher"]
    assert report.window == 1


def test_both_judges_move_in_training(clips: dict[str, KeypointSequence]) -> None:
    trainer = Trainer(small("chen2019"), train_data=clips, device="cpu", progress=False)
    judges = trainer.model.discriminator
    before = {name: value.clone() for name, value in judges.state_dict().items()}
    trainer.fit()
    for part in ("of_frames", "of_differences"):
        moved = [n for n, v in judges.state_dict().items() if not torch.equal(v, before[n])]
        assert any(name.startswith(part) for name in moved)


def test_validation_judges_windows_with_the_frame_that_follows(
    clips: dict[str, KeypointSequence],
) -> None:
    config = small("chen2019", {"validation.every": 2, "validation.windows": 8})
    records = []
    trainer = Trainer(config, train_data=clips, device="cpu", progress=False)
    trainer.fit(on_record=records.append)
    looked = [each.values for each in records if "validation/score" in each.values]
    assert looked
    assert all(0 <= each["validation/discriminator_accuracy"] <= 1 for each in looked)


# The reprojection baselines


def test_baseline_2_is_baseline_1_with_a_stage_of_sja_on_top() -> None:
    one, two = map(TrainerConfig.preset, ("reprojection_only", "reprojection_only_sja"))
    assert two.stages[0] == one.stages[0]
    assert two.network == one.network
    assert two.stages[1].train == (*one.stages[0].train, "joint_regressor")
    for stage in two.stages:
        assert "teacher" not in stage.train
        assert not stage.discriminators
        assert stage.losses == {
            "student_reprojection": 1.0,
            "pose_regularizer": 30.0,
            "shape_regularizer": 10.0,
        }


def test_the_image_of_the_student_is_its_projection_at_depth_c(
    model: PoseNet3D, batch: Tensor
) -> None:
    forward = Forward(model.eval(), batch, SETTINGS)
    placed = forward.student.joints / 0.5 + torch.tensor([0.0, 0.0, 10.0])
    torch.testing.assert_close(forward.student_image, centre_on_hips(project(placed)))


@pytest.mark.parametrize(("unit", "scale"), [("mm", 10 * 500.0), ("head_to_root", 10.0)])
def test_the_reprojection_error_is_told_in_the_unit_of_the_distillation(
    unit: str, scale: float, model: PoseNet3D, batch: Tensor
) -> None:
    settings = ForwardSettings(form=FORMS["standard"], distillation_unit=unit)  # type: ignore[arg-type]
    forward = Forward(model.eval(), batch, settings)
    expected = losses.reprojection_error(forward.student_image * scale, forward.now * scale)
    torch.testing.assert_close(objectives.student_reprojection(forward), expected)


def test_the_reprojection_loss_moves_backbone_and_student_and_nothing_else(
    model: PoseNet3D, batch: Tensor
) -> None:
    objectives.student_reprojection(Forward(model.eval(), batch, SETTINGS)).backward()
    for name in ("backbone", "student"):
        assert any(bool(each.grad.abs().sum() > 0) for each in model.part(name).parameters())
    for name in ("teacher", "discriminator"):
        assert all(each.grad is None for each in model.part(name).parameters())


def test_without_a_teacher_the_scale_is_the_resting_body_s_head_to_root(model: PoseNet3D) -> None:
    model.take_scale_of_body()
    body = model.body
    rest = body.joint_regressor[list(model.rows)] @ body.vertices(
        torch.zeros(body.num_betas), torch.eye(3).expand(body.num_joints, 3, 3)
    )
    crown = head_top_weights(body) @ body.vertices(
        torch.zeros(body.num_betas), torch.eye(3).expand(body.num_joints, 3, 3)
    )
    expected = (crown - rest[2:4].mean(0)).norm()
    torch.testing.assert_close(model.metres_per_unit, expected, rtol=1e-4, atol=0)
    assert 0.7 < float(model.metres_per_unit) < 0.9


@pytest.mark.parametrize("name", ["reprojection_only", "reprojection_only_sja"])
def test_a_reprojection_baseline_trains_the_student_and_never_the_teacher(
    name: str, clips: dict[str, KeypointSequence]
) -> None:
    trainer = Trainer(small(name), train_data=clips, device="cpu", progress=False)
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    trainer.fit()
    after = trainer.model.state_dict()
    moved = {key.split(".")[0] for key in after if not torch.equal(after[key], before[key])}
    sja = {"joint_regressor"} if name.endswith("sja") else set()
    assert moved == {"backbone", "student", "metres_per_unit"} | sja
    first, *_ = trainer.report().stages
    assert first.end["student_reprojection"] < first.start["student_reprojection"]
    assert "student" in trainer.model.lift(torch.zeros(2, 9, 14, 2))


# Without semantic joint adaptation, and with its linear form: overrides of any preset


@pytest.mark.parametrize("regressor", ["fixed", "linear", "convex"])
def test_another_joint_regressor_is_one_override_and_trains(
    regressor: str, tiny: Callable[..., TrainerConfig], clips: dict[str, KeypointSequence]
) -> None:
    config = tiny({"network.joint_regressor": regressor})
    trainer = Trainer(config, train_data=clips, device="cpu", progress=False)
    part = trainer.model.joint_regressor
    before = [value.clone() for value in part.state_dict().values()]
    trainer.fit()
    assert len(trainer.report().stages) == 4
    same = all(map(torch.equal, before, part.state_dict().values()))
    assert same == (regressor == "fixed")
