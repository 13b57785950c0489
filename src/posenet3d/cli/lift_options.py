"""What ``posenet3d lift`` can be told, and how it is read."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    Path,
    typer.Argument(metavar="IN", help="Keypoint file, or folder of a file a frame; or a video."),
]
Outs = Annotated[
    list[Path] | None,
    typer.Option(
        "--out", "-o", help="File to write; its suffix tells the format. May be given many times."
    ),
]
Format = Annotated[
    str | None, typer.Option("--format", help="The input's format; found out if not given.")
]
Layout = Annotated[
    str | None, typer.Option("--layout", help="The joints' layout, such as body_25 or coco_17.")
]
Fps = Annotated[float | None, typer.Option("--fps", help="Frames a second.")]
ImageSize = Annotated[
    str | None,
    typer.Option("--image-size", metavar="WxH", help="The video's size in pixels: 1920x1080."),
]
Joints = Annotated[
    list[str] | None,
    typer.Option(
        "--joint",
        help="JOINT=PART: what the file calls one of the layout's joints, such as head_top=hat, "
        "for parts that a user named (DeepLabCut, SLEAP). May be given many times.",
    ),
]
Person = Annotated[
    int | None,
    typer.Option("--person", help="A track's number; if not given, whoever is seen most."),
]
MinConfidence = Annotated[
    float | None, typer.Option("--min-confidence", help="Drop joints with less confidence.")
]
LongestGap = Annotated[
    float | None,
    typer.Option("--longest-gap", help="Fill each joint's gaps of up to so many seconds."),
]
Smooth = Annotated[
    str | None, typer.Option("--smooth", help="Smooth the 2D: one_euro or savitzky_golay.")
]
Height = Annotated[
    float | None,
    typer.Option("--height-m", help="The person's height in metres; makes the result metric."),
]
Fusion = Annotated[
    str, typer.Option("--fusion", help="Whose skeleton: mean of both branches, teacher or student.")
]
Stitch = Annotated[
    str,
    typer.Option("--stitch", help="Overlapping windows: average them, or take each one's centre."),
]
Resample = Annotated[
    str,
    typer.Option(
        "--resample",
        metavar="RATE",
        help="Frames a second to lift at: auto (the network's, for faster footage), none, or a "
        "number. The files have the footage's own frames.",
    ),
]
Focal = Annotated[
    float | None,
    typer.Option("--focal", help="Focal length in pixels; the longest image side if not given."),
]
Pitch = Annotated[
    float | None,
    typer.Option(
        "--pitch", help="Degrees that the camera looks down; with --roll, in place of an estimate."
    ),
]
Roll = Annotated[
    float | None,
    typer.Option("--roll", help="Degrees that what is upright leans to the image's right."),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", help="Weights that ship, by name, or the folder of a run."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:1.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Windows in a batch.")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", help="KEY=VALUE or FORMAT.KEY=VALUE for the files, as for export."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
Many = Annotated[
    bool,
    typer.Option("--many", help="IN and --out are folders; everyone is lifted, or was before."),
]
To = Annotated[
    list[str] | None, typer.Option("--to", help="With --many: the formats, such as glb,bvh.")
]
FewestFrames = Annotated[
    int | None,
    typer.Option(
        "--fewest-frames", min=1, help="With --many: leave out whoever is in fewer frames."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]


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


def parse_rate(text: str) -> str | float:
    """The frame rate to lift at out of ``auto``, ``none`` or ``50``.

    Raises:
        ConfigurationError: it is none of these.

    Example:
        >>> parse_rate("auto"), parse_rate("50")
        ('auto', 50.0)
    """
    from posenet3d.errors import ConfigurationError
    from posenet3d.inference.resampling import RESAMPLINGS

    if text in RESAMPLINGS:
        return text
    try:
        return float(text)
    except ValueError:
        expected = f"{', '.join(RESAMPLINGS)} or frames a second"
        raise ConfigurationError([f"--resample: expected {expected}, got {text!r}"]) from None


def parse_joints(given: Sequence[str]) -> dict[str, str]:
    """The file's own name of each joint out of ``head_top=hat``.

    Raises:
        ConfigurationError: a text without ``=``, or a joint twice.

    Example:
        >>> parse_joints(["head_top=hat"])
        {'head_top': 'hat'}
    """
    from posenet3d.errors import ConfigurationError

    pairs = [(joint.strip(), part) for joint, _, part in (each.partition("=") for each in given)]
    faults = [
        f"--joint {text}: expected JOINT=PART"
        for text, (joint, part) in zip(given, pairs, strict=True)
        if not joint or not part
    ]
    names = [joint for joint, _ in pairs]
    faults += [
        f"--joint: {name!r} twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if faults:
        raise ConfigurationError(faults)
    return dict(pairs)


def parse_tilt(pitch: float | None, roll: float | None) -> tuple[float, float, float] | None:
    """The direction against gravity of a camera with that pitch and roll; an omitted one is 0.

    Example:
        >>> parse_tilt(None, None) is None
        True
        >>> parse_tilt(0.0, None)
        (0.0, -1.0, -0.0)
    """
    from posenet3d.inference import up_of_tilt

    if pitch is None and roll is None:
        return None
    return up_of_tilt(pitch or 0.0, roll or 0.0)
