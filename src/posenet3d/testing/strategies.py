"""Hypothesis strategies for tests of geometry, losses and body models.

Every number is drawn through Hypothesis, so a failing example shrinks and replays. The strategies
name the angles at which formulas for rotations break (:data:`CRITICAL_ANGLES`) and the matrices at
which ortho-normalisation breaks (:data:`CRITICAL_MATRICES`). Each takes ``batch``, the leading
axes, and ``dtype``; both are drawn where they are not given. Needs ``pip install posenet3d[test]``.

Example:
    >>> from hypothesis import given, settings
    >>> from posenet3d.geometry import rotate
    >>> @settings(max_examples=5, database=None)
    ... @given(points(batch=(2,), dtype=torch.float64))
    ... def turning_by_nothing_changes_nothing(skeletons):
    ...     identity = torch.eye(3, dtype=torch.float64)
    ...     assert torch.equal(rotate(skeletons, identity), skeletons)
    >>> turning_by_nothing_changes_nothing()
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from einops import rearrange
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torch import Tensor

Batch = tuple[int, ...]
Draw = Callable[..., Any]

CRITICAL_ANGLES: tuple[float, ...] = (
    *(0.0, 1e-7, 1e-4),
    *(math.pi - 1e-4, math.pi - 1e-7, math.pi),
)
"""Angles in radians at which a naive map between rotation vectors and matrices loses digits."""

CRITICAL_MATRICES: dict[str, tuple[float, ...]] = {
    "zero": (0, 0, 0, 0, 0, 0, 0, 0, 0),
    "identity": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "point reflection": (-1, 0, 0, 0, -1, 0, 0, 0, -1),
    "mirror": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "rank one": (1, 1, 1, 1, 1, 1, 1, 1, 1),
    "rank two": (1, 0, 0, 0, 1, 0, 0, 0, 0),
    "no first column": (0, 1, 0, 0, 0, 1, 0, 0, 0),
    "parallel columns": (1, 3, 0, 2, 6, 0, -1, -3, 1),
    "nearly parallel columns": (1, 1, 0, 0, 1e-6, 0, 0, 0, 1),
    "tiny": (1e-30, 0, 0, 0, 1e-30, 0, 0, 0, 1e-30),
    "huge": (1e30, 0, 0, 1e30, 1e30, 0, 0, 0, 1e30),
}
"""Row by row, 3 x 3 matrices at which a naive ortho-normalisation or its gradient breaks."""


def dtypes() -> st.SearchStrategy[torch.dtype]:
    """The two precisions the library computes in: float32 and float64.

    Example:
        >>> from hypothesis import find
        >>> find(dtypes(), lambda dtype: True)
        torch.float32
    """
    return st.sampled_from([torch.float32, torch.float64])


def batch_shapes(*, max_axes: int = 2, min_side: int = 0, max_side: int = 3) -> Any:
    """Leading axes of any number, none included.

    Args:
        max_axes: the most axes.
        min_side: the least length of an axis; 0 gives empty batches too.
        max_side: the greatest length of an axis.

    Returns:
        A strategy of tuples of int.

    Example:
        >>> from hypothesis import find
        >>> find(batch_shapes(), lambda shape: len(shape) == 2)
        (0, 0)
    """
    return npst.array_shapes(min_dims=0, max_dims=max_axes, min_side=min_side, max_side=max_side)


def angles(*, low: float | int = 0.0, high: float | int = math.pi) -> st.SearchStrategy[float]:
    """Angles between two bounds, the critical ones among them often.

    Args:
        low: the least angle in radians.
        high: the greatest angle in radians.

    Returns:
        A strategy of floats.

    Raises:
        hypothesis.errors.InvalidArgument: when drawing, where ``low`` exceeds ``high``.

    Example:
        >>> from hypothesis import find
        >>> find(angles(), lambda angle: True)
        0.0
    """
    critical = [angle for angle in CRITICAL_ANGLES if low <= angle <= high]
    everywhere = st.floats(low, high, allow_subnormal=False)
    return st.sampled_from(critical) | everywhere if critical else everywhere


@st.composite
def tensors(
    draw: Draw,
    *axes: int,
    low: float | int = -2.0,
    high: float | int = 2.0,
    batch: Batch | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Tensors of numbers between two bounds.

    Args:
        draw: given by Hypothesis.
        *axes: the trailing axes.
        low: the least number.
        high: the greatest number.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.

    Returns:
        ``(*batch, *axes)``.

    Example:
        >>> from hypothesis import find
        >>> find(tensors(2, batch=(), dtype=torch.float64), lambda tensor: True).tolist()
        [0.0, 0.0]
    """
    elements = st.floats(low, high, allow_subnormal=False)
    return _draw_tensor(draw, elements, axes, batch, dtype)


