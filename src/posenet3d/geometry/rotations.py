"""Rotations of space: matrices, rotation vectors, unit quaternions, and the maps between them.

Conventions: matrices act on column vectors, ``y = R x``; angles are radians; a rotation vector is
the unit axis times the angle; quaternions are ``(x, y, z, w)``. All functions take any leading
axes, stay on the device and in the dtype of their input, and have finite gradients everywhere, at
the identity and at half turns as well. They use no matrix product, so neither autocast nor TF32
touches their precision.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from posenet3d.geometry.shapes import require_axes
from posenet3d.typing import Points3D, Quaternions, Rotations, RotationVectors


def rotate(points: Points3D, rotation: Float[Tensor, "*#batch 3 3"]) -> Points3D:
    """Points turned about the origin: ``R x`` for each point ``x``.

    Args:
        points: ``(*batch, joints, 3)``, any unit.
        rotation: ``(*batch, 3, 3)``, or what broadcasts to it: ``(3, 3)`` for one rotation of all,
            ``(windows, 1, 3, 3)`` for one a window of several frames.

    Returns:
        ``(*batch, joints, 3)`` in the unit of ``points``.

    Raises:
        ShapeError: a trailing axis has the wrong length.

    Example:
        >>> quarter = rotation_about_z(torch.tensor(torch.pi / 2))
        >>> rotate(torch.tensor([[1.0, 0.0, 0.0]]), quarter).round(decimals=3).tolist()
        [[-0.0, 1.0, 0.0]]
    """
    require_axes("points", points, "joints", 3)
    require_axes("rotation", rotation, 3, 3)
    columns = rotation[..., None, :, :]
    return (
        columns[..., 0] * points[..., 0:1]
        + columns[..., 1] * points[..., 1:2]
        + columns[..., 2] * points[..., 2:3]
    )


def rotvec_to_rotmat(rotvec: RotationVectors) -> Rotations:
    r"""Rotation matrices of rotation vectors: the exponential map of SO(3).

    ``R = I + a [v]_x + b [v]_x^2`` with ``a = sin(t) / t``, ``b = (1 - cos t) / t^2``, ``t = |v|``
    (Rodrigues' formula); below 0.1 rad, ``a`` and ``b`` are polynomials in ``t^2``, so that the
    derivatives of every order exist at zero.

    Args:
        rotvec: ``(*batch, 3)``, radians, of any length.

    Returns:
        ``(*batch, 3, 3)``, orthogonal with determinant +1.

    Raises:
        ShapeError: the last axis is not 3.

    Example:
        >>> rotvec_to_rotmat(torch.zeros(3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    require_axes("rotvec", rotvec, 3)
    square = rotvec.square().sum(-1)
    sine = _sinc_of_root(square)
    versine = _sinc_of_root(square / 4).square() / 2
    x, y, z = rotvec.unbind(-1)
    none = torch.zeros_like(x)
    skew = _matrix([none, -z, y, z, none, -x, -y, x, none])
    identity = torch.eye(3, dtype=rotvec.dtype, device=rotvec.device)
    outer = rotvec[..., :, None] * rotvec[..., None, :]
    skew_square = outer - square[..., None, None] * identity
    return identity + sine[..., None, None] * skew + versine[..., None, None] * skew_square


def rotmat_to_rotvec(rotmat: Rotations) -> RotationVectors:
    """Rotation vectors of rotation matrices: the logarithm of SO(3), as short as can be.

    The way leads through the unit quaternion, ``v = 2 atan2(|q_xyz|, q_w) q_xyz / |q_xyz|``, and is
    accurate at every angle, half turns included.

    Args:
        rotmat: ``(*batch, 3, 3)``, rotation matrices (not checked).

    Returns:
        ``(*batch, 3)``, radians, of length 0 to pi. The two logarithms of a half turn differ in
        sign: the one whose largest component is positive comes back. There the map jumps; the
        gradient is that of the side taken, and finite.

    Raises:
        ShapeError: the last axes are not (3, 3).

    Example:
        >>> rotmat_to_rotvec(torch.diag(torch.tensor([-1.0, -1.0, 1.0]))).tolist()
        [0.0, 0.0, 3.1415927410125732]
    """
    quaternion = rotmat_to_unitquat(rotmat)
    axis, cosine = quaternion[..., :3], quaternion[..., 3]
    square = axis.square().sum(-1)
    near_zero = square < 1e-4
    length = torch.where(near_zero, 1, square).sqrt()
    ratio = square / torch.where(near_zero, cosine, 1).square()
    series = 1 - ratio * (1 / 3 - ratio * (1 / 5 - ratio * (1 / 7 - ratio / 9)))
    half = torch.where(
        near_zero,
        series / torch.where(near_zero, cosine, 1),
        torch.atan2(length, cosine) / length,
    )
    return 2 * half[..., None] * axis


def unitquat_to_rotmat(quaternion: Quaternions) -> Rotations:
    """Rotation matrices of unit quaternions ``(x, y, z, w)``; ``q`` and ``-q`` give the same.

    ``R = (w^2 - v.v) I + 2 v v^T + 2 w [v]_x``, where ``v = (x, y, z)``.

    Args:
        quaternion: ``(*batch, 4)``, of length 1 (not checked: a length ``n`` gives ``n^2 R``).

    Returns:
        ``(*batch, 3, 3)``.

    Raises:
        ShapeError: the last axis is not 4.

    Example:
        >>> unitquat_to_rotmat(torch.tensor([1.0, 0.0, 0.0, 0.0])).diagonal().tolist()
        [1.0, -1.0, -1.0]
    """
    require_axes("quaternion", quaternion, 4)
    x, y, z, w = quaternion.unbind(-1)
    xx, yy, zz, ww = x * x, y * y, z * z, w * w
    return _matrix(
        [
            *(ww + xx - yy - zz, 2 * (x * y - z * w), 2 * (x * z + y * w)),
            *(2 * (x * y + z * w), ww - xx + yy - zz, 2 * (y * z - x * w)),
            *(2 * (x * z - y * w), 2 * (y * z + x * w), ww - xx - yy + zz),
        ]
    )


def rotmat_to_unitquat(rotmat: Rotations) -> Quaternions:
    """Unit quaternions ``(x, y, z, w)`` of rotation matrices, with ``w >= 0``.

    The matrix ``4 q q^T`` is linear in ``R``; its row of the largest diagonal element, which is at
    least 1, is normalised (Shepperd's choice without his square roots of small numbers).

    Args:
        rotmat: ``(*batch, 3, 3)``, rotation matrices (not checked).

    Returns:
        ``(*batch, 4)``, of length 1 for any finite input. A half turn has ``w = 0``; then the
        largest component is positive.

    Raises:
        ShapeError: the last axes are not (3, 3).

    Example:
        >>> rotmat_to_unitquat(torch.eye(3)).tolist()
        [0.0, 0.0, 0.0, 1.0]
    """
    require_axes("rotmat", rotmat, 3, 3)
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in rotmat.unbind(-2))
    products = _matrix(
        [
            *(1 + a - e - i, b + d, c + g, h - f),
            *(b + d, 1 - a + e - i, f + h, c - g),
            *(c + g, f + h, 1 - a - e + i, d - b),
            *(h - f, c - g, d - b, 1 + a + e + i),
        ],
        side=4,
    )
    largest = products.diagonal(dim1=-2, dim2=-1).argmax(-1)
    chosen = torch.take_along_dim(products, largest[..., None, None], dim=-2)[..., 0, :]
    quaternion = chosen / torch.linalg.vector_norm(chosen, dim=-1, keepdim=True)
    return torch.where(quaternion[..., 3:] < 0, -quaternion, quaternion)


def rotation_about_x(angle: Float[Tensor, "*batch"]) -> Rotations:
    """Rotations about the x axis by the right-hand rule (y towards z).

    Args:
        angle: ``(*batch)``, radians.

    Returns:
        ``(*batch, 3, 3)``.

    Raises:
        ShapeError: ``angle`` is no floating-point tensor.

    Example:
        >>> rotation_about_x(torch.tensor(0.0)).diagonal().tolist()
        [1.0, 1.0, 1.0]
    """
    require_axes("angle", angle)
    cos, sin, one, none = angle.cos(), angle.sin(), torch.ones_like(angle), torch.zeros_like(angle)
    return _matrix([one, none, none, none, cos, -sin, none, sin, cos])


def rotation_about_y(angle: Float[Tensor, "*batch"]) -> Rotations:
    """Rotations about the y axis by the right-hand rule (z towards x).

    Args:
        angle: ``(*batch)``, radians.

    Returns:
        ``(*batch, 3, 3)``.

    Raises:
        ShapeError: ``angle`` is no floating-point tensor.

    Example:
        >>> rotation_about_y(torch.zeros(5, 2)).shape
        torch.Size([5, 2, 3, 3])
    """
    require_axes("angle", angle)
    cos, sin, one, none = angle.cos(), angle.sin(), torch.ones_like(angle), torch.zeros_like(angle)
    return _matrix([cos, none, sin, none, one, none, -sin, none, cos])


def rotation_about_z(angle: Float[Tensor, "*batch"]) -> Rotations:
    """Rotations about the z axis by the right-hand rule (x towards y).

    Args:
        angle: ``(*batch)``, radians.

    Returns:
        ``(*batch, 3, 3)``.

    Raises:
        ShapeError: ``angle`` is no floating-point tensor.

    Example:
        >>> rotation_about_z(torch.tensor([0.0, 1.0])).shape
        torch.Size([2, 3, 3])
    """
    require_axes("angle", angle)
    cos, sin, one, none = angle.cos(), angle.sin(), torch.ones_like(angle), torch.zeros_like(angle)
    return _matrix([cos, -sin, none, sin, cos, none, none, none, one])


def random_rotmat(
    *shape: int,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Rotations:
    """Rotation matrices drawn uniformly from SO(3) (the Haar measure).

    A unit quaternion from four independent normal numbers.

    Args:
        *shape: the leading axes; none for a single matrix.
        generator: where the random numbers come from; PyTorch's global one by default.
        dtype: PyTorch's default by default.
        device: that of ``generator`` by default, else PyTorch's default.

    Returns:
        ``(*shape, 3, 3)``.

    Example:
        >>> random_rotmat(2, 5, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2, 5, 3, 3])
    """
    if device is None and generator is not None:
        device = generator.device
    normal = torch.randn(*shape, 4, generator=generator, dtype=dtype, device=device)
    return unitquat_to_rotmat(torch.nn.functional.normalize(normal, dim=-1))


def geodesic_distance(
    first: Float[Tensor, "*#batch 3 3"], second: Float[Tensor, "*#batch 3 3"]
) -> Float[Tensor, "*batch"]:
    """The angle by which one rotation must be turned to become the other: ``|log(A^T B)|``.

    Args:
        first: ``(*batch, 3, 3)``.
        second: ``(*batch, 3, 3)``; the leading axes of both broadcast.

    Returns:
        ``(*batch)``, radians, 0 to pi. The gradient of two equal rotations is zero.

    Raises:
        ShapeError: the last axes are not (3, 3).

    Example:
        >>> turned = rotation_about_x(torch.tensor(0.5))
        >>> round(geodesic_distance(torch.eye(3), turned).item(), 6)
        0.5
    """
    require_axes("first", first, 3, 3)
    require_axes("second", second, 3, 3)
    relative = (first[..., :, :, None] * second[..., :, None, :]).sum(-3)
    angle: Tensor = torch.linalg.vector_norm(rotmat_to_rotvec(relative), dim=-1)
    return angle


def _sinc_of_root(square: Tensor) -> Tensor:
    """``sin(t) / t`` as a function of ``t^2``, smooth at zero."""
    near_zero = square < 1e-2
    series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72)))
    root = torch.where(near_zero, 1, square).sqrt()
    return torch.where(near_zero, series, root.sin() / root)


def _matrix(entries: list[Tensor], side: int = 3) -> Tensor:
    """Square matrices from their entries, row by row."""
    return rearrange(torch.stack(entries, -1), "... (row column) -> ... row column", row=side)
