"""Everything about taking one optimiser's steps: rates, gradients, clipping, what is not finite."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, model_validator
from torch import Tensor, nn
from torch.optim import lr_scheduler

from posenet3d.training.frozen import Frozen
from posenet3d.training.health.statistics import KeptStatistics
from posenet3d.typing import Scalar

DecayRate = Annotated[float, Field(ge=0, lt=1)]
ONE_CYCLE_START = 25.0
"""The peak of the schedule ``one_cycle`` over its start."""


class OptimizerConfig(Frozen):
    """Adam's settings in one stage, and the way of its learning rate.

    Example:
        >>> OptimizerConfig().lr
        0.0001
        >>> OptimizerConfig(schedule="cosine", decay=0.0, warmup=500, clip=1.0).warmup
        500
    """

    lr: PositiveFloat = 1e-4
    """Learning rate, the highest of the stage; the paper's is 1e-4."""

    betas: tuple[DecayRate, DecayRate] = (0.9, 0.999)
    """Adam's decay rates; reimplementations of Chen et al. take 0.5 for the first."""

    decay: float = Field(default=1.0, ge=0, le=1)
    """The learning rate at a stage's end over the highest; 0 only with cosine and one_cycle."""

    schedule: Literal["exponential", "constant", "cosine", "one_cycle"] = "exponential"
    """The way from the highest rate to the last; ``one_cycle`` first rises over 30 % of it."""

    warmup: NonNegativeInt = 0
    """Steps in which the rate rises linearly to the highest; the schedule has the steps left."""

    clip: PositiveFloat | None = None
    """The limit of the gradients' norm; longer ones are scaled down to it."""

    @model_validator(mode="after")
    def _says_what_it_does(self) -> "OptimizerConfig":
        if fault := _fault(self.schedule, self.decay, self.warmup):
            raise ValueError(fault)
        return self


def _fault(schedule: str, decay: float, warmup: int) -> str | None:
    """Why a schedule's numbers make no sense together."""
    if schedule == "exponential" and decay == 0:
        return "expected a decay above 0 with the schedule 'exponential', got 0; take 'cosine'"
    if schedule == "constant" and decay != 1:
        return f"expected the decay 1 with the schedule 'constant', got {decay}; leave it out"
    if schedule in ("cosine", "one_cycle") and decay == 1:
        return f"expected a decay below 1 with the schedule {schedule!r}, got 1; give 0, say"
    if schedule == "one_cycle" and warmup:
        return f"expected no warmup with 'one_cycle', which rises by itself, got {warmup}"
    return None


class Schedule:
    """The learning rate as a function of the step, by torch's own schedulers.

    It depends on configuration and step alone, so a resumed run needs nothing saved: the torch
    scheduler runs beside the real optimiser, on one without parameters that learn, and is brought
    to the step that is asked for.

    Args:
        config: schedule, warm-up and rates.
        steps: how many steps the stage has.

    Example:
        >>> schedule = Schedule(OptimizerConfig(lr=1.0, decay=0.25), steps=4)
        >>> [round(schedule.rate(number), 3) for number in (0, 2, 1)]
        [1.0, 0.5, 0.707]
    """

    def __init__(self, config: OptimizerConfig, steps: int) -> None:
        self.config, self.steps = config, steps
        self._begin()

    def rate(self, number: int) -> float:
        """The learning rate of a step, counted from 0."""
        if number < self._number:
            self._begin()
        while self._number < number:
            self._scheduler.step()
            self._number += 1
        return float(self._carrier.param_groups[0]["lr"])

    def _begin(self) -> None:
        self._number = 0
        self._carrier = torch.optim.SGD([torch.zeros(1)], lr=self.config.lr)
        self._scheduler = scheduler_of(self.config, self._carrier, self.steps)
        self._carrier.step()  # torch warns of a scheduler that moves before its optimiser


def scheduler_of(
    config: OptimizerConfig, optimizer: torch.optim.Optimizer, steps: int
) -> lr_scheduler.LRScheduler:
    """Torch's scheduler of a configuration.

    Args:
        config: schedule, warm-up and rates.
        optimizer: whose rate it sets.
        steps: how many steps the stage has, the warm-up among them.

    Returns:
        The scheduler, at step 0. A warm-up as long as the stage or longer leaves it in the rise.

    Example:
        >>> sgd = torch.optim.SGD([torch.zeros(1)], lr=1e-4)
        >>> type(scheduler_of(OptimizerConfig(), sgd, 10)).__name__
        'LambdaLR'
    """
    rise = config.warmup
    main = _main_scheduler(config, optimizer, max(1, steps - rise))
    if not rise:
        return main
    warmup = lr_scheduler.LinearLR(optimizer, start_factor=1 / (rise + 1), total_iters=rise)
    return lr_scheduler.SequentialLR(optimizer, [warmup, main], milestones=[rise])


