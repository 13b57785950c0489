"""Running means that stay on the device until they are read."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from posenet3d.typing import Scalar


class Means:
    """Running means of named scalars that stay on the device until they are read.

    A value that is not finite does not count: a step that was left out spoils no mean.

    Example:
        >>> means = Means()
        >>> means.add({"loss": torch.tensor(1.0)})
        >>> means.add({"loss": torch.tensor(3.0)})
        >>> means.add({"loss": torch.tensor(float("nan"))})
        >>> means.read()
        {'loss': 2.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}

    def add(self, values: Mapping[str, Scalar]) -> None:
        """Add one step's values."""
        for name, value in values.items():
            finite = value.isfinite()
            value = torch.where(finite, value, 0.0)
            if name in self._sums:
                self._sums[name] = self._sums[name] + value
                self._counts[name] = self._counts[name] + finite
            else:
                self._sums[name], self._counts[name] = value.clone(), finite.long()

    def read(self) -> dict[str, float]:
        """The means since the last reading of all that counted; waits for the device."""
        means = {
            name: float(total) / count
            for name, total in self._sums.items()
            if (count := int(self._counts[name]))
        }
        self._sums, self._counts = {}, {}
        return means

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device | None = None) -> None:
        """Take up a saved state, on a device."""
        self._sums = {name: value.to(device) for name, value in state["sums"].items()}
        self._counts = {name: value.to(device) for name, value in state["counts"].items()}
