"""One stage's machinery: what is frozen, the optimisers, and a single step."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from posenet3d.errors import TrainingError
from posenet3d.networks import PARTS, PoseNet3D
from posenet3d.training.adversary import Adversary
from posenet3d.training.averaging import Averaging, PassBatch
from posenet3d.training.config import TrainerConfig
from posenet3d.training.engine import Engine
from posenet3d.training.forward import ForwardSettings
from posenet3d.training.frozen_lifter import FrozenLifter
from posenet3d.training.halves import DiscriminatorHalf, Lifted, LifterHalf
from posenet3d.training.health import Health
from posenet3d.training.mirror_guard import MirrorGuard
from posenet3d.training.objectives import Objective
from posenet3d.training.optimization import Descent
from posenet3d.training.stage import StageConfig
from posenet3d.typing import Scalar, Windows2D


class StageRunner:
    """Takes the steps of one stage.

    Every figure that it decides by is the mean over all processes, so all of them decide alike.

    Args:
        model: the network; the parts that the stage trains are set free, all others are frozen.
        config: the run's configuration.
        stage: the stage.
        objectives: the stage's losses by name.
        steps: how many steps the stage has.
        engine: what the steps run on.
        pass_batch: passes a batch forward, for the statistics of averaged weights.
    """

    def __init__(
        self,
        model: PoseNet3D,
        config: TrainerConfig,
        stage: StageConfig,
        objectives: Mapping[str, Objective],
        steps: int,
        engine: Engine,
        pass_batch: PassBatch | None = None,
    ) -> None:
        self.model, self.config, self.stage, self.engine = model, config, stage, engine
        device = model.metres_per_unit.device
        self.adversary = Adversary(config.adversarial, device)
        self.guard = MirrorGuard(config.mirror_guard, device)
        parts = [model.part(name) for name in (*stage.train, *stage.discriminators)]
        self.health = Health(config.health, stage.name, model, parts)
        settings = ForwardSettings.of(config, stage)
        self.before = None if stage.spoilt is None else FrozenLifter(model)
        self._half = LifterHalf(
            model, stage, objectives, settings, engine.share, engine.compiler, self.before
        )
        self.lifter = engine.wrap(self._half)
        self.descent = Descent(
            parameters_of(model, stage.train),
            stage.optimizer,
            steps,
            self.health.statistics(model.part(name) for name in stage.train),
        )
        self.discriminator, self.discriminator_descent = self._discriminator_side(steps)
        learning = {name: model.part(name) for name in stage.train}
        self.averaging: Averaging | None = None
        if config.averaging is not None:
            self.averaging = Averaging(config.averaging, learning, pass_batch)

    def _discriminator_side(self, steps: int) -> tuple[nn.Module | None, Descent | None]:
        if not self.stage.discriminators:
            return None, None
        part = self.model.discriminator
        with _learning(part):
            half = DiscriminatorHalf(part, self.config.adversarial, self.engine.compiler)
            wrapped = self.engine.wrap(half)
        parameters = parameters_of(self.model, self.stage.discriminators)
        kept = self.health.statistics([part])
        return wrapped, Descent(parameters, self.stage.discriminator_optimizer, steps, kept)

    def step(
        self, batch: Windows2D, number: int, seed: int = 0, exact: Windows2D | None = None
    ) -> dict[str, Scalar]:
        """One step on a batch: first the lifter or student, then the discriminator.

        Args:
            batch: windows with the frame that follows (batch, T + 1, 14, 2), this process's.
            number: the step's number in the stage, from 0.
            seed: the step's, for what several processes draw each for itself.
            exact: the batch before it was spoilt, where the stage spoils windows.

        Returns:
            The losses, unweighted, and other figures, on the device.
        """
        self.engine.begin_step()
        lifted = self._descend(batch, number, seed, exact)
        values = dict(lifted.values)
        values["gradient_norm"] = self.descent.norm
        left_out = [self.descent.left_out]
        if self.discriminator_descent is not None and self.adversary.is_due(number):
            values |= self._play(self.model.judged(batch), lifted.fakes, number, left_out)
        values = self.engine.mean({**values, "mirror_evidence": lifted.evidence})
        evidence = values.pop("mirror_evidence")
        any_left_out = torch.stack(left_out).any()
        self.adversary.watch(values, any_left_out)
        self.health.watch(number + 1, any_left_out, values)
        if self.averaging is not None:
            self.averaging.update(number + 1)
        if self.stage.mirror_guard:
            self.guard.watch(evidence, any_left_out)
            self._turn_if_mirrored(number)
        return values

    def pass_forward(self, batch: Windows2D, seed: int, exact: Windows2D | None = None) -> None:
        """Pass a batch through the lifter's half of a step and learn nothing.

        Args:
            batch: as for :meth:`step`.
            seed: as for :meth:`step`.
            exact: as for :meth:`step`.
        """
        self._half.losses(batch, self._half.draw(len(batch), seed), exact)

    def _descend(self, batch: Windows2D, number: int, seed: int, exact: Windows2D | None) -> Lifted:
        self.descent.begin()
        lifted: Lifted = self.lifter(batch, seed, exact)
        if not lifted.total.requires_grad:
            raise TrainingError(
                self.stage.name,
                number + 1,
                f"expected losses that depend on {', '.join(self.stage.train)}, got "
                f"{', '.join(lifted.values)}, which do not; change the stage's losses or what it "
                "trains.",
            )
        self.descent.step(lifted.total, number, self._backward)
        return lifted

    def _backward(self, loss: Tensor) -> None:
        """Gradients that all processes share, each part's own finishing touch included."""
        self.engine.backward(loss)
        for name in self.stage.train:
            finish = getattr(self.model.part(name), "finish_gradients", None)
            if finish is not None:
                finish()

    def _play(
        self, real: Windows2D, fakes: Tensor, number: int, left_out: list[Tensor]
    ) -> dict[str, Scalar]:
        """The discriminator's half of a step: it learns, or only judges where it rests.

        Where it learns, ``left_out`` gets whether its step was left out.
        """
        half, descent = self.discriminator, self.discriminator_descent
        if half is None or descent is None:
            return {}
        values: dict[str, Scalar]
        if self.adversary.rests:
            with torch.no_grad():
                return dict(half(real, fakes)[1])
        with _learning(self.model.discriminator):
            descent.begin()
            loss, values = half(real, fakes)
            descent.step(loss, number, self.engine.backward)
        left_out.append(descent.left_out)
        return {**values, "discriminator_gradient_norm": descent.norm}

    def _turn_if_mirrored(self, number: int) -> None:
        if self.guard.objects(number + 1) and self.health.mirrored(number + 1):
            self.guard.turn(self._mirrored_parameters(), self.descent.optimizer)
            if self.averaging is not None:
                self.averaging.negate(self._mirrored_parameters())

    def _mirrored_parameters(self) -> list[nn.Parameter]:
        """What the mirror guard negates, of the parts that learn."""
        learning = [name for name in ("teacher", "views") if name in self.stage.train]
        parts = [getattr(self.model, name) for name in learning]
        return [each for part in parts for each in part.mirrored_parameters()]

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs of this stage."""
        other = self.discriminator_descent
        return {
            "descent": self.descent.state_dict(),
            "discriminator_descent": None if other is None else other.state_dict(),
            "adversary": self.adversary.state_dict(),
            "guard": self.guard.state_dict(),
            "health": self.health.state_dict(),
            "averaging": None if self.averaging is None else self.averaging.state_dict(),
            "before": None if self.before is None else self.before.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state."""
        self.descent.load_state_dict(state["descent"])
        if self.discriminator_descent is not None:
            self.discriminator_descent.load_state_dict(state["discriminator_descent"])
        self.adversary.load_state_dict(state["adversary"])
        self.guard.load_state_dict(state["guard"])
        self.health.load_state_dict(state["health"])
        if self.averaging is not None:
            self.averaging.load_state_dict(state["averaging"])
        if self.before is not None:
            self.before.load_state_dict(state["before"])


