"""The configuration of a training run: stages as data, checked as a whole before step one."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError
from pydantic import model_validator as validate_model

from posenet3d.errors import ConfigurationError
from posenet3d.networks import PARTS, NetworkConfig
from posenet3d.training.overrides import overridden
from posenet3d.training.presets import preset_values

Branch = Literal["teacher", "student"]


class Frozen(BaseModel):
    """Base of every configuration: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OptimizerConfig(Frozen):
    """Adam's settings in one stage.

    Example:
        >>> OptimizerConfig().lr
        0.0001
    """

    lr: PositiveFloat = 1e-4
    """Learning rate; the paper's is 1e-4."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's decay rates; reimplementations of Chen et al. take 0.5 for the first."""

    decay: float = Field(default=1.0, gt=0, le=1)
    """The learning rate at a stage's end over that at its start, reached exponentially."""


class AdversarialConfig(Frozen):
    """The game between lifter and discriminator.

    Example:
        >>> AdversarialConfig(form="wasserstein", gradient_penalty=10.0).every
        1
    """

    form: Literal["standard", "least_squares", "wasserstein"] = "standard"
    """The loss: Eq. 5 (non-saturating), LSGAN, or WGAN."""

    gradient_penalty: float = Field(default=0.0, ge=0)
    """Weight of the gradient penalty; WGAN-GP has 10."""

    every: PositiveInt = 1
    """The discriminator learns at every k-th step."""

    max_accuracy: float = Field(default=1.0, gt=0.5, le=1)
    """The discriminator rests while its running accuracy is above this."""

    collapse_accuracy: float = Field(default=0.995, gt=0.5, le=1)
    """A running accuracy above this means that the discriminator is certain."""

    collapse_steps: PositiveInt = 1000
    """Certain for so many steps on end, and the game has collapsed: training stops."""


