"""``posenet3d demo``: the whole way once, on motion that the package makes itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posenet3d.cli.options import Device

if TYPE_CHECKING:
    import torch

    from posenet3d.data import MotionClip
    from posenet3d.evaluation import EvaluationReport
    from posenet3d.training import TrainerConfig

PROTOCOL = "cmu14"
TRAINING_CLIPS, TEST_CLIPS, SECONDS = 60, 8, 4.0
"""How much synthetic motion: people to learn from, other people to test on, seconds each."""

STEPS = {"teacher": 700, "distillation": 500, "sja": 150, "joint": 60}
"""Steps of each stage: about two minutes on two cores."""

MADE = {
    "skeletons.png": "input, truth and prediction from two views",
    "body.obj": "a lifted frame as a mesh, for any 3D program",
    "figures.txt": "the table above; figures.json for programs",
    "curves.png": "the losses, stage by stage",
    "run": "the run folder: configuration, metrics, weights",
}
"""What there is to look at afterwards; pictures need matplotlib."""

Out = Annotated[
    Path,
    typer.Option("--out", metavar="FOLDER", help="Folder for everything that the demo makes."),
]
Seed = Annotated[int, typer.Option("--seed", help="Another seed, another run (and folder).")]
Budget = Annotated[
    float, typer.Option("--budget", help="Factor on the length of every stage; below 1 is faster.")
]


def demo(
    out: Out = Path("demo"), seed: Seed = 0, device: Device = "auto", budget: Budget = 1.0
) -> None:
    """Train on synthetic motion in about two minutes, evaluate, and write a folder to look at."""
    from posenet3d.cli.evaluate import draw, measure
    from posenet3d.cli.train import fit, print_report
    from posenet3d.data import film
    from posenet3d.data.synthetic import synthetic_motion

    typer.echo("Synthetic people walk, reach, sit and turn; four cameras see them in 2D ...")
    learnt = film(synthetic_motion(clips=TRAINING_CLIPS, seconds=SECONDS, seed=seed), PROTOCOL)
    unseen = synthetic_motion(clips=TEST_CLIPS, seconds=SECONDS, seed=seed + 1)
    typer.echo(f"Training on 2D alone: {learnt}.")
    trained = fit(configure(seed, budget), learnt, out / "run", device=device)
    if trained is not None:
        print_report(trained)
    typer.echo(f"Evaluating on {len(unseen)} other people ...")
    report = measure(out / "run", unseen, PROTOCOL, device=device)
    write_figures(report, out)
    draw(report, out / "skeletons.png")
    draw_curves(out)
    write_mesh(unseen[0], out)
    tell(report, out)


def configure(seed: int, budget: float = 1.0) -> "TrainerConfig":
    """The demo's configuration: the preset ``quick``, narrower and shorter.

    Args:
        seed: the run's seed.
        budget: factor on the length of every stage.

    Example:
        >>> sum(stage.steps for stage in configure(seed=0).stages) > 500
        True
    """
    from posenet3d.training import TrainerConfig

    return TrainerConfig.preset("quick", seed=seed).override(
        {
            "batch_size": 256,
            "network.backbone.options.channels": 128,
            "network.discriminator.options.channels": 128,
            **{
                f"stages.{name}.steps": max(2, round(budget * count))
                for name, count in STEPS.items()
            },
        }
    )


def write_figures(report: "EvaluationReport", out: Path) -> None:
    """Write the table as text and as JSON, and show it."""
    from rich.console import Console

    from posenet3d.files import atomic_write

    report.write_json(out / "figures.json")
    with atomic_write(out / "figures.txt") as file:
        file.write(str(report).encode())
    Console().print(report)


def draw_curves(out: Path) -> None:
    """Draw the run's losses over its steps; where matplotlib is absent, say so and go on."""
    from posenet3d.errors import MissingExtraError

    try:
        from posenet3d.visualization import training_curves

        training_curves(out / "run" / "metrics.csv", out / "curves.png")
    except MissingExtraError as error:
        typer.echo(f"No curves: {error}", err=True)


def write_mesh(clip: "MotionClip", out: Path) -> None:
    """Write the student's body of the middle frame of a clip's first view as an OBJ file."""
    import torch

    from posenet3d.export import write_obj
    from posenet3d.networks import load_model

    model = load_model(out / "run")
    window = middle_window(clip, model.receptive_field, model.config.distance)
    body = model.parameters_of(window)
    with torch.no_grad():
        vertices = model.body.vertices(body.betas, body.rotations[:, model.receptive_field // 2])
    write_obj(
        out / "body.obj",
        vertices[0].numpy(),
        model.body.faces.numpy(),
        family=model.body.family,
        comment=f"One lifted frame of {clip.key}, seen by the first camera of {PROTOCOL}",
    )


def middle_window(clip: "MotionClip", frames: int, distance: float) -> "torch.Tensor":
    """The window (1, frames, 14, 2) in the middle of a clip, as the first camera sees it."""
    import torch

    from posenet3d.data import camera_rig, normalize, observe

    seen = observe(clip, camera_rig(PROTOCOL, "test").cameras(clip)[0])
    points = normalize(seen.to_layout("lsp_14").points, distance=distance).points
    start = max(0, (len(points) - frames) // 2)
    return torch.tensor(points[None, start : start + frames], dtype=torch.float32)


def tell(report: "EvaluationReport", out: Path) -> None:
    """Say what came out, where to look, and what to try next."""
    width = len(str(out)) + 1 + max(map(len, MADE))
    there = {out / name: what for name, what in MADE.items() if (out / name).exists()}
    listed = "".join(f"  {path!s:{width}}  {what}\n" for path, what in there.items())
    typer.echo(
        f"The teacher's error is {report.ratio_to_flat('teacher'):.2f} of a flat skeleton's, and "
        f"it never saw depth.\n"
        f"\nLook at\n"
        f"{listed}"
        f"\nTry next\n"
        f"  posenet3d train --data YOUR_KEYPOINTS.npz --run runs/mine   your own 2D\n"
        f"  posenet3d demo --seed 1 --budget 3 --out demo1              longer is better\n"
        f"  posenet3d plugins                                           the parts to choose from"
    )
