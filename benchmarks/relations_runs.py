"""What is trained for the paper's relations: each run as a preset, overrides and its 2D."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXACT, DETECTED = "exact", "detected"

DIFFERENCES_PER_FRAME = 30
"""Frames are so many times as large as the differences between two (measured: 0.048, 0.0016)."""


@dataclass(frozen=True)
class Run:
    """One training.

    `teacher_of` names the run whose teacher it starts from: what differs is then the student alone.
    """

    name: str
    kind: str
    seen: str
    teacher_of: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


RUNS = (
    Run("posenet3d-exact", "base", EXACT),
    Run("posenet3d", "base", DETECTED),
    Run("chen2019-exact", "chen2019", EXACT),
    Run("chen2019-exact-views", "chen2019", EXACT, overrides={"network.views": "BASE"}),
    Run("chen2019", "chen2019", DETECTED),
    Run("one-frame", "teacher", DETECTED, overrides={"network.frames": 1}),
    Run("no-sja", "student", DETECTED, "posenet3d", {"network.joint_regressor": "fixed"}),
    Run("linear-sja", "student", DETECTED, "posenet3d", {"network.joint_regressor": "linear"}),
    Run("baseline-1", "reprojection_only", DETECTED),
    Run("baseline-2", "reprojection_only_sja", DETECTED),
)
"""Every run; the ones that others start from come first."""


def configuration(run: Run, base: str, seed: int, budget: float, changes: Mapping[str, Any]) -> Any:
    """The run's configuration.

    Args:
        run: the run.
        base: the preset whose widths, batches, optimisers and lengths all runs share.
        seed: the seed.
        budget: factor on every stage's steps.
        changes: further overrides.
    """
    from posenet3d.training import TrainerConfig

    common = TrainerConfig.preset(base)
    made = {
        "base": as_it_is,
        "teacher": first_stage,
        "student": student_stages,
        "chen2019": chen2019,
        "reprojection_only": reprojection_only,
        "reprojection_only_sja": reprojection_only,
    }[run.kind](run, common)
    overrides = {
        path: getattr(common.network, path.rpartition(".")[2]).model_dump()
        if value == "BASE"
        else value
        for path, value in run.overrides.items()
    }
    config = made.override({**overrides, "name": run.name, "seed": seed})
    return config.override({**scaled(config, budget), **changes})


def scaled(config: Any, budget: float) -> dict[str, int]:
    """Each stage's steps (two at least) or epochs (one at least) times the budget."""
    return {
        f"stages.{stage.name}.{unit}": max(least, round(getattr(stage, unit) * budget))
        for stage in config.stages
        for unit, least in (("steps", 2), ("epochs", 1))
        if getattr(stage, unit) is not None
    }


def as_it_is(run: Run, common: Any) -> Any:
    """PoseNet3D: the base preset's four stages."""
    return common


def first_stage(run: Run, common: Any) -> Any:
    """The teacher alone."""
    return common.model_copy(update={"stages": common.stages[:1]})


def student_stages(run: Run, common: Any) -> Any:
    """The student before fine-tuning: the second and third stage, on another run's teacher."""
    return common.model_copy(update={"stages": common.stages[1:3]})


def chen2019(run: Run, common: Any) -> Any:
    """The single-frame baseline with the base's width, batch, optimisers, guard and game.

    It sees as many windows as the base's teacher does in all: in its own and in the joint stage.
    Drawn views are ``uniform``, as published; what they cost is told by a run with the base's.
    """
    from posenet3d.training import TrainerConfig

    teacher, joint = (stage_of(common, name) for name in ("teacher", "joint"))
    backbone = common.network.backbone.options
    judges = common.network.discriminator.options
    gain = judges.get("input_gain", 1.0)
    narrow = {name: backbone[name] for name in ("channels", "dropout") if name in backbone}
    width = {"channels": judges["channels"]} if "channels" in judges else {}
    return TrainerConfig.preset("chen2019").override(
        {
            **shared(common),
            "adversarial": common.adversarial.model_dump(mode="json"),
            "mirror_guard": common.mirror_guard.model_dump(mode="json"),
            "network.teacher": common.network.teacher.model_dump(mode="json"),
            "network.backbone.options": {"blocks": 3, **narrow},
            "network.discriminator.options": {
                "blocks": 3,
                "input_gain": gain,
                "difference_gain": DIFFERENCES_PER_FRAME * gain,
                **width,
            },
            **learns_like("teacher", teacher),
            **length(common, "teacher", teacher, joint),
        }
    )


def reprojection_only(run: Run, common: Any) -> Any:
    """A reprojection baseline with the base's network, batches and weights of the regularisers.

    It sees as many windows as the base does up to the student: the teacher's and distillation's
    in its first stage, SJA's in its second (in the first where there is no second).
    """
    from posenet3d.training import TrainerConfig

    teacher, distillation, sja = common.stages[:3]
    has_sja = run.kind.endswith("sja")
    network = common.network.model_dump(mode="json")
    weights = {
        f"stages.{name}.losses.{loss}": distillation.losses[loss]
        for name in ("student", "sja")[: 1 + has_sja]
        for loss in ("pose_regularizer", "shape_regularizer")
    }
    first = (teacher, distillation) if has_sja else (teacher, distillation, sja)
    second = {**learns_like("sja", sja), **length(common, "sja", sja)} if has_sja else {}
    return TrainerConfig.preset(run.kind).override(
        {
            **shared(common),
            "network": network,
            **learns_like("student", distillation),
            **length(common, "student", *first, like=distillation),
            **second,
            **weights,
        }
    )


def shared(common: Any) -> dict[str, Any]:
    """What every run takes from the base preset, whatever its method."""
    names = ("batch_size", "input_noise", "log_every", "validation", "averaging")
    values = common.model_dump(mode="json")
    return {name: values[name] for name in names}


def learns_like(name: str, stage: Any) -> dict[str, Any]:
    """A stage's batch and optimisers."""
    values = stage.model_dump(mode="json")
    return {
        f"stages.{name}.{each}": values[each]
        for each in ("batch_size", "optimizer", "discriminator_optimizer")
    }


def length(common: Any, name: str, *stages: Any, like: Any = None) -> dict[str, Any]:
    """A stage that sees as many windows as others together, in steps or in epochs as they have.

    Args:
        common: the base preset.
        name: the stage's name.
        stages: the others.
        like: the one whose batch size it has; by default their first.
    """
    if stages[0].steps is None:
        total = sum(stage.epochs for stage in stages)
        return {f"stages.{name}.epochs": total, f"stages.{name}.steps": None}
    windows = sum(stage.steps * (stage.batch_size or common.batch_size) for stage in stages)
    size = (like or stages[0]).batch_size or common.batch_size
    return {f"stages.{name}.steps": round(windows / size), f"stages.{name}.epochs": None}


def stage_of(config: Any, name: str) -> Any:
    """The stage called so."""
    return next(stage for stage in config.stages if stage.name == name)
