"""``posenet3d reproduce``: one of the paper's tables, trained and measured anew."""

import shlex
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posenet3d.cli.completion import RIGS, one_of
from posenet3d.cli.options import Device
from posenet3d.cli.progress import Move, progress_bar
from posenet3d.cli.several_values import command_with

if TYPE_CHECKING:
    from posenet3d.reproduction import Plan, Results

ReproduceCommand = command_with("--seeds", "--hold-out")

_DATA = "Data"
Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="table1, table2, table3 or table4.",
        show_default=False,
        autocompletion=one_of("table1", "table2", "table3", "table4"),
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="What to train on: an npz file of 3D motion, or of exact 2D; or a folder of "
        "posenet3d data convert, whose test.npz is then measured.",
        rich_help_panel=_DATA,
    ),
]
Detected = Annotated[
    Path | None,
    typer.Option(
        "--detected",
        help="The same people's detected 2D: a file, or a folder likewise.",
        rich_help_panel=_DATA,
    ),
]
TestData = Annotated[
    Path | None,
    typer.Option(
        "--test-data",
        help="What to measure: an npz file of 3D motion, or of annotated sequences, exact 2D.",
        rich_help_panel=_DATA,
    ),
]
TestDetected = Annotated[
    Path | None,
    typer.Option(
        "--test-detected",
        help="Annotated sequences with detected 2D.",
        rich_help_panel=_DATA,
    ),
]
HoldOut = Annotated[
    list[str] | None,
    typer.Option(
        "--hold-out",
        metavar="SUBJECT ...",
        help="Measure these subjects of --data's motion instead of a file of their own.",
        rich_help_panel=_DATA,
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help="What measures: cmu14, cmu14-wild, h36m, h36m-frontal, mpi-inf-3dhp; by default "
        "the paper's, or the open one that stands in for it.",
        rich_help_panel=_DATA,
        autocompletion=one_of("cmu14", "cmu14-wild", "h36m", "h36m-frontal", "mpi-inf-3dhp"),
    ),
]
Rig = Annotated[
    str | None,
    typer.Option(
        "--rig",
        help="Cameras that film motion to train on; by default the protocol's (table3: cmu14).",
        rich_help_panel=_DATA,
        autocompletion=RIGS,
    ),
]
Noise = Annotated[
    str | None,
    typer.Option(
        "--noise",
        help="Errors that make detected 2D of exact: gentle (where motion is filmed) or openpose.",
        rich_help_panel=_DATA,
        autocompletion=one_of("gentle", "openpose"),
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        help="What all runs share: quick (a CPU), best or paper.",
        autocompletion=one_of("quick", "best", "paper"),
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option("--seeds", metavar="N ...", help="Each run is trained once with each.  [0 1 2]"),
]
Budget = Annotated[float, typer.Option("--budget", help="Factor on the length of every stage.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="[RUN:]KEY=VALUE",
        help="Change a field of one run, or of all; may be repeated.",
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Folder of runs and tables; tables in one folder share their runs.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]
Estimate = Annotated[
    bool,
    typer.Option("--estimate", help="Try some steps of each stage first, and tell the time."),
]


def reproduce(
    table: Table,
    data: Data = None,
    detected: Detected = None,
    test_data: TestData = None,
    test_detected: TestDetected = None,
    hold_out: HoldOut = None,
    protocol: Protocol = None,
    rig: Rig = None,
    noise: Noise = None,
    preset: Preset = "quick",
    seeds: Seeds = None,
    budget: Budget = 1.0,
    changes: Set = None,
    device: Device = "auto",
    out: Out = Path("reproduction"),
    dry_run: DryRun = False,
    estimate: Estimate = False,
) -> None:
    """Train and measure what one of the paper's tables needs; ours beside the paper's figures.

    Ctrl-C saves, the same command goes on. A finished run is not repeated, also for another table.
    """
    from posenet3d.reproduction import open_material, plan_table

    material = open_material(
        table,
        data=data,
        detected=detected,
        test_data=test_data,
        test_detected=test_detected,
        hold_out=hold_out or (),
        protocol=protocol,
        rig=rig,
        noise=noise,
    )
    plan = plan_table(
        table,
        material,
        out,
        preset=preset,
        budget=budget,
        seeds=(0, 1, 2) if seeds is None else seeds,
        changes=changes or (),
    )
    print_plan(plan, _estimated(plan, device) if estimate else None)
    if dry_run:
        return
    results = _made(plan, device)
    typer.echo((out / f"{table}.md").read_text(encoding="utf-8"))
    typer.echo(f"Table: {out / table}.md, {out / table}.json")
    if results.faults:
        for job, fault in results.faults.items():
            typer.echo(f"Stopped: {job}: {fault}", err=True)
        raise typer.Exit(1)


def print_plan(plan: "Plan", seconds: float | None = None) -> None:
    """Say what is trained and measured, on what, and how much of it is left.

    Args:
        plan: the plan.
        seconds: how long what is left takes to train, if it was estimated.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console(highlight=False)
    console.print(f"{plan.table.name}: {plan.table.title}", markup=False)
    grid = Grid("run", "seeds", "2D", "stages: steps × batch", "windows", "done", box=box.SIMPLE)
    for run in plan.table.runs:
        jobs = [job for job in plan.jobs if job.run == run]
        grid.add_row(
            run.name,
            " ".join(str(job.seed) for job in jobs),
            run.seen,
            jobs[0].lengths.replace(", ", "\n"),
            _millions(sum(job.windows for job in jobs), "M"),
            " ".join(str(job.seed) for job in jobs if job.done) or "–",
        )
    console.print(grid)
    console.print(
        f"preset {plan.preset}, lengths × {plan.budget:g}, measured by {plan.material.protocol}",
        markup=False,
    )
    if plan.material.filmed:
        console.print("Not the paper's data: motion is filmed. Compare ratios, not millimetres.")
    left = sum(job.windows for job in plan.left)
    time = "" if seconds is None else f", about {_duration(seconds)} of training on this machine"
    console.print(
        f"Left: {len(plan.left)} of {len(plan.jobs)} runs, {_millions(left)} windows{time}."
    )


def _made(plan: "Plan", device: str) -> "Results":
    """The table; on Ctrl-C say how to go on, and leave with 130."""
    from posenet3d.reproduction import reproduce as make

    try:
        return make(
            plan,
            device=device,
            tell=lambda line: typer.echo(line, err=True),
            watch=_measuring,
            command=shlex.join(["posenet3d", *sys.argv[1:]]),
        )
    except KeyboardInterrupt:
        told = f"Interrupted; saved in {plan.out}. The same command goes on from there."
        typer.echo(told, err=True)
        raise typer.Exit(130) from None


def _estimated(plan: "Plan", device: str) -> float:
    from posenet3d.reproduction.speed import estimated_seconds

    return estimated_seconds(plan, device)


def _measuring(name: str) -> AbstractContextManager[Move]:
    """A bar that moves on with each clip; a line where nobody would see it."""
    if not sys.stderr.isatty():
        typer.echo(f"measure {name}", err=True)
    return progress_bar(f"measure {name}")


def _millions(windows: int, unit: str = "million") -> str:
    return f"{windows / 1e6:.2f} {unit}" if windows >= 10_000 else str(windows)


def _duration(seconds: float) -> str:
    """Hours and minutes.

    Example:
        >>> _duration(59.0), _duration(7260.0)
        ('1 min', '2 h 1 min')
    """
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
