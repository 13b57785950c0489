"""Whether a network is still as it was, told without reading all of its numbers each time."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_SAMPLE = 256
"""Numbers of each tensor that are looked at; of smaller ones, all."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What some modules' parameters and buffers were.

    A tensor's place in memory and its version tell of new tensors and of what torch writes, but
    for a step of the fused Adam, which raises no version. Therefore some of the numbers are
    compared as well: up to 256 of each contiguous tensor, spread over rows and columns; a step
    of descent changes nearly all. All are compared where a place or a version differs. (At the
    paper's width that takes as long as lifting a frame does.) Not told is what writes to a few
    numbers behind torch's back, as ``weight.data[0, 0] = 1.0`` does.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> before = Fingerprint.of((layer, None))
        >>> before.fits((layer, None))
        True
        >>> layer.bias.data += 1.0
        >>> before.fits((layer, None))
        False
    """

    parts: tuple[nn.Module | None, ...]
    """The modules."""
    copies: tuple[Tensor, ...]
    """All of their numbers, as they were."""
    places: tuple[tuple[int, int], ...]
    """Where each tensor was in memory, and its version."""
    views: tuple[Tensor, ...]
    """Some of the numbers, in the modules' own memory."""
    sample: Tensor
    """The same, as they were."""

    @classmethod
    def of(cls, parts: tuple[nn.Module | None, ...]) -> "Fingerprint":
        """The fingerprint of modules as they are; ``None`` stands for one that is not there."""
        numbers = _numbers_of(parts)
        copies = tuple(each.detach().clone() for each in numbers)
        views = tuple(map(_some_of, numbers))
        return cls(parts, copies, tuple(map(_place_of, numbers)), views, torch.cat(views))

    def fits(self, parts: tuple[nn.Module | None, ...]) -> bool:
        """Whether these are the modules, and their numbers are as they were."""
        if any(now is not before for now, before in zip(parts, self.parts, strict=True)):
            return False
        numbers = _numbers_of(parts)
        if tuple(map(_place_of, numbers)) == self.places:
            return torch.equal(torch.cat(self.views), self.sample)
        return len(numbers) == len(self.copies) and all(map(_same, numbers, self.copies))


def _numbers_of(parts: tuple[nn.Module | None, ...]) -> list[Tensor]:
    """All parameters and buffers, in torch's own dictionaries: naming them all takes longer."""
    numbers: list[Tensor] = []
    modules = [part for part in parts if part is not None]
    while modules:
        module = modules.pop()
        numbers += [each for each in module._parameters.values() if each is not None]
        numbers += [each for each in module._buffers.values() if each is not None]
        modules += [each for each in module._modules.values() if each is not None]
    return numbers


def _place_of(numbers: Tensor) -> tuple[int, int]:
    """Where a tensor lies and how often it was written to, which one of inference mode hides."""
    return numbers.data_ptr(), 0 if numbers.is_inference() else numbers._version


def _some_of(numbers: Tensor) -> Tensor:
    """A view of some numbers; the step is odd, so that it does not keep to a column."""
    if not numbers.is_contiguous():
        return numbers.detach().reshape(-1)[:0]
    return numbers.detach().view(-1)[:: numbers.numel() // _SAMPLE | 1]


def _same(now: Tensor, before: Tensor) -> bool:
    placed = now.device == before.device and now.dtype == before.dtype
    return placed and torch.equal(now, before)
