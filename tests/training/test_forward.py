"""The forward pass computes what is asked for, once, and the objectives are the pure functions."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from posenet3d import losses
from posenet3d.geometry import project
from posenet3d.networks import PoseNet3D
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips
from posenet3d.training import (
    Forward,
    ForwardSettings,
    Record,
    Trainer,
    TrainerConfig,
    objectives,
)
from posenet3d.training.adversary import FORMS

SETTINGS = ForwardSettings(form=FORMS["standard"])
MakeTrainer = Callable[..., Trainer]


def calls_during(model: PoseNet3D, ask: Callable[[], object]) -> Counter[str]:
    counted: Counter[str] = Counter()
    names = ("backbone", "teacher", "student", "discriminator", "views")
    hooks = [
        model.part(name).register_forward_hook(lambda *_, name=name: counted.update([name]))
        for name in names
    ]
    ask()
    for hook in hooks:
        hook.remove()
    return counted


def test_the_settings_of_a_stage_are_those_of_its_run() -> None:
    config = TrainerConfig.preset(
        "quick",
        adversarial={"form": "least_squares"},
        distillation_unit="head_to_root",
        kd_scale="window",
        regularize_root=False,
    )
    expected = ForwardSettings(
        form=FORMS["least_squares"],
        distillation_unit="head_to_root",
        kd_scale="window",
        regularize_root=False,
    )
    first, *_, joint = config.stages
    assert ForwardSettings.of(config, first) == expected
    assert ForwardSettings.of(config, joint) == replace(expected, balance_distillation=True)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ("bone_length", {"backbone": 1, "teacher": 1}),
        ("temporal_consistency", {"backbone": 2, "teacher": 2}),
        ("self_supervision", {"backbone": 2, "teacher": 2, "views": 1}),
        ("teacher_adversarial", {"backbone": 1, "teacher": 1, "views": 1, "discriminator": 1}),
        ("student_adversarial", {"backbone": 1, "student": 1, "views": 1, "discriminator": 1}),
        ("knowledge_distillation", {"backbone": 1, "teacher": 1, "student": 1}),
        ("pose_regularizer", {"backbone": 1, "student": 1}),
        ("shape_regularizer", {"backbone": 1, "student": 1}),
    ],
)
def test_an_objective_computes_only_what_it_asks_for(
    objective: str, expected: dict[str, int], model: PoseNet3D, batch: Tensor
) -> None:
    forward = Forward(model, batch, SETTINGS)
    function = getattr(objectives, objective)
    assert calls_during(model, lambda: function(forward)) == expected
    assert calls_during(model, lambda: function(forward)).keys() <= {"discriminator"}


def test_all_objectives_together_share_their_intermediates(model: PoseNet3D, batch: Tensor) -> None:
    forward = Forward(model, batch, SETTINGS)

    def ask() -> None:
        objectives.self_supervision(forward)
        objectives.temporal_consistency(forward)
        objectives.teacher_adversarial(forward)
        objectives.student_adversarial(forward)
        objectives.knowledge_distillation(forward)

    expected = {"backbone": 3, "teacher": 3, "student": 1, "views": 2, "discriminator": 2}
    assert calls_during(model, ask) == expected


def test_nothing_is_computed_before_something_asks(model: PoseNet3D, batch: Tensor) -> None:
    assert not calls_during(model, lambda: Forward(model, batch, SETTINGS))


def test_a_turned_skeleton_stands_at_c_and_its_image_about_the_hips(
    model: PoseNet3D, batch: Tensor
) -> None:
    forward = Forward(model, batch, SETTINGS)
    turned, image = forward.teacher_turned, forward.teacher_reprojection
    root = middle_of_hips(turned)
    torch.testing.assert_close(root, torch.tensor([0.0, 0.0, 10.0]).expand_as(root))
    torch.testing.assert_close(image, centre_on_hips(project(turned)))
    torch.testing.assert_close(middle_of_hips(image), torch.zeros(4, 9, 1, 2), atol=1e-6, rtol=0)


def test_a_window_is_turned_by_one_rotation_that_keeps_its_shape(
    model: PoseNet3D, batch: Tensor
) -> None:
    forward = Forward(model, batch, SETTINGS)
    before = centre_on_hips(forward.teacher_joints)
    after = centre_on_hips(forward.teacher_turned)
    stacked_before, stacked_after = before.flatten(1, 2), after.flatten(1, 2)
    rotation = torch.linalg.lstsq(stacked_before, stacked_after).solution
    torch.testing.assert_close(stacked_before @ rotation, stacked_after, atol=1e-4, rtol=0)
    identity = torch.eye(3).expand(4, 3, 3)
    torch.testing.assert_close(rotation @ rotation.mT, identity, atol=1e-3, rtol=0)


def test_teacher_and_student_are_turned_by_rotations_of_their_own(
    model: PoseNet3D, batch: Tensor
) -> None:
    forward = Forward(model, batch, SETTINGS)
    drawn: list[Tensor] = []
    hook = model.views.register_forward_hook(lambda *args: drawn.append(args[2]))
    _ = forward.teacher_reprojection, forward.student_reprojection
    hook.remove()
    assert len(drawn) == 2
    assert not torch.allclose(*drawn)


def test_the_objectives_are_the_pure_functions(model: PoseNet3D, batch: Tensor) -> None:
    forward = Forward(model, batch, SETTINGS)
    X, student = forward.teacher_joints, forward.student
    mm = centre_on_hips(X) * 500.0
    expected = {
        "self_supervision": losses.self_supervision(forward.teacher_turned, forward.relifted),
        "temporal_consistency": losses.temporal_consistency(X, forward.later_teacher_joints),
        "bone_length": losses.bone_length_variance(X, LSP_14.bones),
        "teacher_adversarial": losses.standard_generator_loss(
            model.discriminator(forward.teacher_reprojection)
        ),
        "student_adversarial": losses.standard_generator_loss(
            model.discriminator(forward.student_reprojection)
        ),
        "knowledge_distillation": losses.knowledge_distillation(mm, student.joints * 1000.0),
        "pose_regularizer": losses.pose_regularizer(student.parameters.rotations),
        "shape_regularizer": losses.shape_regularizer(student.parameters.betas),
    }
    for name, value in expected.items():
        torch.testing.assert_close(getattr(objectives, name)(forward), value)


def test_the_root_may_be_left_out_of_eq_8(model: PoseNet3D, batch: Tensor) -> None:
    forward = Forward(model.eval(), batch, replace(SETTINGS, regularize_root=False))
    rotations = forward.student.parameters.rotations
    expected = losses.pose_regularizer(rotations, regularize_root=False)
    torch.testing.assert_close(objectives.pose_regularizer(forward), expected)


def test_lengths_in_l_s_are_millimetres_or_head_to_root_units(
    model: PoseNet3D, batch: Tensor
) -> None:
    model.eval()
    in_mm = Forward(model, batch, SETTINGS)
    in_units = Forward(model, batch, replace(SETTINGS, distillation_unit="head_to_root"))
    for name in ("teacher_in_distillation", "student_in_distillation"):
        torch.testing.assert_close(getattr(in_mm, name), 500.0 * getattr(in_units, name))
    ratio = objectives.knowledge_distillation(in_mm) / objectives.knowledge_distillation(in_units)
    torch.testing.assert_close(ratio, torch.tensor(500.0**2))


def test_balanced_l_s_is_divided_by_the_square_of_mm_per_unit(
    model: PoseNet3D, batch: Tensor
) -> None:
    model.eval()
    plain = Forward(model, batch, SETTINGS)
    balanced = Forward(model, batch, replace(SETTINGS, balance_distillation=True))
    for name in ("knowledge_distillation", "pose_regularizer", "shape_regularizer"):
        ratio = getattr(objectives, name)(plain) / getattr(objectives, name)(balanced)
        torch.testing.assert_close(ratio, torch.tensor(500.0**2))
    in_units = replace(SETTINGS, balance_distillation=True, distillation_unit="head_to_root")
    assert Forward(model, batch, in_units).distillation_factor == 1.0


def test_the_window_scale_fits_the_teacher_to_the_student_best(
    model: PoseNet3D, batch: Tensor
) -> None:
    forward = Forward(model.eval(), batch, replace(SETTINGS, kd_scale="window"))
    teacher = centre_on_hips(forward.teacher_joints).flatten(1)
    student = forward.student_in_distillation.flatten(1)
    best = (teacher * student).sum(1) / teacher.square().sum(1)
    fitted = forward.teacher_in_distillation.flatten(1)
    torch.testing.assert_close(fitted, teacher * best[:, None])


def test_no_joint_lies_where_the_hips_do_not(model: PoseNet3D, batch: Tensor) -> None:
    forward = Forward(model, batch, SETTINGS)
    for joints in (forward.teacher_in_distillation, forward.student_in_distillation):
        torch.testing.assert_close(
            middle_of_hips(joints), torch.zeros(4, 9, 1, 3), atol=1e-3, rtol=0
        )


@pytest.mark.parametrize(("stage", "reaches"), [("distillation", False), ("joint", True)])
def test_the_gradient_of_l_kd_reaches_the_teacher_in_the_last_stage_only(
    stage: str, reaches: bool, trainer: MakeTrainer
) -> None:
    made = trainer({
        "log_every": 1,
        "stages.joint.losses": {"knowledge_distillation": 1.0},
        "stages.joint.discriminators": {},
    })  # fmt: skip
    seen = []

    def look(record: Record) -> None:
        if record.stage == stage:
            gradients = [parameter.grad for parameter in made.model.teacher.parameters()]
            seen.append([each is not None and bool(each.any()) for each in gradients])

    made.fit(look)
    assert len(seen) == 6
    assert all(any(each) is reaches for each in seen)


def test_the_scale_is_measured_once_from_the_frozen_teacher(trainer: MakeTrainer) -> None:
    made = trainer({"log_every": 1})
    scales: dict[str, set[float]] = {}

    def look(record: Record) -> None:
        scales.setdefault(record.stage, set()).add(float(made.model.metres_per_unit))

    report = made.fit(look)
    assert scales["teacher"] == {0.0}
    assert scales["distillation"] == scales["sja"] == scales["joint"] == {report.metres_per_unit}
    assert 0.3 < report.metres_per_unit < 1.5


def test_each_value_is_computed_once(model: PoseNet3D, batch: torch.Tensor) -> None:
    forward = Forward(model, batch, SETTINGS)
    assert forward.features is forward.features
    assert forward.student is forward.student
