"""Joints over a body's mesh, and a joint regressor's weights on it: the paper's Fig. 2 and 3."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from posenet3d.errors import ShapeError
from posenet3d.visualization.figures import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    new_figure,
    picture_format,
    save_figure,
)
from posenet3d.visualization.mesh_drawing import (
    BACK,
    FRONT,
    LEFT,
    RIGHT,
    SKIN,
    MeshFaces,
    MeshVertices,
    View,
    draw_mesh,
    frame_points,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Joints = Float[np.ndarray, "joints 3"]
VertexWeights = Float[np.ndarray, " weights"]

_HEIGHT = 3.6
_WEIGHT_COLOURS = [SKIN, (0.94, 0.54, 0.38), (0.70, 0.09, 0.17), (0.29, 0.0, 0.06)]
_NEIGHBOURHOOD = 0.28
"""Half the side of the square that a weights' panel shows around the joint, metres."""


def joints_over_mesh(
    meshes: Mapping[str, MeshVertices],
    faces: MeshFaces,
    joints: Mapping[str, Joints],
    path: str | os.PathLike[str],
) -> None:
    """A picture of bodies with their joints on top; those outside the mesh are ringed red.

    Fig. 2 of PoseNet3D. Each body is seen from the front and from its left, all to one scale;
    the joints are drawn over the mesh, wherever they lie.

    Args:
        meshes: by title, vertices (V, 3), body frame (y up, facing +z), metres.
        faces: (F, 3) vertex indices of all of them, counter-clockwise seen from outside.
        joints: by the same titles, (N, 3).
        path: the picture: ``.png``, ``.pdf`` or ``.svg``.

    Raises:
        ShapeError: there is no mesh, or a mesh has no joints.
        UnknownNameError: the picture's ending names no known format.
        MissingExtraError: matplotlib is not installed.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
        >>> picture = Path(tempfile.mkdtemp()) / "joints.png"
        >>> joints_over_mesh({"W": corners}, faces, {"W": np.full((1, 3), 0.1)}, picture)
        >>> picture.exists()
        True
    """
    picture_format(path)
    if not meshes or meshes.keys() != joints.keys():
        raise ShapeError(
            "joints", expected=f"one for each of {list(meshes)}", got=f"{list(joints)}"
        )
    views = (FRONT, LEFT)
    widths = [_extent(vertices, view) for vertices in meshes.values() for view in views]
    tallest = max(float(np.ptp(vertices[:, 1])) for vertices in meshes.values())
    figure = new_figure(_HEIGHT * sum(widths) / tallest * 1.06 + 0.2, _HEIGHT + 0.75)
    grid: Any = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)
    for pair, (title, vertices) in zip(grid[0].reshape(-1, 2), meshes.items(), strict=True):
        outside = ~inside_mesh(joints[title], vertices, faces)
        for axes, view in zip(pair, views, strict=True):
            draw_mesh(axes, vertices, faces, view)
            draw_joints(axes, joints[title], outside, view)
            frame_points(axes, vertices, view)
            axes.set_ylim(*_centred(axes.get_ylim(), 1.08 * tallest))
            axes.set_title(view.name, fontsize=8, color=GREY)
        middle = 0.5 * (pair[0].get_position().x0 + pair[1].get_position().x1)
        figure.text(middle, 0.97, title, ha="center", va="top", fontsize=10, color=INK)
    figure.subplots_adjust(0.01, 0.09, 0.99, 0.86, wspace=0.04)
    _draw_key(figure)
    save_figure(figure, path)


