"""Counts on the device the steps that were left out because something was not finite."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from posenet3d.training.health.statistics import Flag
from posenet3d.typing import Scalar


@dataclass(frozen=True)
class NonFiniteCounts:
    """What was left out so far, as read from the device.

    Attributes:
        skipped: steps left out.
        on_end: the most of them one after another.
        first: the first such step, counted from 1; 0 where there is none.
    """

    skipped: int
    on_end: int
    first: int


class NonFinite:
    """Counts the steps that were left out, and notes which figures were not finite.

    Everything stays on the device until it is read.

    Args:
        device: where the counts are kept.

    Example:
        >>> found = NonFinite(torch.device("cpu"))
        >>> for step, loss in enumerate([1.0, float("nan"), float("inf")], start=1):
        ...     value = torch.tensor(loss)
        ...     found.watch(step, ~value.isfinite(), {"bone_length": value})
        >>> found.read()
        NonFiniteCounts(skipped=2, on_end=2, first=2)
    """

    def __init__(self, device: torch.device) -> None:
        self._counts = torch.zeros(4, dtype=torch.int64, device=device)
        self._flags: dict[tuple[str, ...], Tensor] = {}
        self._names: set[str] = set()

    @torch.no_grad()
    def watch(self, step: int, left_out: Flag, values: Mapping[str, Scalar]) -> None:
        """Take in a step.

        Args:
            step: the step, counted from 1.
            left_out: whether an optimiser left the step out.
            values: the step's figures by name.
        """
        skipped, running, most, first = self._counts.unbind()
        running = (running + 1) * left_out
        is_first = left_out & (first == 0)
        self._counts = torch.stack(
            [
                skipped + left_out,
                running,
                torch.maximum(most, running),
                torch.where(is_first, step, first),
            ]
        )
        self._note(values)

    def _note(self, values: Mapping[str, Scalar]) -> None:
        if not values:
            return
        names = tuple(values)
        bad = ~torch.stack([value.detach() for value in values.values()]).isfinite()
        self._flags[names] = self._flags[names] | bad if names in self._flags else bad

    def read(self) -> NonFiniteCounts:
        """The counts; waits for the device."""
        skipped, _, most, first = self._counts.tolist()
        return NonFiniteCounts(skipped, most, first)

    def names(self) -> list[str]:
        """The figures that were not finite at some step; waits for the device."""
        for names, flags in self._flags.items():
            self._names |= {name for name, bad in zip(names, flags.tolist(), strict=True) if bad}
        self._flags = {}
        return sorted(self._names)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"counts": self._counts, "names": self.names()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state."""
        self._counts = state["counts"].to(self._counts.device)
        self._flags, self._names = {}, set(state["names"])
