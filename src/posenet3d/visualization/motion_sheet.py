"""A motion on one sheet: moments from left to right, each with its 2D, skeleton and body."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction
from posenet3d.visualization.figures import (
    GREY,
    INK,
    figure_class,
    new_figure,
    picture_format,
    save_figure,
)
from posenet3d.visualization.footage import FootagePath
from posenet3d.visualization.motion_panels import MotionPanels
from posenet3d.visualization.motion_tracks import length_in_words
from posenet3d.visualization.stick_figures import draw_side_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 1.6
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.5, 0.1, 0.68, 0.5
_NARROWEST = 4.6  # what the line at the foot needs

Draw = Callable[["Axes", int], None]


class SheetConfig(BaseModel):
    """Options of the exporter ``png``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    moments: int = Field(default=8, ge=1, le=40)
    """How many frames are shown, evenly spread over the motion."""

    footage: FootagePath | None = None
    """The video, image or folder of images that the keypoints came from, to draw them on."""


@configured_by(SheetConfig, needs=figure_class)
def write_motion_sheet(
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    moments: int = 8,
    footage: str | os.PathLike[str] | None = None,
) -> None:
    """A picture of a motion, moments from left to right: the exporter ``png``.

    Below each other: the 2D keypoints, the skeleton from the front (as the camera sees it) and
    from the side, upright on the floor, and the body where there is one. Left limbs are blue,
    right ones vermilion.

    Args:
        path: the picture: ``.png``, ``.pdf`` or ``.svg``.
        reconstruction: the motion.
        moments: see :class:`SheetConfig`.
        footage: see there.

    Raises:
        DataError: the footage is no video or image.
        MissingExtraError: matplotlib, or what reads the footage, is not installed.
        StorageError: a file cannot be read or written.
        UnknownNameError: the picture's ending names no known format.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> path = Path(tempfile.mkdtemp(), "still.png")
        >>> write_motion_sheet(path, Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen))
        >>> path.stat().st_size > 0
        True
    """
    picture_format(path)
    last = len(reconstruction) - 1
    frames = np.unique(np.rint(np.linspace(0, last, moments)).astype(int)).tolist()
    panels = MotionPanels(reconstruction, footage)
    wide = _HEIGHT * panels.aspect
    rows = _rows(panels, with_body=reconstruction.body is not None)
    width = max(_LEFT + len(frames) * wide + _RIGHT, _NARROWEST)
    figure = new_figure(width, _TOP + len(rows) * _HEIGHT + _BOTTOM)
    grid = _grid(figure, len(rows), len(frames), wide)
    for cells, (name, draw) in zip(grid, rows.items(), strict=True):
        for axes, frame in zip(cells, frames, strict=True):
            draw(axes, frame)
        cells[0].text(-0.06, 0.5, name, transform=cells[0].transAxes, rotation=90, ha="right",
                      va="center", fontsize=8, color=INK)  # fmt: skip
    for axes, frame in zip(grid[0], frames, strict=True):
        axes.text(0.5, 1.03, f"{reconstruction.seconds[frame]:.2f} s", transform=axes.transAxes,
                  ha="center", fontsize=8, color=GREY)  # fmt: skip
    _head_and_foot(figure, reconstruction)
    save_figure(figure, path)


def _rows(panels: MotionPanels, with_body: bool) -> dict[str, Draw]:
    rows: dict[str, Draw] = {
        "2D input": panels.draw_input,
        "front": partial(panels.draw_skeleton, view="front"),
        "side": partial(panels.draw_skeleton, view="side"),
    }
    if with_body:
        rows["body, front"] = partial(panels.draw_body, view="front")
        rows["body, side"] = partial(panels.draw_body, view="side")
    return rows


def _grid(figure: "Figure", rows: int, columns: int, wide: float) -> Any:
    width, height = figure.get_size_inches()
    return figure.subplots(
        rows, columns, squeeze=False,
        gridspec_kw={
            "left": _LEFT / width, "right": (_LEFT + columns * wide) / width,
            "top": 1 - _TOP / height, "bottom": _BOTTOM / height, "wspace": 0.03, "hspace": 0.05,
        },
    )  # fmt: skip


def _head_and_foot(figure: "Figure", lifted: Reconstruction) -> None:
    width, height = figure.get_size_inches()
    scale = f"height {lifted.height_m:g} m" if lifted.metric else "scale not known"
    title = _literal(lifted.keypoints.source)
    figure.text(0.1 / width, 1 - 0.1 / height, title, ha="left", va="top", fontsize=10.5,
                fontweight="bold", color=INK)  # fmt: skip
    facts = f"{length_in_words(lifted)}, {scale}"
    figure.text(0.1 / width, 1 - 0.3 / height, facts, ha="left", va="top", fontsize=8, color=GREY)
    draw_side_key(figure, above=0.18)
    note = "Upright on the floor, a tick every half metre. Side: the camera stands on the left."
    figure.text(0.12 / width, 0.09 / height, note, ha="left", fontsize=7, color=GREY)


def _literal(text: str) -> str:
    """A name as it is: no dollar in it starts a formula."""
    return text.replace("$", r"\$")
