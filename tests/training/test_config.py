"""Configurations: all faults at once, presets, and changes by path."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from posenet3d.errors import ConfigurationError, UnknownNameError
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import NetworkConfig
from posenet3d.training import PRESETS, StageConfig, Trainer, TrainerConfig
from posenet3d.training.presets import preset_values

Config = Callable[..., TrainerConfig]


def faults_of(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        TrainerConfig.parse(values)
    return list(caught.value.faults)


def test_every_kind_of_fault_is_listed_at_once() -> None:
    values = preset_values("quick")
    values["bath_size"] = 3
    values["network"] = {
        "views": "unifrm",
        "frames": 8,
        "backbone": {"name": "temporal", "options": {"chanels": 3, "dropout": 2}},
    }
    teacher, distillation, sja, joint = values["stages"]
    teacher["losses"] = {"bone_lenght": 1}
    distillation["train"] = ("studnt",)
    sja["epochs"] = sja["steps"] = 3
    sja["optimizer"] = {"lr": float("inf"), "betas": (1, 0.9)}
    joint["discriminators"] = {"student": ("teacher",)}
    joint["batch_size"] = 1
    faults = faults_of(values)
    expected = [
        "network.frames: expected a power of three",
        "stages.teacher.losses.bone_lenght: Unknown loss 'bone_lenght'; did you mean",
        "stages.distillation.train.0: Unknown part 'studnt'; did you mean 'student'?",
        "stages.sja.epochs: expected either steps or epochs",
        "stages.sja.optimizer.lr: Input should be a finite number",
        "stages.sja.optimizer.betas.0: Input should be less than 1",
        "stages.joint.discriminators.student: Input should be 'discriminator'",
        "stages.joint.batch_size: Input should be greater than or equal to 2, got 1",
        "bath_size: Unknown field 'bath_size'; did you mean 'batch_size'?",
        "network.views: Unknown view sampler 'unifrm'; did you mean 'uniform'?",
        "network.backbone: backbone 'temporal': dropout: Input should be less than 1, got 2",
        "network.backbone: backbone 'temporal': Unknown option 'chanels'; did you mean 'channels'?",
    ]
    assert len(faults) == len(expected)
    for start in expected:
        assert sum(fault.startswith(start) for fault in faults) == 1, start


def test_plug_in_faults_alone_are_faults_too() -> None:
    (fault,) = faults_of({**preset_values("quick"), "network": {"body_model": "smppl"}})
    assert fault.startswith("network.body_model: Unknown body model 'smppl'")


@pytest.mark.parametrize(
    ("stage", "changes", "expected"),
    [
        ("teacher", {"train": ("backbone",)}, "stages.teacher.mirror_guard: expected 'teacher'"),
        (
            "teacher",
            {"train": ("teacher", "discriminator")},
            "stages.teacher.discriminators: ['discriminator'] stand under train as well",
        ),
        ("teacher", {"discriminators": {"discriminator": ()}}, "stages.teacher.discriminators"),
        ("distillation", {"name": "teacher"}, "stages: expected names of their own"),
        ("distillation", {"measure_scale": False}, "stages: expected the scale between teacher"),
        ("sja", {"name": "s/j"}, "stages.s/j.name: String should match pattern"),
        ("sja", {"losses": {}}, "stages.sja.losses: Dictionary should have at least 1 item"),
    ],
)
def test_a_stage_that_makes_no_sense_is_a_fault(
    stage: str, changes: dict[str, Any], expected: str
) -> None:
    values = preset_values("paper")
    next(each for each in values["stages"] if each["name"] == stage).update(changes)
    (fault,) = faults_of(values)
    assert fault.startswith(expected)


def test_a_critic_has_no_accuracy_to_limit() -> None:
    adversarial = {"form": "wasserstein", "max_accuracy": 0.9}
    (fault,) = faults_of({**preset_values("paper"), "adversarial": adversarial})
    assert fault.startswith("adversarial.max_accuracy: expected 1 with the form 'wasserstein'")


def test_a_configuration_made_by_hand_is_checked_by_the_trainer(
    tiny: Config, clips: dict[str, KeypointSequence]
) -> None:
    network = NetworkConfig(views="unifrm", student={"name": "student", "options": {"blcks": 2}})
    config = tiny().model_copy(update={"network": network})
    with pytest.raises(ConfigurationError) as caught:
        Trainer(config, train_data=clips, device="cpu")
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "network.student",
        "network.views",
    ]


def test_an_unknown_preset_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'paper'"):
        TrainerConfig.preset("papr")


def test_paper_has_the_papers_numbers() -> None:
    config = TrainerConfig.preset("paper")
    network = config.network
    assert (config.batch_size, network.frames, network.distance) == (6000, 9, 10.0)
    assert network.views.name == "uniform"
    assert network.backbone.options == {}  # 1024 channels are the plug-in's default
    assert config.mirror_guard.enabled is False
    assert "mirror_guard" in preset_values("paper")
    assert config.adversarial.form == "standard"
    assert (config.input_noise, config.regularize_root) == (0.0, True)
    assert [stage.name for stage in config.stages] == ["teacher", "distillation", "sja", "joint"]
    for stage in config.stages:
        assert (stage.epochs, stage.steps, stage.batch_size) == (150, None, None)
        assert stage.optimizer.lr == stage.discriminator_optimizer.lr == 1e-4
        assert stage.optimizer.decay == stage.discriminator_optimizer.decay == 1.0
    on_teacher = {
        "self_supervision": 2.0,
        "temporal_consistency": 1.0,
        "bone_length": 2.0,
        "teacher_adversarial": 1.0,
    }
    on_student = {
        "knowledge_distillation": 1.0,
        "pose_regularizer": 30.0,
        "shape_regularizer": 10.0,
    }
    in_joint = {name: 2.0 * weight for name, weight in on_student.items()}
    teacher, distillation, sja, joint = config.stages
    assert teacher.losses == on_teacher
    assert distillation.losses == sja.losses == on_student
    assert joint.losses == {**on_teacher, **in_joint, "student_adversarial": 1.0}
    assert teacher.discriminators == {"discriminator": ("teacher",)}
    assert joint.discriminators == {"discriminator": ("teacher", "student")}
    assert distillation.train == ("student",)
    assert sja.train == ("student", "joint_regressor")


def test_the_papers_networks_have_1024_channels() -> None:
    from posenet3d.networks.components import BackboneConfig, DiscriminatorConfig, StudentConfig

    assert BackboneConfig().channels == DiscriminatorConfig().channels == 1024
    assert (BackboneConfig().dropout, StudentConfig().blocks) == (0.25, 4)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_survives_json(name: str) -> None:
    config = TrainerConfig.preset(name)
    assert config.name == name
    assert TrainerConfig.parse(config.model_dump(mode="json")) == config


def test_best_is_quick_with_bone_proportions_another_student_and_a_faster_sja() -> None:
    quick, best = TrainerConfig.preset("quick"), TrainerConfig.preset("best")
    for one, other in zip(quick.stages, best.stages, strict=True):
        added = {"bone_proportions": 5.0} if "teacher" in one.train else {}
        rate = 4 * one.optimizer.lr if one.name == "sja" else one.optimizer.lr
        optimizer = one.optimizer.model_copy(update={"lr": rate})
        assert other.losses == {**one.losses, **added}
        assert other == one.model_copy(update={"losses": other.losses, "optimizer": optimizer})
    student = {"student": best.network.student}
    assert best.network.student.name == "canonical"
    assert best.network == quick.network.model_copy(update=student)


def test_fields_change_by_their_paths() -> None:
    config = TrainerConfig.preset("paper").override({
        "stages.teacher.losses.bone_length": "3.5",
        "stages.1.optimizer.betas": [0.5, 0.9],
        "network.views": "gravity",
        "network.views.options": None,
    } | {"network.views": {"name": "gravity", "options": {"pitch_degrees": 12.7}}}
      | {"network.views.options": {"pitch_degrees": 10}})  # fmt: skip
    assert config.stages[0].losses["bone_length"] == 3.5
    assert config.stages[1].optimizer.betas == (0.5, 0.9)
    assert config.network.views.options == {"pitch_degrees": 10}


def test_a_path_that_leads_nowhere_is_a_fault_and_all_are_listed() -> None:
    changes = {
        "stages.techer.steps": 3,
        "netwrk.frames": 3,
        "seed.deeper": 1,
        "stages.9.steps": 1,
        "stages.teacher.steps": 5,
    }
    with pytest.raises(ConfigurationError) as caught:
        TrainerConfig.preset("paper").override(changes)
    first, second, third, fourth = caught.value.faults
    assert "did you mean 'teacher'" in first
    assert "did you mean 'network'" in second
    assert third.startswith("seed.deeper")
    assert fourth.startswith("stages.9.steps")


def test_a_misspelt_last_step_of_a_path_is_a_fault() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'first_check'"):
        TrainerConfig.preset("paper").override({"mirror_guard.frst_check": 3})


def test_a_configuration_is_frozen() -> None:
    config = TrainerConfig.preset("paper")
    with pytest.raises(ValidationError):
        config.seed = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Unknown loss"):
        StageConfig(name="a", steps=1, train=("student",), losses={"x": 1.0})


def test_what_is_no_specification_and_what_is_missing_are_faults() -> None:
    faults = faults_of({"network": {"views": 3}, "stages": [{"name": "a", "steps": 1}]})
    assert [fault.split(": ")[0] for fault in faults] == [
        "network.views",
        "stages.a.train",
        "stages.a.losses",
    ]
    (first, second) = faults_of({"network": 3})
    assert (first[:8], second) == ("network:", "stages: Field required")


def test_a_long_value_is_told_in_part() -> None:
    (fault,) = faults_of({**preset_values("paper"), "seed": "x" * 500})
    assert len(fault) < 200


def test_an_item_of_a_list_is_replaced_as_a_whole() -> None:
    config = TrainerConfig.preset("paper").override({"stages.distillation.train.0": "backbone"})
    assert config.stages[1].train == ("backbone",)
