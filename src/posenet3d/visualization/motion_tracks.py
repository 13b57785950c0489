"""What every moving picture shows of a reconstruction: upright skeletons by name, and their 2D."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posenet3d.reconstruction import Reconstruction, WorldMotion, world_motion
from posenet3d.reconstruction.world import RootMotion

RESULT = "result"
"""The name of the skeleton that was asked for: the fusion, or the one branch there is."""


@dataclass(frozen=True, eq=False)
class MotionTracks:
    """Skeletons in the gravity-aligned frame, y up, metres, at one place."""

    world: WorldMotion
    """The motion, with the body's rotations and translation."""
    skeletons: Mapping[str, Float[np.ndarray, "frames 14 3"]]
    """`RESULT` first, then the branches that differ from it."""
    reprojected: Float[np.ndarray, "frames 14 2"] | None
    """The result seen by the assumed camera, in the unit of the keypoints."""


def motion_tracks(lifted: Reconstruction, root: RootMotion = "track") -> MotionTracks:
    """The skeletons of a reconstruction, upright and on the floor.

    Args:
        lifted: the reconstruction.
        root: ``"track"`` or ``"still"``, see :func:`~posenet3d.reconstruction.world_motion`.

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
    return MotionTracks(world, skeletons, _reprojected(lifted))


def _reprojected(lifted: Reconstruction) -> Float[np.ndarray, "frames 14 2"] | None:
    if lifted.camera is None:
        return None
    placed = lifted.joints3d + lifted.root[:, None]
    depth = np.where(placed[..., 2:] > 0, placed[..., 2:], np.nan)
    seen: np.ndarray = lifted.camera.focal * placed[..., :2] / depth + lifted.camera.centre
    return seen
