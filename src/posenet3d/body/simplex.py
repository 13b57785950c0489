"""Projection onto the probability simplex, and its straight-through form."""

import torch
from jaxtyping import Float
from torch import Tensor

SLACK = 8
"""Rows whose sum is within this many machine epsilons of 1 count as lying on the simplex."""


def project_to_simplex(values: Float[Tensor, "*batch entries"]) -> Float[Tensor, "*batch entries"]:
    """The nearest point with non-negative entries that sum to 1, for each row.

    w = max(x - tau, 0) with the one tau that makes the sum 1, found by sorting (Held et al. 1974;
    Duchi et al. 2008). Idempotent: a row already on the simplex comes back unchanged, bit by bit.
    Adding a constant to a row changes nothing.

    Args:
        values: (..., E) finite numbers.

    Returns:
        (..., E) rows on the simplex.

    Example:
        >>> project_to_simplex(torch.tensor([0.5, 2.0, -1.0]))
        tensor([0., 1., 0.])
        >>> project_to_simplex(torch.tensor([0.25, 0.75, 0.0]))
        tensor([0.2500, 0.7500, 0.0000])
    """
    centred = values - values.amax(-1, keepdim=True)
    ordered = centred.sort(-1, descending=True).values
    counts = torch.arange(1, values.shape[-1] + 1, dtype=values.dtype, device=values.device)
    thresholds = (ordered.cumsum(-1) - 1) / counts
    used = (ordered > thresholds).sum(-1, keepdim=True)
    positive = (centred - thresholds.gather(-1, used - 1)).clamp_min(0)
    projected = positive / positive.sum(-1, keepdim=True)
    slack = SLACK * torch.finfo(values.dtype).eps
    off = (values.sum(-1, keepdim=True) - 1).abs() > slack
    return torch.where(off | (values < 0).any(-1, keepdim=True), projected, values)


class _StraightThrough(torch.autograd.Function):
    """Projects forwards; hands the gradient back unchanged."""

    @staticmethod
    def forward(values: Tensor) -> Tensor:
        return project_to_simplex(values)

    @staticmethod
    def setup_context(ctx: object, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def project_straight_through(
    values: Float[Tensor, "*batch entries"],
) -> Float[Tensor, "*batch entries"]:
    """:func:`project_to_simplex` whose gradient is that of its result.

    The true derivative is zero for every entry that the projection cuts off, so an entry that
    starts at zero could never grow. Passed straight through, the gradient reaches all entries, and
    descent on ``values`` is dual averaging (lazy projected gradient descent: Zinkevich 2003;
    Xiao 2010), which converges for convex losses.

    Args:
        values: (..., E) finite numbers.

    Returns:
        (..., E) rows on the simplex.

    Example:
        >>> values = torch.tensor([1.0, 0.0, 0.0], requires_grad=True)
        >>> (project_straight_through(values) * torch.tensor([3.0, 2.0, 1.0])).sum().backward()
        >>> values.grad
        tensor([3., 2., 1.])
    """
    return _StraightThrough.apply(values)  # type: ignore[no-any-return, no-untyped-call]
