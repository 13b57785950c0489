"""BatchNorm whose statistics are those of all processes' rows, on any device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


class SyncedBatchNorm(nn.BatchNorm1d):
    """:class:`torch.nn.BatchNorm1d` over the rows of all processes together.

    Sums of x and of its squared deviations are added up over the processes, and so are their
    gradients; each process must have as many rows. Without a process group, and in eval mode, it
    is BatchNorm1d. (:class:`torch.nn.SyncBatchNorm` is for CUDA only.)

    Example:
        >>> layer = SyncedBatchNorm(4)
        >>> layer(torch.randn(8, 4)).shape
        torch.Size([8, 4])
    """

    def forward(self, input: Float[Tensor, "rows features"]) -> Float[Tensor, "rows features"]:
        """The rows, each feature with the mean and variance that weight and bias say."""
        alone = not torch.distributed.is_available() or not torch.distributed.is_initialized()
        if alone or not self.training:
            normalized: Tensor = super().forward(input)
            return normalized
        mean, variance, count = _moments(input)
        self._keep(mean.detach(), variance.detach(), count)
        scaled = (input - mean) * torch.rsqrt(variance + self.eps)
        return scaled * self.weight + self.bias if self.affine else scaled

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Take a batch into the running statistics, its variance made unbiased as torch does."""
        if self.running_mean is None or self.running_var is None:
            return
        momentum = self.momentum or 0.0
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the plain mean of all batches, as in torch
                momentum = 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * (count / max(1, count - 1)), momentum)


def _moments(rows: Tensor) -> tuple[Tensor, Tensor, int]:
    """Mean and variance of the rows of all processes, and how many rows there are."""
    count = len(rows) * torch.distributed.get_world_size()
    mean = _sum_over_processes(rows.sum(0)) / count
    variance = _sum_over_processes((rows - mean).square().sum(0)) / count
    return mean, variance, count


class _SumOverProcesses(torch.autograd.Function):
    """A sum over processes; so is its gradient, since every process depends on it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _sum_over_processes(values: Tensor) -> Tensor:
    return _SumOverProcesses.apply(values)  # type: ignore[no-any-return, no-untyped-call]


@contextmanager
def synced_batch_norm(module: nn.Module) -> Iterator[None]:
    """A block in which every BatchNorm1d of a module is synchronised; it keeps its tensors.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
        >>> with synced_batch_norm(network):
        ...     type(network[1]).__name__
        'SyncedBatchNorm'
        >>> type(network[1]).__name__
        'BatchNorm1d'
    """
    own = [
        (parent, name, layer)
        for parent in module.modules()
        for name, layer in parent.named_children()
        if type(layer) is nn.BatchNorm1d
    ]
    for parent, name, layer in own:
        setattr(parent, name, _synced(layer))
    try:
        yield
    finally:
        for parent, name, layer in own:
            layer.train(getattr(parent, name).training)
            setattr(parent, name, layer)


def _synced(layer: nn.BatchNorm1d) -> SyncedBatchNorm:
    """A synchronised layer with the same parameters and buffers."""
    made = SyncedBatchNorm(layer.num_features)
    made.__dict__.update(layer.__dict__)
    return made
