"""What a view sampler is."""

from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from posenet3d.typing import Rotations


@runtime_checkable
class ViewSampler(Protocol):
    """Draws the rotations Q of Eq. 1; an :class:`torch.nn.Module`, so that it may learn.

    Plug-in group ``posenet3d.view_samplers``. Its random numbers come from torch's default
    generator, which the trainer seeds anew at each step.

    Example:
        >>> from posenet3d.views import UniformViews
        >>> isinstance(UniformViews(), ViewSampler)
        True
    """

    @property
    def pitch(self) -> Tensor | None:
        """The camera's pitch against gravity, radians, positive looking down; ``None``: unknown."""
        ...

    def mirrored_parameters(self) -> tuple[nn.Parameter, ...]:
        """The parameters whose negation turns what was learnt as the depth mirror does."""
        ...

    def __call__(self, batch: int) -> Rotations:
        """``batch`` rotation matrices (batch, 3, 3)."""
        ...
