"""What is made sure of before the first step."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from posenet3d.errors import ConfigurationError, UnknownNameError
from posenet3d.networks import PoseNet3D, evaluating
from posenet3d.networks.part_checks import made_up_windows
from posenet3d.training.config import TrainerConfig
from posenet3d.training.engine.device import forked_random_state
from posenet3d.training.forward import Forward, ForwardSettings
from posenet3d.training.objectives import Objective, is_built_in
from posenet3d.training.stage import StageConfig
from posenet3d.training.step import parameters_of

Resume = Literal["auto", "must", "never"]
"""Whether a run goes on from what is saved: where there is something, by all means, not at all."""


def as_resume(text: str) -> Resume:
    """A text as what :meth:`Trainer.fit` takes for ``resume``.

    Raises:
        UnknownNameError: if it is nothing of the kind.

    Example:
        >>> as_resume("must")
        'must'
    """
    known: tuple[Resume, ...] = get_args(Resume)
    for each in known:
        if each == text:
            return each
    raise UnknownNameError("wish to resume", text, known)


def check_scale_is_known(model: PoseNet3D, stages: Iterable[StageConfig]) -> None:
    """Make sure that the scale between teacher and body is known before the student learns.

    Raises:
        ConfigurationError: if a run starts from weights that do not know it.

    Example:
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> from posenet3d.training import TrainerConfig
        >>> config = TrainerConfig.preset("quick", network={"backbone": small})
        >>> check_scale_is_known(PoseNet3D(config.network), config.stages)
    """
    known = model.has_student
    for stage in stages:
        known = known or stage.measure_scale
        if "student" in stage.train and not known:
            raise ConfigurationError(
                [
                    f"stages.{stage.name}: expected weights with a trained student to start from, "
                    "got some without; set measure_scale there or in an earlier stage"
                ]
            )


def check_student_follows(model: PoseNet3D, stages: Sequence[StageConfig]) -> None:
    """Make sure that a trained student is not left behind by the backbone whose features it reads.

    Raises:
        ConfigurationError: if a run starts from weights with such a student, and trains the
            backbone, but not the student then or later.

    Example:
        >>> from posenet3d.training import TrainerConfig
        >>> config = TrainerConfig.preset("detected")  # its student reads skeletons alone
        >>> check_student_follows(PoseNet3D(config.network), config.stages)
    """
    if not model.has_student or model.student_sees_teacher:
        return
    last = {name: _last(name, stages) for name in ("backbone", "student")}
    if last["backbone"] > last["student"]:
        raise ConfigurationError(
            [
                f"stages.{stages[last['backbone']].name}.train: expected 'student' here or in a "
                "later stage, since it reads the features of the backbone that learns; name it, "
                "with its losses"
            ]
        )


def _last(part: str, stages: Sequence[StageConfig]) -> int:
    """The number of the last stage that trains a part; -1 if none does."""
    return max((number for number, stage in enumerate(stages) if part in stage.train), default=-1)


def check_something_learns(model: PoseNet3D, stages: Iterable[StageConfig]) -> None:
    """Make sure that every stage has parameters to train.

    Raises:
        ConfigurationError: if some have none; every one is listed.

    Example:
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> from posenet3d.training import TrainerConfig
        >>> config = TrainerConfig.preset("quick", network={"backbone": small})
        >>> check_something_learns(PoseNet3D(config.network), config.stages)
    """
    faults = [
        f"stages.{stage.name}.{field}: {', '.join(parts)} of this network: nothing to learn there"
        for stage in stages
        for field, parts in (("train", stage.train), ("discriminators", stage.discriminators))
        if parts and not parameters_of(model, parts)
    ]
    if faults:
        raise ConfigurationError(faults)


def check_losses(
    model: PoseNet3D, config: TrainerConfig, objectives: Iterable[Mapping[str, Objective]]
) -> None:
    """Make sure that other packages' losses give scalars, by a trial on made-up windows.

    Those of the last stage too, so that a mistake is not found after hours of the others. The
    network is as it was afterwards; on the way its scale is the body's where it is not known.

    Args:
        model: the network.
        config: the run's configuration.
        objectives: each stage's losses by name.

    Raises:
        ConfigurationError: if a loss raises, or gives something else than a scalar; all that do
            are listed.

    Example:
        >>> from posenet3d.training import TrainerConfig
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> config = TrainerConfig.preset(
        ...     "chen2019", network={"frames": 1, "backbone": small, "discriminator": small}
        ... )
        >>> model = PoseNet3D(config.network)
        >>> check_losses(model, config, [{"cycle_2d": lambda forward: forward.now.mean(0)}])
        Traceback (most recent call last):
        posenet3d.errors.ConfigurationError: The configuration has 1 fault:
          - stages.teacher.losses.cycle_2d: expected a scalar tensor, got a tensor (1, 14, 2)
    """
    faults = []
    batch, scale = made_up_windows(model, following=1), model.metres_per_unit.clone()
    with forked_random_state(model.metres_per_unit.device), evaluating(model):
        if not model.has_student:
            model.take_scale_of_body()
        for stage, losses in zip(config.stages, objectives, strict=True):
            forward = Forward(model, batch, ForwardSettings.of(config, stage))
            for name, objective in losses.items():
                if not is_built_in(objective) and (fault := _fault_of(objective, forward)):
                    faults.append(f"stages.{stage.name}.losses.{name}: {fault}")
        model.metres_per_unit.copy_(scale)
    if faults:
        raise ConfigurationError(faults)


def _fault_of(objective: Objective, forward: Forward) -> str | None:
    """What is wrong with a loss, if something is."""
    try:
        value: object = objective(forward)
    except Exception as error:
        return f"failed on made-up windows: {type(error).__name__}: {error}"
    if not isinstance(value, Tensor):
        return f"expected a scalar tensor, got {type(value).__name__}"
    if value.shape != torch.Size([]):
        return f"expected a scalar tensor, got a tensor {tuple(value.shape)}"
    return None
