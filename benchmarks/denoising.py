"""Choose how a lifter is taught to answer for a detector's 2D as it does for exact 2D.

    OMP_NUM_THREADS=1 python benchmarks/denoising.py --data $POSENET3D_DATA RUN
    python benchmarks/denoising.py --data $POSENET3D_DATA RUN --only low_rate long

RUN is the folder of a finished run whose training held out `--subjects`. From its weights the
preset `detected` is trained on the other subjects, filmed by wild cameras, once a trial; a trial
changes some fields of the preset (`TRIALS`). Each is measured on the subjects that were held out,
and so are the weights that it starts from. Nothing here looks at the test subjects.

Each trial has a run folder under `--runs`: what is done is used again, what was stopped goes on.
The page tells all trials that are done. It goes to `benchmarks/results/denoising.{json,md}`.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from command_line import parsed, parser_of
from origin import command, commit
from robustness_measures import (
    EXACT,
    FLICKERING,
    LASTING,
    OCCLUDED,
    WILD,
    Condition,
    Frames,
    Input,
    frames_of,
    measure,
    noise_of,
)  # fmt: skip

from posenet3d.data import film, load_motion
from posenet3d.networks import PoseNet3D
from posenet3d.training import Trainer, TrainerConfig

EVERY = 15
HEADS = ("teacher", "student", "mean")
BEFORE = "before"


class Seen(NamedTuple):
    """What a network is given: a condition, and the detector whose errors it names."""

    condition: Condition
    detector: str = "openpose"


CONDITIONS = (
    Seen(EXACT),
    Seen(Condition("noise", WILD, "all", 1.0), "gentle"),
    *(Seen(Condition("noise", WILD, "all", factor)) for factor in (1.0, 2.0)),
    Seen(Condition("noise", WILD, "jitter", 1.0)),
    Seen(Condition("noise", WILD, "dropped joints", 2.0)),
    *(Seen(Condition("missing", WILD, name, len(joints))) for name, joints in OCCLUDED.items()),
    *(Seen(Condition("missing", WILD, kind, 2)) for kind in (FLICKERING, LASTING)),
)

_RATE = "stages.denoising.optimizer"
_ERRORS = "stages.denoising.spoilt"


def shares(gentle: float, once: float, twice: float) -> dict[str, Any]:
    """The shares of windows with errors; the rest is exact."""
    named = ({"noise": "gentle", "share": gentle}, {"noise": "openpose", "share": once})
    return {f"{_ERRORS}.errors": [*named, {"noise": "openpose", "times": 2.0, "share": twice}]}


FIRST = {
    **shares(0.25, 0.35, 0.2),
    "stages.denoising.steps": 4000,
    f"{_RATE}.lr": 1e-3,
    f"{_RATE}.decay": 0.05,
    f"{_RATE}.warmup": 0,
    "averaging": None,
}
LOW = {**FIRST, f"{_RATE}.lr": 3e-4, f"{_RATE}.warmup": 200}
TRIALS: Mapping[str, dict[str, Any]] = {
    "first": FIRST,
    "low_rate": LOW,
    "more_exact": {**LOW, **shares(0.25, 0.2, 0.1)},
    "long": {**LOW, **shares(0.25, 0.2, 0.1), "stages.denoising.steps": 6000},
}
"""Fields of the preset that a trial sets, by path; all are given, whatever the preset has."""


class Views:
    """The frames of clips under conditions, each filmed and spoilt once for all networks."""

    def __init__(self, clips: Any) -> None:
        self.clips = clips
        self._made: dict[Any, Frames] = {}

    def of(self, seen: Seen, wanted: Input) -> Frames:
        """The frames under a condition, before joints are hidden."""
        key = (noise_of(seen.condition, seen.detector), seen.condition.protocol, wanted)
        if key not in self._made:
            noise, rig, _ = key
            self._made[key] = frames_of(self.clips, rig, wanted, EVERY, noise)
        return self._made[key]


def main() -> None:
    """Train and measure what is missing, write page and record."""
    arguments = parse()
    torch.set_flush_denormal(True)
    clips = load_motion(arguments.data / "cmu_train.npz")
    held = Views([clip for clip in clips if clip.subject in arguments.subjects])
    rest = [clip for clip in clips if clip.subject not in arguments.subjects]
    before = arguments.runs / f"{BEFORE}.json"
    kept(before, lambda: {"figures": figures(PoseNet3D.from_pretrained(arguments.run), held)})
    for name in arguments.only or TRIALS:
        folder = arguments.runs / name
        print(f"{name}: {folder}", flush=True)
        kept(folder / "trial.json", partial(trial, name, folder, rest, held, arguments))
    write(arguments)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--subjects", nargs="+", default=["S02", "S06"])
    parser.add_argument("--only", nargs="*", choices=[*TRIALS], help="these trials; else all")
    parser.add_argument("--runs", type=Path, default=Path("runs/denoising"))
    return parsed(parser)


def kept(path: Path, make: Any) -> dict[str, Any]:
    """A record, made if it is not there."""
    if not path.exists():
        made = {"commit": commit(), **make()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made, indent=1) + "\n")
    return json.loads(path.read_text())


def trial(name: str, folder: Path, rest: Any, held: Views, arguments: Any) -> dict[str, Any]:
    """Train a trial and measure it."""
    config = TrainerConfig.preset("detected", start_from=str(arguments.run)).override(TRIALS[name])
    trainer = Trainer(config, train_data=film(rest, WILD), run_dir=folder)
    (report,) = trainer.fit(lambda record: print(record.step, record.values, flush=True)).stages
    return {
        "changes": TRIALS[name],
        "seconds": report.seconds,
        "loss": [report.start["denoising"], report.end["denoising"]],
        "figures": figures(trainer.model, held),
    }


def figures(
    model: PoseNet3D, views: Views, conditions: Iterable[Seen] = CONDITIONS
) -> list[dict[str, Any]]:
    """P-MPJPE of each head under each condition, mm."""
    rows = []
    for seen in conditions:
        found = measure(seen.condition, model, views.of(seen, Input.of(model)))
        rows.append({"what": said(seen), "frames": found["frames"], **found["p_mpjpe"]})
    return rows


def said(seen: Seen) -> str:
    """What is seen, in words."""
    condition = seen.condition
    if condition.part == "noise":
        return f"`{seen.detector}`, {condition.name}, times {condition.amount:g}"
    if condition.part == "missing":
        count = "" if condition.name in OCCLUDED else f"{condition.amount:g}: "
        return f"missing, {count}{condition.name}"
    return "exact" if condition.protocol == WILD else "exact, the fixed rig"


def write(arguments: argparse.Namespace) -> None:
    """Page and record of all that is done."""
    done = {name: arguments.runs / name / "trial.json" for name in TRIALS}
    trials = {name: json.loads(path.read_text()) for name, path in done.items() if path.exists()}
    results = {
        "command": command(),
        "subjects": arguments.subjects,
        BEFORE: json.loads((arguments.runs / f"{BEFORE}.json").read_text()),
        "trials": trials,
    }
    path = arguments.results / "denoising.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    path.with_suffix(".md").write_text("\n".join(page(results)) + "\n")
    print(path.with_suffix(".md").read_text())


def page(results: dict[str, Any]) -> Iterator[str]:
    """The page's lines."""
    before, trials = results[BEFORE], results["trials"]
    yield "# A lifter taught to answer for a detector's 2D as for exact 2D"
    yield ""
    yield f"Command: `{results['command']}`, seed 0; one thread of a shared machine."
    yield ""
    yield (
        f"Training subjects {', '.join(results['subjects'])}, held out of all trainings, CMU-14 "
        f"wild, every {EVERY}th frame. P-MPJPE in mm of the mean of teacher and student, and what "
        "differs from the weights before, which are given the guess of `fill_windows` where a "
        "joint is missing. Each trial is the preset `detected` with some fields changed."
    )
    yield ""
    yield f"| 2D | before | {' | '.join(f'`{name}`' for name in trials)} |"
    yield "|---" * (2 + len(trials)) + "|"
    for number, row in enumerate(before["figures"]):
        cells = (each["figures"][number]["mean"] for each in trials.values())
        told = " | ".join(f"{mean:.1f} ({mean - row['mean']:+.1f})" for mean in cells)
        yield f"| {row['what']} | {row['mean']:.1f} | {told} |"
    yield ""
    yield "Teacher / student / mean:"
    yield ""
    yield f"| 2D | before | {' | '.join(f'`{name}`' for name in trials)} |"
    yield "|---" * (2 + len(trials)) + "|"
    for number, row in enumerate(before["figures"]):
        told = " | ".join(heads(each["figures"][number]) for each in trials.values())
        yield f"| {row['what']} | {heads(row)} | {told} |"
    yield ""
    yield "| trial | fields | minutes | loss, start and end | commit |"
    yield "|---|---|---|---|---|"
    for name, each in trials.items():
        yield f"| `{name}` | {fields(name, each)} | {each['seconds'] / 60:.1f} | {ends(each)} |"


def heads(row: dict[str, Any]) -> str:
    """The figures of the three heads."""
    return " / ".join(f"{row[name]:.1f}" for name in HEADS)


def fields(name: str, each: dict[str, Any]) -> str:
    """What a trial sets otherwise than the first one; of the first one, everything."""
    first = {} if name == "first" else json.loads(json.dumps(FIRST))
    told = {path: value for path, value in each["changes"].items() if first.get(path) != value}
    return ", ".join(
        f"`{path.removeprefix('stages.denoising.')}={json.dumps(value)}`"
        for path, value in told.items()
        if not (name == "first" and not value)
    )


def ends(each: dict[str, Any]) -> str:
    """A trial's loss and commit."""
    return f"{each['loss'][0]:.3f}, {each['loss'][1]:.3f} | {each['commit'][:12]}"


if __name__ == "__main__":
    main()