@st.composite
def rotation_vectors(
    draw: Draw,
    *,
    batch: Batch | None = None,
    dtype: torch.dtype | None = None,
    max_angle: float | int = math.pi,
) -> Tensor:
    """Rotation vectors whose angles are often critical and whose axes are often coordinate axes.

    Args:
        draw: given by Hypothesis.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.
        max_angle: the greatest angle in radians.

    Returns:
        ``(*batch, 3)``, radians.

    Example:
        >>> from hypothesis import find
        >>> find(
        ...     rotation_vectors(batch=(), dtype=torch.float64), lambda v: bool(v.norm() > 3)
        ... ).shape
        torch.Size([3])
    """
    batch = draw(batch_shapes()) if batch is None else batch
    axis: Tensor = draw(unit_vectors(batch=batch, dtype=torch.float64))
    turn = _draw_tensor(draw, angles(high=max_angle), (1,), batch, torch.float64)
    return (axis * turn).to(draw(dtypes()) if dtype is None else dtype)


@st.composite
def unit_vectors(
    draw: Draw, *, batch: Batch | None = None, dtype: torch.dtype | None = None
) -> Tensor:
    """Vectors of length one, coordinate axes among them often.

    Args:
        draw: given by Hypothesis.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.

    Returns:
        ``(*batch, 3)``.

    Example:
        >>> from hypothesis import find
        >>> find(unit_vectors(batch=(), dtype=torch.float64), lambda v: True).tolist()
        [1.0, 0.0, 0.0]
    """
    azimuths, heights = st.floats(-math.pi, math.pi), st.floats(-1, 1)
    anywhere = st.tuples(azimuths, heights).map(_on_sphere)
    axes = st.sampled_from([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)])
    return _draw_rows(draw, axes | anywhere, batch, dtype)


