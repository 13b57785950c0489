"""How far two sets of 2D windows lie from one another, whatever a discriminator thinks of them."""

from jaxtyping import Float
from torch import Generator, Tensor, randn

from posenet3d.errors import ShapeError
from posenet3d.typing import Scalar

Points = Float[Tensor, "points dimensions"]
OtherPoints = Float[Tensor, "others dimensions"]
Directions = Float[Tensor, "dimensions directions"]


def sliced_wasserstein(first: Points, second: OtherPoints, directions: Directions) -> Scalar:
    r"""The sliced Wasserstein distance of two samples of one size.

    Both are projected on each direction u, where sorting gives the best transport:
    :math:`\sqrt{E_u[W_2^2(u \cdot X, u \cdot Y)]}` (Bonneel et al. 2015). Samples that differ by
    a shift v are :math:`|v| / \sqrt d` apart: the root mean square shift of a coordinate.

    Args:
        first: (n, d) points, any unit.
        second: (n, d) points in the same unit.
        directions: (d, k) unit vectors; see :func:`unit_directions`.

    Returns:
        The distance, in that unit; zero for equal samples, in any order. Two finite samples of
        one distribution are a little apart.

    Raises:
        ShapeError: if the samples' sizes differ.

    Example:
        >>> points = randn(100, 3, generator=Generator().manual_seed(0))
        >>> float(sliced_wasserstein(points, points.flip(0), unit_directions(3, 16)))
        0.0
    """
    if len(first) != len(second):
        raise ShapeError("second", expected=f"{len(first)} points", got=f"{len(second)}")
    moved = (first @ directions).sort(0).values - (second @ directions).sort(0).values
    distance: Tensor = moved.square().mean().sqrt()
    return distance


def unit_directions(dimensions: int, count: int, seed: int = 0) -> Directions:
    """Directions drawn evenly from the sphere, the same ones at each call.

    Args:
        dimensions: d.
        count: how many.
        seed: of the draw; torch's own random state is left alone.

    Returns:
        (d, count) unit vectors on the CPU.

    Example:
        >>> [round(float(length), 3) for length in unit_directions(3, 2).norm(dim=0)]
        [1.0, 1.0]
    """
    drawn = randn(dimensions, count, generator=Generator().manual_seed(seed))
    lengths: Tensor = drawn.norm(dim=0)
    return drawn / lengths
