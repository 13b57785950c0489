"""``posenet3d train``: a preset's stages, from 2D keypoints."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.completion import DEVICES, PRESETS, WEIGHTS, one_of, plugin_of
from posenet3d.cli.keypoint_options import (
    PANEL,
    Format,
    Fps,
    ImageSize,
    Layout,
    LongestGap,
    MinConfidence,
    Smooth,
    parse_size,
)
from posenet3d.cli.options import DatasetOptions, FilmedBy
from posenet3d.errors import ConfigurationError, how_many

if TYPE_CHECKING:
    from posenet3d.training import TrainerConfig, TrainingReport

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="2D keypoints: npz file, folder of shards, or a folder or file of any detector's; a "
        "dataset's folder with --dataset; npz file of 3D motion with --protocol.",
        show_default=False,
    ),
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="A dataset by name, in folder --data: see posenet3d data list.",
        autocompletion=plugin_of("datasets"),
    ),
]
DropIncomplete = Annotated[
    bool,
    typer.Option(
        "--drop-incomplete", help="Leave out frames that lack a joint.", rich_help_panel=PANEL
    ),
]
Run = Annotated[
    Path,
    typer.Option(
        "--run",
        "--run-dir",  # torchrun takes --run for one of its own options
        help="Run folder; the same command goes on with a stopped run. Say --run-dir to torchrun.",
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        help="quick (minutes on a CPU), best, paper, detected, ...",
        autocompletion=PRESETS,
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start-from",
        help="Weights to start from: some that ship, by name, or the folder of a run.",
        autocompletion=WEIGHTS,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="The run is a function of it.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a field, such as stages.teacher.steps=500; may be repeated.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="One device: cpu, cuda or cuda:1; auto: see --accelerator.",
        autocompletion=DEVICES,
    ),
]
Resume = Annotated[
    str,
    typer.Option(
        "--resume",
        help="auto; must or never go on with what is in the run folder.",
        autocompletion=one_of("auto", "must", "never"),
    ),
]
_ENGINE = "Devices and processes"
Accelerator = Annotated[
    str | None,
    typer.Option(
        "--accelerator",
        help="auto, cpu or cuda.",
        rich_help_panel=_ENGINE,
        autocompletion=DEVICES,
    ),
]
Devices = Annotated[
    str | None,
    typer.Option(
        "--devices",
        help="Processes on each machine, one a device, or auto.",
        rich_help_panel=_ENGINE,
    ),
]
Nodes = Annotated[int | None, typer.Option("--nodes", help="Machines.", rich_help_panel=_ENGINE)]
Strategy = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        help="auto, ddp or ddp_fork.",
        rich_help_panel=_ENGINE,
        autocompletion=one_of("auto", "ddp", "ddp_fork"),
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        help="fp32, tf32, bf16 or fp64.",
        rich_help_panel=_ENGINE,
        autocompletion=one_of("fp32", "tf32", "bf16", "fp64"),
    ),
]
Step = Annotated[
    str | None,
    typer.Option(
        "--step",
        help="eager, compiled or graph.",
        rich_help_panel=_ENGINE,
        autocompletion=one_of("eager", "compiled", "graph"),
    ),
]
Placement = Annotated[
    str | None,
    typer.Option(
        "--placement",
        help="Where the 2D set lies: auto, device or pinned.",
        rich_help_panel=_ENGINE,
        autocompletion=one_of("auto", "device", "pinned"),
    ),
]


def train(
    run: Run,
    data: Data = None,
    dataset: DatasetName = None,
    options: DatasetOptions = None,
    protocol: FilmedBy = None,
    preset: Preset = "quick",
    start_from: Start = None,
    seed: Seed = 0,
    changes: Set = None,
    device: Device = "auto",
    resume: Resume = "auto",
    format: Format = None,
    layout: Layout = None,
    fps: Fps = None,
    image_size: ImageSize = None,
    min_confidence: MinConfidence = None,
    longest_gap: LongestGap = None,
    smooth: Smooth = None,
    drop_incomplete: DropIncomplete = False,
    accelerator: Accelerator = None,
    devices: Devices = None,
    nodes: Nodes = None,
    strategy: Strategy = None,
    precision: Precision = None,
    step: Step = None,
    placement: Placement = None,
) -> None:
    """Train a preset's stages from 2D alone; Ctrl-C saves, the same command goes on."""
    from posenet3d.cli.train_data import training_data
    from posenet3d.training import TrainerConfig

    engine = {
        "accelerator": accelerator,
        "devices": devices,
        "nodes": nodes,
        "strategy": strategy,
        "precision": precision,
        "step": step,
        "data": placement,
    }
    given = {f"engine.{name}": value for name, value in engine.items() if value is not None}
    start = {} if start_from is None else {"start_from": start_from}
    config = TrainerConfig.preset(preset, seed=seed, **start).override(
        {**given, **parse_changes(changes or ())}
    )
    if device != "auto" and config.engine.several:
        raise ConfigurationError(
            [f"--device: expected none beside several processes, got {device}; name the kind of "
             f"device by --accelerator, such as {device.partition(':')[0]}"]
        )  # fmt: skip
    reading = {
        "format": format,
        "layout": layout,
        "fps": fps,
        "image_size": parse_size(image_size),
        "min_confidence": min_confidence,
        "longest_gap": longest_gap,
        "smooth": smooth,
        "drop_incomplete": drop_incomplete,
    }
    told = config.network.missing_joints
    source = training_data(data, dataset, options or (), reading, missing_joints=told)
    report = fit(config, source, run, protocol=protocol, device=device, resume=resume)
    if report is None:
        return
    print_report(report)
    typer.echo(f"Run folder: {run}")
    if not isinstance(source, Path):
        typer.echo(f"Next: posenet3d lift CLIP --weights {run} --out clip.glb")
    typer.echo(f"Next: posenet3d evaluate {run} --data TEST_MOTION.npz")


