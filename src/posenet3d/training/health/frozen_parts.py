"""What a stage does not train must not move: compared bit by bit with a copy."""

from collections.abc import Iterable, Iterator
from itertools import chain

import torch
from torch import Tensor, nn

_SAME_SIZE = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class FrozenParts:
    """The parameters and buffers that a stage does not train, with a copy of them.

    A checksum would do to notice a change, and would miss some; the copy misses none, names what
    moved, and can be put back. It costs the frozen parts' memory once more.

    Args:
        model: the whole network, its body included.
        learning: the modules that learn; what they hold may change.

    Example:
        >>> model = nn.ModuleDict({"teacher": nn.Linear(2, 2), "student": nn.Linear(2, 2)})
        >>> frozen = FrozenParts(model, [model["student"]])
        >>> frozen.keep()
        >>> _ = nn.init.zeros_(model["teacher"].bias)
        >>> frozen.moved()
        ['teacher.bias']
        >>> frozen.put_back(["teacher.bias"])
        >>> frozen.moved()
        []
    """

    def __init__(self, model: nn.Module, learning: Iterable[nn.Module]) -> None:
        self._model = model
        learnt = {id(each) for module in learning for _, each in _named(module)}
        self._names = [name for name, each in _named(model) if id(each) not in learnt]
        self._kept: dict[str, Tensor] = {}

    @torch.no_grad()
    def keep(self) -> None:
        """Copy what is frozen as it is now: that is how it has to stay."""
        self._kept = {name: each.clone() for name, each in self._live().items()}

    @torch.no_grad()
    def moved(self) -> list[str]:
        """The names of what differs from the copy in any bit; waits for the device."""
        live = self._live()
        pairs = [(live[name], kept) for name, kept in self._kept.items()]
        if not pairs:
            return []
        flags = torch.stack([_bits(one).ne(_bits(other)).any() for one, other in pairs])
        return [name for name, flag in zip(self._kept, flags.tolist(), strict=True) if flag]

    @torch.no_grad()
    def put_back(self, names: Iterable[str]) -> None:
        """Copy these back to where they were."""
        live = self._live()
        for name in names:
            live[name].copy_(self._kept[name])

    def _live(self) -> dict[str, Tensor]:
        now = dict(_named(self._model))
        return {name: now[name] for name in self._names}


def _named(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(module.named_parameters(), module.named_buffers())


def _bits(values: Tensor) -> Tensor:
    """Numbers as whole numbers of the same size: NaN equals itself, and 0 is not -0."""
    return values.view(_SAME_SIZE[values.element_size()])
