"""The sheet of the OpenPose clip: a row a frame, its 2D and each answer from three places."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from posenet3d.skeletons import LSP_14
from posenet3d.visualization.figures import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    new_figure,
    save_figure,
    strip_axes,
)
from posenet3d.visualization.mesh_drawing import View, draw_mesh

COLOURS = {"left": BLUE, "right": VERMILION, "middle": INK}
WIDTH, HEIGHT = 1.25, 1.55
LEFT, TOP, BOTTOM = 0.3, 0.6, 0.4
UPRIGHT = (1.0, -1.0, -1.0)
"""From the camera's frame (y down) to the body's (y up)."""


class Look(NamedTuple):
    """A frame to draw."""

    name: str
    points: np.ndarray
    """(14, 2), pixels, y down; NaN where a joint is missing."""
    skeletons: Mapping[str, np.ndarray]
    """By head (14, 3), camera frame, centred on the hips."""
    mesh: np.ndarray | None
    """(V, 3), the body's frame (y up), centred on the hips, the skeletons' unit."""


def turned(name: str, degrees: float) -> View:
    """A view from the camera's place, carried about the person towards the image's right."""
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return View(name, (float(cos), 0.0, float(-sin)), (float(sin), 0.0, float(cos)))


VIEWS = (turned("camera", 0), turned("60° to the right", 60), turned("60° to the left", -60))


def draw_sheet(looks: Sequence[Look], faces: np.ndarray | None, path: Path) -> None:
    """Draw every frame from every view, all of them to one scale."""
    heads = list(looks[0].skeletons)
    has_mesh = looks[0].mesh is not None
    columns = 1 + len(VIEWS) * (len(heads) + has_mesh)
    width, height = LEFT + columns * WIDTH, TOP + len(looks) * HEIGHT + BOTTOM
    figure = new_figure(width, height)
    grid: Any = figure.subplots(
        len(looks), columns, squeeze=False,
        gridspec_kw={
            "left": LEFT / width, "right": 1.0, "top": 1 - TOP / height,
            "bottom": BOTTOM / height, "wspace": 0.0, "hspace": 0.03,
        },
    )  # fmt: skip
    half = max(half_height(each, view) for look in looks for each in drawn(look) for view in VIEWS)
    for row, look in zip(grid, looks, strict=True):
        draw_input(row[0], look)
        panels = iter(row[1:])
        for points in drawn(look):
            for view in VIEWS:
                axes = next(panels)
                if len(points) == len(LSP_14):
                    draw_skeleton(axes, points, view)
                else:
                    draw_mesh(axes, points, faces, view)
                frame(axes, points, view, half)
    titles(grid[0], [*heads, *(["the student's body"] if has_mesh else [])])
    key(figure)
    save_figure(figure, path)


def drawn(look: Look) -> list[np.ndarray]:
    """All that is drawn of a frame in 3D, y up: the skeletons, then the body."""
    skeletons = [pose * UPRIGHT for pose in look.skeletons.values()]
    return skeletons if look.mesh is None else [*skeletons, look.mesh]


def limits(points: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the box around what is known of points (N, 3) in a view."""
    places = view.across(points)
    return np.nanmin(places, axis=0), np.nanmax(places, axis=0)


def half_height(points: np.ndarray, view: View) -> float:
    """Half the height of a panel that holds the points."""
    low, high = limits(points, view)
    across, up = high - low
    return 0.53 * float(max(across * HEIGHT / WIDTH, up))


def draw_input(axes: Any, look: Look) -> None:
    """The 2D, as large as it fits."""
    flat = np.column_stack([look.points, np.zeros(len(look.points))]) * UPRIGHT
    draw_skeleton(axes, flat, VIEWS[0])
    frame(axes, flat, VIEWS[0], half_height(flat, VIEWS[0]))
    axes.text(-0.03, 0.5, look.name, transform=axes.transAxes, rotation=90, ha="right",
              va="center", fontsize=7.5, color=INK)  # fmt: skip


def draw_skeleton(axes: Any, joints: np.ndarray, view: View) -> None:
    """The bones (y up), far ones first; a bone with a missing joint is left out."""
    places, near = view.across(joints), joints @ np.array(view.towards)
    for bone in sorted(LSP_14.bones, key=lambda ends: np.nan_to_num(near[list(ends)]).sum()):
        axes.plot(*places[list(bone)].T, color=COLOURS[side_of(bone)], linewidth=1.7,
                  solid_capstyle="round")  # fmt: skip


def side_of(bone: tuple[int, int]) -> str:
    """The body's side that a bone lies on."""
    ends = {LSP_14.joint_names[joint].partition("_")[0] for joint in bone}
    sides = ends & {"left", "right"}
    return sides.pop() if len(sides) == 1 else "middle"


def frame(axes: Any, points: np.ndarray, view: View, half: float) -> None:
    """A panel of a certain height about the points, equal scales, no ticks."""
    middle = 0.5 * np.add(*limits(points, view))
    reach = half * np.array([WIDTH / HEIGHT, 1.0])
    (left, low), (right, high) = middle - reach, middle + reach
    axes.set(xlim=(left, right), ylim=(low, high))
    strip_axes(axes)


def titles(row: Sequence[Any], heads: Sequence[str]) -> None:
    """What the columns are."""
    names = ["OpenPose", *(view.name for _ in heads for view in VIEWS)]
    for axes, name in zip(row, names, strict=True):
        axes.set_title(name, fontsize=7.5, color=GREY, pad=3)
    for number, head in enumerate(heads):
        axes = row[1 + len(VIEWS) * number + len(VIEWS) // 2]
        axes.text(0.5, 1.17, head, transform=axes.transAxes, ha="center", fontsize=10,
                  fontweight="bold", color=INK)  # fmt: skip


def key(figure: Any) -> None:
    """The sides' colours."""
    from matplotlib.lines import Line2D

    names = {"left": "left limbs", "right": "right limbs", "middle": "middle"}
    lines = [Line2D([], [], color=COLOURS[side], linewidth=1.7) for side in names]
    figure.legend(
        lines, list(names.values()), loc="lower center", ncols=3, frameon=False, fontsize=8
    )
