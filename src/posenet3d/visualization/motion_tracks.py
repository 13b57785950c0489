"""What every moving picture shows of a reconstruction: upright skeletons by name, and their 2D."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from posenet3d.errors import how_many
from posenet3d.reconstruction import Reconstruction, WorldMotion, world_motion
from posenet3d.reconstruction.world import RootMotion
from posenet3d.skeletons import LSP_14

RESULT = "result"
"""The name of the skeleton that was asked for: the fusion, or the one branch there is."""

_FOLLOW_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class MotionTracks:
    """Skeletons in the gravity-aligned frame, y up, metres, at one place."""

    world: WorldMotion
    """The motion, with the body's rotations and translation."""
    skeletons: Mapping[str, Float[np.ndarray, "frames 14 3"]]
    """`RESULT` first, then the branches that differ from it."""
    reprojected: Float[np.ndarray, "frames 14 2"] | None
    """The result seen by the assumed camera, in the unit of the keypoints."""


def motion_tracks(lifted: Reconstruction, root: RootMotion = "grounded") -> MotionTracks:
    """The skeletons of a reconstruction, upright and on the floor.

    Args:
        lifted: the reconstruction.
        root: see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`.

    Raises:
        UnknownNameError: no such root motion.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> list(
        ...     motion_tracks(Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)).skeletons
        ... )
        ['result']
    """
    world = world_motion(lifted, "y", root)
    turned = lifted.joints3d @ world.from_camera.T
    shift = (world.joints - turned)[:, :1]
    skeletons = {RESULT: world.joints}
    for name, joints in lifted.branches.items():
        if name != RESULT and not np.array_equal(joints, lifted.joints3d):
            skeletons[name] = joints @ world.from_camera.T + shift
    camera, placed = lifted.camera, lifted.joints3d + lifted.root[:, None]
    return MotionTracks(world, skeletons, None if camera is None else camera.project(placed))


def frames_shown(
    lifted: Reconstruction, seconds: Float[np.ndarray, " times"]
) -> Int[np.ndarray, " times"]:
    """The frame to show at each time: the nearest, and in a gap the one before it.

    Args:
        lifted: the motion.
        seconds: times from the first frame on.

    Returns:
        Places in the arrays.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(
        ...     np.ones((3, 14, 2)), layout="lsp_14", fps=10.0, frame_index=np.array([4, 5, 8])
        ... )
        >>> lifted = Reconstruction(np.zeros((3, 14, 3)), np.ones((3, 3)), seen)
        >>> frames_shown(lifted, np.array([0.0, 0.1, 0.2, 0.3, 0.4])).tolist()
        [0, 1, 1, 1, 2]
    """
    numbers = lifted.keypoints.frame_index - lifted.keypoints.frame_index[0]
    return np.searchsorted(numbers, np.rint(seconds * lifted.fps), side="right") - 1


def length_in_words(lifted: Reconstruction) -> str:
    """How many frames a motion has, at which rate, and how many are missing in between.

    Args:
        lifted: the motion.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(
        ...     np.ones((3, 14, 2)), layout="lsp_14", fps=10.0, frame_index=np.array([4, 5, 8])
        ... )
        >>> length_in_words(Reconstruction(np.zeros((3, 14, 3)), np.ones((3, 3)), seen))
        '3 frames at 10 a second, 2 missing in between'
    """
    missing = lifted.keypoints.span - len(lifted)
    told = f"{how_many(len(lifted), 'frame')} at {lifted.fps:g} a second"
    return f"{told}, {missing} missing in between" if missing else told


def smoothed_place(
    joints: Float[np.ndarray, "frames 14 3"], fps: float
) -> Float[np.ndarray, "frames 2"]:
    """Where a picture's camera looks: the hips' place on the floor (x, z), as a mean over a second.

    Args:
        joints: upright ``lsp_14`` joints, y up.
        fps: frames a second.

    Example:
        >>> smoothed_place(np.ones((50, 14, 3)), 25.0)[10].tolist()
        [1.0, 1.0]
    """
    hips = joints[:, LSP_14.indices("right_hip", "left_hip")].mean(axis=1)[:, [0, 2]]
    reach = max(1, round(0.5 * _FOLLOW_SECONDS * fps))
    padded = np.concatenate([np.repeat(hips[:1], reach, 0), hips, np.repeat(hips[-1:], reach, 0)])
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), padded]), axis=0)
    means: np.ndarray = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
    return means


def extent_in_image(points: Float[np.ndarray, "frames joints 2"]) -> Float[np.ndarray, " 2"]:
    """How wide and tall a person is in the image: the 95th percentile over the frames.

    Args:
        points: 2D keypoints; NaN where unknown.

    Returns:
        Width and height in the unit of the points, more than 0.

    Example:
        >>> extent_in_image(np.array([[[0.0, 0.0], [3.0, 4.0]]])).tolist()
        [3.0, 4.0]
    """
    seen = np.isfinite(points).any(axis=(-1, -2))
    if not seen.any():
        return np.ones(2)
    extents = np.nanmax(points[seen], axis=1) - np.nanmin(points[seen], axis=1)
    size: np.ndarray = np.maximum(np.percentile(extents, 95, axis=0), 1e-6)
    return size
