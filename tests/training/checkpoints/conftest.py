"""Training states that are small but have all that is hard to keep bit by bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

MakeState = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def state() -> MakeState:
    """Makes a state of a place; every place has weights of its own."""

    def make(step: int, stages_done: int = 0, weight: float = 0.0) -> dict[str, Any]:
        weights = torch.arange(6.0) + 10 * step + 1000 * stages_done + weight
        return {
            "stages_done": stages_done,
            "stage": {"done": step, "moments": weights * weights} if step else None,
            "model": {"layer.weight": weights.reshape(2, 3), "layer.bias": weights[:2]},
            "description": {"network": {"frames": 9}},
            "mirror": {"turns": 1},
        }

    return make