@st.composite
def rotation_matrices(
    draw: Draw, *, batch: Batch | None = None, dtype: torch.dtype | None = None
) -> Tensor:
    """Rotation matrices by critical and other angles.

    They are made in float64 by a formula of their own (two reflections), so that they can test the
    library's maps.

    Args:
        draw: given by Hypothesis.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.

    Returns:
        ``(*batch, 3, 3)``, orthogonal with determinant +1 up to rounding.

    Example:
        >>> from hypothesis import find
        >>> find(rotation_matrices(batch=(), dtype=torch.float64), lambda R: True).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    batch = draw(batch_shapes()) if batch is None else batch
    axis: Tensor = draw(unit_vectors(batch=batch, dtype=torch.float64))
    half = _draw_tensor(draw, angles(), (1,), batch, torch.float64) / 2
    start = _perpendicular(axis)
    end = half.cos() * start + half.sin() * torch.linalg.cross(axis, start)
    turned = _reflection(end) @ _reflection(start)
    return turned.to(draw(dtypes()) if dtype is None else dtype)


@st.composite
def matrices(draw: Draw, *, batch: Batch | None = None, dtype: torch.dtype | None = None) -> Tensor:
    """3 x 3 matrices of any kind, degenerate ones among them often.

    Args:
        draw: given by Hypothesis.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.

    Returns:
        ``(*batch, 3, 3)``.

    Example:
        >>> from hypothesis import find
        >>> find(matrices(batch=(), dtype=torch.float64), lambda M: True).sum().item()
        0.0
    """
    critical = st.sampled_from([*CRITICAL_MATRICES.values()])
    anything = st.tuples(*[st.floats(-2, 2, allow_subnormal=False)] * 9)
    rows: Tensor = _draw_rows(draw, critical | anything, batch, dtype)
    return rearrange(rows, "... (row column) -> ... row column", row=3)


@st.composite
def regular_matrices(
    draw: Draw, *, batch: Batch | None = None, dtype: torch.dtype | None = None
) -> Tensor:
    """3 x 3 matrices of either handedness with singular values that are neither small nor close.

    There ortho-normalisation has a derivative of moderate size, so finite differences can check it.

    Args:
        draw: given by Hypothesis.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.

    Returns:
        ``(*batch, 3, 3)``, singular values from 0.3 to 3.

    Example:
        >>> from hypothesis import find
        >>> find(regular_matrices(batch=(), dtype=torch.float64), lambda M: True).shape
        torch.Size([3, 3])
    """
    batch = draw(batch_shapes()) if batch is None else batch
    steps = _draw_tensor(draw, st.floats(0.3, 1), (3,), batch, torch.float64)
    sign = _draw_tensor(draw, st.sampled_from([1.0, -1.0]), (1,), batch, torch.float64)
    values = torch.cat([steps.cumsum(-1)[..., 1:], sign * steps[..., :1]], -1)
    left: Tensor = draw(rotation_matrices(batch=batch, dtype=torch.float64))
    right: Tensor = draw(rotation_matrices(batch=batch, dtype=torch.float64))
    matrix: Tensor = left @ (values[..., None] * right)
    return matrix.to(draw(dtypes()) if dtype is None else dtype)


def points(
    joints: int = 14,
    *,
    axes: int = 3,
    spread: float | int = 2.0,
    batch: Batch | None = None,
    dtype: torch.dtype | None = None,
) -> st.SearchStrategy[Tensor]:
    """Skeletons: points around the origin, in no particular pose; often many of them coincide.

    Args:
        joints: how many points.
        axes: 3 for space, 2 for the image.
        spread: the greatest coordinate, in head-to-root lengths.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.

    Returns:
        A strategy of ``(*batch, joints, axes)``.

    Example:
        >>> from hypothesis import find
        >>> find(points(14, batch=(2,)), lambda tensor: True).shape
        torch.Size([2, 14, 3])
    """
    return tensors(joints, axes, low=-spread, high=spread, batch=batch, dtype=dtype)


def depths(
    joints: int = 14,
    *,
    low: float | int = 1.0,
    high: float | int = 20.0,
    batch: Batch | None = None,
    dtype: torch.dtype | None = None,
) -> st.SearchStrategy[Tensor]:
    """Depths of joints in front of the camera.

    Args:
        joints: how many joints.
        low: the least depth in head-to-root lengths; the paper's bound is 1.
        high: the greatest depth.
        batch: the leading axes; drawn by default.
        dtype: float32 or float64; drawn by default.

    Returns:
        A strategy of ``(*batch, joints)``.

    Example:
        >>> from hypothesis import find
        >>> find(depths(2, batch=(), dtype=torch.float32), lambda tensor: True).tolist()
        [1.0, 1.0]
    """
    return tensors(joints, low=low, high=high, batch=batch, dtype=dtype)


def _draw_tensor(
    draw: Draw,
    elements: st.SearchStrategy[float],
    axes: tuple[int, ...],
    batch: Batch | None,
    dtype: torch.dtype | None,
) -> Tensor:
    batch = draw(batch_shapes()) if batch is None else batch
    array = draw(npst.arrays(np.float64, (*batch, *axes), elements=elements))
    return torch.from_numpy(array).to(draw(dtypes()) if dtype is None else dtype)


def _draw_rows(
    draw: Draw,
    rows: st.SearchStrategy[tuple[float, ...]],
    batch: Batch | None,
    dtype: torch.dtype | None,
) -> Tensor:
    """A batch of vectors that are drawn whole."""
    batch = draw(batch_shapes()) if batch is None else batch
    count = math.prod(batch)
    drawn = draw(st.lists(rows, min_size=count, max_size=count))
    length = len(drawn[0]) if drawn else len(draw(rows))
    flat = torch.tensor(drawn, dtype=torch.float64).reshape(*batch, length)
    return flat.to(draw(dtypes()) if dtype is None else dtype)


def _on_sphere(coordinates: tuple[float, float]) -> tuple[float, float, float]:
    azimuth, height = coordinates
    radius = math.sqrt(1 - height * height)
    return radius * math.cos(azimuth), radius * math.sin(azimuth), height


def _perpendicular(axis: Tensor) -> Tensor:
    """A unit vector perpendicular to each unit vector."""
    farthest = torch.eye(3, dtype=axis.dtype)[axis.abs().argmin(-1)]
    across = torch.linalg.cross(axis, farthest)
    return torch.nn.functional.normalize(across, dim=-1)


def _reflection(normal: Tensor) -> Tensor:
    """The mirror whose plane is perpendicular to the unit vector."""
    return torch.eye(3, dtype=normal.dtype) - 2 * normal[..., :, None] * normal[..., None, :]
