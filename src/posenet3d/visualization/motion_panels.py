"""Panels of a motion's pictures: its 2D input, its skeleton or its body from one side."""

import os
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from posenet3d.reconstruction import Reconstruction
from posenet3d.skeletons import LSP_14, layout
from posenet3d.visualization.figures import GREY, PALE, strip_axes
from posenet3d.visualization.footage import draw_footage, open_footage
from posenet3d.visualization.mesh_drawing import FRONT, LEFT
from posenet3d.visualization.mesh_image import Window, mesh_image
from posenet3d.visualization.motion_tracks import extent_in_image, motion_tracks, smoothed_place
from posenet3d.visualization.stick_figures import draw_sticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VIEWS = {"front": FRONT, "side": LEFT}
"""From the camera, and from its right: it stands on the left then, as in the other sheets."""

_BELOW_FLOOR = 0.15
_AROUND = 0.18
"""How far a body reaches beyond its joints, metres."""
_NARROWEST, _WIDEST = 0.5, 1.0
"""Width through height of a panel."""
_SIZE_OF_PERSON = 0.62
"""Half of the image's part that is shown, in units of the person's largest extent in any frame."""


class MotionPanels:
    """Draws frames of a motion, panel by panel, all to one scale.

    Args:
        lifted: the motion.
        footage: the video, image or folder of images that the keypoints came from; or ``None``.

    Raises:
        DataError: the footage is none.
        MissingExtraError: what reads the footage is not installed.
        StorageError: the footage is not there.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> from posenet3d.visualization.figures import new_figure
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> panels = MotionPanels(Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen))
        >>> panels.draw_skeleton(new_figure(1.0, 1.0).add_subplot(), 2, "front")
    """

    def __init__(
        self, lifted: Reconstruction, footage: str | os.PathLike[str] | None = None
    ) -> None:
        self.lifted = lifted
        self._tracks = motion_tracks(lifted)
        self._footage = None if footage is None else open_footage(footage)
        self._aim = smoothed_place(self._tracks.world.joints, lifted.fps)
        self._half, self._top = self._reach()
        self._crop = self._crop_size()

    @property
    def aspect(self) -> float:
        """Width through height of every panel, so that it holds the person with little around."""
        return 2 * self._half / (self._top + _BELOW_FLOOR)

    def _reach(self) -> tuple[float, float]:
        """Half the width and the top of the part of the world that holds the person."""
        joints = self._tracks.world.joints
        away = np.abs(joints[..., [0, 2]] - self._aim[:, None])
        half = np.nanmax(away, initial=0.2) + _AROUND
        top = np.nanmax(joints[..., 1], initial=0.4) + _AROUND
        tall = top + _BELOW_FLOOR
        half = max(half, 0.5 * _NARROWEST * tall)
        return float(half), float(max(top, 2 * half / _WIDEST - _BELOW_FLOOR))

    def _crop_size(self) -> Float[np.ndarray, " 2"]:
        """Half the width and height of the image's part around the person."""
        width, height = extent_in_image(self.lifted.keypoints.points)
        half = _SIZE_OF_PERSON * max(height, width / self.aspect)
        return np.array([self.aspect * half, half])

    def draw_input(self, axes: "Axes", frame: int) -> None:
        """The keypoints of a frame, over the footage where there is some.

        Args:
            axes: where to draw.
            frame: which frame.
        """
        seen = self.lifted.keypoints
        points = seen.points[frame]
        known = points[np.isfinite(points).all(axis=-1)]
        middle = 0.5 * (known.min(0) + known.max(0)) if len(known) else np.zeros(2)
        low, high = middle - self._crop, middle + self._crop
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))
        strip_axes(axes)
        number = int(seen.frame_index[frame])
        image = None if self._footage is None else self._footage.frame(number)
        if image is not None:
            draw_footage(axes, image, seen.image_size)
        draw_sticks(axes, points, layout(seen.layout), confidence=seen.confidence[frame],
                    halo=image is not None)  # fmt: skip

    def draw_skeleton(self, axes: "Axes", frame: int, view: str) -> None:
        """The skeleton of a frame, upright over the floor.

        Args:
            axes: where to draw.
            frame: which frame.
            view: ``"front"``, as the camera sees it, or ``"side"``.
        """
        seen_from, window = VIEWS[view], self._framed(axes, frame, view)
        joints = self._tracks.world.joints[frame]
        draw_sticks(axes, seen_from.across(joints), LSP_14, width=2.2,
                    nearness=joints @ np.array(seen_from.towards))  # fmt: skip
        self._draw_floor(axes, window)

    def draw_body(self, axes: "Axes", frame: int, view: str, pixels: int = 360) -> None:
        """The body's mesh of a frame, upright over the floor.

        Args:
            axes: where to draw.
            frame: which frame.
            view: ``"front"``, as the camera sees it, or ``"side"``.
            pixels: the height of the mesh's image.

        Raises:
            PoseNet3DError: there is no body.
        """
        window = self._framed(axes, frame, view)
        world, faces = self._tracks.world, self.lifted.body_model.faces.numpy()
        vertices = self.lifted.vertices(frame, frame + 1)[0] @ world.from_camera.T
        vertices += world.offset[frame]
        image = mesh_image(vertices, faces, VIEWS[view], window, pixels)
        limits = axes.get_xlim(), axes.get_ylim()
        axes.imshow(image, extent=window.extent, interpolation="bilinear", zorder=1)
        axes.set(xlim=limits[0], ylim=limits[1])
        self._draw_floor(axes, window)

    def _framed(self, axes: "Axes", frame: int, view: str) -> Window:
        across = self._aim[frame] @ np.array(VIEWS[view].right)[[0, 2]]
        window = Window(across - self._half, across + self._half, -_BELOW_FLOOR, self._top)
        axes.set(xlim=(window.left, window.right), ylim=(window.bottom, window.top))
        strip_axes(axes)
        return window

    def _draw_floor(self, axes: "Axes", window: Window) -> None:
        """The floor with a tick every half metre, which tells how far the person went."""
        axes.axhline(0.0, color=PALE, linewidth=1.0, zorder=0.5)
        first = np.ceil(window.left / 0.5) * 0.5
        for tick in np.arange(first, window.right, 0.5):
            axes.plot([tick, tick], [-0.025, 0.0], color=GREY, linewidth=0.8, zorder=0.5)
