"""Bodies over the pictures that they were lifted from: the paper's Fig. 4, 7 and 8."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from posenet3d.errors import ConfigurationError, ShapeError
from posenet3d.reconstruction import Reconstruction
from posenet3d.skeletons import LSP_14, layout
from posenet3d.visualization.figures import (
    GREY,
    INK,
    new_figure,
    picture_format,
    save_figure,
    strip_axes,
)
from posenet3d.visualization.footage import draw_footage, open_footage
from posenet3d.visualization.mesh_drawing import FRONT
from posenet3d.visualization.mesh_image import Window, mesh_image
from posenet3d.visualization.stick_figures import draw_side_key, draw_sticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 1.7
_LEFT, _TOP, _BOTTOM = 0.28, 0.5, 0.34
_PIXELS = 420
_ROOM = 0.55
"""Half a cell, in units of the largest extent of what is drawn in its row."""


@dataclass(frozen=True, eq=False)
class MeshExample:
    """A row of a `mesh_sheet`: one frame, and the bodies that were lifted from its 2D.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> MeshExample({"student": still}, frame=2).title
        ''
    """

    lifted: Mapping[str, Reconstruction]
    """What was lifted from the same 2D, by the titles of its columns."""
    frame: int
    """Which frame is shown."""
    title: str = ""
    """What stands left of the row."""
    footage: str | os.PathLike[str] | None = None
    """The video, image or folder of images that the 2D came from, to draw on."""


def mesh_sheet(
    examples: Sequence[MeshExample], path: str | os.PathLike[str], *, skeletons: bool = False
) -> None:
    """A picture with a row for each example: its 2D, and each body over it and from the side.

    Fig. 4 of PoseNet3D with one column of bodies, Fig. 7 with one without and one with SJA and the
    ``skeletons`` over them, Fig. 8 with a student that no teacher taught. Over the 2D the body is
    seen through the camera that its reconstruction assumes; the other view is from the camera's
    right, so that the camera stands on the left. Left limbs are blue, right ones vermilion; where
    there is no footage, rings over the bodies are the 2D input.

    Args:
        examples: the rows; all have the same titles.
        path: the picture: ``.png``, ``.pdf`` or ``.svg``.
        skeletons: draw each body's 14 joints over it too, as the camera sees them.

    Raises:
        ConfigurationError: a frame is not in its motion, or a reconstruction assumes no camera
            because its image's size is unknown.
        DataError: the footage is no video or image.
        MissingExtraError: matplotlib, or what reads the footage, is not installed.
        PoseNet3DError: a reconstruction has no body.
        ShapeError: there is no example, or titles differ from row to row.
        StorageError: a file cannot be read or written.
        UnknownNameError: the picture's ending names no known format.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import posenet3d
        >>> from posenet3d.keypoints import KeypointSequence
        >>> up = np.linspace(900, 100, 14)[:, None] * [0.0, 1.0] + [300.0, 0.0]
        >>> seen = KeypointSequence(up[None], layout="lsp_14", fps=25.0, image_size=(600, 1000))
        >>> lifted = posenet3d.Estimator.from_pretrained().predict(seen)
        >>> picture = Path(tempfile.mkdtemp(), "bodies.png")
        >>> mesh_sheet([MeshExample({"student": lifted}, frame=0)], picture)
        >>> picture.stat().st_size > 0
        True
    """
    picture_format(path)
    titles = _check(examples)
    columns = 1 + 2 * len(titles)
    figure = new_figure(_LEFT + columns * _CELL, _TOP + len(examples) * _CELL + _BOTTOM)
    width, height = figure.get_size_inches()
    grid: Any = figure.subplots(
        len(examples), columns, squeeze=False,
        gridspec_kw={
            "left": _LEFT / width, "right": 1.0, "top": 1 - _TOP / height,
            "bottom": _BOTTOM / height, "wspace": 0.02, "hspace": 0.03,
        },
    )  # fmt: skip
    for cells, example in zip(grid, examples, strict=True):
        _draw_row(cells, example, skeletons)
        cells[0].text(-0.04, 0.5, example.title, transform=cells[0].transAxes, rotation=90,
                      ha="right", va="center", fontsize=8, color=INK)  # fmt: skip
    _draw_heads(figure, grid[0], titles)
    save_figure(figure, path)


def _check(examples: Sequence[MeshExample]) -> list[str]:
    """The columns' titles."""
    titles = list(examples[0].lifted) if examples else []
    if not titles:
        raise ShapeError("examples", expected="at least one with a body", got="none")
    faults = []
    for number, example in enumerate(examples):
        if list(example.lifted) != titles:
            raise ShapeError(
                f"examples[{number}].lifted", expected=f"{titles}", got=f"{list(example.lifted)}"
            )
        for title, lifted in example.lifted.items():
            called = f"examples[{number}] {title!r}"
            if not 0 <= example.frame < len(lifted):
                last = len(lifted) - 1
                faults.append(f"{called}: expected a frame from 0 to {last}, got {example.frame}")
            if lifted.camera is None:
                faults.append(
                    f"{called}: expected an assumed camera, got none; lift keypoints whose "
                    "image_size is known"
                )
    if faults:
        raise ConfigurationError(faults)
    return titles