def regressor_weights(
    vertices: MeshVertices,
    faces: MeshFaces,
    weights: Mapping[str, VertexWeights],
    path: str | os.PathLike[str],
) -> None:
    """A picture of where on the mesh the weights of one joint lie, say before and after SJA.

    Fig. 3 of PoseNet3D. A row for each regressor, near the joint, from the front, the joint's side
    and the back; dark red is a high weight, on one scale for all rows. The dot is the joint that
    the weights give, drawn over the mesh.

    Args:
        vertices: (V, 3), body frame (y up, facing +z), metres.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        weights: by title, the joint's row of a regressor, (V,).
        path: the picture: ``.png``, ``.pdf`` or ``.svg``.

    Raises:
        ShapeError: there are no weights, or not one for each vertex.
        UnknownNameError: the picture's ending names no known format.
        MissingExtraError: matplotlib is not installed.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
        >>> picture = Path(tempfile.mkdtemp()) / "weights.png"
        >>> regressor_weights(corners, faces, {"before": np.full(4, 0.25)}, picture)
        >>> picture.exists()
        True
    """
    picture_format(path)
    for title, row in weights.items():
        if row.shape != (len(vertices),):
            raise ShapeError(
                f"weights[{title!r}]", expected=f"({len(vertices)},)", got=f"{row.shape}"
            )
    if not weights:
        raise ShapeError("weights", expected="at least one row", got="none")
    middle = np.mean([row @ vertices for row in weights.values()], axis=0)
    views = (FRONT, LEFT if middle[0] >= 0 else RIGHT, BACK)
    figure = new_figure(2.0 * len(views) + 0.9, 2.0 * len(weights) + 0.35)
    grid: Any = figure.subplots(len(weights), len(views), squeeze=False)
    figure.subplots_adjust(0.05, 0.01, 0.88, 1 - 0.3 / figure.get_figheight(), 0.03, 0.03)
    scale = _weight_scale(max(float(row.max()) for row in weights.values()))
    window = middle + _NEIGHBOURHOOD * np.array([[-1.0, -1, -1], [1, 1, 1]])
    for axes_row, (title, row) in zip(grid, weights.items(), strict=True):
        colours = scale.to_rgba(row[faces].max(-1))[:, :3]
        for axes, view in zip(axes_row, views, strict=True):
            draw_mesh(axes, vertices, faces, view, colours)
            draw_joints(axes, (row @ vertices)[None], np.zeros(1, dtype=bool), view)
            frame_points(axes, window, view)
        axes_row[0].text(-0.03, 0.5, title, transform=axes_row[0].transAxes, rotation=90,
                         ha="right", va="center", fontsize=10, color=INK)  # fmt: skip
    for axes, view in zip(grid[0], views, strict=True):
        axes.set_title(view.name, fontsize=8.5, color=GREY)
    _draw_scale(figure, scale)
    save_figure(figure, path)


def draw_joints(
    axes: "Axes", joints: Joints, outside: Bool[np.ndarray, " joints"], view: View
) -> None:
    """Dots over whatever is drawn already; those outside in red, with a ring.

    Args:
        axes: where to draw.
        joints: (N, 3), body frame.
        outside: which of them lie outside the body, as ``~inside_mesh`` tells.
        view: from where.

    Example:
        >>> axes = new_figure(1.0, 1.0).add_subplot()
        >>> draw_joints(axes, np.zeros((2, 3)), np.array([True, False]), FRONT)
        >>> len(axes.lines)
        3
    """
    places = view.across(joints)
    kinds = ((~outside, BLUE, "o", 4.6), (outside, VERMILION, "o", 5.2))
    for chosen, colour, marker, size in kinds:
        axes.plot(*places[chosen].T, marker, color=colour, markersize=size,
                  markeredgecolor="white", markeredgewidth=0.7, zorder=3)  # fmt: skip
    axes.plot(*places[outside].T, "o", markersize=11, markerfacecolor="none",
              markeredgecolor=VERMILION, markeredgewidth=1.2, zorder=3)  # fmt: skip


def inside_mesh(
    joints: Joints, vertices: MeshVertices, faces: MeshFaces
) -> Bool[np.ndarray, " joints"]:
    """Which joints lie inside a closed mesh: winding number above one half.

    Args:
        joints: (N, 3), frame and unit of the vertices.
        vertices: (V, 3).
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.

    Returns:
        (N,); unknown joints (NaN) count as outside.

    Example:
        >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
        >>> inside_mesh(np.array([[0.1, 0.1, 0.1], [2.0, 0.0, 0.0]]), corners, faces)
        array([ True, False])
    """
    import torch

    from posenet3d.geometry import winding_number

    points, places = (torch.tensor(array, dtype=torch.float64) for array in (joints, vertices))
    inside: np.ndarray = (winding_number(points, places, torch.tensor(faces)) > 0.5).numpy()
    return inside


def _extent(vertices: MeshVertices, view: View) -> float:
    return float(np.ptp(view.across(vertices)[:, 0])) + 0.05


def _centred(limits: tuple[float, float], length: float) -> tuple[float, float]:
    middle = 0.5 * (limits[0] + limits[1])
    return middle - 0.5 * length, middle + 0.5 * length


def _weight_scale(highest: float) -> Any:
    """Skin at 0 to dark red at the highest weight, by the square root so that small ones show."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    reds = LinearSegmentedColormap.from_list("weights", _WEIGHT_COLOURS)
    return ScalarMappable(PowerNorm(0.5, 0.0, highest or 1.0), reds)


def _draw_scale(figure: "Figure", scale: Any) -> None:
    bar = figure.colorbar(scale, cax=figure.add_axes((0.9, 0.12, 0.015, 0.72)))
    bar.set_label("weight", fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=7, color=GREY)
    bar.outline.set_visible(False)


def _draw_key(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    inside = Line2D([], [], marker="o", color=BLUE, linestyle="", markersize=4.6)
    outside = Line2D([], [], marker="o", color="none", linestyle="", markersize=10,
                     markeredgecolor=VERMILION)  # fmt: skip
    figure.legend([inside, outside], ["joint inside the body", "joint outside it"], ncols=2,
                  loc="lower center", frameon=False, fontsize=8)  # fmt: skip
