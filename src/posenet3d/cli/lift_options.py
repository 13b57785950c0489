"""What ``posenet3d lift`` alone can be told, and how it is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from posenet3d.cli.completion import STITCHES, WEIGHTS, formats, one_of
from posenet3d.cli.keypoint_options import PANEL

_CAMERA = "Person and camera"
_NETWORK = "Network"
_MANY = "Many files"
Source = Annotated[
    Path,
    typer.Argument(metavar="IN", help="Keypoint file, or folder of a file a frame; or a video."),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="[FORMAT.]KEY=VALUE",
        help="An option of the formats, as for export; may be repeated.",
    ),
]
Joints = Annotated[
    list[str] | None,
    typer.Option(
        "--joint",
        metavar="JOINT=PART",
        help="What the file calls one of the layout's joints, such as head_top=hat, for parts that "
        "a user named (DeepLabCut, SLEAP); may be repeated.",
        rich_help_panel=PANEL,
    ),
]
Person = Annotated[
    int | None,
    typer.Option(
        "--person",
        help="A track's number; if not given, whoever is seen most.",
        rich_help_panel=PANEL,
    ),
]
Height = Annotated[
    float | None,
    typer.Option(
        "--height-m",
        help="The person's height in metres; makes the result metric.",
        rich_help_panel=_CAMERA,
    ),
]
Focal = Annotated[
    float | None,
    typer.Option(
        "--focal",
        help="Focal length in pixels; the longest image side if not given.",
        rich_help_panel=_CAMERA,
    ),
]
Pitch = Annotated[
    float | None,
    typer.Option(
        "--pitch",
        help="Degrees that the camera looks down; with --roll, in place of an estimate.",
        rich_help_panel=_CAMERA,
    ),
]
Roll = Annotated[
    float | None,
    typer.Option(
        "--roll",
        help="Degrees that what is upright leans to the image's right.",
        rich_help_panel=_CAMERA,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        help="Weights that ship, by name, or the folder of a run; best-detected if not given.",
        rich_help_panel=_NETWORK,
        autocompletion=WEIGHTS,
    ),
]
Fusion = Annotated[
    str,
    typer.Option(
        "--fusion",
        help="Whose skeleton: mean of both branches, teacher or student.",
        rich_help_panel=_NETWORK,
        autocompletion=one_of("mean", "teacher", "student"),
    ),
]
Stitch = Annotated[
    str,
    typer.Option(
        "--stitch",
        help="Overlapping windows: average them, or take each one's centre.",
        rich_help_panel=_NETWORK,
        autocompletion=STITCHES,
    ),
]
Resample = Annotated[
    str,
    typer.Option(
        "--resample",
        metavar="RATE",
        help="Frames a second to lift at: auto (the network's, for faster footage), none, or a "
        "number. The files have the footage's own frames.",
        rich_help_panel=_NETWORK,
        autocompletion=one_of("auto", "none"),
    ),
]
BatchSize = Annotated[
    int,
    typer.Option("--batch-size", min=1, help="Windows in a batch.", rich_help_panel=_NETWORK),
]
Many = Annotated[
    bool,
    typer.Option(
        "--many",
        help="IN and --out are folders; everyone is lifted, or was before.",
        rich_help_panel=_MANY,
    ),
]
To = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="FORMATS",
        help="With --many: the formats, such as glb,bvh; may be repeated.",
        rich_help_panel=_MANY,
        autocompletion=formats,
    ),
]
FewestFrames = Annotated[
    int | None,
    typer.Option(
        "--fewest-frames",
        min=1,
        help="With --many: leave out whoever is in fewer frames.",
        rich_help_panel=_MANY,
    ),
]


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