def _draw_row(cells: Any, example: MeshExample, skeletons: bool) -> None:
    first = next(iter(example.lifted.values()))
    seen = first.keypoints
    points = seen.points[example.frame]
    bodies = [_Body(lifted, example.frame) for lifted in example.lifted.values()]
    places = np.concatenate([points, *(body.across for body in bodies)])
    low, high = np.nanmin(places, axis=0), np.nanmax(places, axis=0)
    half = _ROOM * float((high - low).max())
    window = _square(0.5 * (low + high), half)
    image = None
    if example.footage is not None:
        image = open_footage(example.footage).frame(int(seen.frame_index[example.frame]))
    for axes in (cells[0], *cells[1::2]):
        _aim(axes, window, image, seen.image_size)
    skeleton, confidence = layout(seen.layout), seen.confidence[example.frame]
    draw_sticks(cells[0], points, skeleton, confidence=confidence, halo=image is not None)
    for over, beside, body in zip(cells[1::2], cells[2::2], bodies, strict=True):
        if image is None:
            _draw_outline(over, points)
        body.draw_over(over, window)
        if skeletons:
            draw_sticks(over, body.joints, LSP_14, halo=True)
        body.draw_beside(beside, half)


def _square(middle: Float[np.ndarray, " 2"], half: float) -> Window:
    """The part of the image that is shown; ``top`` is its lower edge's row, as rows grow down."""
    return Window(middle[0] - half, middle[0] + half, middle[1] + half, middle[1] - half)


def _aim(
    axes: "Axes", window: Window, image: np.ndarray | None, size: tuple[int, int] | None
) -> None:
    strip_axes(axes)
    axes.set(xlim=(window.left, window.right), ylim=(window.bottom, window.top))
    if image is not None:
        draw_footage(axes, image, size)


def _draw_outline(axes: "Axes", points: Float[np.ndarray, "joints 2"]) -> None:
    """The 2D input as rings, for where there is no photograph to compare a body with."""
    axes.plot(*points.T, "o", markersize=4.5, markerfacecolor="none", markeredgecolor=INK,
              markeredgewidth=0.8, zorder=4)  # fmt: skip


class _Body:
    """One frame's body as its camera sees it; lengths in the image's unit."""

    def __init__(self, lifted: Reconstruction, frame: int) -> None:
        camera = lifted.camera
        if camera is None:
            raise ConfigurationError(["camera: expected an assumed one, got none"])
        placed = lifted.vertices(frame, frame + 1)[0]
        self.faces = lifted.body_model.faces.numpy()
        self._scale = camera.focal / lifted.root[frame, 2]
        self.across = camera.project(placed)
        self._depth = self._scale * (placed[:, 2] - lifted.root[frame, 2])
        joints = lifted.branches.get("student", lifted.joints3d)[frame]
        self.joints = camera.project(joints + lifted.root[frame])

    def draw_over(self, axes: "Axes", window: Window) -> None:
        """Through the camera, over whatever is drawn already."""
        upright = np.stack([self.across[:, 0], -self.across[:, 1], -self._depth], axis=-1)
        shown = Window(window.left, window.right, -window.bottom, -window.top)
        limits = axes.get_xlim(), axes.get_ylim()
        picture = mesh_image(upright, self.faces, FRONT, shown, _PIXELS)
        extent = (window.left, window.right, window.bottom, window.top)
        axes.imshow(picture, extent=extent, interpolation="bilinear", zorder=1, alpha=0.92)
        axes.set(xlim=limits[0], ylim=limits[1])

    def draw_beside(self, axes: "Axes", half: float) -> None:
        """From the camera's right, to the same scale."""
        beside = np.stack([self._depth, -self.across[:, 1], self.across[:, 0]], axis=-1)
        low, high = beside.min(0), beside.max(0)
        middle = 0.5 * (low + high)
        shown = Window(middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)
        picture = mesh_image(beside, self.faces, FRONT, shown, _PIXELS)
        axes.imshow(picture, extent=shown.extent, interpolation="bilinear", zorder=1)
        strip_axes(axes)
        axes.set(xlim=(shown.left, shown.right), ylim=(shown.bottom, shown.top))


def _draw_heads(figure: "Figure", cells: Any, titles: Sequence[str]) -> None:
    height = figure.get_figheight()
    for axes, name in zip(cells, ["2D input", *["over the input", "from its side"] * len(titles)],
                          strict=True):  # fmt: skip
        axes.set_title(name, fontsize=7.5, color=GREY, pad=3)
    for over, title in zip(cells[1::2], titles, strict=True):
        place = over.get_position().x1
        figure.text(place, 1 - 0.06 / height, title, ha="center", va="top", fontsize=10, color=INK)
    draw_side_key(figure, above=0.02)
