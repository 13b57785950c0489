"""The root's track: where a body must be for an assumed camera to see it where it was seen.

One camera tells neither its focal length nor a person's size, so the track is as good as these.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.reconstruction import AssumedCamera

DEPTH_SECONDS = 0.2
"""Standard deviation in seconds of the Gaussian that smooths depth, along the line of sight.

A choice, made on training subjects: it calms the track and keeps its way. The joints fitted are the
body's, for the teacher's stand as the network's own camera sees them, which moves their depth.
"""

_CHUNK = 4096  # frames that are fitted together: long rows, and still in a processor's cache
_ROUNDS = 4  # each but the first with the joints reweighted
_TOLERATED = 0.02  # off the 2D, in parts of the depth: some 10 cm at 5 m; beyond it joints fade
_NEAREST = 0.3  # metres
_LEAST_SPREAD = 1e-13  # of the mean square: less is rounding, of joints that are seen in one place


def fit_root(
    joints: Float[np.ndarray, "frames joints 3"],
    points: Float[np.ndarray, "frames joints 2"],
    weights: Float[np.ndarray, "frames joints"],
    camera: AssumedCamera,
) -> Float[np.ndarray, "frames 3"]:
    """The translation that puts each skeleton's image on the 2D: weighted, robust least squares.

    With (u, v) = (point - centre) / focal, a translation t puts joint X on its line of sight where
    ``u (X_z + t_z) = X_x + t_x`` and ``v (X_z + t_z) = X_y + t_y``; linear in t. Joints that stay
    off are weighted down by Cauchy's function over some rounds.

    Args:
        joints: skeletons about their root, camera frame, metres. Their precision is that of the
            answer: in single precision it is within some millionths of the distance.
        points: their 2D, in the camera's unit; NaN where unknown.
        weights: (frames, joints), zero or more, such as the detector's confidence.
        camera: the camera.

    Returns:
        Translations (frames, 3), metres, camera frame. NaN where fewer than two joints are known,
        or where they would lie behind the camera.

    Example:
        >>> joints = np.random.default_rng(0).normal(size=(1, 14, 3))
        >>> root = np.array([[0.5, -0.2, 6.0]])
        >>> seen = joints + root[:, None]
        >>> camera = AssumedCamera(focal=1000.0, centre=(500.0, 400.0))
        >>> points = 1000.0 * seen[..., :2] / seen[..., 2:] + (500.0, 400.0)
        >>> np.allclose(fit_root(joints, points, np.ones((1, 14)), camera), root)
        True
    """
    root = np.empty((len(joints), 3))
    for start in range(0, len(joints), _CHUNK):
        some = slice(start, start + _CHUNK)
        sight = _Sight.of(joints[some], points[some], weights[some], camera)
        root[some] = sight.translation()
    return root


class _Sight(NamedTuple):
    """Frames that are fitted together; arrays have the frames as their last axis.

    So a sum over joints adds up whole rows, many times as fast. Lines of sight are told from the
    middle one of their frame, so that little is lost where the joints are in single precision.
    """

    middle: Float[np.ndarray, "2 frames"]
    """The middle line of sight of each frame, (middle, 1): what the others are told from."""
    products: Float[np.ndarray, "6 joints frames"]
    """What a solution sums over joints: u, v, across, down, u u + v v, u across + v down.

    (u, v, 1) is a joint's line of sight from the middle one; across and down tell how far the joint
    lies from its own, translation left out. Where unknown they are finite, and do not count.
    """
    weights: Float[np.ndarray, "joints frames"]
    """Zeros where unknown."""

    @classmethod
    def of(
        cls,
        joints: Float[np.ndarray, "frames joints 3"],
        points: Float[np.ndarray, "frames joints 2"],
        weights: Float[np.ndarray, "frames joints"],
        camera: AssumedCamera,
    ) -> "_Sight":
        places = joints.transpose(2, 1, 0).copy(order="C")
        z = places[2]
        rays, weights = np.empty((2, *z.shape)), weights.T.astype(z.dtype, order="C")
        for axis, ray in enumerate(rays):
            np.subtract(points[..., axis].T, camera.centre[axis], out=ray)
        rays /= camera.focal
        unknown = ~(np.isfinite(rays[0]) & np.isfinite(rays[1]) & (weights > 0))
        if unknown.any():
            rays[:, unknown] = weights[unknown] = 0.0
        middle = rays.mean(axis=1)
        products = np.empty((6, *z.shape), dtype=z.dtype)
        sight, across, square, product = products[:2], products[2:4], products[4], products[5]
        np.subtract(rays * z, places[:2], out=across, casting="same_kind")
        np.subtract(rays, middle[:, None], out=sight, casting="same_kind")
        np.add.reduce(sight * sight, out=square)
        np.add.reduce(sight * across, out=product)
        return cls(middle, products, weights)

    def translation(self) -> Float[np.ndarray, "frames 3"]:
        """The robust solution of each frame; NaN where there is none."""
        found = self._solve(self.weights)
        for _ in range(_ROUNDS - 1):
            found = self._solve(self._reweighted(found))
        root = found.astype(np.float64)
        root[:2] += self.middle * root[2]
        few = np.count_nonzero(self.weights, axis=0) < 2
        root[:, few | ~(root[2] > _NEAREST)] = np.nan
        return root.T

    def _reweighted(
        self, found: Float[np.ndarray, "3 frames"]
    ) -> Float[np.ndarray, "joints frames"]:
        """The weights, less for joints that the body at this place leaves off the 2D.

        They are Cauchy's but for one factor a frame, which changes no solution.
        """
        u, v, across, down = self.products[:4]
        x, y, z = found
        off, lower = u * z, v * z
        off += across
        off -= x
        off *= off
        lower += down
        lower -= y
        lower *= lower
        off += lower
        off += (_TOLERATED * np.maximum(z, _NEAREST)) ** 2
        return np.asarray(np.divide(self.weights, off, out=off))

    def _solve(self, weights: Float[np.ndarray, "joints frames"]) -> Float[np.ndarray, "3 frames"]:
        """The weighted least squares solution, by the slope of what is off over the rays."""
        sums = np.einsum("kjf,jf->kf", self.products, weights)
        sums /= np.maximum(weights.sum(axis=0), 1e-12)
        u, v, across, down, square, product = sums
        spread = square - (u * u + v * v)
        slope = product - (u * across + v * down)
        apart = spread > _LEAST_SPREAD * (square + (self.middle**2).sum(axis=0))
        depth = -np.divide(slope, spread, out=np.zeros_like(slope), where=apart)
        return np.stack([across + u * depth, down + v * depth, depth])


def fill_root(
    root: Float[np.ndarray, "frames 3"], otherwise: float | int
) -> Float[np.ndarray, "frames 3"]:
    """The track with frames that have none on straight lines in time; the ends are held.

    Args:
        root: (frames, 3), NaN where unknown.
        otherwise: metres straight ahead, where no frame has one.

    Example:
        >>> fill_root(np.array([[0.0, 0, 4], [np.nan, np.nan, np.nan], [0, 0, 6]]), 7)[1]
        array([0., 0., 5.])
    """
    known = np.logical_and.reduce([np.isfinite(axis) for axis in root.T])
    if known.all():
        return root
    if not known.any():
        return np.broadcast_to(np.array([0.0, 0.0, otherwise]), root.shape).copy()
    time = np.arange(len(root))
    axes = [np.interp(time, time[known], root[known, axis]) for axis in range(3)]
    return np.stack(axes, axis=1)


def smooth_depth(
    root: Float[np.ndarray, "frames 3"], sigma: float
) -> Float[np.ndarray, "frames 3"]:
    """The track with a smooth depth; each frame's root stays on its line of sight.

    What shakes in such a track is its depth, which hangs on the person's apparent size. A
    Gaussian smooths it, without delay; a depth that grows evenly is left as it is.

    Args:
        root: (frames, 3), finite, in front of the camera.
        sigma: the Gaussian's standard deviation in frames; 0 changes nothing.

    Returns:
        (frames, 3).

    Example:
        >>> track = np.array([[1.0, 0, 4], [1, 0, 4], [1, 0, 4]])
        >>> bool(np.allclose(smooth_depth(track, 2.0), track))
        True
    """
    half = min(int(np.ceil(3 * sigma)), len(root) - 1)
    if half < 1:
        return root
    depth = root[:, 2]
    before = 2 * depth[0] - depth[half:0:-1]
    after = 2 * depth[-1] - depth[-2 : -half - 2 : -1]
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    padded = np.concatenate([before, depth, after])
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    smooth = np.maximum(smooth, depth.min())
    return np.asarray(root * (smooth / depth)[:, None])
