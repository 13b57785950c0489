"""The camera that a root's track assumes: nobody tells its focal length, so it is said."""

from dataclasses import dataclass


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
