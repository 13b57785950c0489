"""Options that several commands have, each worded once."""

from pathlib import Path
from typing import Annotated

import typer

from posenet3d.cli.completion import DEVICES, RIGS, motion_files, one_of, plugin_of

_LIFTED = typer.Argument(
    metavar="RESULT", help="The .npz file that `posenet3d lift` wrote.", show_default=False
)
Result = Annotated[Path, _LIFTED]
MaybeResult = Annotated[Path | None, _LIFTED]
Outs = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="File to write; its suffix tells the format; may be repeated.",
        autocompletion=motion_files,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda or cuda:1.", autocompletion=DEVICES)
]
FilmedBy = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help="Cameras that film 3D motion: cmu14 or cmu14-wild.",
        autocompletion=RIGS,
    ),
]
_NORMALIZATION = typer.Option(
    "--normalization",
    help="Of shards: what the scale's mean is taken over, as network.normalization.",
    show_default="sequence",
    autocompletion=one_of("sequence", "dataset", "limbs", "window", "frame"),
)
Normalization = Annotated[str, _NORMALIZATION]
MaybeNormalization = Annotated[str | None, _NORMALIZATION]
_DISTANCE = typer.Option(
    "--distance",
    help="Of shards: camera distance in head-to-root lengths, as network.distance.",
    show_default="10",
)
Distance = Annotated[float, _DISTANCE]
MaybeDistance = Annotated[float | None, _DISTANCE]
DatasetName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The dataset: see posenet3d data list.",
        show_default=False,
        autocompletion=plugin_of("datasets"),
    ),
]
DatasetOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="KEY=VALUE", help="One of the dataset's options; may be repeated."
    ),
]
JsonTable = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
JsonReport = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]
