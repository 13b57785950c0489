"""``posenet3d evaluate``: the errors of a trained network under an open protocol."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.completion import STITCHES, WEIGHTS, one_of
from posenet3d.cli.options import Device
from posenet3d.cli.progress import progress_bar

if TYPE_CHECKING:
    from posenet3d.evaluation import EvaluationReport
    from posenet3d.evaluation.report import Which

Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The folder of a run, or weights that ship, by name, such as best-wild.",
        show_default=False,
        autocompletion=WEIGHTS,
    ),
]
Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="npz file of 3D test motion, for cmu14 and cmu14-wild; of annotated 2D, as posenet3d "
        "data convert makes it, for the others.",
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help="Whose cameras and frames count: cmu14, cmu14-wild, h36m, h36m-frontal, h36m-hmr, "
        "mpi-inf-3dhp, 3dpw or aist; if not given, the one that the file names, else cmu14.",
        autocompletion=one_of(
            "cmu14",
            "cmu14-wild",
            "h36m",
            "h36m-frontal",
            "h36m-hmr",
            "mpi-inf-3dhp",
            "3dpw",
            "aist",
        ),
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="JSON file to write the figures to; it is replaced if it is there.",
    ),
]
Pictures = Annotated[
    Path | None,
    typer.Option("--pictures", metavar="FOLDER", help="Write picture sheets into this folder."),
]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Windows in a batch.")]
Stitch = Annotated[
    str,
    typer.Option(
        "--stitch",
        help="Overlapping windows: the centre of each, as the protocols say, or their average, as "
        "posenet3d lift makes it.",
        autocompletion=STITCHES,
    ),
]


_HARDEST = 6
"""How many of the worst frames are drawn."""


def evaluate(
    run: Run,
    data: Data,
    protocol: Protocol = None,
    out: Out = None,
    pictures: Pictures = None,
    device: Device = "auto",
    batch_size: BatchSize = 4096,
    stitch: Stitch = "centre",
) -> None:
    """Measure a trained network against true 3D, beside the flat-depth baseline."""
    from rich.console import Console

    hardest = 0 if pictures is None else _HARDEST
    report = measure(
        run, data, protocol, device=device, batch_size=batch_size, stitch=stitch, hardest=hardest
    )
    Console().print(report)
    if out is not None:
        report.write_json(out)
        typer.echo(f"Figures: {out}")
    if pictures is not None:
        draw(report, pictures / "skeletons.png")
        draw(report, pictures / "hardest.png", "hardest")


def measure(
    run: Path | str,
    data: Any,
    protocol: str | None,
    *,
    device: str = "auto",
    batch_size: int = 4096,
    stitch: str = "centre",
    hardest: int = 0,
) -> "EvaluationReport":
    """The report of a run's network on clips, with a progress bar on the terminal.

    Args:
        run: the run's folder, or the name of weights that ship.
        data: an npz file of 3D motion or of annotated 2D, or the clips themselves.
        protocol: the protocol's name; ``None`` takes the one that the file names.
        device: where to compute; ``auto`` takes a graphics card where there is one.
        batch_size: windows in a batch.
        stitch: what is compared of a frame, see `posenet3d.evaluation.evaluate`.
        hardest: how many of the worst frames the report keeps.

    Raises:
        PoseNet3DError: the folder holds no network, or the data cannot be used.
    """
    from posenet3d.evaluation import evaluate_network
    from posenet3d.networks import PoseNet3D
    from posenet3d.training.trainer import choose_device

    model = PoseNet3D.from_pretrained(run, choose_device(device))
    with progress_bar("evaluate") as on_progress:
        return evaluate_network(
            model,
            data,
            protocol,
            batch_size=batch_size,
            stitch=stitch,
            hardest=hardest,
            command=" ".join(["posenet3d", *sys.argv[1:]]),
            on_progress=on_progress,
        )


def draw(report: "EvaluationReport", picture: Path, which: "Which" = "samples") -> None:
    """Write the picture sheet; where matplotlib is absent, say so and go on."""
    from posenet3d.errors import MissingExtraError
    from posenet3d.files import make_folder

    make_folder(picture.parent)
    try:
        report.write_sheet(picture, which)
    except MissingExtraError as error:
        typer.echo(f"No pictures: {error}", err=True)
    else:
        typer.echo(f"Pictures: {picture}")
