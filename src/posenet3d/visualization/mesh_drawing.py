"""A shaded triangle mesh on matplotlib's axes: orthographic, no other dependency."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from posenet3d.visualization.figures import strip_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MeshVertices = Float[np.ndarray, "vertices 3"]
MeshFaces = Int[np.ndarray, "faces 3"]
Colour = tuple[float, float, float]

SKIN: Colour = (0.80, 0.82, 0.86)
_LIGHT = np.array([-0.35, 0.5, 0.8])
_SHADOW = 0.55
"""How bright a face is that is turned away from the light."""


@dataclass(frozen=True)
class View:
    """From where one looks at a body that stands y up and faces +z.

    Attributes:
        name: for titles.
        right: the body's direction that runs to the right of the picture.
        towards: the body's direction that points at the viewer.
    """

    name: str
    right: tuple[float, float, float]
    towards: tuple[float, float, float]

    def across(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 2"]:
        """Places in the picture, (N, 2): to the right, and up."""
        return np.stack([points @ np.array(self.right), points[:, 1]], axis=-1)


FRONT = View("front", (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
LEFT = View("from its left", (0.0, 0.0, -1.0), (1.0, 0.0, 0.0))
RIGHT = View("from its right", (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0))
BACK = View("back", (-1.0, 0.0, 0.0), (0.0, 0.0, -1.0))


def draw_mesh(
    axes: "Axes",
    vertices: MeshVertices,
    faces: MeshFaces,
    view: View = FRONT,
    colours: Float[np.ndarray, "faces 3"] | None = None,
    opacity: float = 1.0,
) -> None:
    """Draws the faces that look at the viewer, the far ones first, lit from the upper left.

    The axes keep their limits; :func:`frame_points` sets them.

    Args:
        axes: where to draw.
        vertices: (V, 3), body frame (y up, facing +z), metres.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        view: from where.
        colours: (F, 3) a colour each face, from 0 to 1; a pale grey where ``None``.
        opacity: 1 hides what lies behind.

    Example:
        >>> from posenet3d.visualization.figures import new_figure
        >>> axes = new_figure(1.0, 1.0).add_subplot()
        >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
        >>> draw_mesh(axes, corners, np.array([[0, 1, 2]]))
        >>> len(axes.collections)
        1
    """
    from matplotlib.collections import PolyCollection

    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    towards = np.array(view.towards)
    seen = np.flatnonzero(normals @ towards > 0)
    seen = seen[np.argsort(corners[seen].mean(1) @ towards, kind="stable")]
    axis_frame = np.stack([np.array(view.right), np.array([0.0, 1.0, 0.0]), towards])
    light = _LIGHT @ axis_frame / np.linalg.norm(_LIGHT)
    brightness = _SHADOW + (1 - _SHADOW) * np.clip(normals[seen] @ light, 0, 1)
    paint = np.broadcast_to(np.array(SKIN), (len(faces), 3)) if colours is None else colours
    shades = np.clip(paint[seen] * brightness[:, None], 0, 1)
    places = np.stack([view.across(corners[seen, corner]) for corner in range(3)], axis=1)
    axes.add_collection(
        PolyCollection(
            list(places), facecolors=shades, edgecolors=shades, linewidths=0.25, alpha=opacity,
            rasterized=True,
        ),
        autolim=False,
    )  # fmt: skip


def frame_points(axes: "Axes", points: Float[np.ndarray, "points 3"], view: View) -> None:
    """Limits that hold the points with a little room, equal scales, no ticks.

    Args:
        axes: the axes.
        points: (N, 3), body frame.
        view: from where.

    Example:
        >>> from posenet3d.visualization.figures import new_figure
        >>> axes = new_figure(1.0, 1.0).add_subplot()
        >>> frame_points(axes, np.array([[-1.0, 0, 0], [1.0, 2, 0]]), FRONT)
        >>> low, high = axes.get_ylim()
        >>> bool(low < 0 and high > 2)
        True
    """
    places = view.across(points)
    low, high = places.min(0), places.max(0)
    room = 0.04 * (high - low).max()
    axes.set(xlim=(low[0] - room, high[0] + room), ylim=(low[1] - room, high[1] + room))
    strip_axes(axes)
