"""The 14 joints as every file of joints has them: where, when, and in which frame."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from posenet3d.reconstruction import Reconstruction, check_finite, world_motion
from posenet3d.reconstruction.facts import Frame
from posenet3d.reconstruction.world import RootMotion, UpAxis
from posenet3d.skeletons import LSP_14

FRAMES_AT_ONCE = 1024
"""How many frames are turned into text at once: what a long file takes in memory."""


@dataclass(frozen=True, eq=False)
class JointTracks:
    """Where each joint is at every frame.

    Example:
        >>> tracks = JointTracks(("hip",), np.zeros((2, 1, 3)), np.array([4, 6]), 2.0, "y")
        >>> tracks.seconds.tolist()
        [2.0, 3.0]
    """

    names: tuple[str, ...]
    """A name a joint."""
    positions: Float[np.ndarray, "frames joints 3"]
    """Metres along `axes`."""
    frame_index: Int[np.ndarray, " frames"]
    """Each frame's number in the video; a jump is a gap."""
    fps: float
    """Frames a second."""
    axes: str
    """``"camera"``, or the up axis of the world: ``"y"`` or ``"z"``."""

    @property
    def seconds(self) -> Float[np.ndarray, " frames"]:
        """When each frame is in the video."""
        return np.asarray(self.frame_index / self.fps)

    def chunks(self) -> Iterator[slice]:
        """The frames in stretches of `FRAMES_AT_ONCE`."""
        for start in range(0, len(self.positions), FRAMES_AT_ONCE):
            yield slice(start, start + FRAMES_AT_ONCE)


def joint_tracks(
    lifted: Reconstruction,
    frame: Frame = "world",
    up_axis: UpAxis = "y",
    root: RootMotion = "grounded",
) -> JointTracks:
    """The ``lsp_14`` joints of a reconstruction, upright or as the camera sees them.

    Args:
        lifted: any reconstruction.
        frame: ``"world"``, gravity-aligned, or ``"camera"``.
        up_axis: the world's, ``"y"`` or ``"z"``.
        root: see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`; in the camera frame
            ``"still"`` holds it at the origin, and the others are as tracked.

    Raises:
        ShapeError: a joint is not finite.
        UnknownNameError: no such up axis or root motion.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> lifted = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> joint_tracks(lifted, "camera").positions[0, 0].tolist()
        [1.0, 1.0, 1.0]
        >>> joint_tracks(lifted, "world").positions[0, 0].round(6).tolist()
        [0.0, 0.08, 0.0]
    """
    check_finite("joints3d", lifted.joints3d)
    check_finite("root", lifted.root)
    check_finite("up", lifted.up[None])
    if frame == "camera":
        positions, axes = lifted.joints3d + (lifted.root * (root != "still"))[:, None], "camera"
    else:
        positions, axes = world_motion(lifted, up_axis, root).joints, up_axis
    seen = lifted.keypoints
    return JointTracks(LSP_14.joint_names, positions + 0.0, seen.frame_index, seen.fps, axes)
