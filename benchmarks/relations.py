"""The paper's relations on CMU-14: its ratios beside ours, several seeds, mean and spread.

    python benchmarks/relations.py --data $POSENET3D_DATA --seeds 0 1 2 --plan
    python benchmarks/relations.py --data $POSENET3D_DATA --seeds 0 1 2

Human3.6M needs registration, so what the paper claims is shown as ratios on open motion capture.
Every run shares the base preset's width, batches, optimisers and lengths (`--base`, `--budget`);
`posenet3d.reproduction` says how each differs. By default whole training subjects are held out and
measured (`--hold-out`); `--test` trains on all of them and looks at the test subjects, and writes
that look down in `looks_at_test.md` beside the results first. Every network is measured as the
protocol says, by the centre frame of each window; the last one of each run also as the library
lifts by default, with overlapping windows averaged (*stitched*).

Detected 2D is the exact projection spoilt by the model of a detector's errors (`--noise`), with
missing joints turned off: the paper's detector always answers. Each run is a run folder under
`--runs`: what is finished is used again, what was stopped goes on. Results go to `relations.md`
and `relations.json`, or with `_short` and `_test` behind the name where steps are fewer or the test
subjects are measured; those of trials with fewer clips stay in the runs' folder.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from origin import command, commit, note_the_look
from relations_page import render

from posenet3d.reproduction import EXACT, RUNS, Material, Run, configuration
from posenet3d.reproduction.running import figures_of, measure, train_run
from posenet3d.reproduction.runs import STAGES
from posenet3d.training import TrainerConfig

PROTOCOL = "cmu14"
CENTRE, AVERAGE = "centre", "average"


def main() -> None:
    """Say what it takes, train and measure what is missing, and write the page."""
    arguments = parse()
    chosen = [run for run in RUNS if run.name in arguments.only]
    jobs = [(run, seed) for seed in arguments.seeds for run in chosen]
    print(plan(jobs, arguments), flush=True)
    if arguments.plan:
        return
    records = [record_of(run, seed, arguments) for run, seed in jobs]
    results = arguments.runs if arguments.clips else arguments.results
    results.mkdir(parents=True, exist_ok=True)
    name = "relations" + "_short" * (arguments.budget < 1) + "_test" * arguments.test
    facts = {**described(arguments), "command": command()}
    text = json.dumps({**facts, "records": records}, indent=2)
    (results / f"{name}.json").write_text(text + "\n")
    page = results / f"{name}.md"
    page.write_text(render(records, facts))
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    names = [run.name for run in RUNS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("POSENET3D_DATA"))
    parser.add_argument("--base", default="quick", help="the preset that all runs share")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budget", type=float, default=1.0, help="factor on every stage's steps")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="RUN")
    parser.add_argument("--hold-out", nargs="+", default=["S02", "S06"], metavar="SUBJECT")
    parser.add_argument("--test", action="store_true", help="measure the test subjects instead")
    parser.add_argument("--noise", default="gentle", help="the model of a detector's errors")
    parser.add_argument("--clips", type=int, help="only so many clips; to try the benchmark out")
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="[RUN:]KEY=VALUE",
        help="change a field of one run, or of all; may be repeated",
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--plan", action="store_true", help="print the budget and stop")
    parser.add_argument("--runs", type=Path, default=Path("runs/relations"))
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder of the motion capture with --data or POSENET3D_DATA")
    wrong = [each for each in arguments.changes if "=" not in each]
    if wrong:
        parser.error(f"expected [RUN:]KEY=VALUE, got {wrong}")
    needed = {run.teacher_of for run in RUNS if run.name in arguments.only} - {None}
    arguments.only = [name for name in names if name in {*arguments.only, *needed}]
    return arguments


def described(arguments: argparse.Namespace) -> dict[str, Any]:
    """What all records have in common; a record that was made otherwise is not used again."""
    return {
        "base": arguments.base,
        "budget": arguments.budget,
        "protocol": PROTOCOL,
        "measured": "test" if arguments.test else sorted(arguments.hold_out),
        "noise": arguments.noise,
        "clips": arguments.clips,
    }


def plan(jobs: list[tuple[Run, int]], arguments: argparse.Namespace) -> str:
    """What every run takes, and what is done already."""
    lines = ["| run | 2D | stages: steps × batch | done |", "|---|---|---|---|"]
    total = 0
    for run, seed in jobs:
        config = config_of(run, seed, arguments)
        sizes = [(stage.batch_size or config.batch_size) for stage in config.stages]
        stages = ", ".join(
            f"{stage.name} {stage.steps or f'{stage.epochs} epochs'} × {size}"
            for stage, size in zip(config.stages, sizes, strict=True)
        )
        done = (folder_of(run, seed, arguments) / "relations.json").exists()
        if not done:
            pairs = zip(config.stages, sizes, strict=True)
            total += sum((stage.steps or 0) * size for stage, size in pairs)
        lines.append(
            f"| {run.name}, seed {seed} | {run.seen} | {stages} | {'yes' if done else ''} |"
        )
    return "\n".join([*lines, "", f"Left to train: {total / 1e6:.2f} million windows.", ""])


def config_of(run: Run, seed: int, arguments: argparse.Namespace) -> TrainerConfig:
    """The run's configuration with the command line's changes."""
    changes = {}
    for each in arguments.changes:
        where, _, value = each.partition("=")
        name, colon, key = where.rpartition(":")
        if not colon or name == run.name:
            changes[key] = value
    return configuration(run, arguments.base, seed, arguments.budget, changes)


def folder_of(run: Run, seed: int, arguments: argparse.Namespace) -> Path:
    """The run's folder; what changes the result is in its name or in its record."""
    left_out = "test" if arguments.test else "-".join(sorted(arguments.hold_out))
    clips = "" if arguments.clips is None else f"-{arguments.clips}clips"
    group = f"{arguments.base}-x{arguments.budget:g}-{arguments.noise}-{left_out}{clips}"
    return arguments.runs / group / f"{run.name}-{seed}"


