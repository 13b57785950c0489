"""Human3.6M's cameras: where they stand, and how they distort."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Human36mCamera:
    """A camera with the distortion model of Human3.6M's own code.

    With (x, y) = (X/Z, Y/Z) in the camera frame and r² = x² + y², a point is seen at

        focal · ((x, y) (1 + k₁r² + k₂r⁴ + k₃r⁶ + t·(x, y)) + t r²) + centre

    This is what 3d-pose-baseline (``project_point_radial``) and VideoPose3D (``project_to_2d``)
    took over from the release's code. OpenCV's model has 2 t·(x, y) in the bracket.

    Attributes:
        rotation: (3, 3) from the world (z up) to the camera frame (x right, y down, z forward).
        position: (3,) where the camera stands, metres, world frame.
        focal: (2,) pixels.
        centre: (2,) the principal point, pixels.
        radial: (3,) k₁, k₂, k₃.
        tangential: (2,) t, its parts along x and y: OpenCV's p₂ and p₁.

    Example:
        >>> axes, ahead = np.eye(3), np.array([0.1, 0.0, 1.0])
        >>> flat = {"radial": np.zeros(3), "tangential": np.zeros(2)}
        >>> camera = Human36mCamera(
        ...     axes, np.zeros(3), np.full(2, 1000.0), np.full(2, 500.0), **flat
        ... )
        >>> camera.project(ahead)
        array([600., 500.])
    """

    rotation: Float[np.ndarray, "3 3"]
    position: Float[np.ndarray, "3"]
    focal: Float[np.ndarray, "2"]
    centre: Float[np.ndarray, "2"]
    radial: Float[np.ndarray, "3"]
    tangential: Float[np.ndarray, "2"]

    def to_camera(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points in the camera frame.

        Args:
            points: (..., 3) metres, world frame.

        Returns:
            (..., 3) metres, camera frame; float64.
        """
        return np.asarray((points - self.position) @ self.rotation.T)

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """World points in the image.

        Args:
            points: (..., 3) metres, world frame, in front of the camera.

        Returns:
            (..., 2) pixels from the image's upper left corner.
        """
        seen = self.to_camera(points)
        xy = seen[..., :2] / seen[..., 2:]
        square = (xy**2).sum(axis=-1, keepdims=True)
        radial = (self.radial * square ** np.arange(1, 4)).sum(axis=-1, keepdims=True)
        across = (self.tangential * xy).sum(axis=-1, keepdims=True)
        bent = xy * (1 + radial + across) + self.tangential * square
        return np.asarray(self.focal * bent + self.centre)
