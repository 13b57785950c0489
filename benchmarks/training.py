"""Measure training: windows a second of every stage, and the share of the machine's ceiling.

    OMP_NUM_THREADS=1 python benchmarks/training.py
    python benchmarks/training.py --device cuda --recipe --videopose3d CHECKOUT

Three methods take the same steps on the same batch: posenet3d; a literal implementation of the
paper (`literal_paper.py`: DataLoader, mesh through smplx); and VideoPose3D's published training
step (nine frames, supervised, one pass of a lifter), where a checkout of it is named. Every case
runs in a process of its own; a figure is the median of several repeats after a warm-up. A step's
operations are its matrix products, forward and backward, as torch counts them; the ceiling is the
fastest product of large square matrices in the same process and precision.

Then two ranks against one on the CPU, and the paper's whole recipe on a set of Human3.6M's size:
150 epochs a stage over 1.56 million frames, batch 6000. `--recipe` trains it end to end; without
it the time follows from the measured steps and is marked so.

Needs the extras `smpl` and `viz`. Results go to `benchmarks/results/training.md`, `.json` and
`.png`; figures of a device that is not measured now are kept from the last time.
"""

import argparse
import datetime
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from machine import alone, described

STAGES = ("teacher", "distillation", "sja", "joint")
METHODS = ("posenet3d", "literal", "videopose3d")
PRECISIONS = ("fp32", "tf32", "bf16")
STEPS = ("eager", "compiled", "graph")
BATCHES = {"cpu": (256, 1024, 6000), "cuda": (256, 1024, 6000, 16384, 32768)}
NOISY = 1.3
"""Repeats further apart than by this factor are measured again, once."""


def main() -> None:
    """Run every case, or the one that the parent process asks for."""
    arguments = parse()
    if arguments.case:
        print(json.dumps(measure(json.loads(arguments.case))))
        return
    path = arguments.results / f"{arguments.name}.json"
    arguments.results.mkdir(parents=True, exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {}
    if not arguments.page:
        for result in run_all(arguments, results.get(arguments.device, {})):
            results[arguments.device] = result
            path.write_text(json.dumps(results, indent=1) + "\n")
    from training_page import draw, render

    draw(results, path.with_suffix(".png"))
    path.with_suffix(".md").write_text(render(results, path.with_suffix(".png").name))
    print(path.with_suffix(".md").read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--preset", default="paper", help="whose networks and losses")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--batches", nargs="+", type=int)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--no-ranks", dest="ranks", action="store_false")
    parser.add_argument(
        "--recipe",
        action="store_true",
        help="train the paper's recipe (CUDA), with the last of the precisions and steps",
    )
    parser.add_argument("--videopose3d", type=Path, help="a checkout of VideoPose3D")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of a case")
    parser.add_argument("--workers", type=int, help="DataLoader workers of the literal one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="keep what is there, add the rest")
    parser.add_argument("--page", action="store_true", help="only write page and plot anew")
    parser.add_argument("--name", default="training")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case or arguments.page:
        return arguments
    if arguments.device == "auto":
        import torch

        arguments.device = "cuda" if torch.cuda.is_available() else "cpu"
    if arguments.recipe and arguments.device == "cpu":
        parser.error("--recipe takes weeks on a CPU; leave it away and the time is estimated")
    arguments.batches = arguments.batches or list(BATCHES[arguments.device])
    arguments.workers = arguments.workers or (1 if arguments.device == "cpu" else 8)
    return arguments


def run_all(arguments: argparse.Namespace, before: dict) -> Iterator[dict]:
    """Where and how it was measured, and the records so far, after each case."""
    records = before.get("records", []) if arguments.again else []
    known = {identity(record) for record in records if "failed" not in record}
    told = header(arguments)
    if records:
        told["commands"] = [*before["header"]["commands"], *told["commands"]]
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder, "clips.npz"))
        write_data(data)
        common = {"device": arguments.device, "preset": arguments.preset, "data": data}
        common |= {"seed": arguments.seed, "repeats": arguments.repeats}
        common |= {"threads": arguments.threads, "workers": arguments.workers}
        common |= {"videopose3d": str(arguments.videopose3d or "")}
        for case in plan(arguments):
            if identity(case) in known:
                continue
            record = run_twice_if_noisy(common | case, arguments.threads)
            records = [r for r in records if identity(r) != identity(case)]
            record["commit"] = told["commit"]
            records.append({k: v for k, v in record.items() if k not in ("data", "videopose3d")})
            print(json.dumps(records[-1]), flush=True)
            yield {"header": told, "records": records}


