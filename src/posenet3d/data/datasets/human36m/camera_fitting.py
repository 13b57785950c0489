"""A camera of Human3.6M out of exact 2D and 3D points of the same joints."""

from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.human36m.cameras import Human36mCamera
from posenet3d.errors import DataError, MissingExtraError

MAX_RESIDUAL = 0.1
"""Pixels, root mean square: how far off the exact 2D of the same joints may be."""

_FEWEST = 100
_EVALUATIONS = 200
_TINY = 1e-12


def fit_camera(
    world: Float[np.ndarray, "points 3"], pixels: Float[np.ndarray, "points 2"], name: str
) -> Human36mCamera:
    """The camera that sees world points at given pixels.

    A linear solution (DLT) and its decomposition are the start; then least squares over all 15
    numbers of the camera, distortion and all.

    Args:
        world: (N, 3) metres, not all in a plane; those of someone who walks about will do.
        pixels: (N, 2) their exact places in the image: projections, not detections.
        name: what errors call the camera.

    Returns:
        The camera.

    Raises:
        DataError: there are too few points, or no camera sees them there to `MAX_RESIDUAL`.
        MissingExtraError: scipy is not installed.

    Example:
        >>> where = np.random.default_rng(0).uniform(-1, 1, (500, 3))
        >>> made = Human36mCamera(
        ...     np.eye(3), np.array([0.0, 0, -5]), *np.full((2, 2), 999.0), np.zeros(3), np.zeros(2)
        ... )
        >>> fit_camera(where, made.project(where), "front").position.round(6) + 0.0
        array([ 0.,  0., -5.])
    """
    optimize, rotation_class = _scipy()
    fine = np.isfinite(world).all(axis=1) & np.isfinite(pixels).all(axis=1)
    points, seen = world[fine].astype(np.float64), pixels[fine].astype(np.float64)
    if len(points) < _FEWEST:
        raise DataError(name, f"expected {_FEWEST} known points or more, got {len(points)}.")
    middle = points.mean(axis=0)
    points = points - middle

    def camera(numbers: np.ndarray) -> Human36mCamera:
        turned, shift, focal, centre, radial, tangential = np.split(numbers, [3, 6, 8, 10, 13])
        rotation = rotation_class.from_rotvec(turned).as_matrix()
        return Human36mCamera(rotation, -rotation.T @ shift, focal, centre, radial, tangential)

    def off(numbers: np.ndarray) -> np.ndarray:
        return np.ravel(camera(numbers).project(points) - seen)

    try:
        start = _linear(points, seen, rotation_class)
        found = optimize.least_squares(
            off, start, x_scale="jac", xtol=_TINY, ftol=_TINY, gtol=_TINY, max_nfev=_EVALUATIONS
        )
    except (ValueError, np.linalg.LinAlgError) as error:
        raise DataError(name, f"expected points that a camera sees ({error}).") from None
    residual = float(np.sqrt((found.fun**2).mean()))
    if not residual < MAX_RESIDUAL:
        raise DataError(
            name,
            f"expected 2D that is the projection of the 3D to {MAX_RESIDUAL} pixels, got 2D "
            f"{residual:.3g} pixels off; take files that were made together, or give the cameras "
            "by a file.",
        )
    fitted = camera(found.x)
    return Human36mCamera(
        fitted.rotation,
        fitted.position + middle,
        fitted.focal,
        fitted.centre,
        fitted.radial,
        fitted.tangential,
    )


def _scipy() -> tuple[Any, Any]:
    try:
        from scipy import optimize
        from scipy.spatial.transform import Rotation
    except ImportError as error:
        raise MissingExtraError("scipy", "io", "Human3.6M's cameras from its 2D and 3D") from error
    return optimize, Rotation


def _linear(
    points: Float[np.ndarray, "points 3"], seen: Float[np.ndarray, "points 2"], rotation_class: Any
) -> Float[np.ndarray, "15"]:
    """The camera without distortion that fits best in homogeneous coordinates."""
    from scipy.linalg import rq

    scale = np.abs(seen).max()
    ones, zeros = np.ones((len(points), 1)), np.zeros((len(points), 4))
    homogeneous = np.hstack([points, ones])
    u, v = (seen / scale).T[..., None]
    rows = np.vstack(
        [
            np.hstack([homogeneous, zeros, -u * homogeneous]),
            np.hstack([zeros, homogeneous, -v * homogeneous]),
        ]
    )
    projection = np.linalg.eigh(rows.T @ rows)[1][:, 0].reshape(3, 4)
    projection = np.diag([scale, scale, 1.0]) @ projection
    lens, rotation = rq(projection[:, :3])
    signs = np.diag(np.sign(np.diag(lens)))
    lens, rotation = lens @ signs, signs @ rotation
    shift = np.linalg.solve(lens, projection[:, 3])
    if np.linalg.det(rotation) < 0:
        rotation, shift = -rotation, -shift
    lens = lens / lens[2, 2]
    turned = rotation_class.from_matrix(rotation).as_rotvec()
    optics = [lens[0, 0], lens[1, 1], lens[0, 2], lens[1, 2]]
    return np.concatenate([turned, shift, optics, np.zeros(5)])
