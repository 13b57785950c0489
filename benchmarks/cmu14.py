"""Train and evaluate a preset on CMU-14 through the command line, and write the tables.

    python benchmarks/cmu14.py --data $POSENET3D_DATA --seeds 0 1 2

The runs are `posenet3d train` and `posenet3d evaluate`, as a user types them, one seed after
another. A seed whose figures are there already is not run again. Results go to
`benchmarks/results/cmu14_<preset>.md` with the command, seed, commit, times and threads.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from command_line import parsed, parser_of
from origin import commit, environment_of, note_the_look

FIGURES = (
    "p_mpjpe",
    "p_mpjpe_reflected",
    "n_mpjpe",
    "mpjve",
    "mpjve_videopose3d",
    "mblstd",
    "pck_150",
    "auc",
)
HEADS = ("teacher", "student", "mean", "flat")


def main() -> None:
    """Run the seeds that have no figures yet, and write the page."""
    arguments = parse()
    runs = [run_seed(seed, arguments) for seed in arguments.seeds]
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / f"{arguments.protocol}_{arguments.preset}.md"
    page.write_text(render(runs, arguments))
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--protocol", default="cmu14")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    return parsed(parser)


def run_seed(seed: int, arguments: argparse.Namespace) -> dict:
    """The record of one seed: figures, angle from rest, times, environment and commands."""
    run = arguments.runs / f"{arguments.protocol}-{arguments.preset}-{seed}"
    record = run / "benchmark.json"
    if record.exists():
        return json.loads(record.read_text())
    common = ["--protocol", arguments.protocol]
    train = ["train", "--data", str(arguments.data / "cmu_train.npz"), *common]
    train += ["--preset", arguments.preset, "--run", str(run), "--seed", str(seed)]
    evaluate = ["evaluate", str(run), "--data", str(arguments.data / "cmu_test.npz"), *common]
    evaluate += ["--out", str(run / "eval.json"), "--pictures", str(run)]
    seconds = {"train": timed(train)}
    note_the_look(f"{arguments.preset} on {arguments.protocol}, seed {seed}", arguments.results)
    seconds["evaluate"] = timed(evaluate)
    result = {
        "seed": seed,
        "commit": commit(),
        "seconds": seconds,
        "figures": json.loads((run / "eval.json").read_text()),
        "report": json.loads((run / "report.json").read_text()),
        "environment": environment_of(run),
        "degrees_from_rest": degrees_from_rest(run, arguments),
    }
    record.write_text(json.dumps(result, indent=2))
    return result


def timed(arguments: list[str]) -> float:
    """Run `posenet3d` with these arguments; wall seconds of the whole process."""
    print("posenet3d", *arguments, flush=True)
    began = time.monotonic()
    subprocess.run([Path(sys.executable).with_name("posenet3d"), *arguments], check=True)
    return time.monotonic() - began


def degrees_from_rest(run: Path, arguments: argparse.Namespace) -> float:
    """The mean angle of the student's joints (the root left out) from the rest pose, degrees."""
    import torch

    from posenet3d.data import film, load_motion
    from posenet3d.geometry import geodesic_distance
    from posenet3d.networks import load_model

    model = load_model(run)
    test = film(load_motion(arguments.data / "cmu_test.npz"), arguments.protocol, split="test")
    windows = test.windows(model.receptive_field, following=0)
    sample = windows.sample(seed=0, stage="angles", step=0, batch_size=4096)
    rotations = model.parameters_of(sample).rotations[:, :, 1:]
    angles = geodesic_distance(rotations, torch.eye(3).expand_as(rotations))
    return float(torch.rad2deg(angles).mean())


def render(runs: list[dict], arguments: argparse.Namespace) -> str:
    """The page of results."""
    machine = runs[0]["environment"]
    lines = [
        f"# {arguments.protocol}, preset `{arguments.preset}`",
        "",
        f"Command: `python benchmarks/cmu14.py --protocol {arguments.protocol} --preset "
        f"{arguments.preset} --seeds {' '.join(map(str, arguments.seeds))}` with the test "
        "subjects of the protocol; nothing was chosen by them.",
        "It types, for each seed:",
        "",
        "```sh",
        f"posenet3d train --data $POSENET3D_DATA/cmu_train.npz --protocol {arguments.protocol} "
        f"--preset {arguments.preset} --run RUN --seed SEED",
        f"posenet3d evaluate RUN --data $POSENET3D_DATA/cmu_test.npz --protocol "
        f"{arguments.protocol} --json RUN/eval.json --pictures RUN",
        "```",
        "",
        f"Machine: {os.cpu_count()} cores; each run had {machine['threads']} thread(s), "
        f"{machine['device']}, Python {machine['python']}, torch {machine['packages']['torch']}.",
        "",
        "Errors in mm (MPJVE in mm a frame at 50 Hz, PCK and AUC in percent); P-MPJPE is per frame "
        "with det = +1, `p_mpjpe_reflected` allows a reflection.",
        "",
    ]
    lines += summary(runs)
    for run in runs:
        lines += section(run)
    return "\n".join(lines) + "\n"


def summary(runs: list[dict]) -> list[str]:
    """One line a seed: the relations that the issue asks for."""
    lines = [
        "| seed | teacher / flat | student / teacher | mean / teacher | joints from rest "
        "| pitch | mirror turns | right way round | train + evaluate |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        errors = {head: run["figures"][head]["p_mpjpe"] for head in HEADS}
        report, seconds = run["report"], run["seconds"]
        lines.append(
            f"| {run['seed']} | {errors['teacher'] / errors['flat']:.3f} "
            f"| {errors['student'] / errors['teacher']:.3f} "
            f"| {errors['mean'] / errors['teacher']:.3f} | {run['degrees_from_rest']:.0f}° "
            f"| {report['camera_pitch_degrees']:.1f}° | {report['mirror_turns']} "
            f"| {'yes' if run['figures']['teacher']['right_way_round'] else 'NO'} "
            f"| {seconds['train'] / 60:.1f} + {seconds['evaluate'] / 60:.1f} min |"
        )
    ratios = [
        run["figures"]["teacher"]["p_mpjpe"] / run["figures"]["flat"]["p_mpjpe"] for run in runs
    ]
    lines += ["", f"Median teacher / flat: {statistics.median(ratios):.3f}.", ""]
    return lines


def section(run: dict) -> list[str]:
    """The table of one seed, and each stage's losses at its start and end."""
    lines = [f"## Seed {run['seed']} (commit {run['commit'][:12]})", ""]
    lines += [f"| | {' | '.join(FIGURES)} |", "|---" * (len(FIGURES) + 1) + "|"]
    for head in HEADS:
        values = " | ".join(number(run["figures"][head].get(name)) for name in FIGURES)
        lines.append(f"| {head} | {values} |")
    lines += ["", "| stage | steps | seconds | losses, from start to end |", "|---|---|---|---|"]
    for stage in run["report"]["stages"]:
        losses = ", ".join(
            f"{name} {stage['start'][name]:.3g} → {value:.3g}"
            for name, value in stage["end"].items()
            if name in stage["start"] and name != "seconds"
        )
        lines.append(f"| {stage['name']} | {stage['steps']} | {stage['seconds']:.0f} | {losses} |")
    return [*lines, ""]


def number(value: float | None) -> str:
    """A figure with one decimal, or a dash."""
    return "–" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    main()
