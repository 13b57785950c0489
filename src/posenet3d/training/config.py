"""The configuration of a training run, checked as a whole before step one."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, ValidationError, field_validator, model_validator

from posenet3d.data.detector_noise import DetectorNoise, noise_by_name
from posenet3d.errors import ConfigurationError
from posenet3d.networks import NetworkConfig, network_from
from posenet3d.plugins import PluginSpec
from posenet3d.training.averaging import AveragingConfig
from posenet3d.training.checkpoints import CheckpointConfig
from posenet3d.training.engine.config import EngineConfig
from posenet3d.training.faults import described, plugin_faults
from posenet3d.training.frozen import Frozen, Info
from posenet3d.training.health.config import HealthConfig
from posenet3d.training.overrides import overridden
from posenet3d.training.presets import preset_values
from posenet3d.training.stage import BatchSize, StageConfig
from posenet3d.training.validation_config import ValidationConfig


def with_network_of_the_start(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a configuration whose network is that of ``start_from``, where it is not said.

    Raises:
        DataError: if the weights' configuration is damaged.
        StorageError: if there is none.
        UnknownNameError: if there are no such weights.

    Example:
        >>> values = {"start_from": "best-wild", "network": {"missing_joints": True}}
        >>> with_network_of_the_start(values)["network"]["backbone"]["options"]["channels"]
        256
    """
    plain, start = dict(values), values.get("start_from")
    network = plain.get("network", {})
    whole = not isinstance(network, Mapping) or set(NetworkConfig.model_fields) <= set(network)
    if isinstance(start, str | Path) and not whole:
        plain["network"] = network_from(start, network)
    return plain


def _are_told_of_missing_joints(
    stages: Iterable[StageConfig], network: NetworkConfig | None
) -> None:
    """Make sure that a network that is given windows with missing joints is told so."""
    for stage in stages:
        told = network is None or network.missing_joints
        if stage.spoilt is not None and stage.spoilt.misses and not told:
            raise ValueError(
                f"expected no missing joints in the spoilt windows of {stage.name!r} for a "
                "network that is not told of them; set network.missing_joints, or dropped and "
                "hidden to 0"
            )


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
    """The discriminator rests while its running accuracy is above this; below 1 the host waits for
    the device at each step to know it."""

    collapse_accuracy: float = Field(default=0.995, gt=0.5, le=1)
    """A running accuracy above this means that the discriminator is certain."""

    collapse_steps: PositiveInt = 1000
    """Certain for so many steps on end, and the game has collapsed: training stops."""

    @field_validator("max_accuracy")
    @classmethod
    def _a_critic_has_no_accuracy(cls, limit: float, info: Info) -> float:
        if limit < 1 and info.data.get("form") == "wasserstein":
            raise ValueError("expected 1 with the form 'wasserstein', whose critic has no accuracy")
        return limit


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


