"""``posenet3d body``: what is in a body model's file, and SMPL's pickle as an npz."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.options import Force, JsonTable

if TYPE_CHECKING:
    from posenet3d.body import BodyModelData

body = typer.Typer(
    help="Body model files: look into one, or make an npz of SMPL's pickle. Nothing in a file is "
    "ever executed.",
    no_args_is_help=True,
)

BodyFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="SMPL's official pickle, or an npz of its format.",
        show_default=False,
    ),
]


@body.command()
def convert(
    source: BodyFile,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The npz file to write.", show_default=False
        ),
    ],
    betas: Annotated[
        int | None,
        typer.Option(min=1, help="Keep so many shape directions only.", show_default="all"),
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(help="The family's name.", show_default="the file's, or smpl: and a digest"),
    ] = None,
    force: Force = False,
) -> None:
    """Write a body model as an npz that needs neither chumpy nor unpickling.

    The npz holds what the file held: the same licence applies to it.
    """
    from posenet3d.body import read_smpl_file, write_body_file
    from posenet3d.cli.writing import check_not_there
    from posenet3d.errors import StorageError

    if out.suffix != ".npz":
        raise StorageError(out, "expected a name that ends in .npz.")
    check_not_there(out, force)
    data = read_smpl_file(source, family=family, betas=betas)
    write_body_file(out, data)
    typer.echo(f"{out}: {data.num_vertices} vertices, {data.num_joints} joints, "
               f"{data.num_betas} betas, family {data.family}")  # fmt: skip
    if data.license:
        typer.echo(f"Licence: {data.license}")


@body.command()
def info(
    file: BodyFile,
    as_json: JsonTable = False,
) -> None:
    """Tell family, licence, sizes and joints of a body model's file."""
    from posenet3d.body import read_smpl_file

    report = _report(read_smpl_file(file))
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print_report(file, report)


def _report(data: "BodyModelData") -> dict[str, Any]:
    height = float(data.v_template[:, 1].max() - data.v_template[:, 1].min())
    return {
        "family": data.family,
        "license": data.license,
        "vertices": data.num_vertices,
        "faces": len(data.faces),
        "joints": list(data.joint_names),
        "betas": data.num_betas,
        "pose_directions": int(data.posedirs.shape[-1]),
        "height_m": round(height, 4),
        "sha256": data.sha256,
    }


def _print_report(file: Path, report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, title=file.name, title_justify="left")
    for name, value in report.items():
        listed = f"{len(value)}: {', '.join(value)}" if isinstance(value, list) else str(value)
        table.add_row(name.replace("_m", " (m)").replace("_", " "), listed or "not told")
    Console().print(table, markup=False)
