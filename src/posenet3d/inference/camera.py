"""The camera that is assumed where nobody tells it."""

import numpy as np

from posenet3d.data import Anchoring
from posenet3d.errors import ShapeError
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import AssumedCamera

FOCAL = 1.0
"""The assumed focal length in longest image sides: a 36 mm lens on full frame, 53 degrees across.

The middle of what the shipped weights were trained with (``cmu14-wild``: 1 to 3 half widths), and
between a phone's main camera (0.7) and a lens for portraits (1.4). A focal length that is too long
by some percent puts the person too far away by as much; the pose does not change.
"""


def assumed_camera(
    sequence: KeypointSequence, anchors: Anchoring, focal: float | int | None = None
) -> tuple[AssumedCamera, str]:
    """The camera that the root's track is told under, and where it comes from in words.

    * Keypoints in pixels, image size known: the principal point in the image's centre, the focal
      length `FOCAL` times the longest side.
    * Normalised keypoints (half image widths): the centre, 2 half widths.
    * Pixels of an image of unknown size: the principal point in the mean of the hips' middles, the
      focal length such that the person stands where the network thinks, c head-to-root lengths
      away.

    Args:
        sequence: the keypoints.
        anchors: their root and scale.
        focal: the focal length in the keypoints' unit, if it is known.

    Raises:
        ShapeError: the focal length is no positive number.

    Example:
        >>> walk = KeypointSequence(
        ...     np.ones((5, 14, 2)), layout="lsp_14", fps=25.0, image_size=(1920, 1080)
        ... )
        >>> assumed_camera(walk, Anchoring(np.ones(5), np.ones((5, 2))))
        (AssumedCamera(focal=1920.0, centre=(960.0, 540.0), given=False), 'longest image side')
    """
    told = sequence.unit, sequence.image_size
    x, y = anchors.root.mean(axis=0)
    return camera_for(*told, (float(x), float(y)), float(anchors.scale.mean()), focal)


def camera_for(
    unit: str,
    image_size: tuple[int, int] | None,
    root: tuple[float, float],
    scale: float,
    focal: float | int | None = None,
) -> tuple[AssumedCamera, str]:
    """As `assumed_camera`, of the facts themselves.

    Args:
        unit: the keypoints' unit, ``"pixels"`` or ``"normalized"``.
        image_size: (width, height) in pixels, if it is known.
        root: the mean of the hips' middles, in that unit.
        scale: the mean scale, normalised units per input unit.
        focal: the focal length in that unit, if it is known.

    Raises:
        ShapeError: the focal length is no positive number.

    Example:
        >>> camera_for("normalized", None, (0.0, 0.0), 1.0)
        (AssumedCamera(focal=2.0, centre=(0.0, 0.0), given=False), 'image width')
    """
    if focal is not None and not 0 < focal < np.inf:
        raise ShapeError("focal", expected="a positive number", got=repr(focal))
    centre = root
    if unit == "normalized":
        centre, guess, told = (0.0, 0.0), 2 * FOCAL, "image width"
    elif image_size is not None:
        width, height = image_size
        centre, guess = (width / 2, height / 2), FOCAL * max(width, height)
        told = "longest image side"
    else:
        guess = 1 / scale
        told = "image size unknown: the network's own distance, about the mean of the points"
    if focal is None:
        return AssumedCamera(guess, centre), told
    return AssumedCamera(float(focal), centre, given=True), "given"
