"""The device that a run trains on, and what torch is set to meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from posenet3d.networks.device import choose_device

__all__ = [
    "choose_device",
    "default_dtype",
    "denormals_are_flushed",
    "flushed_denormals",
    "forked_random_state",
    "matmul_precision",
    "threads",
]


@contextmanager
def forked_random_state(device: torch.device) -> Iterator[None]:
    """A block that may seed torch as it likes: the generators come back as they were.

    Args:
        device: whose generator is kept beside the CPU's.

    Example:
        >>> before = torch.get_rng_state()
        >>> with forked_random_state(torch.device("cpu")):
        ...     _ = torch.manual_seed(3)
        >>> torch.equal(torch.get_rng_state(), before)
        True
    """
    devices = [torch.cuda.current_device()] if device == torch.device("cuda") else [device]
    with torch.random.fork_rng(devices=devices if device.type == "cuda" else []):
        yield


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """A block in which the CPU rounds denormal numbers to zero, which is several times faster.

    The mode that was set before comes back.

    Example:
        >>> with flushed_denormals():
        ...     float(torch.tensor(1e-40) * 1)
        0.0
    """
    before = denormals_are_flushed()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def denormals_are_flushed() -> bool:
    """Whether the CPU rounds denormal numbers to zero; torch has a switch, but tells no state.

    Example:
        >>> torch.set_flush_denormal(True), denormals_are_flushed()
        (True, True)
        >>> torch.set_flush_denormal(False), denormals_are_flushed()
        (True, False)
    """
    return float(torch.tensor(1e-40) * torch.ones(())) == 0.0


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """A block in which torch computes on so many CPU threads; ``None`` changes nothing.

    Example:
        >>> with threads(1):
        ...     torch.get_num_threads()
        1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def matmul_precision(reduced: bool) -> Iterator[None]:
    """A block in which matrix products of float32 may be computed in TF32.

    Example:
        >>> with matmul_precision(True):
        ...     torch.get_float32_matmul_precision()
        'high'
    """
    before = torch.get_float32_matmul_precision()
    if reduced:
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """A block in which new tensors are of a type.

    Example:
        >>> with default_dtype(torch.float64):
        ...     torch.zeros(1).dtype
        torch.float64
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
