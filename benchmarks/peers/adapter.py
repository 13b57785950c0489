"""What an adapter is: a peer's own code, told how to learn from our film and to lift it."""

import random
import subprocess
import types
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from film import View

Settings = Mapping[str, Any]
"""What may be chosen, by name."""


@dataclass(frozen=True)
class About:
    """What the page says of a peer."""

    name: str
    kind: Literal["2D only", "supervised"]
    repository: str
    folder: str
    """The checkout's name in the folder of peers."""
    licence: str
    frames: int
    """Frames that its lifter sees at once."""
    joints: str
    """How 14 joints meet a network made for others."""
    differences: Sequence[str] = field(default_factory=tuple)
    """What was patched or done otherwise than its scripts do, and why."""


class Peer(ABC):
    """A peer's networks, its training step, and its lifter.

    Args:
        views: the training views.
        settings: everything that may be chosen; see `published`.
        budget: steps of its own batch, or None for its published number.
        seed: of the networks and batches.
    """

    about: ClassVar[About]
    published: ClassVar[Settings]
    """The settings of its repository."""
    small: ClassVar[Settings]
    """What differs in the narrow settings, for budgets of minutes on one thread."""
    told: ClassVar[Sequence[tuple[int, int]]] = ()
    """Bones whose mean relative lengths its training knows beforehand, as `relative_lengths`."""

    def __init__(
        self, views: Sequence[View], settings: Settings, budget: int | None, seed: int
    ) -> None:
        self.settings, self.seed = types.SimpleNamespace(**settings), seed
        self.parts: dict[str, Any] = {}
        """Everything with a `state_dict`, by name."""
        self.build(views)
        self.budget = budget or self.published_steps
        self.steps = self.budget

    @property
    @abstractmethod
    def published_steps(self) -> int:
        """Steps of its published training on this film."""

    @abstractmethod
    def build(self, views: Sequence[View]) -> None:
        """Make networks, optimisers and batches; fill `parts`."""

    @abstractmethod
    def step(self, number: int) -> dict[str, float]:
        """Take one step; its losses, and under "windows" how many windows its lifter saw."""

    @abstractmethod
    def lift(self, points: np.ndarray) -> np.ndarray:
        """Poses (frames, 14, 3) in the camera frame of a sequence (frames, 14, 2)."""

    def state(self) -> dict[str, Any]:
        """All that a stopped run needs to go on, without pickled objects."""
        name, keys, place, has_gauss, gauss = np.random.get_state()
        return {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "torch": torch.get_rng_state(),
            "numpy": [name, torch.from_numpy(keys.astype(np.int64)), place, has_gauss, gauss],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        torch.set_rng_state(state["torch"])
        name, keys, place, has_gauss, gauss = state["numpy"]
        keys = keys.numpy().astype(np.uint32)
        np.random.set_state((name, keys, int(place), int(has_gauss), float(gauss)))


def seed_all(seed: int) -> None:
    """Seed what the peers draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def adam(parameters: Any, lr: float, **options: Any) -> torch.optim.Adam:
    """The peer's Adam; fused, which computes the same and takes a sixth of the time on a CPU."""
    return torch.optim.Adam(parameters, lr=lr, fused=True, **options)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give an optimiser a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def commit_of(checkout: Path) -> str:
    """A checkout's commit: git's, or what `<folder>.commit` beside an unpacked archive says."""
    if (checkout / ".git").exists():
        answer = subprocess.run(
            ["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()
    note = checkout.with_name(checkout.name + ".commit")
    return note.read_text().strip() if note.exists() else "unknown"
