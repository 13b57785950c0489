"""Which pitch the sampler `learned` finds on CMU-14, when, and what decides it.

    OMP_NUM_THREADS=1 python benchmarks/pitch.py --data $POSENET3D_DATA/cmu_train.npz

First, without training: which pitch do the rig's cameras have, which have their rays to the hips,
and which single pitch makes true bodies, turned and seen anew, look most like the real 2D? Then
the first stage of the preset `best` is trained without the held-out training subjects S02 and S06:
small, for ten seeds and with one thing changed at a time, and at the preset's own sizes. A run is
saved when it is done and not made again; `--minutes` of processor time are kept to. Results go to
`benchmarks/results/pitch.json`, `.md` and `.png`. The test subjects are not looked at, unless with
`--test FILE`: that trains the ten seeds alone, on all training subjects, judges them on those of
the file, and writes the look down; results go to `pitch_test.*`.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from depth_mirror import HELD_OUT, Stage
from depth_mirror import configuration as first_stage
from origin import note_the_look
from pitch_page import TEN_SEEDS, draw, render
from pitch_rig import Rig, optima
from rich.progress import track

from posenet3d.data import load_motion
from posenet3d.evaluation.provenance import library_versions, source_commit
from posenet3d.training import Trainer
from posenet3d.views import camera_pitch

STAGE = "stages.teacher"
RATES = (f"{STAGE}.optimizer", f"{STAGE}.discriminator_optimizer")
SMALL = {"channels": 64, "batch": 64, "rate": 1e-3}
OWN = {"channels": 256, "batch": 256, "rate": 3e-4}
"""The preset's own sizes."""
LOOKS = 10
"""How often in a run the held-out people are looked at."""


@dataclass(frozen=True)
class Case:
    """What is trained, and for how many seeds."""

    name: str
    says: str
    steps: int
    seeds: int
    sampler: str = "learned"
    sizes: Mapping[str, Any] = field(default_factory=lambda: SMALL)
    changes: Mapping[str, Any] = field(default_factory=dict)


def small(name: str, says: str, *, seeds: int = 2, steps: int = 1000, **changes: Any) -> Case:
    """A small training of 1,000 steps with one thing changed; ``__`` stands for a point."""
    paths = {key.replace("__", "."): value for key, value in changes.items()}
    return Case(name, says, steps, seeds, changes=paths)


def given(degrees: float) -> Case:
    """A small training that is told the pitch."""
    told = {"network.views.options.pitch_degrees": degrees}
    says = f"the pitch is given: {degrees}°"
    return Case(f"given-{degrees:g}", says, 1000, 2, sampler="gravity", changes=told)


COSINE = {f"{each}.schedule": "cosine" for each in RATES} | {f"{each}.decay": 0.0 for each in RATES}
CASES = (
    small("steps-2000", "2,000 steps", steps=2000, seeds=10),
    small("steps-300", "300 steps, as in `depth_mirror.md`", steps=300),
    small("steps-1000", "1,000 steps"),
    given(12.7),
    given(14.0),
    given(16.0),
    given(18.0),
    Case("cosine", "the rates fall to 0 by a cosine", 1000, 2, changes=COSINE),
    small("average", "averaged weights and pitch, decay 0.99", averaging={"decay": 0.99}),
    small("gain-1", "a fifth of the sampler's rate", network__views__options__gain=1.0),
    small("300-from-14", "300 steps, the pitch starts at 14°", steps=300,
          network__views__options__initial_degrees=14.0),
    small("300-gain-1", "300 steps, a fifth of the sampler's rate", steps=300,
          network__views__options__gain=1.0),
    small("300-d-double", "300 steps, the discriminator's rate doubled", steps=300,
          stages__teacher__discriminator_optimizer__lr=8 / 3 * SMALL["rate"]),
    small("d-double", "the discriminator's rate doubled",
          stages__teacher__discriminator_optimizer__lr=8 / 3 * SMALL["rate"]),
    Case("spread", "the sampler `learned_spread`", 1000, 2, sampler="learned_spread"),
    small("elevation-0", "no elevation", network__views__options__elevation_degrees=0.0),
    Case("best", "the preset's own sizes", 3500, 10, sizes=OWN),
)  # fmt: skip


