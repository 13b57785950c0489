"""A matplotlib figure: made without global state, saved whole or not at all."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from posenet3d.errors import MissingExtraError, UnknownNameError
from posenet3d.files.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers tell apart too.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#AA4499"
INK, GREY, PALE = "#222222", "#8A8A8A", "#E4E4E4"
FORMATS = ("pdf", "png", "svg")
_DPI = 160


def new_figure(width: float, height: float) -> "Figure":
    """An empty white figure.

    Matplotlib is imported here and not before, and without ``pyplot``: no window system is asked
    for, and the user's own figures are left alone.

    Args:
        width: inches.
        height: inches.

    Raises:
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> new_figure(4.0, 3.0).get_size_inches().tolist()
        [4.0, 3.0]
    """
    return figure_class()(figsize=(width, height), facecolor="white")


def figure_class() -> "type[Figure]":
    """matplotlib's figure, imported when pictures are asked for.

    Raises:
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> figure_class().__name__
        'Figure'
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "viz", "Pictures") from error
    return Figure


def strip_axes(axes: "Axes") -> None:
    """Axes without ticks and frame, one scale for both directions.

    Example:
        >>> axes = new_figure(1.0, 1.0).add_subplot()
        >>> strip_axes(axes)
        >>> axes.get_xticks().tolist()
        []
    """
    axes.set(aspect="equal", xticks=(), yticks=())
    for spine in axes.spines.values():
        spine.set_visible(False)


def picture_format(path: str | os.PathLike[str]) -> str:
    """The format that a picture's name asks for.

    Args:
        path: the picture's file name.

    Raises:
        UnknownNameError: its ending is none of ``pdf``, ``png``, ``svg``.

    Example:
        >>> picture_format("sheet.PNG")
        'png'
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise UnknownNameError("picture format", ending, FORMATS)
    return ending


def save_figure(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Writes a figure in the format of its file name, whole or not at all.

    The same figure gives the same bytes: no date is written.

    Args:
        figure: the figure.
        path: the file; an existing one is replaced.

    Raises:
        UnknownNameError: the ending names no known format.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> picture = Path(tempfile.mkdtemp()) / "empty.svg"
        >>> save_figure(new_figure(1.0, 1.0), picture)
        >>> picture.exists()
        True
    """
    from matplotlib import rc_context

    ending = picture_format(path)
    dateless = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[ending]
    with rc_context({"svg.hashsalt": "posenet3d"}), atomic_write(path) as file:
        figure.savefig(file, format=ending, dpi=_DPI, metadata=dateless)
