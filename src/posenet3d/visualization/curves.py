"""The curves of a training run: one panel a loss, the stages shaded."""

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError
from posenet3d.visualization.figures import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALE,
    PURPLE,
    VERMILION,
    new_figure,
    picture_format,
    save_figure,
)
from posenet3d.visualization.metrics_file import Metrics, read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TITLES = {
    "self_supervision": "Self-supervision (Eq. 2)",
    "temporal_consistency": "Temporal consistency (Eq. 3)",
    "bone_length": "Bone length variance (Eq. 4)",
    "teacher_adversarial": "Adversarial, teacher (Eq. 5)",
    "student_adversarial": "Adversarial, student (Eq. 5)",
    "discriminator_loss": "Discriminator (Eq. 5)",
    "knowledge_distillation": "Knowledge distillation (Eq. 7)",
    "pose_regularizer": "Pose regularizer (Eq. 8)",
    "shape_regularizer": "Shape regularizer",
    "camera_pitch_degrees": "Camera pitch (degrees)",
    "accuracy_real": "real",
    "accuracy_fake": "reprojected",
    "discriminator_accuracy": "both",
}
_COLOURS = (BLUE, VERMILION, GREEN, PURPLE)
_ACCURACY = "accuracy"
_COUNTS = ("skipped_steps", "frozen_moved", "mirror_turns", "mirror_warnings", "collapses")
"""What the health checks count; mostly nothing, which needs no panel."""
_LINEAR = ("pitch", "roll", "degrees", "angle")
"""Parts of the names of numbers that are no losses: zero means something for them."""
_DECADES_FOR_LOG = 1.3
_COLUMNS, _PANEL_WIDTH, _PANEL_HEIGHT = 3, 3.3, 2.05


def training_curves(metrics_csv_path: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    r"""A picture of a run's losses over its steps, stage after stage.

    Each recorded number has a panel of its own, a count of the health checks only where something
    was counted; those whose name holds "accuracy" share one from
    0 to 1 with a line at one half, where the discriminator guesses. A panel has a logarithmic
    axis where its values are positive and span more than a factor of 20, unless it is an angle.
    Noisy curves are drawn pale, with their running median on top.

    Args:
        metrics_csv_path: the run's metrics, as ``read_metrics`` takes them.
        path: the picture: ``.png``, ``.pdf`` or ``.svg``.

    Raises:
        StorageError: the metrics cannot be read, or the picture not be written.
        DataError: the metrics are no such table, or hold no numbers.
        UnknownNameError: the picture's ending names no known format.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "metrics.csv").write_text("stage,step,loss\nteacher,1,2\nteacher,2,1\n")
        >>> training_curves(folder / "metrics.csv", folder / "curves.png")
        >>> (folder / "curves.png").stat().st_size > 0
        True
    """
    picture_format(path)
    metrics = read_metrics(metrics_csv_path)
    panels = _panels(metrics)
    if not panels:
        raise DataError(os.fspath(metrics_csv_path), "expected a column of numbers, got none.")
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(columns * _PANEL_WIDTH, rows * _PANEL_HEIGHT + 0.3)
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for axes, (title, names) in zip(grid.flat, panels.items(), strict=False):
        _draw_panel(axes, metrics, title, names)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    for column in range(columns):
        lowest = [axes for axes in grid[:, column] if axes.figure is not None][-1]
        lowest.set_xlabel("step", fontsize=8)
        lowest.tick_params(labelbottom=True)
    save_figure(figure, path)


def _panels(metrics: Metrics) -> dict[str, list[str]]:
    """Titles and the curves below them; the accuracies come last, together."""
    told = [
        name
        for name, curve in metrics.curves.items()
        if _ACCURACY not in name and (name not in _COUNTS or np.nanmax(curve) > 0)
    ]
    panels = {_title(name): [name] for name in told}
    shared = [name for name in metrics.curves if _ACCURACY in name]
    return {**panels, "Discriminator accuracy": shared} if shared else panels


def _title(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def _draw_panel(axes: "Axes", metrics: Metrics, title: str, names: list[str]) -> None:
    axes.set_title(title, fontsize=9, loc="left", color=INK, pad=14)
    _shade_stages(axes, metrics)
    for name, colour in zip(names, _COLOURS * len(names), strict=False):
        _draw_curve(axes, metrics, name, colour)
    if _ACCURACY in names[0]:
        axes.set_ylim(-0.02, 1.02)
        axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.legend(
            fontsize=7,
            frameon=False,
            loc="lower right",
            ncols=3,
            columnspacing=1.0,
            handlelength=1.2,
        )
    elif not any(part in names[0] for part in _LINEAR):
        _scale_to_decades(axes, metrics.curves[names[0]])
    axes.tick_params(labelsize=7.5, color=GREY)
    axes.set_xlim(0, metrics.steps[-1] or 1.0)
    axes.grid(axis="y", color=PALE, linewidth=0.6, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)


def _shade_stages(axes: "Axes", metrics: Metrics) -> None:
    """Every second stage on grey, with its name above where there is room for it."""
    whole = metrics.steps[-1] or 1.0
    for number, (stage, begin, end) in enumerate(metrics.stages):
        if number % 2:
            axes.axvspan(begin, end, color="#F3F3F3", linewidth=0, zorder=-1)
        room = int((end - begin) / whole * 42)
        name = stage if len(stage) <= room else f"{stage[: room - 1]}…" if room > 3 else ""
        axes.text((begin + end) / 2, 1.02, name, transform=axes.get_xaxis_transform(),
                  ha="center", va="bottom", fontsize=6.5, color=GREY)  # fmt: skip


def _draw_curve(axes: "Axes", metrics: Metrics, name: str, colour: str) -> None:
    """Draws a curve stage by stage, so that no line joins two stages."""
    label: str | None = _title(name)
    values = metrics.curves[name]
    for _, begin, end in metrics.stages:
        inside = (metrics.steps > begin) & (metrics.steps <= end) & np.isfinite(values)
        if begin == 0.0:
            inside |= (metrics.steps == 0.0) & np.isfinite(values)
        steps, part = metrics.steps[inside], values[inside]
        if not len(part):
            continue
        smooth = _running_median(part)
        if smooth is not part:
            axes.plot(steps, part, color=colour, alpha=0.25, linewidth=0.8, zorder=2)
        marker = "o" if len(part) == 1 else ""
        axes.plot(steps, smooth, color=colour, linewidth=1.4, marker=marker, markersize=3,
                  label=label, zorder=3)  # fmt: skip
        label = None


def _running_median(values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """The median over about a twentieth of the curve; short curves come back as they are."""
    half = len(values) // 40
    if half == 0:
        return values
    padded = np.pad(values, half, mode="reflect")
    smooth: np.ndarray = np.median(
        np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=-1
    )
    return smooth


def _scale_to_decades(axes: "Axes", values: Float[np.ndarray, " rows"]) -> None:
    """Makes the axis logarithmic where that shows more."""
    known = values[np.isfinite(values)]
    if not len(known) or known.min() <= 0:
        return
    decades = np.log10(known.max() / known.min())
    if decades <= _DECADES_FOR_LOG:
        return
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2 else (1.0,)))
    axes.yaxis.set_major_formatter(lambda value, _: _plain(value))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _plain(value: float) -> str:
    return f"{value:g}".replace("e+0", "e").replace("e-0", "e-")
