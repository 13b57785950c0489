"""BatchNorm's running statistics, kept for the time of a step so that the step can be undone."""

from collections.abc import Iterable

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Flag = Bool[Tensor, ""]
"""A boolean scalar that stays on the device."""


class KeptStatistics:
    """A copy of the BatchNorm statistics of some modules, and the way back to it.

    A batch with a value that is not finite ends up in running means and variances in the forward
    pass, before anything can be said about its loss, and would stay there for ever.

    Args:
        modules: where to look for BatchNorm layers.

    Example:
        >>> layer = nn.BatchNorm1d(2)
        >>> kept = KeptStatistics([layer])
        >>> kept.keep()
        >>> _ = layer(torch.full((3, 2), float("nan")))
        >>> kept.undo(torch.tensor(True))
        >>> layer.running_mean.tolist(), int(layer.num_batches_tracked)
        ([0.0, 0.0], 0)
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        every = (layer for module in modules for layer in module.modules())
        self._layers = [layer for layer in every if isinstance(layer, _BatchNorm)]
        self._kept = [torch.empty_like(each) for each in self._live()]

    @torch.no_grad()
    def keep(self) -> None:
        """Copy the statistics as they are now."""
        for kept, live in zip(self._kept, self._live(), strict=True):
            kept.copy_(live)

    @torch.no_grad()
    def undo(self, left_out: Flag) -> None:
        """Go back to the copy where a flag on the device says so; the host does not wait.

        Args:
            left_out: whether to go back, a boolean scalar.
        """
        for kept, live in zip(self._kept, self._live(), strict=True):
            live.copy_(torch.where(left_out, kept, live))

    def _live(self) -> list[Tensor]:
        return [each for layer in self._layers for each in layer.buffers(recurse=False)]
