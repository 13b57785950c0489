"""Averaged weights: an exponential moving average beside the weights that learn."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from pydantic import Field, NonNegativeInt
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn, update_bn

from posenet3d.training.frozen import Frozen

STATISTICS_BATCHES = 32
"""Batches that BatchNorm's statistics of averaged weights are measured on."""

PassBatch = Callable[[int], object]
"""Passes the n-th of some batches forward through the parts that learn."""


class AveragingConfig(Frozen):
    """An exponential moving average of the weights that a stage trains.

    Example:
        >>> AveragingConfig(decay=0.99).adopt
        True
    """

    decay: float = Field(default=0.999, ge=0, lt=1)
    """The average becomes ``decay`` of itself and ``1 - decay`` of the weights at each step."""

    start: NonNegativeInt = 0
    """Steps of a stage before the average begins, at the weights of that moment."""

    use_buffers: bool = False
    """Average BatchNorm's running statistics as well, which fits the averaged weights badly
    (``benchmarks/results/findings.md``); else they are measured on batches of the stage."""

    adopt: bool = True
    """At a stage's end the averages become the weights, and the next stage starts from them; else
    only validation and the checkpoints within a stage show them."""


class Averaging:
    """Averages of the parts that a stage trains, kept beside them.

    The moving average is torch's (``torch.optim.swa_utils.get_ema_multi_avg_fn``). Its
    ``AveragedModel`` around it is not used: that one reads a counter from the device at each
    step, and copies modules whole where tensors do. Whole numbers, such as the batches that
    BatchNorm has seen, are not averaged. BatchNorm's statistics are of the weights that learn, not
    of their averages: they are measured anew (``torch.optim.swa_utils.update_bn``).

    Args:
        config: how to average.
        parts: the modules that learn, by name.
        pass_batch: passes a batch forward through them, to measure BatchNorm's statistics;
            ``None`` leaves the last ones.

    Attributes:
        taken: how many steps are in the average.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> averaging = Averaging(AveragingConfig(decay=0.75), {"layer": layer})
        >>> for step, value in enumerate([0.0, 4.0], start=1):
        ...     _ = nn.init.constant_(layer.weight, value)
        ...     averaging.update(step)
        >>> with averaging.applied():
        ...     layer.weight.item()
        1.0
        >>> layer.weight.item()
        4.0
    """

    def __init__(
        self,
        config: AveragingConfig,
        parts: Mapping[str, nn.Module],
        pass_batch: PassBatch | None = None,
    ) -> None:
        self.config = config
        self.taken = 0
        self._pass_batch = None if config.use_buffers else pass_batch
        self._parts = nn.ModuleDict(parts)
        self._averages = {name: each.clone() for name, each in self._live().items()}
        self._blend = get_ema_multi_avg_fn(config.decay)  # type: ignore[no-untyped-call]

    def _live(self) -> dict[str, Tensor]:
        """The tensors that are averaged, without gradients, by name."""
        buffers = self._parts.named_buffers() if self.config.use_buffers else ()
        numbers = ((name, each) for name, each in buffers if each.is_floating_point())
        live = chain(self._parts.named_parameters(), numbers)
        return {name: each.detach() for name, each in live}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights after a step into the average; the host does not wait.

        Args:
            step: the step, counted from 1.
        """
        if step <= self.config.start:
            return
        live = self._live()
        averages = [self._averages[name] for name in live]
        if self.taken == 0:
            for average, now in zip(averages, live.values(), strict=True):
                average.copy_(now)
        else:
            self._blend(averages, list(live.values()), self.taken)
        self.taken += 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The parts hold the averages for the time of a ``with`` block, their own afterwards.

        Before the average has begun, the block changes nothing.
        """
        own = self._own()
        if self.taken:
            self._take_averages()
        try:
            yield
        finally:
            self._parts.load_state_dict(own)

    def adopt(self) -> None:
        """At a stage's end: the averages become the weights, where that is configured."""
        if self.config.adopt and self.taken:
            self._take_averages()

    @torch.no_grad()
    def _take_averages(self) -> None:
        for name, each in self._live().items():
            each.copy_(self._averages[name])
        if self._pass_batch is not None:
            update_bn(range(STATISTICS_BATCHES), _Passes(self._parts, self._pass_batch))

    def _own(self) -> dict[str, Tensor]:
        return {name: each.clone() for name, each in self._parts.state_dict().items()}

    @torch.no_grad()
    def negate(self, parameters: Iterable[nn.Parameter]) -> None:
        """Negate the averages of parameters that the mirror guard has negated."""
        negated = {id(each) for each in parameters}
        for name, each in self._parts.named_parameters():
            if id(each) in negated:
                self._averages[name].neg_()

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs beside the averages, which a checkpoint holds as the network."""
        return {"taken": self.taken, "weights": self._own()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state: the parts hold the averages, and get their own weights back."""
        self.taken = int(state["taken"])
        self._averages = {name: each.clone() for name, each in self._live().items()}
        self._parts.load_state_dict(state["weights"], strict=False)


class _Passes(nn.Module):
    """What :func:`torch.optim.swa_utils.update_bn` calls with the number of each batch."""

    def __init__(self, parts: nn.Module, pass_batch: PassBatch) -> None:
        super().__init__()
        self.parts, self.pass_batch = parts, pass_batch

    def forward(self, number: int) -> None:
        self.pass_batch(number)
