"""A sheet of skeletons: the 2D input, then each prediction over the truth from two views."""

import os
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from posenet3d.errors import ShapeError
from posenet3d.skeletons.layouts import LSP_14
from posenet3d.visualization.figures import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    new_figure,
    picture_format,
    save_figure,
    strip_axes,
)
from posenet3d.visualization.stick_figures import side_of_bone

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Skeletons3D = Float[np.ndarray, "samples 14 3"]
Skeletons2D = Float[np.ndarray, "samples 14 2"]

_CELL_WIDTH, _CELL_HEIGHT = 1.25, 1.75
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.45, 0.1, 0.62, 0.72
_SHADES = {"left": (BLUE, "#BBD7EA"), "right": (VERMILION, "#F4CFB4"), "middle": (INK, "#D0D0D0")}
"""For each side of the body the colour of a prediction and, paler, of the truth."""


@dataclass(frozen=True)
class _View:
    """Which axis of the camera frame runs to the right, and which one away from the viewer."""

    name: str
    across: int
    away: int
    away_sign: float


# The camera has x right, y down, z forward. From its right side one looks along -x, and z, the
# depth, runs to the right: the camera itself stands on the left.
_FRONT = _View("front", 0, 2, 1.0)
_SIDE = _View("side", 2, 0, -1.0)


def skeleton_sheet(
    truth: Skeletons3D | None,
    predictions: Mapping[str, Skeletons3D],
    input2d: Skeletons2D,
    path: str | os.PathLike[str],
    *,
    unit: str = "mm",
    labels: Sequence[str] | None = None,
    title: str = "",
) -> None:
    """A picture with a row for each sample: the 2D input and each predicted skeleton.

    Predictions are drawn over the truth (pale) from the front, as the camera sees them, and from
    the side, upright and all to one scale. Left limbs are blue and right ones vermilion. Below
    each pair stands the mean distance of its joints from the true ones, as drawn: poses are not
    scaled, shifted or turned here, so bring them to one scale and root before.

    Args:
        truth: true skeletons (samples, 14, 3), ``lsp_14``, root-centred, camera frame (y down);
            ``None`` where there is no truth.
        predictions: by name, in the order of the columns, skeletons like ``truth``.
        input2d: the lifter's input (samples, 14, 2), root-centred, y down, any unit.
        path: the picture: ``.png``, ``.pdf`` or ``.svg``.
        unit: unit of the 3D skeletons, for the captions.
        labels: a name for each row; numbers from 1 where ``None``.
        title: a line above the columns.

    Unknown joints (NaN) are left out, and so are they from the error.

    Raises:
        ShapeError: there is no sample, or the numbers of samples and labels differ.
        UnknownNameError: the picture's ending names no known format.
        MissingExtraError: matplotlib is not installed.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> pose = np.linspace(-500.0, 500.0, 14 * 3).reshape(1, 14, 3)
        >>> picture = Path(tempfile.mkdtemp()) / "sheet.png"
        >>> skeleton_sheet(pose, {"teacher": pose * 0.9}, pose[..., :2], picture)
        >>> picture.stat().st_size > 0
        True
    """
    picture_format(path)
    names = _row_names(truth, predictions, input2d, labels)
    columns = 1 + 2 * len(predictions)
    figure = new_figure(
        _LEFT + columns * _CELL_WIDTH + _RIGHT, _TOP + len(names) * _CELL_HEIGHT + _BOTTOM
    )
    width, height = figure.get_size_inches()
    grid: Any = figure.subplots(
        len(names), columns, squeeze=False,
        gridspec_kw={
            "left": _LEFT / width, "right": 1 - _RIGHT / width,
            "top": 1 - _TOP / height, "bottom": _BOTTOM / height, "wspace": 0.0, "hspace": 0.12,
        },
    )  # fmt: skip
    window = _window([*predictions.values(), *([] if truth is None else [truth])])
    for row, name in enumerate(names):
        _draw_input(grid[row, 0], input2d[row], name, first=row == 0)
        for column, (head, poses) in enumerate(predictions.items()):
            pair = grid[row, 1 + 2 * column : 3 + 2 * column]
            true = None if truth is None else truth[row]
            _draw_pair(pair, poses[row], true, window, unit)
            if row == 0:
                _head_pair(pair, head)
    _draw_key(figure, truth is not None, unit)
    figure.text(0.02, 1 - 0.06 / height, title, ha="left", va="top", fontsize=7.5, color=GREY)
    save_figure(figure, path)


def _row_names(
    truth: Skeletons3D | None,
    predictions: Mapping[str, Skeletons3D],
    input2d: Skeletons2D,
    labels: Sequence[str] | None,
) -> list[str]:
    count = len(input2d)
    if count == 0:
        raise ShapeError("input2d", expected="at least one sample", got="none")
    names = [str(number + 1) for number in range(count)] if labels is None else list(labels)
    given: dict[str, Sized] = {
        **predictions,
        "labels": names,
        **({} if truth is None else {"truth": truth}),
    }
    for what, rows in given.items():
        if len(rows) != count:
            raise ShapeError(what, expected=f"{count} samples as in input2d", got=f"{len(rows)}")
    return names


