"""``posenet3d lift --many``: a folder of keypoint files, lifted and resumed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from posenet3d.cli.progress import progress_bar

if TYPE_CHECKING:
    from posenet3d.inference import Estimator
    from posenet3d.inference.batch import ManyReport, Outcome, Plan


def lift_many(
    source: Path,
    out: Path,
    plan: "Plan",
    options: Mapping[str, str],
    *,
    weights: str | None = None,
    device: str = "auto",
    as_json: bool = False,
) -> None:
    """Lift a folder, tell what became of it, and leave with an exit code that says so.

    Args:
        source: the folder of inputs.
        out: the folder of outputs.
        plan: formats and options.
        options: what the arguments are called in messages.
        weights: as for `Estimator.from_pretrained`.
        device: as there.
        as_json: print the report as JSON.

    Raises:
        Exit: with 2 where an input failed, with 1 where one failed by a defect, with 130 where it
            was interrupted.
        PoseNet3DError: the batch cannot begin.
    """
    from posenet3d.inference import Estimator

    plan.check()
    estimator = Estimator.from_pretrained(weights, device)
    try:
        report = _lifted(estimator, source, out, plan, options)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; {out} has what is finished. The same command goes on.", err=True)
        raise typer.Exit(130) from None
    typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else summary(report, out))
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _lifted(
    estimator: "Estimator", source: Path, out: Path, plan: "Plan", options: Mapping[str, str]
) -> "ManyReport":
    """What became of each input, with a bar meanwhile."""
    from posenet3d.inference.many import predict_many

    with progress_bar("lift") as move:

        def on_outcome(done: int, total: int, outcome: "Outcome") -> None:
            move(done, total, f"{Path(outcome.source).name}: {outcome.status}")

        return predict_many(estimator, source, out, plan, on_outcome=on_outcome, options=options)


def check_many(
    many: bool, out: Sequence[Path], alone: Mapping[str, Any], together: Mapping[str, Any]
) -> None:
    """Nothing, if the options go together.

    Args:
        many: whether ``--many`` is given.
        out: what ``--out`` names.
        alone: the options that are for one person's file only; ``None`` where not given.
        together: those that are for many; likewise.

    Raises:
        ConfigurationError: they do not; all faults are told.

    Example:
        >>> check_many(True, [Path("lifted")], {"--person": None}, {"--to": ["glb"]})
    """
    from posenet3d.errors import ConfigurationError

    lost = [] if many else [name for name, each in together.items() if each is not None]
    faults = [f"{name}: goes with --many, which is not given" for name in lost]
    faults += [] if len(out) == 1 else [f"--out: expected one folder, got {len(out)}"]
    faults += [f"{name}: not with --many" for name, each in alone.items() if each is not None]
    if faults:
        raise ConfigurationError(faults)


def batch_plan(
    to: Sequence[str] | None,
    reading: Mapping[str, Any],
    repairing: Mapping[str, Any],
    predicting: Mapping[str, Any],
    option: Sequence[str] = (),
    fewest_frames: int = 1,
) -> "Plan":
    """The plan of a batch from what the command line says; ``None`` is not said.

    Raises:
        ConfigurationError: an option of a file that is none, or is for no format of ``--to``.

    Example:
        >>> batch_plan(["npz"], {"fps": 25.0}, {"smooth": None}, {}).reading
        {'fps': 25.0}
    """
    from posenet3d.cli.export import options_of_formats
    from posenet3d.inference.batch import Plan

    formats = formats_of(to)
    options = options_of_formats(option, formats)
    return Plan(
        formats=formats,
        exporting={name: each for name, each in options.items() if each},
        fewest_frames=fewest_frames,
        reading=_said(reading),
        repairing=_said(repairing),
        predicting=_said(predicting),
    )


def _said(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def summary(report: "ManyReport", out: Path) -> str:
    """What the terminal says of a batch: counts, then each failure.

    Example:
        >>> from posenet3d.inference.batch import ManyReport, Outcome
        >>> print(summary(ManyReport((Outcome("a.json", "failed", error="no JSON"),)), Path("o")))
        0 lifted, 0 finished before, 1 failed; see o/report.json.
        Failed: a.json: no JSON
    """
    done, skipped, failed = (report.of(each) for each in ("done", "skipped", "failed"))
    lines = [
        f"{len(done)} lifted, {len(skipped)} finished before, {len(failed)} failed; "
        f"see {out / 'report.json'}."
    ]
    lines += [f"In part: {each.source}: {each.error}" for each in done if each.error]
    lines += [f"Failed: {_told(each)}" for each in failed]
    if len(done) > 1 and all(each.frames == each.people for each in done):
        lines.append(
            "Each input was one frame. If they are one clip, lift the folder without --many."
        )
    return "\n".join(lines)


def formats_of(to: Sequence[str] | None) -> tuple[str, ...]:
    """The exporters that ``--to`` names: given many times, or with commas; GLB if not at all.

    Example:
        >>> formats_of(["glb,.bvh", "npz"])
        ('glb', 'bvh', 'npz')
    """
    words = [word.strip().removeprefix(".") for each in to or ("glb",) for word in each.split(",")]
    return tuple(word.lower() for word in words if word)


def _told(outcome: "Outcome") -> str:
    begins = outcome.error.startswith(outcome.source)
    return outcome.error if begins else f"{outcome.source}: {outcome.error}"