def record_of(run: Run, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of a run, from its folder where they are there already."""
    folder = folder_of(run, seed, arguments)
    config = config_of(run, seed, arguments)
    told = {**described(arguments), "run": run.name, "seed": seed, "seen": run.seen}
    told["config"] = as_told(config)
    path = folder / "relations.json"
    record = kept(path, told)
    if record is None:
        print(f"{run.name}, seed {seed}: {folder}", flush=True)
        record = {**told, **made(run, seed, config, folder, arguments)}
        path.write_text(json.dumps(record, indent=2))
    if config.network.frames > 1 and "stitched" not in record:
        print(f"{run.name}, seed {seed}, stitched", flush=True)
        record["stitched"] = measured(run, seed, folder, arguments, STAGES[run.kind][-1:], AVERAGE)
        path.write_text(json.dumps(record, indent=2))
    return record


def as_told(config: TrainerConfig) -> dict[str, Any]:
    """A configuration as plain values, less what does not change the result."""
    told: dict[str, Any] = config.model_dump(mode="json", exclude={"engine", "loggers"})
    return told


def kept(path: Path, told: dict[str, Any]) -> dict[str, Any] | None:
    """The record in a run's folder, if there is one; fields that are new have their defaults."""
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text())
    known = {**record, "config": as_told(TrainerConfig.model_validate(record["config"]))}
    if any(known.get(name) != value for name, value in told.items()):
        sys.exit(f"{path.parent}: made with other settings; name other --runs, or remove it")
    return record


def made(
    run: Run, seed: int, config: TrainerConfig, folder: Path, arguments: argparse.Namespace
) -> dict[str, Any]:
    """What a record holds of a run that is trained, or gone on with, and measured."""
    began = time.monotonic()
    report = trained(run, seed, config, folder, material_of(arguments), arguments)
    seconds = {"train": time.monotonic() - began}
    found = measured(run, seed, folder, arguments, STAGES[run.kind], CENTRE)
    seconds["evaluate"] = found.pop("seconds")
    return {**found, "seconds": seconds, "report": report}


def measured(
    run: Run,
    seed: int,
    folder: Path,
    arguments: argparse.Namespace,
    stages: Sequence[str],
    stitch: str,
) -> dict[str, Any]:
    """The figures of a run's networks by stage and head; a look at test subjects is noted first."""
    began = time.monotonic()
    if arguments.test:
        way = ", stitched" if stitch == AVERAGE else ""
        note_the_look(f"{run.name}, seed {seed}{way}", arguments.results)
    test, detector = material_of(arguments).tested(run.seen)
    options = {"detector": detector, "device": arguments.device, "stitch": stitch}
    figures = {
        stage: figures_of(measure(folder / "stages" / stage, test, PROTOCOL, **options))
        for stage in stages
    }
    return {"commit": commit(), "seconds": time.monotonic() - began, "figures": figures}


def material_of(arguments: argparse.Namespace) -> Material:
    """3D clips to film for training, and 3D clips to measure."""
    from posenet3d.data import load_motion

    clips = load_motion(arguments.data / "cmu_train.npz")
    held = () if arguments.test else tuple(arguments.hold_out)
    unknown = set(held) - {clip.subject for clip in clips}
    if unknown:
        sys.exit(f"no training subject {sorted(unknown)}")
    training = [clip for clip in clips if clip.subject not in held]
    measured = [clip for clip in clips if clip.subject in held]
    if arguments.test:
        measured = list(load_motion(arguments.data / "cmu_test.npz"))
    few = slice(arguments.clips)
    return filmed(training[few], measured[few], arguments.noise)


def filmed(training: list, measured: list, noise: str) -> Material:
    """Clips as what runs learn from and are measured on."""
    return Material({EXACT: training}, {EXACT: measured}, PROTOCOL, rig=PROTOCOL, noise=noise)


def trained(
    run: Run,
    seed: int,
    config: TrainerConfig,
    folder: Path,
    material: Material,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Train the run, or what is left of it; the report as plain values."""
    teacher = None
    if run.teacher_of is not None:
        other = next(each for each in RUNS if each.name == run.teacher_of)
        teacher = folder_of(other, seed, arguments) / "stages" / "teacher"
    seen = material.sequences(run.seen)
    report = train_run(config, seen, folder, teacher=teacher, device=arguments.device)
    return report.to_dict()


if __name__ == "__main__":
    main()
