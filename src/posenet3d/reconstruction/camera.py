"""The camera that a root's track assumes: nobody tells its focal length, so it is said."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class AssumedCamera:
    """A pinhole camera without distortion, in the unit of the 2D keypoints.

    Example:
        >>> AssumedCamera(focal=1920.0, centre=(540.0, 960.0)).given
        False
    """

    focal: float
    """Focal length, in the unit of the keypoints (pixels)."""
    centre: tuple[float, float]
    """The principal point, in that unit."""
    given: bool = False
    """Whether the user gave the focal length; else it is an assumption."""

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Where points are seen.

        Args:
            points: (..., 3), camera frame, any unit of length.

        Returns:
            (..., 2), in the unit of the keypoints; NaN for points that are not before the camera.

        Example:
            >>> camera = AssumedCamera(focal=1000.0, centre=(500.0, 400.0))
            >>> camera.project(np.array([[1.0, 2.0, 10.0], [1.0, 2.0, -10.0]])).tolist()
            [[600.0, 600.0], [nan, nan]]
        """
        depth = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        seen: np.ndarray = self.focal * points[..., :2] / depth + self.centre
        return seen
