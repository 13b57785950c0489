"""A stage of training as a value: what learns, by which losses, for how long."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, field_validator

from posenet3d.data import Spoiling
from posenet3d.networks import PARTS
from posenet3d.plugins import GROUPS
from posenet3d.training.faults import known
from posenet3d.training.frozen import Frozen, Info
from posenet3d.training.optimization import OptimizerConfig

Branch = Literal["teacher", "student"]
BRANCHES: tuple[Branch, ...] = ("teacher", "student")
"""The lifters whose skeletons are looked at from elsewhere."""
Part = Annotated[str, AfterValidator(known("part", lambda: PARTS))]
LossName = Annotated[str, AfterValidator(known("loss", GROUPS["losses"].names))]
BatchSize = Annotated[int, Field(ge=2)]
"""Windows a step: BatchNorm needs two to tell them apart."""


class StageConfig(Frozen):
    """One stage of training as a value: what learns, by which losses, for how long.

    Example:
        >>> losses = {"knowledge_distillation": 1.0}
        >>> StageConfig(name="sja", steps=5, train=("student",), losses=losses)
        StageConfig(name='sja', steps=5, ...)
    """

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_-]+$")
    """The stage's name, in reports and folders."""

    steps: PositiveInt | None = None
    """Optimiser steps; give these or ``epochs``."""

    epochs: PositiveInt | None = None
    """Passes over as many windows as the data holds; give these or ``steps``."""

    train: tuple[Part, ...] = Field(min_length=1)
    """The parts that learn; all others are frozen, their BatchNorm included."""

    losses: dict[LossName, PositiveFloat] = Field(min_length=1)
    """Objective and weight; the objectives are plug-ins of ``posenet3d.losses``."""

    discriminators: dict[
        Literal["discriminator"], Annotated[tuple[Branch, ...], Field(min_length=1)]
    ] = Field(default_factory=dict)
    """Discriminator part, and the branches whose reprojections it learns to tell from real."""

    optimizer: OptimizerConfig = OptimizerConfig()
    """Adam for the parts that learn."""

    discriminator_optimizer: OptimizerConfig = OptimizerConfig()
    """Adam for the discriminators."""

    batch_size: BatchSize | None = None
    """Windows a step; by default the run's."""

    measure_scale: bool = False
    """Measure the metres per head-to-root unit when the stage begins."""

    scale_from: Literal["teacher", "body"] = "teacher"
    """What the scale is measured from: the teacher, or the body at rest where there is none."""

    balance_distillation: bool = False
    """Divide the student's losses by (mm per unit)², so that they do not drown the teacher's."""

    spoilt: Spoiling | None = None
    """How the windows are spoilt before anything sees them; ``None``: they are not.

    The loss ``denoising`` compares with the exact ones. See :mod:`posenet3d.data.spoiling`.
    """

    mirror_guard: bool = False
    """Watch the teacher for the depth mirror, and turn it round where the guard is enabled."""

    @field_validator("epochs")
    @classmethod
    def _steps_or_epochs(cls, epochs: int | None, info: Info) -> int | None:
        if "steps" in info.data and (info.data["steps"] is None) == (epochs is None):
            raise ValueError("expected either steps or epochs; give exactly one")
        return epochs

    @field_validator("discriminators")
    @classmethod
    def _learn_in_their_own_half_of_a_step(
        cls, discriminators: dict[str, Any], info: Info
    ) -> dict[str, Any]:
        if both := sorted(set(info.data.get("train", ())) & set(discriminators)):
            raise ValueError(f"{both} stand under train as well; name them here only")
        return discriminators

    @field_validator("spoilt")
    @classmethod
    def _denoising_has_noise(cls, spoilt: Spoiling | None, info: Info) -> Spoiling | None:
        if spoilt is None and "denoising" in info.data.get("losses", ()):
            raise ValueError("expected spoilt windows with the loss 'denoising', got none")
        return spoilt

    @field_validator("mirror_guard")
    @classmethod
    def _guards_a_teacher_that_learns(cls, guard: bool, info: Info) -> bool:
        if guard and "train" in info.data and "teacher" not in info.data["train"]:
            raise ValueError("expected 'teacher' under train; a frozen teacher cannot be turned")
        return guard
