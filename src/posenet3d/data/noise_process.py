"""Random processes in time with a memory: jitter that wanders, and events that come in runs.

Both start in their long-run distribution, so a window of ten frames is as any ten of a long video,
and both step over a gap in the frame numbers as they would over the frames that are missing.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def wander(
    fresh: Float[Tensor, "frames ... 2"], seconds: Float[Tensor, " frames"], memory: float
) -> Float[Tensor, "frames ..."]:
    r"""Smooth noise of variance 1: a Gaussian process with Matern's covariance of order 3/2.

    :math:`k(\tau) = (1 + \lambda |\tau|) e^{-\lambda |\tau|}` with :math:`\lambda = \sqrt 3 / m`.
    Value and speed are the state of a critically damped spring, whose exact step over any time is
    used. It has a speed, so it adds nothing to the jitter from frame to frame.

    Args:
        fresh: independent numbers from N(0, 1), frames first, two a value.
        seconds: from the frame before to each frame, on the CPU; the first is not used.
        memory: m, seconds.

    Returns:
        The values, frames first.

    Example:
        >>> wander(torch.randn(50, 14, 2), torch.full((50,), 0.02), memory=0.3).shape
        torch.Size([50, 14])
    """
    turns, kicks = (matrix.to(fresh) for matrix in _spring(seconds, memory))
    state, values = fresh[0], [fresh[0, ..., 0]]
    for frame in range(1, len(fresh)):
        state = state @ turns[frame].mT + fresh[frame] @ kicks[frame].mT
        values.append(state[..., 0])
    return torch.stack(values)


def _spring(
    seconds: Float[Tensor, " frames"], memory: float
) -> tuple[Float[Tensor, "frames 2 2"], Float[Tensor, "frames 2 2"]]:
    """What a step makes of the state (value, speed / lambda), and what chance adds to it."""
    a = math.sqrt(3) / memory * seconds.double().clamp(min=1e-9)
    rows = torch.stack([torch.stack([1 + a, a], -1), torch.stack([-a, 1 - a], -1)], -2)
    turns = (-a).exp()[:, None, None] * rows
    added = torch.eye(2, dtype=a.dtype) - turns @ turns.mT
    first = added[:, 0, 0].clamp(min=0).sqrt()
    second = added[:, 1, 0] / first.clamp(min=1e-12)
    third = (added[:, 1, 1] - second.square()).clamp(min=0).sqrt()
    nothing = torch.zeros_like(first)
    kicks = torch.stack([torch.stack([first, nothing], -1), torch.stack([second, third], -1)], -2)
    return turns, kicks


def runs(
    uniform: Float[Tensor, "frames ..."],
    share: Float[Tensor, "frames ..."],
    memory: Float[Tensor, " frames"],
) -> Bool[Tensor, "frames ..."]:
    """Events that last: on in a given share of the frames, in runs.

    A chain of two states: on with probability ``share + memory (was on - share)``.

    Args:
        uniform: independent numbers from U(0, 1), frames first.
        share: how often the event is on in the long run.
        memory: 0 (every frame for itself) to 1 (never changes); the first is not used.

    Returns:
        Whether the event is on.

    Example:
        >>> runs(torch.tensor([0.1, 0.9, 0.9]), torch.full((3,), 0.5), torch.tensor([0.0, 1, 0]))
        tensor([ True,  True, False])
    """
    on = [uniform[0] < share[0]]
    for frame in range(1, len(uniform)):
        was = on[-1].to(share.dtype)
        on.append(uniform[frame] < share[frame] + memory[frame] * (was - share[frame]))
    return torch.stack(on)


def held(
    fresh: Float[Tensor, "frames ..."], on: Bool[Tensor, "frames ..."]
) -> Float[Tensor, "frames ..."]:
    """One value a run: the number of a run's first frame, until the run ends.

    Args:
        fresh: numbers, frames first; may have more axes than ``on``.
        on: the runs.

    Returns:
        The numbers; where nothing is on, the last run's.

    Example:
        >>> held(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([True, True, False])).tolist()
        [1.0, 1.0, 1.0]
    """
    starts = on.clone()
    starts[1:] &= ~on[:-1]
    starts = starts.reshape(starts.shape + (1,) * (fresh.ndim - starts.ndim))
    values = [fresh[0]]
    for frame in range(1, len(fresh)):
        values.append(torch.where(starts[frame], fresh[frame], values[-1]))
    return torch.stack(values)