def parameters_of(model: PoseNet3D, parts: Iterable[str]) -> list[nn.Parameter]:
    """The parameters of parts, in a fixed order."""
    return [parameter for name in sorted(parts) for parameter in model.part(name).parameters()]


@contextmanager
def _learning(part: nn.Module) -> Iterator[None]:
    """A block in which a part that is frozen in the other half of a step takes gradients."""
    part.requires_grad_(True)
    try:
        yield
    finally:
        part.requires_grad_(False)


@contextmanager
def only_training(model: PoseNet3D, stage: StageConfig) -> Iterator[None]:
    """Free the parts that a stage trains and freeze all others, for the time of the block.

    A frozen part is in eval mode, its BatchNorm too. A discriminator is in train mode, but takes
    gradients only in its own half of a step.
    """
    before = {parameter: parameter.requires_grad for parameter in model.parameters()}
    modes = {part: getattr(part, "finishes_by_itself", None) for part in map(model.part, PARTS)}
    for name in PARTS:
        part = model.part(name)
        part.requires_grad_(name in stage.train)
        part.train(name in stage.train or name in stage.discriminators)
        if modes[part] is not None:
            part.finishes_by_itself = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for parameter, flag in before.items():
            parameter.requires_grad_(flag)
        for part, mode in modes.items():
            if mode is not None:
                part.finishes_by_itself = mode
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