def _window(poses: list[Skeletons3D]) -> tuple[float, float, float]:
    """Half the width, the top and the bottom that hold every skeleton, with the cells' aspect."""
    points = np.concatenate([np.reshape(pose, (-1, 3)) for pose in poses] or [np.zeros((1, 3))])
    known = points[np.isfinite(points).all(axis=1)]
    if not len(known) or not known.any():
        known = np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])
    top, bottom = known[:, 1].min(), known[:, 1].max()
    across = 1.06 * np.abs(known[:, [_FRONT.across, _SIDE.across]]).max()
    tall = 1.06 * (bottom - top)
    half = max(across, 0.5 * tall * _CELL_WIDTH / _CELL_HEIGHT)
    tall = max(tall, 2 * half * _CELL_HEIGHT / _CELL_WIDTH)
    middle = 0.5 * (top + bottom)
    return float(half), float(middle - 0.5 * tall), float(middle + 0.5 * tall)


def _draw_input(axes: "Axes", points: Float[np.ndarray, "14 2"], name: str, first: bool) -> None:
    flat = np.concatenate([points, np.zeros((len(points), 1))], axis=-1)
    half, top, bottom = _window([flat[None]])
    _frame(axes, half, top, bottom)
    _draw_skeleton(axes, flat, _FRONT, shade=0, width=1.6)
    axes.text(-0.04, 0.5, name, transform=axes.transAxes, rotation=90, ha="right", va="center",
              fontsize=7, color=INK)  # fmt: skip
    if first:
        axes.text(0.5, 1.16, "Input (2D)", transform=axes.transAxes, ha="center", fontsize=9.5,
                  fontweight="bold", color=INK)  # fmt: skip


def _draw_pair(
    pair: "Sequence[Axes] | np.ndarray",
    pose: Float[np.ndarray, "14 3"],
    true: Float[np.ndarray, "14 3"] | None,
    window: tuple[float, float, float],
    unit: str,
) -> None:
    for axes, view in zip(pair, (_FRONT, _SIDE), strict=True):
        _frame(axes, *window)
        if true is not None:
            _draw_skeleton(axes, true, view, shade=1, width=3.6)
        _draw_skeleton(axes, pose, view, shade=0, width=1.6)
    if true is not None:
        error = float(np.nanmean(np.linalg.norm(pose - true, axis=-1)))
        pair[1].text(0.0, -0.01, f"{_rounded(error)} {unit}", transform=pair[1].transAxes,
                     ha="center", va="top", fontsize=8, color=INK)  # fmt: skip


def _rounded(error: float) -> str:
    return f"{error:.0f}" if error >= 99.5 else f"{error:#.2g}".rstrip(".")


def _draw_skeleton(
    axes: "Axes", points: Float[np.ndarray, "14 3"], view: _View, shade: int, width: float
) -> None:
    """Draws the bones, those far from the viewer first."""
    depth = view.away_sign * points[:, view.away]
    for bone in sorted(LSP_14.bones, key=lambda ends: -np.nan_to_num(depth[list(ends)]).sum()):
        ends = points[list(bone)]
        colour = _SHADES[side_of_bone(LSP_14, bone)][shade]
        axes.plot(ends[:, view.across], ends[:, 1], color=colour, linewidth=width,
                  solid_capstyle="round", zorder=2 - shade)  # fmt: skip


def _frame(axes: "Axes", half: float, top: float, bottom: float) -> None:
    axes.set(xlim=(-half, half), ylim=(bottom, top))
    strip_axes(axes)


def _head_pair(pair: "Sequence[Axes] | np.ndarray", head: str) -> None:
    pair[1].text(0.0, 1.16, head, transform=pair[1].transAxes, ha="center", fontsize=9.5,
                 fontweight="bold", color=INK)  # fmt: skip
    for axes, view in zip(pair, (_FRONT, _SIDE), strict=True):
        axes.text(0.5, 1.03, view.name, transform=axes.transAxes, ha="center", fontsize=7.5,
                  color=GREY)  # fmt: skip


def _draw_key(figure: "Figure", with_truth: bool, unit: str) -> None:
    from matplotlib.lines import Line2D

    def line(side: str, shade: int) -> Line2D:
        return Line2D([], [], color=_SHADES[side][shade], linewidth=3.6 if shade else 1.6)

    keys = [(line("left", 0), "left limbs"), (line("right", 0), "right limbs")]
    notes = "Side: seen from the camera's right, with the camera on the left."
    if with_truth:
        keys.append((line("middle", 1), "truth (pale)"))
        notes += f" Numbers: mean distance of the joints from the truth, in {unit}, as drawn."
    handles, texts = zip(*keys, strict=True)
    height = figure.get_size_inches()[1]
    figure.legend(handles, texts, loc="lower center", bbox_to_anchor=(0.5, 0.26 / height),
                  ncols=len(keys), frameon=False, fontsize=8)  # fmt: skip
    figure.text(0.5, 0.1 / height, notes, ha="center", fontsize=7, color=GREY, wrap=True)