def main() -> None:
    """Run what is missing and write the page."""
    arguments = parse()
    arguments.results.parent.mkdir(exist_ok=True)
    clips, judged = load_motion(arguments.data), HELD_OUT
    if arguments.test:
        note_the_look("the way round of the ten seeds of `pitch.py`", arguments.results.parent)
        people = load_motion(arguments.test)
        clips, judged = (*clips, *people), tuple(sorted({clip.subject for clip in people}))
    rig = Rig.of([clip for clip in clips if clip.subject not in judged])
    kept = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    record = {
        "facts": facts(judged, on_test=arguments.test is not None),
        "rig": rig.measured(),
        "optima": kept.get("optima") or optima(rig),
        "runs": kept.get("runs", []),
    }
    stage = Stage(clips, "cmu14", "", held_out=judged)
    for case, seed in todo(arguments, record["runs"]):
        if time.process_time() > 60 * arguments.minutes:
            break
        record["runs"].append(run(stage, rig, case, seed))
        arguments.results.write_text(json.dumps(record, indent=1) + "\n")
    write(arguments.results, record)
    print(arguments.results.with_suffix(".md").read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="training motion")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of processor time")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES])
    parser.add_argument("--test", type=Path, metavar="FILE", help="motion of the test subjects")
    parser.add_argument("--results", type=Path)
    arguments = parser.parse_args()
    if arguments.test:
        arguments.only = [TEN_SEEDS]
    if arguments.results is None:
        name = "pitch_test.json" if arguments.test else "pitch.json"
        arguments.results = Path(__file__).parent / "results" / name
    return arguments


def facts(judged: Sequence[str], *, on_test: bool) -> dict[str, Any]:
    """What all runs have in common."""
    test = " --test TEST" if on_test else ""
    return {
        "command": f"OMP_NUM_THREADS=1 python benchmarks/pitch.py --data DATA{test}",
        "measured": "test" if on_test else "held out",
        "held_out": judged,
        "cases": [
            {"name": case.name, "says": case.says, "steps": case.steps, "seeds": case.seeds}
            | dict(case.sizes)
            for case in CASES
            if case.name == TEN_SEEDS or not on_test
        ],
        "versions": library_versions(),
    }


def todo(
    arguments: argparse.Namespace, runs: Sequence[dict[str, Any]]
) -> Iterator[tuple[Case, int]]:
    """The cases and seeds that have no run yet, case by case."""
    done = {(run["case"], run["seed"]) for run in runs}
    cases = [case for case in CASES if not arguments.only or case.name in arguments.only]
    jobs = [(case, seed) for case in cases for seed in range(case.seeds)]
    yield from track([job for job in jobs if (job[0].name, job[1]) not in done], "runs")


def run(stage: Stage, rig: Rig, case: Case, seed: int) -> dict[str, Any]:
    """One run's figures."""
    began = time.process_time()
    sizes = argparse.Namespace(steps=case.steps, **case.sizes)
    config = first_stage(sizes, ("cmu14", case.sampler, ""), seed, guard=True)
    trainer = Trainer(config.override(case.changes), train_data=stage.training, progress=False)
    path, looks = [], []
    for record in trainer.records():
        path.append([record.step, record.values["camera_pitch_degrees"]])
        if record.step % (case.steps // LOOKS) == 0:
            seen = stage.look(trainer.model, every=8)
            looks.append([record.step, seen["p_mpjpe"]])
    report = trainer.report()
    seen = stage.look(trainer.model)
    pitch = report.camera_pitch_degrees
    return {
        "case": case.name, "seed": seed, "pitch": pitch,
        "camera_pitch": math.degrees(camera_pitch(math.radians(pitch), rig.hips, 1)),
        **{name: seen[name] for name in ("p_mpjpe", "mirrored", "right")},
        "turns": report.mirror_turns, "path": np.round(path, 3).tolist(),
        "looks": np.round(looks, 2).tolist(), "flat": stage.flat,
        "accuracy": report.stages[0].end["discriminator_accuracy"],
        "cpu_seconds": time.process_time() - began, "commit": source_commit() or "unknown",
    }  # fmt: skip


def write(results: Path, record: dict[str, Any]) -> None:
    """The results, the page and the picture."""
    results.write_text(json.dumps(record, indent=1) + "\n")
    results.with_suffix(".md").write_text(render(record))
    if record["runs"]:
        draw(record, results.with_suffix(".png"))


if __name__ == "__main__":
    main()