class MirrorGuardConfig(Frozen):
    """The anatomical guard against the depth mirror: knees bend forwards, elbows backwards.

    Example:
        >>> MirrorGuardConfig().first_check
        60
    """

    enabled: bool = True
    """Whether the guard turns a mirrored lifter round. Off, it only reports."""

    first_check: PositiveInt = 60
    """The step of the first decision."""

    every: PositiveInt = 100
    """Steps between later decisions."""

    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Of the running mean of the evidence."""


class StageConfig(Frozen):
    """One stage of training as a value: what learns, by which losses, for how long.

    Example:
        >>> StageConfig(name="sja", steps=5, train=("student",), losses={"knowledge_distillation": 1})
        StageConfig(name='sja', steps=5, ...)
    """

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_-]+$")
    """The stage's name, in reports and folders."""

    steps: PositiveInt | None = None
    """Optimiser steps; give these or ``epochs``."""

    epochs: PositiveInt | None = None
    """Passes over as many windows as the data holds; give these or ``steps``."""

    train: tuple[str, ...] = Field(min_length=1)
    """The parts that learn; all others are frozen, their BatchNorm included."""

    losses: dict[str, PositiveFloat] = Field(min_length=1)
    """Objective and weight; the objectives are plug-ins of ``posenet3d.losses``."""

    discriminators: dict[str, tuple[Branch, ...]] = Field(default_factory=dict)
    """Discriminator part, and the branches whose reprojections it learns to tell from real."""

    optimizer: OptimizerConfig = OptimizerConfig()
    """Adam for the parts that learn."""

    discriminator_optimizer: OptimizerConfig = OptimizerConfig()
    """Adam for the discriminators."""

    batch_size: PositiveInt | None = None
    """Windows a step; by default the run's."""

    measure_scale: bool = False
    """Measure the metres per head-to-root unit from the frozen teacher when the stage begins."""

    balance_distillation: bool = False
    """Divide the student's losses by (mm per unit)², so that they do not drown the teacher's."""

    mirror_guard: bool = False
    """Watch the teacher for the depth mirror, and turn it round where the guard is enabled."""

    @validate_model(mode="after")
    def _is_consistent(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("expected either steps or epochs; give exactly one")
        unknown = {*self.train, *self.discriminators} - set(PARTS)
        if unknown:
            raise ValueError(f"unknown parts {sorted(unknown)}; known: {list(PARTS)}")
        if both := set(self.train) & set(self.discriminators):
            raise ValueError(f"{sorted(both)} stand both under train and under discriminators")
        return self


class TrainerConfig(Frozen):
    """A whole run; kept as ``config.json`` in its folder.

    Presets (:meth:`preset`): ``paper``, the paper's numbers, and ``quick``, minutes on a CPU.

    Example:
        >>> config = TrainerConfig.preset("quick", seed=3)
        >>> [stage.name for stage in config.stages]
        ['teacher', 'distillation', 'sja', 'joint']
    """

    name: str = "custom"
    """The preset that this configuration began as."""

    network: NetworkConfig = NetworkConfig()
    """The networks and how the input is normalised."""

    stages: tuple[StageConfig, ...] = Field(min_length=1)
    """The stages, in order."""

    batch_size: PositiveInt = 6000
    """Windows a step."""

    seed: int = Field(default=0, ge=0)
    """The run is a function of this, the data and the rest of this configuration."""

    input_noise: float = Field(default=0.0, ge=0)
    """Standard deviation of Gaussian noise on the normalised 2D input."""

    distillation_unit: Literal["mm", "head_to_root"] = "mm"
    """The unit of length in L_S. The paper names none, and its weights make sense in mm only."""

    kd_scale: Literal["measured", "window"] = "measured"
    """The teacher's size: measured once, or fitted to the student's in each window."""

    regularize_root: bool = True
    """Whether Eq. 8 counts the root's rotation, as printed."""

    adversarial: AdversarialConfig = AdversarialConfig()
    """The game between lifter and discriminator."""

    mirror_guard: MirrorGuardConfig = MirrorGuardConfig()
    """The guard against the depth mirror."""

    log_every: PositiveInt = 50
    """Steps between records of the losses."""

    checkpoint_every: PositiveInt = 500
    """Steps between saved states; one is saved at each stage's end and on Ctrl-C as well."""

    @validate_model(mode="after")
    def _stages_have_names_of_their_own(self) -> Self:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError(f"stages: expected names of their own, got {names}")
        return self

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """A configuration of plain values, all faults collected.

        Raises:
            ConfigurationError: with one line a fault.

        Example:
            >>> TrainerConfig.parse({"stages": [], "bath_size": 3})
            Traceback (most recent call last):
            posenet3d.errors.ConfigurationError: The configuration has 2 faults:
              - stages: Tuple should have at least 1 item after validation, not 0, got []
              - bath_size: Extra inputs are not permitted, got 3
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigurationError(
                f"{'.'.join(map(str, fault['loc'])) or 'configuration'}: "
                f"{fault['msg'].removeprefix('Value error, ')}"
                + ("" if fault["type"] == "value_error" else f", got {fault['input']!r}")
                for fault in error.errors()
            ) from error

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The preset called ``name``, with some fields changed.

        Args:
            name: ``"paper"`` or ``"quick"``.
            **changes: fields of this class and their values.

        Raises:
            ConfigurationError: if a change does not fit.
            UnknownNameError: if there is no such preset.

        Example:
            >>> TrainerConfig.preset("paper").batch_size
            6000
        """
        return cls.parse({**preset_values(name), **changes})

    def override(self, changes: Mapping[str, Any]) -> Self:
        """This configuration with fields changed by their dotted paths.

        Args:
            changes: path to value, such as ``{"stages.teacher.steps": 100}``; texts are read as
                JSON where they are JSON.

        Raises:
            ConfigurationError: if a path leads nowhere or a value does not fit.

        Example:
            >>> TrainerConfig.preset("quick").override({"stages.sja.steps": "7"}).stages[2].steps
            7
        """
        return self.parse(overridden(self.model_dump(mode="json"), changes))
