"""How keypoint files are read and repaired, as `posenet3d lift` and `posenet3d train` are told."""

import re
from typing import Annotated

import typer

from posenet3d.cli.completion import layouts, one_of, plugin_of

PANEL = "Keypoint files"
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="The files' format; found out if not given.",
        rich_help_panel=PANEL,
        autocompletion=plugin_of("keypoint_readers"),
    ),
]
Layout = Annotated[
    str | None,
    typer.Option(
        "--layout",
        help="The joints' layout, such as body_25 or coco_17.",
        rich_help_panel=PANEL,
        autocompletion=layouts,
    ),
]
Fps = Annotated[float | None, typer.Option("--fps", help="Frames a second.", rich_help_panel=PANEL)]
ImageSize = Annotated[
    str | None,
    typer.Option(
        "--image-size",
        metavar="WxH",
        help="The video's size in pixels: 1920x1080.",
        rich_help_panel=PANEL,
    ),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence", help="Drop joints with less confidence.", rich_help_panel=PANEL
    ),
]
LongestGap = Annotated[
    float | None,
    typer.Option(
        "--longest-gap",
        help="Fill each joint's gaps of up to so many seconds.",
        rich_help_panel=PANEL,
    ),
]
Smooth = Annotated[
    str | None,
    typer.Option(
        "--smooth",
        help="Smooth the 2D: one_euro or savitzky_golay.",
        rich_help_panel=PANEL,
        autocompletion=one_of("one_euro", "savitzky_golay"),
    ),
]


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Width and height out of ``1920x1080``.

    Raises:
        ConfigurationError: it is no size.

    Example:
        >>> parse_size("1920x1080")
        (1920, 1080)
    """
    from posenet3d.errors import ConfigurationError

    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,5})\s*[xX×,]\s*([1-9][0-9]{0,5})", text.strip())
    if match is None:
        raise ConfigurationError([f"--image-size: expected WIDTHxHEIGHT in pixels, got {text!r}"])
    return int(match[1]), int(match[2])
