"""How often each view sampler ends depth-mirrored, with the anatomical guard and without it.

    OMP_NUM_THREADS=1 python benchmarks/depth_mirror.py --data $POSENET3D_DATA/cmu_train.npz

The first stage of the preset `best`, made small, is trained for each sampler, camera rig and seed
without the held-out training subjects S02 and S06; the truth of those says afterwards which way
round the teacher is. A run with the guard is the run without it up to the first turn (both are
functions of the seed), so it is trained only where the guard would have turned. Beside that the
evidence itself is measured on the motion capture, without training. A run is saved when it is done
and not made again; `--minutes` of processor time are kept to. Results go to
`benchmarks/results/depth_mirror.json`, `.md` and `.png`. The test subjects are not looked at.
"""

import argparse
import itertools
import json
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import torch
from depth_mirror_anatomy import measure, trunk_evidence
from depth_mirror_page import draw, render
from rich.progress import track

from posenet3d.data import MotionClip, TrainingSet, film, load_motion
from posenet3d.evaluation.metrics import depth_negated, flat_depth, p_mpjpe
from posenet3d.evaluation.provenance import library_versions, source_commit
from posenet3d.evaluation.sequences import sequences_of
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import PoseNet3D
from posenet3d.nn import fill_windows, visible_joints
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import mirror_evidence
from posenet3d.training import Trainer, TrainerConfig

HELD_OUT = ("S02", "S06")
PITCH = {"cmu14": 12.7, "cmu14-wild": 15.0}
"""The mean pitch of a rig's cameras, degrees: what `gravity` is told."""
SAMPLERS = ("uniform", "gravity", "learned", "learned_spread")
CASES = (
    *((rig, sampler, "") for rig in PITCH for sampler in SAMPLERS),
    ("cmu14", "learned", "legs"),
)
"""Rig, sampler, and what is hidden from the network."""
LOOKS = (60, 100, 200, 300, 400, 500, 600, 700, 800)
"""Steps at which the guard decides, as by its defaults, and at which the truth is asked."""
EVERY = 20
HALF_A_SECOND = 25
LEGS = LSP_14.indices("right_knee", "left_knee", "right_ankle", "left_ankle")
HIPS = LSP_14.indices("right_hip", "left_hip")


def main() -> None:
    """Run what is missing and write the page."""
    arguments = parse()
    told = facts(arguments)
    arguments.results.parent.mkdir(exist_ok=True)
    kept = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    runs = kept.get("runs", []) if kept.get("facts", {}).get("sizes") == told["sizes"] else []
    clips = load_motion(arguments.data)
    anatomy = measure(clips)
    record = {"facts": told, "anatomy": anatomy, "runs": runs}
    for case, seed in todo(arguments, runs):
        if time.process_time() > 60 * arguments.minutes:
            break
        runs += both(arguments, stage_for(clips, case[0], case[2]), case, seed)
        arguments.results.write_text(json.dumps(record, indent=1) + "\n")
    write(arguments, record)
    print(arguments.results.with_suffix(".md").read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="training motion")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-3, help="the lifter's learning rate")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of processor time")
    parser.add_argument("--only", nargs="+", help="cases, such as cmu14/learned or .../legs")
    folder = Path(__file__).parent / "results"
    parser.add_argument("--results", type=Path, default=folder / "depth_mirror.json")
    return parser.parse_args()


def facts(arguments: argparse.Namespace) -> dict:
    """What all runs have in common."""
    sizes = {name: getattr(arguments, name) for name in ("steps", "channels", "batch", "rate")}
    options = " ".join(f"--{name} {value}" for name, value in sizes.items())
    return {
        "command": f"OMP_NUM_THREADS=1 python benchmarks/depth_mirror.py --data DATA {options}",
        "sizes": sizes,
        "asked": 2 * arguments.seeds * len(CASES),
        "held_out": HELD_OUT,
        "versions": library_versions(),
    }


def todo(arguments: argparse.Namespace, runs: list[dict]) -> Iterator[tuple[tuple, int]]:
    """The cases and seeds that have no run yet, seed by seed."""
    done = {(run["rig"], run["sampler"], run["hidden"], run["seed"]) for run in runs}
    cases = [case for case in CASES if not arguments.only or named(case) in arguments.only]
    jobs = [(c, s) for s, c in itertools.product(range(arguments.seeds), cases)]
    yield from track([job for job in jobs if (*job[0], job[1]) not in done], "runs")


def named(case: tuple) -> str:
    """A case on the command line."""
    return "/".join(part for part in case if part)