def _main_scheduler(
    config: OptimizerConfig, optimizer: torch.optim.Optimizer, steps: int
) -> lr_scheduler.LRScheduler:
    decay = config.decay
    if config.schedule == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=config.lr * decay)
    if config.schedule == "one_cycle":
        return lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=config.lr,
            total_steps=steps,
            div_factor=ONE_CYCLE_START,
            final_div_factor=1 / (ONE_CYCLE_START * decay) if decay else float("inf"),
            cycle_momentum=False,
        )
    return lr_scheduler.LambdaLR(optimizer, lambda number: decay ** (number / steps))


class Descent:
    """One optimiser's way through a stage: fused Adam, clipping, and steps that are not taken.

    A step whose loss or gradients are not finite is not taken: parameters, moments and step
    counter stay what they were. That is decided on the device (Adam's ``found_inf``), so the
    host never waits. A loss that is not finite spoils its own gradients: where ranks share
    gradients, all of them leave the same steps out, without a further message.

    Args:
        parameters: what learns.
        config: rates, moments, clipping.
        steps: how many steps the stage has.
        statistics: BatchNorm statistics that such a step should leave alone as well.

    Attributes:
        optimizer: Adam.
        norm: the norm of the last step's gradients, before clipping; on the device.
        left_out: whether the last step was left out; on the device.

    Example:
        >>> weight = nn.Parameter(torch.tensor(3.0))
        >>> descent = Descent([weight], OptimizerConfig(lr=0.5), steps=10)
        >>> descent.step(weight.square(), 0)
        >>> weight.item(), descent.norm.item()
        (2.5, 6.0)
        >>> descent.step(weight * float("nan"), 1)
        >>> weight.item(), bool(descent.left_out)
        (2.5, True)
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        config: OptimizerConfig,
        steps: int,
        statistics: KeptStatistics | None = None,
    ) -> None:
        self.parameters = list(parameters)
        self.config = config
        self.schedule = Schedule(config, steps)
        self.statistics = statistics
        self.optimizer = torch.optim.Adam(
            self.parameters, lr=config.lr, betas=config.betas, fused=True
        )
        device = self.parameters[0].device
        self.norm = torch.zeros((), device=device)
        self.left_out = torch.zeros((), dtype=torch.bool, device=device)

    def begin(self) -> None:
        """Keep the statistics; call before the forward pass of a step."""
        if self.statistics is not None:
            self.statistics.keep()

    def step(
        self, loss: Scalar, number: int, backward: Callable[[Tensor], object] = Tensor.backward
    ) -> None:
        """Take one step down a loss, or leave it out where something is not finite.

        Args:
            loss: what to minimise, a scalar.
            number: the step's number in the stage, from 0; it decides the learning rate.
            backward: computes a scalar's gradients; where there are several ranks, they are the
                same on all of them afterwards.
        """
        self.optimizer.zero_grad(set_to_none=True)
        backward(loss * _one_where_finite(loss.detach()))
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(number)
        self.norm = self._clip()
        self.left_out = ~self.norm.isfinite()
        self.optimizer.found_inf = self.left_out.float()  # type: ignore[attr-defined]
        self.optimizer.step()
        if self.statistics is not None:
            self.statistics.undo(self.left_out)

    @torch.no_grad()
    def _clip(self) -> Scalar:
        """The norm of all gradients, which are scaled down where it is above the limit."""
        gradients = [each.grad for each in self.parameters if each.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if self.config.clip is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.config.clip, norm)
        return norm

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs; the rate follows from the step."""
        return {"optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state."""
        self.optimizer.load_state_dict(state["optimizer"])


def _one_where_finite(loss: Scalar) -> Scalar:
    """1, or NaN where a loss is not finite: its product with the loss spoils every gradient."""
    return torch.where(loss.isfinite(), 1.0, float("nan")).to(loss.dtype)
