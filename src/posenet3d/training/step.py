"""One stage's machinery: what is frozen, the optimisers, and a single step."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from posenet3d.errors import TrainingError
from posenet3d.networks import PARTS, PoseNet3D
from posenet3d.training.adversary import Adversary
from posenet3d.training.config import TrainerConfig
from posenet3d.training.forward import Forward, ForwardSettings
from posenet3d.training.mirror_guard import MirrorGuard
from posenet3d.training.stage import OptimizerConfig, StageConfig
from posenet3d.typing import Scalar, Windows2D

Objective = Callable[[Forward], Scalar]


class StageRunner:
    """Takes the steps of one stage.

    Args:
        model: the network; the parts that the stage trains are set free, all others are frozen.
        config: the run's configuration.
        stage: the stage.
        objectives: the stage's losses by name.
        steps: how many steps the stage has.
    """

    def __init__(
        self,
        model: PoseNet3D,
        config: TrainerConfig,
        stage: StageConfig,
        objectives: Mapping[str, Objective],
        steps: int,
    ) -> None:
        self.model, self.config, self.stage = model, config, stage
        self.objectives, self.steps = objectives, steps
        device = model.metres_per_unit.device
        self.adversary = Adversary(config.adversarial, device)
        self.guard = MirrorGuard(config.mirror_guard, device)
        self.settings = ForwardSettings(
            form=self.adversary.form,
            distillation_unit=config.distillation_unit,
            kd_scale=config.kd_scale,
            regularize_root=config.regularize_root,
            balance_distillation=stage.balance_distillation,
        )
        self.optimizer = adam(parameters_of(model, stage.train), stage.optimizer)
        self.discriminator_optimizer = (
            adam(parameters_of(model, stage.discriminators), stage.discriminator_optimizer)
            if stage.discriminators
            else None
        )

    def step(self, batch: Windows2D, number: int) -> dict[str, Scalar]:
        """One step on a batch: first the lifter or student, then the discriminator.

        Args:
            batch: windows with the frame that follows (batch, T + 1, 14, 2).
            number: the step's number in the stage, from 0.

        Returns:
            The losses, unweighted, and other figures, on the device.
        """
        self._set_learning_rates(number)
        forward = Forward(self.model, batch, self.settings)
        values = self._descend(forward, number)
        if self.discriminator_optimizer is not None and self.adversary.is_due(number):
            values |= self._play(forward, self.discriminator_optimizer)
        if self.stage.mirror_guard:
            self._guard(forward, number)
        return values

    def _descend(self, forward: Forward, number: int) -> dict[str, Scalar]:
        values = {name: objective(forward) for name, objective in self.objectives.items()}
        weights = self.stage.losses
        total = torch.stack([weights[name] * value for name, value in values.items()]).sum()
        if not total.requires_grad:
            raise TrainingError(
                self.stage.name,
                number + 1,
                f"expected losses that depend on {', '.join(self.stage.train)}, got "
                f"{', '.join(values)}, which do not; change the stage's losses or what it trains.",
            )
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return {name: value.detach() for name, value in values.items()}

    def _play(self, forward: Forward, optimizer: torch.optim.Optimizer) -> dict[str, Scalar]:
        """The discriminator's half of a step: it learns, or only judges where it rests."""
        part = self.model.discriminator
        branches = self.stage.discriminators["discriminator"]
        fakes = torch.cat([forward.fakes(branch) for branch in branches])
        if self.adversary.rests:
            with torch.no_grad():
                return self.adversary.loss(part, forward.now, fakes)[1]
        part.requires_grad_(True)
        loss, values = self.adversary.loss(part, forward.now, fakes)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        part.requires_grad_(False)
        return values

    def _guard(self, forward: Forward, number: int) -> None:
        self.guard.watch(forward.teacher_joints)
        if self.guard.objects(number + 1):
            learning = [name for name in ("teacher", "views") if name in self.stage.train]
            parts = [getattr(self.model, name) for name in learning]
            mirrored = [each for part in parts for each in part.mirrored_parameters()]
            self.guard.turn(mirrored, self.optimizer)

    def _set_learning_rates(self, number: int) -> None:
        pairs = [(self.optimizer, self.stage.optimizer)]
        if self.discriminator_optimizer is not None:
            pairs.append((self.discriminator_optimizer, self.stage.discriminator_optimizer))
        for optimizer, config in pairs:
            for group in optimizer.param_groups:
                group["lr"] = config.lr * config.decay ** (number / self.steps)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs of this stage."""
        other = self.discriminator_optimizer
        return {
            "optimizer": self.optimizer.state_dict(),
            "discriminator_optimizer": None if other is None else other.state_dict(),
            "adversary": self.adversary.state_dict(),
            "guard": self.guard.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self.discriminator_optimizer is not None:
            self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.adversary.load_state_dict(state["adversary"])
        self.guard.load_state_dict(state["guard"])


def parameters_of(model: PoseNet3D, parts: Iterable[str]) -> list[nn.Parameter]:
    """The parameters of parts, in a fixed order."""
    return [parameter for name in sorted(parts) for parameter in model.part(name).parameters()]


def adam(parameters: list[nn.Parameter], config: OptimizerConfig) -> torch.optim.Adam:
    """Adam, fused where there is something to fuse."""
    return torch.optim.Adam(parameters, lr=config.lr, betas=config.betas, fused=True)


@contextmanager
def only_training(model: PoseNet3D, stage: StageConfig) -> Iterator[None]:
    """Free the parts that a stage trains and freeze all others, for the time of the block.

    A frozen part is in eval mode, its BatchNorm too. A discriminator is in train mode, but takes
    gradients only in its own half of a step.
    """
    before = {parameter: parameter.requires_grad for parameter in model.parameters()}
    for name in PARTS:
        part = model.part(name)
        part.requires_grad_(name in stage.train)
        part.train(name in stage.train or name in stage.discriminators)
    try:
        yield
    finally:
        for parameter, flag in before.items():
            parameter.requires_grad_(flag)
        model.zero_grad(set_to_none=True)
        model.eval()


def step_seed(seed: int, stage: str, step: int) -> int:
    """The seed of everything random in a step: views, dropout, noise.

    The first eight bytes of SHA-256 of ``step/<seed>/<stage>/<step>``, so that a resumed run
    needs only its counters.

    Example:
        >>> step_seed(0, "teacher", 0) == step_seed(0, "teacher", 1)
        False
    """
    digest = hashlib.sha256(f"step/{seed}/{stage}/{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Means:
    """Running means of named scalars that stay on the device until they are read.

    Example:
        >>> means = Means()
        >>> means.add({"loss": torch.tensor(1.0)})
        >>> means.add({"loss": torch.tensor(3.0)})
        >>> means.read()
        {'loss': 2.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Scalar]) -> None:
        """Add one step's values."""
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1

    def read(self) -> dict[str, float]:
        """The means since the last reading; the one place that waits for the device."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