class Stage:
    """What the runs of a rig share: the 2D to train on, and held-out poses with their truth."""

    def __init__(
        self,
        clips: tuple[MotionClip, ...],
        rig: str,
        hidden: str,
        held_out: Collection[str],
    ) -> None:
        detector = without_legs if hidden else None
        rest = film([clip for clip in clips if clip.subject not in held_out], rig)
        if detector is not None:
            seen = {name: detector(each) for name, each in rest.sequences.items()}
            rest = TrainingSet(seen)
        self.training, self.joints = rest, [j for j in range(14) if not (hidden and j in LEGS)]
        windows, poses = [], []
        for clip in (clip for clip in clips if clip.subject in held_out):
            for sequence in sequences_of(clip, rig, detector=detector):
                points = torch.from_numpy(sequence.points).float()
                frames = torch.arange(4, len(points) - 4, HALF_A_SECOND)
                windows.append(points[frames[:, None] + torch.arange(-4, 5)])
                poses.append(torch.from_numpy(sequence.truth)[frames])
        self.windows, self.poses = torch.cat(windows), torch.cat(poses)
        flat = flat_depth(fill_windows(self.windows).double())[:, 4, self.joints]
        self.flat = float(p_mpjpe(flat, self.poses[:, self.joints]).mean())

    def look(self, model: PoseNet3D, every: int = 1) -> dict[str, float]:
        """The truth about a teacher, and both kinds of evidence on the same answers."""
        windows = self.windows[::every]
        answer = model.lift(windows)["teacher"].double()
        centre, truth = answer[:, 4, self.joints], self.poses[::every][:, self.joints]
        seen = visible_joints(windows) if model.config.missing_joints else None
        error, mirrored = p_mpjpe(centre, truth), p_mpjpe(depth_negated(centre), truth)
        return {
            "p_mpjpe": float(error.mean()),
            "mirrored": float(mirrored.mean()),
            "right": float((error < mirrored).double().mean()),
            "hinges": float(mirror_evidence(answer, seen).mean()),
            "trunk": float(trunk_evidence(answer).mean()),
        }


def without_legs(sequence: KeypointSequence) -> KeypointSequence:
    """No knees and ankles at all; no hips in every other half second."""
    points = sequence.to_layout("lsp_14").points.copy()
    points[:, LEGS] = float("nan")
    frames = torch.arange(len(points)) // HALF_A_SECOND % 2 == 1
    for hip in HIPS:
        points[frames.numpy(), hip] = float("nan")
    return KeypointSequence(
        points, layout="lsp_14", fps=sequence.fps, unit=sequence.unit, source=sequence.source
    )


_STAGES: dict[tuple[str, str], Stage] = {}


def stage_for(clips: tuple[MotionClip, ...], rig: str, hidden: str) -> Stage:
    """The rig's 2D and truth, made once."""
    if (rig, hidden) not in _STAGES:
        _STAGES[rig, hidden] = Stage(clips, rig, hidden, HELD_OUT)
    return _STAGES[rig, hidden]


def both(arguments: argparse.Namespace, stage: Stage, case: tuple, seed: int) -> list[dict]:
    """A run without the guard and the same with it, which is trained only if it differs."""
    off = run(arguments, stage, case, seed, guard=False)
    objected = [point["step"] for point in off["trace"] if point["running"] < 0]
    if not objected:
        return [off, {**off, "guard": True, "trained": False, "cpu_seconds": 0.0}]
    on = run(arguments, stage, case, seed, guard=True)
    first = [point["running"] for point in off["trace"] if point["step"] < objected[0]]
    if first != [point["running"] for point in on["trace"]][: len(first)]:
        raise RuntimeError(f"expected one run up to step {objected[0]}, got two: {case}, {seed}")
    return [off, on]


def run(
    arguments: argparse.Namespace, stage: Stage, case: tuple, seed: int, *, guard: bool
) -> dict:
    """One run's figures."""
    began = time.process_time()
    config = configuration(arguments, case, seed, guard=guard)
    trainer = Trainer(config, train_data=stage.training, progress=False)
    trace = []
    for record in trainer.records():
        if record.step in LOOKS:
            running = record.values["mirror_evidence"]
            trace.append(
                {"step": record.step, "running": running, **stage.look(trainer.model, every=4)}
            )
    report = trainer.report()
    rig, sampler, hidden = case
    return {
        "rig": rig, "sampler": sampler, "hidden": hidden, "guard": guard, "trained": True,
        "seed": seed, **stage.look(trainer.model), "pitch": report.camera_pitch_degrees,
        "turns": report.mirror_turns, "poses": len(stage.poses), "flat": stage.flat,
        "trace": trace,
        "accuracy": report.stages[0].end["discriminator_accuracy"],
        "cpu_seconds": time.process_time() - began, "commit": source_commit() or "unknown",
    }  # fmt: skip


def configuration(
    arguments: argparse.Namespace, case: tuple, seed: int, *, guard: bool
) -> TrainerConfig:
    """The first stage of `best`, small."""
    rig, sampler, hidden = case
    config = TrainerConfig.preset("best", seed=seed)
    options = {"pitch_degrees": PITCH[rig]} if sampler == "gravity" else {}
    changes = {
        "batch_size": arguments.batch,
        "log_every": EVERY,
        "loggers": [],
        "validation.every": None,
        "engine.threads": 1,
        "mirror_guard.enabled": guard,
        "network.missing_joints": bool(hidden),
        "network.backbone.options.channels": arguments.channels,
        "network.discriminator.options.channels": arguments.channels,
        "network.views": {"name": sampler, "options": options},
        "stages.teacher.steps": arguments.steps,
        "stages.teacher.optimizer.lr": arguments.rate,
        "stages.teacher.discriminator_optimizer.lr": 4 / 3 * arguments.rate,
    }
    config = config.override(changes)
    return config.model_copy(update={"stages": config.stages[:1]})


def write(arguments: argparse.Namespace, record: dict) -> None:
    """The results, the page and the picture."""
    arguments.results.write_text(json.dumps(record, indent=1) + "\n")
    arguments.results.with_suffix(".md").write_text(render(record))
    if record["runs"]:
        draw(record, arguments.results.with_suffix(".png"))


if __name__ == "__main__":
    main()