def parse_changes(changes: Sequence[str]) -> dict[str, str]:
    """The fields and new values of ``--set``, by dotted path.

    Raises:
        ConfigurationError: a change is not ``key=value``; lists every one.

    Example:
        >>> parse_changes(["batch_size=128", "network.views=uniform"])
        {'batch_size': '128', 'network.views': 'uniform'}
    """
    parts = {change: change.partition("=") for change in changes}
    faults = [
        f"--set {change}: expected key=value, such as batch_size=128"
        for change, (key, equals, _) in parts.items()
        if not (key and equals)
    ]
    if faults:
        raise ConfigurationError(faults)
    return {key: value for key, _, value in parts.values()}


def fit(
    config: "TrainerConfig",
    data: Any,
    run: Path,
    *,
    protocol: str | None = None,
    device: str = "auto",
    resume: str = "auto",
) -> "TrainingReport | None":
    """Train in a run folder, or go on in it; on Ctrl-C tell how to go on, and leave with 130.

    Returns:
        The report, in the first process; ``None`` in the others.
    """
    from posenet3d.training import Trainer
    from posenet3d.training.preflight import as_resume

    wish = as_resume(resume)
    trainer = Trainer(config, train_data=data, protocol=protocol, run_dir=run, device=device)
    first = trainer.engine.is_first
    try:
        report = trainer.fit(resume=wish)
    except KeyboardInterrupt:
        if first:
            told = f"Interrupted; saved in {run}. The same command goes on from there."
            typer.echo(told, err=True)
        raise typer.Exit(130) from None
    return report if first else None


def print_report(report: "TrainingReport") -> None:
    """Each stage's losses at its start and its end, and what else the run found."""
    from rich.console import Console
    from rich.table import Table

    table = Table("stage", "steps", "seconds", title="Training", title_justify="left")
    table.add_column("from start to end", overflow="fold")
    for stage in report.stages:
        figures = "\n".join(
            f"{name} {stage.start[name]:.3g} → {value:.3g}"
            for name, value in stage.end.items()
            if name in stage.start and name != "seconds" and (value or name not in stage.health)
        )
        table.add_row(stage.name, str(stage.steps), f"{stage.seconds:.0f}", figures)
    Console().print(table)
    if report.mirror_turns:
        turns = how_many(report.mirror_turns, "time")
        typer.echo(f"The mirror guard turned the depth round {turns}.")
    if report.camera_pitch_degrees is not None:
        typer.echo(f"Camera pitch: {report.camera_pitch_degrees:.1f}° (positive looks down).")
