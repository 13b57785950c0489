"""How a run's configuration is made of the base preset whose sizes and lengths all runs share."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from posenet3d.errors import ConfigurationError
from posenet3d.reproduction.runs import NOTHING, Run
from posenet3d.training import StageConfig, TrainerConfig

DIFFERENCES_PER_FRAME = 30
"""Frames are so many times as large as the differences between two (measured: 0.048, 0.0016)."""


def configuration(
    run: Run,
    base: str,
    seed: int = 0,
    budget: float = 1.0,
    changes: Mapping[str, Any] = NOTHING,
) -> TrainerConfig:
    """The configuration of a run.

    Every method gets the base preset's width, batches, optimisers and as many windows, so that
    runs differ in the method alone.

    Args:
        run: the run.
        base: the preset whose widths, batches, optimisers and lengths all runs share.
        seed: the seed.
        budget: factor on every stage's steps (two at least) or epochs (one at least).
        changes: further overrides by dotted path; they come last.

    Returns:
        The configuration, named after the run.

    Raises:
        ConfigurationError: the budget is not positive, a change does not fit (the fault names the
            run), or the base preset has not the four stages.
        UnknownNameError: there is no such preset.

    Example:
        >>> from posenet3d.reproduction.runs import find_run
        >>> config = configuration(find_run("chen2019"), "quick", budget=0.1)
        >>> config.network.frames, config.stages[0].steps
        (1, 410)
    """
    if not 0 < budget < float("inf"):
        raise ConfigurationError([f"budget: expected a positive factor, got {budget}"])
    common = TrainerConfig.preset(base)
    names = [stage.name for stage in common.stages]
    if names != ["teacher", "distillation", "sja", "joint"]:
        fault = f"preset: expected one with the four stages, such as quick, got {base!r}"
        raise ConfigurationError([fault])
    made = _KINDS[run.kind](run, common)
    overrides = {
        path: getattr(common.network, path.rpartition(".")[2]).model_dump()
        if value == "BASE"
        else value
        for path, value in run.overrides.items()
    }
    config = made.override({**overrides, "name": run.name, "seed": seed})
    try:
        return config.override({**scaled(config, budget), **changes})
    except ConfigurationError as error:
        raise ConfigurationError(f"{run.name}:{fault}" for fault in error.faults) from None


def scaled(config: TrainerConfig, budget: float) -> dict[str, int]:
    """Each stage's steps (two at least) or epochs (one at least) times the budget.

    Args:
        config: a configuration.
        budget: the factor.

    Returns:
        New lengths by dotted path, for `TrainerConfig.override`.

    Example:
        >>> scaled(TrainerConfig.preset("chen2019"), 0.5)
        {'stages.teacher.epochs': 75}
    """
    lengths = {}
    for stage in config.stages:
        for unit, length, least in (("steps", stage.steps, 2), ("epochs", stage.epochs, 1)):
            if length is not None:
                lengths[f"stages.{stage.name}.{unit}"] = max(least, round(length * budget))
    return lengths


def _as_it_is(run: Run, common: TrainerConfig) -> TrainerConfig:
    """PoseNet3D: the base preset's four stages."""
    return common


def _first_stage(run: Run, common: TrainerConfig) -> TrainerConfig:
    """The teacher alone."""
    return common.model_copy(update={"stages": common.stages[:1]})


def _student_stages(run: Run, common: TrainerConfig) -> TrainerConfig:
    """The student before fine-tuning: the second and third stage, on another run's teacher."""
    return common.model_copy(update={"stages": common.stages[1:3]})


def _chen2019(run: Run, common: TrainerConfig) -> TrainerConfig:
    """The single-frame baseline with the base's width, batch, optimisers, guard and game.

    It sees as many windows as the base's teacher does in all: in its own and in the joint stage.
    Drawn views are ``uniform``, as published; what they cost is told by a run with the base's.
    """
    teacher, joint = common.stages[0], common.stages[3]
    backbone = common.network.backbone.options
    judges = common.network.discriminator.options
    gain: Any = judges.get("input_gain", 1.0)
    narrow = {name: backbone[name] for name in ("channels", "dropout") if name in backbone}
    width = {"channels": judges["channels"]} if "channels" in judges else {}
    return TrainerConfig.preset("chen2019").override(
        {
            **_shared(common),
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
            **_learns_like("teacher", teacher),
            **_length(common, "teacher", teacher, joint),
        }
    )


def _reprojection_only(run: Run, common: TrainerConfig) -> TrainerConfig:
    """A reprojection baseline with the base's network, batches and weights of the regularisers.

    It sees as many windows as the base does up to the student: the teacher's and distillation's
    in its first stage, SJA's in its second (in the first where there is no second). Where the
    base's student is of another kind than the paper's, such as the one that reads a teacher's
    skeletons, which nothing trains here, the paper's takes its place.
    """
    teacher, distillation, sja = common.stages[:3]
    published = TrainerConfig.preset(run.kind)
    network = common.network.model_dump(mode="json")
    if common.network.student.name != published.network.student.name:
        network["student"] = published.network.student.model_dump(mode="json")
    has_sja = run.kind.endswith("sja")
    weights = {
        f"stages.{name}.losses.{loss}": distillation.losses[loss]
        for name in ("student", "sja")[: 1 + has_sja]
        for loss in ("pose_regularizer", "shape_regularizer")
    }
    first = (teacher, distillation) if has_sja else (teacher, distillation, sja)
    second = {**_learns_like("sja", sja), **_length(common, "sja", sja)} if has_sja else {}
    return published.override(
        {
            **_shared(common),
            "network": network,
            **_learns_like("student", distillation),
            **_length(common, "student", *first, like=distillation),
            **second,
            **weights,
        }
    )


_KINDS: Mapping[str, Callable[[Run, TrainerConfig], TrainerConfig]] = MappingProxyType(
    {
        "base": _as_it_is,
        "teacher": _first_stage,
        "student": _student_stages,
        "chen2019": _chen2019,
        "reprojection_only": _reprojection_only,
        "reprojection_only_sja": _reprojection_only,
    }
)


def _shared(common: TrainerConfig) -> dict[str, Any]:
    """What every run takes from the base preset, whatever its method."""
    names = ("batch_size", "input_noise", "log_every", "validation", "averaging")
    values = common.model_dump(mode="json")
    return {name: values[name] for name in names}


def _learns_like(name: str, stage: StageConfig) -> dict[str, Any]:
    """A stage's batch and optimisers."""
    values = stage.model_dump(mode="json")
    return {
        f"stages.{name}.{each}": values[each]
        for each in ("batch_size", "optimizer", "discriminator_optimizer")
    }


def _length(
    common: TrainerConfig, name: str, *stages: StageConfig, like: StageConfig | None = None
) -> dict[str, Any]:
    """A stage that sees as many windows as others together, in steps or in epochs as they have.

    ``like`` is the one whose batch size it has; by default their first.
    """
    if stages[0].steps is None:
        total = sum(stage.epochs or 0 for stage in stages)
        return {f"stages.{name}.epochs": total, f"stages.{name}.steps": None}
    windows = sum((stage.steps or 0) * (stage.batch_size or common.batch_size) for stage in stages)
    size = (like or stages[0]).batch_size or common.batch_size
    return {f"stages.{name}.steps": round(windows / size), f"stages.{name}.epochs": None}