def identity(record: dict) -> tuple:
    """What tells one case from another."""
    names = ("kind", "method", "stage", "batch", "precision", "step", "ranks")
    return tuple(record.get(name) for name in names)


def plan(arguments: argparse.Namespace) -> Iterator[dict]:
    """Every case of this device, the small batches first."""
    for batch in sorted(arguments.batches):
        for stage in arguments.stages:
            for method, precision, step in variants(arguments, batch, stage):
                yield {
                    "kind": "step",
                    "method": method,
                    "stage": stage,
                    "batch": batch,
                    "precision": precision,
                    "step": step,
                }
    if arguments.ranks and arguments.device == "cpu":
        for ranks in (1, 2):
            yield {"kind": "ranks", "ranks": ranks}
    if arguments.recipe:
        precision, step = arguments.precisions[-1], arguments.steps[-1]
        yield {"kind": "recipe", "precision": precision, "step": step}


def variants(
    arguments: argparse.Namespace, batch: int, stage: str
) -> Iterator[tuple[str, str, str]]:
    """Method, precision and step of a stage's cases at one batch.

    On a CPU the other precisions and steps, and the literal implementation, are measured at the
    smallest batch only, so that the whole takes minutes.
    """
    cpu, smallest = arguments.device == "cpu", batch == min(arguments.batches)
    everything = not cpu or smallest
    if "posenet3d" in arguments.methods:
        for precision in arguments.precisions:
            for step in arguments.steps:
                plain = (precision, step) == ("fp32", "eager")
                possible = not cpu or (precision != "tf32" and step != "graph")
                if possible and (plain or everything):
                    yield "posenet3d", precision, step
    if "literal" in arguments.methods and everything:
        yield "literal", "fp32", "eager"
    if "videopose3d" in arguments.methods and arguments.videopose3d and stage == "teacher":
        yield "videopose3d", "fp32", "eager"


def run_twice_if_noisy(case: dict, threads: int) -> dict:
    """A case's record; the faster of two where the repeats of the first lie far apart."""
    record = alone(__file__, case, threads)
    seconds = record.get("seconds") if case["kind"] == "step" else None
    if not seconds or max(seconds) < NOISY * min(seconds):
        return record
    again = alone(__file__, case, threads)
    if "seconds" not in again:
        return record
    return min(record, again, key=lambda each: sorted(each["seconds"])[len(each["seconds"]) // 2])


def measure(case: dict) -> dict:
    """The record of one case, in this process."""
    if case["kind"] == "step":
        from training_cases import measure_step

        return measure_step(case)
    import training_runs

    return {"ranks": training_runs.two_ranks, "recipe": training_runs.recipe}[case["kind"]](case)


def write_data(path: str) -> None:
    """Synthetic 2D keypoints in a file: 240 sequences, 48,000 frames."""
    from posenet3d.data.synthetic import synthetic_training_set
    from posenet3d.keypoints.clips_npz import write_clips

    write_clips(path, dict(synthetic_training_set(clips=60, seconds=4.0).sequences))


def header(arguments: argparse.Namespace) -> dict:
    """Command, commit and machine."""
    import torch

    from posenet3d.evaluation.provenance import source_commit

    told = described(arguments.threads)
    if arguments.device == "cuda":
        told["device"] = f"{torch.cuda.get_device_name()}, {told['device']}"
    return {
        "commands": [shown_command(sys.argv[1:])],
        "commit": source_commit() or "unknown",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": arguments.seed,
        "preset": arguments.preset,
        **told,
    }


def shown_command(given: list[str]) -> str:
    """The command as anyone would type it: without this machine's folders."""
    shown = list(given)
    if "--videopose3d" in shown:
        shown[shown.index("--videopose3d") + 1] = "CHECKOUT"
    if "--results" in shown:
        place = shown.index("--results")
        del shown[place : place + 2]
    return shlex.join(["python", "benchmarks/training.py", *shown])


if __name__ == "__main__":
    main()