class TrainerConfig(Frozen):
    """A whole run; kept as ``config.json`` in its folder.

    Presets (:meth:`preset`): ``paper``, the paper's numbers; ``quick``, minutes on a CPU; ``best``,
    ``quick`` with two additions that lift held-out people better; ``detected``, shipped weights
    taught to bear a detector's errors; and the paper's baselines ``chen2019``,
    ``reprojection_only`` and ``reprojection_only_sja``.

    Example:
        >>> config = TrainerConfig.preset("quick", seed=3)
        >>> [stage.name for stage in config.stages]
        ['teacher', 'distillation', 'sja', 'joint']
    """

    name: str = "custom"
    """The preset that this configuration began as."""

    network: NetworkConfig = NetworkConfig()
    """The networks and how the input is normalised."""

    start_from: str | None = None
    """Weights to start from: the name of some that ship, or the folder of a run; ``None``: none.

    What ``network`` does not say is then as in these weights, and what the network has more than
    they have begins with weight 0. The folder must stay for as long as the run goes on.
    """

    stages: tuple[StageConfig, ...] = Field(min_length=1)
    """The stages, in order."""

    batch_size: BatchSize = 6000
    """Windows a step."""

    seed: int = Field(default=0, ge=0)
    """The run is a function of this, the data and the rest of this configuration."""

    input_noise: float = Field(default=0.0, ge=0)
    """Standard deviation of Gaussian noise on the normalised 2D input."""

    detector_noise: DetectorNoise | None = None
    """Errors of a 2D detector, new in each step, by a model or the name of one; ``None``: none.

    See :mod:`posenet3d.data.detector_noise`. The windows' frames are taken as 50 a second.
    """

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

    checkpoints: CheckpointConfig = CheckpointConfig()
    """When states are saved and which are kept."""

    health: HealthConfig = HealthConfig()
    """What is watched, and what is done about it."""

    averaging: AveragingConfig | None = None
    """A moving average of the weights; ``None``: none."""

    validation: ValidationConfig = ValidationConfig()
    """When the network is looked at, and on what."""

    loggers: tuple[PluginSpec, ...] = (PluginSpec(name="csv"),)
    """Who is told of the figures, where there is a run folder; no part of a run's identity."""

    engine: EngineConfig = EngineConfig()
    """Devices, processes and precision; no part of a run's identity either."""

    _noise_may_be_named = field_validator("detector_noise", mode="before")(noise_by_name)

    @field_validator("detector_noise")
    @classmethod
    def _missing_joints_are_told(
        cls, noise: DetectorNoise | None, info: Info
    ) -> DetectorNoise | None:
        network = info.data.get("network")
        told = network is None or network.missing_joints
        if noise is not None and noise.dropped and not told:
            raise ValueError(
                "expected dropped = 0 for a network that is not told which joints are missing; "
                "set network.missing_joints, or dropped to 0"
            )
        spoilt = [stage.name for stage in info.data.get("stages", ()) if stage.spoilt is not None]
        if noise is not None and spoilt:
            raise ValueError(
                f"expected none beside a stage that spoils windows by itself ({spoilt[0]!r}), "
                "whose exact windows would be none"
            )
        return noise

    @field_validator("stages")
    @classmethod
    def _stages_fit_together(
        cls, stages: tuple[StageConfig, ...], info: Info
    ) -> tuple[StageConfig, ...]:
        names = [stage.name for stage in stages]
        if len(set(names)) != len(names):
            raise ValueError(f"expected names of their own, got {names}")
        measured = info.data.get("start_from") is not None
        for stage in stages:
            measured = measured or stage.measure_scale
            if "student" in stage.train and not measured:
                raise ValueError(
                    f"expected the scale between teacher and body to be known before the student "
                    f"learns in {stage.name!r}; set measure_scale there or in an earlier stage"
                )
        _are_told_of_missing_joints(stages, info.data.get("network"))
        return stages

    @model_validator(mode="before")
    @classmethod
    def _network_of_the_start(cls, values: Any) -> Any:
        return with_network_of_the_start(values) if isinstance(values, Mapping) else values

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "TrainerConfig":
        """A configuration of plain values, all faults collected.

        Raises:
            ConfigurationError: with one line a fault.

        Example:
            >>> TrainerConfig.parse({"stages": [], "bath_size": 3})
            Traceback (most recent call last):
            posenet3d.errors.ConfigurationError: The configuration has 2 faults:
              - stages: Tuple should have at least 1 item after validation, not 0, got []
              - bath_size: Unknown field 'bath_size'; did you mean 'batch_size'? Known: ...
        """
        plain = with_network_of_the_start(values)
        faults = list(plugin_faults(plain.get("network")))
        try:
            config = cls.model_validate(plain)
        except ValidationError as error:
            raise ConfigurationError([*described(error, cls, plain), *faults]) from error
        if faults:
            raise ConfigurationError(faults)
        return config

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "TrainerConfig":
        """The preset called ``name``, with some fields changed.

        Args:
            name: one of :data:`posenet3d.training.PRESETS`, such as ``"quick"``.
            **changes: fields of this class and their values.

        Raises:
            ConfigurationError: if a change does not fit.
            UnknownNameError: if there is no such preset.

        Example:
            >>> TrainerConfig.preset("paper").batch_size
            6000
        """
        return cls.parse({**preset_values(name), **changes})

    def override(self, changes: Mapping[str, Any]) -> "TrainerConfig":
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
