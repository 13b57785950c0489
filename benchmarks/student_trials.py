"""Try students on one trained teacher, judged on training subjects that are held out.

    OMP_NUM_THREADS=1 python benchmarks/student_trials.py --data cmu_train.npz \
        --teacher runs/best/stages/teacher --trial best --trial best:network.student=student

A trial is a preset, with changes after colons (a value is JSON or a bare word): its second and
third stage (distillation, SJA) are trained on a teacher that is there, on all subjects but
`--hold-out`, and judged on those after each stage. The teacher must not have seen them either
(`benchmarks/relations.py` and `pretrained.py` leave such teachers in their runs). Rows are kept in
`benchmarks/results/student_trials.json`; a trial that is there already, of the same commit and
teacher, is not run again. The test subjects are never looked at.
"""

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path

import torch

from posenet3d.data import film, load_motion
from posenet3d.evaluation import evaluate
from posenet3d.evaluation.provenance import source_commit
from posenet3d.networks import PoseNet3D, load_model
from posenet3d.training import Trainer, TrainerConfig

KEY = ("trial", "seed", "teacher_sha256", "commit", "held_out")
COLUMNS = ("teacher", "student", "mean", "flat")


def main() -> None:
    """Run what is missing, and write the page."""
    arguments = parse()
    records = json.loads(arguments.results.read_text()) if arguments.results.exists() else []
    done = {tuple(map(str, (record[name] for name in KEY))) for record in records}
    digest = hashlib.sha256((arguments.teacher / "model.safetensors").read_bytes()).hexdigest()
    for trial in arguments.trial:
        for seed in arguments.seeds:
            told = {
                "trial": trial, "seed": seed, "teacher_sha256": digest,
                "commit": source_commit() or "unknown", "held_out": sorted(arguments.hold_out),
            }  # fmt: skip
            if tuple(map(str, told.values())) not in done:
                records.append(told | run(arguments, trial, seed))
                arguments.results.write_text(json.dumps(records, indent=1) + "\n")
    page = render(records)
    arguments.results.with_suffix(".md").write_text(page)
    print(page)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="training motion")
    parser.add_argument("--teacher", type=Path, required=True, help="a stage's folder of a run")
    parser.add_argument("--trial", action="append", required=True, help="PRESET[:KEY=VALUE]...")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--hold-out", nargs="+", default=["S02", "S06"])
    parser.add_argument("--protocol", default="cmu14")
    folder = Path(__file__).parent / "results"
    parser.add_argument("--results", type=Path, default=folder / "student_trials.json")
    return parser.parse_args()


def run(arguments: argparse.Namespace, trial: str, seed: int) -> dict:
    """One trial's figures, after distillation and after SJA."""
    clips = load_motion(arguments.data)
    held = [clip for clip in clips if clip.subject in arguments.hold_out]
    rest = [clip for clip in clips if clip.subject not in arguments.hold_out]
    config = configuration(trial, seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            config, train_data=film(rest, arguments.protocol), run_dir=folder, device="cpu"
        )
        taught_by(trainer.model, load_model(arguments.teacher))
        began = time.process_time()
        trainer.fit()
        seconds = time.process_time() - began
        stages = {
            stage.name: judged(load_model(Path(folder, "stages", stage.name)), held, arguments)
            for stage in config.stages
        }
    steps = {stage.name: stage.steps for stage in config.stages}
    return {
        "protocol": arguments.protocol,
        "steps": steps,
        "stages": stages,
        "cpu_seconds": seconds,
    }


def configuration(trial: str, seed: int) -> TrainerConfig:
    """The preset's second and third stage, with the trial's changes."""
    preset, *changes = trial.split(":")
    pairs = dict(change.split("=", 1) for change in changes)
    config = TrainerConfig.preset(preset, seed=seed).override(
        {"validation.every": None, "engine.threads": 1}
        | {path: _value(text) for path, text in pairs.items()}
    )
    return config.model_copy(update={"stages": config.stages[1:3]})


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def taught_by(model: PoseNet3D, start: PoseNet3D) -> None:
    """Give a network the teacher of another."""
    for part in ("backbone", "teacher", "views", "discriminator"):
        model.part(part).load_state_dict(start.part(part).state_dict())


def judged(model: PoseNet3D, clips: list, arguments: argparse.Namespace) -> dict[str, float]:
    """P-MPJPE of every branch, and how far the student is from the teacher, mm."""
    found = evaluate(model.lift, clips, arguments.protocol, frames=model.config.frames)
    figures = {name: found[name].p_mpjpe for name in COLUMNS}
    return figures | {"gap": gap(model, clips, arguments.protocol)}


@torch.no_grad()
def gap(model: PoseNet3D, clips: list, protocol: str) -> float:
    """Mean distance of the student's joints from the teacher's, millimetres of the body."""
    windows = film(clips, protocol).windows(model.config.frames).sample(0, "gap", 0, 2000)[:, :-1]
    lifted = model.lift(windows)
    apart = (lifted["student"] - lifted["teacher"]).norm(dim=-1).mean()
    return 1000 * float(apart * model.metres_per_unit)


def render(records: list[dict]) -> str:
    """The page of results."""
    command = "OMP_NUM_THREADS=1 python benchmarks/student_trials.py --data cmu_train.npz"
    lines = [
        "# Trials of the student, on held-out training subjects",
        "",
        f"Command: `{command} --teacher STAGE --trial TRIAL --seeds SEED`; one thread. "
        "Distillation and SJA on a teacher that stays as it is, with all training subjects but "
        "those held out, which are judged as `posenet3d evaluate` does. *Gap* is the mean distance "
        "of the student's joints from the teacher's, in mm of the body. P-MPJPE in mm. Choices "
        "were made on these subjects: the figures say which change helps, not how good a lifter is "
        "on new people.",
        "",
        "| trial | seed | after | steps | teacher | student | mean | gap | flat | CPU s | rig "
        "| held out | teacher's digest | commit |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{row['trial']}` | {row['seed']} | {name} | {row['steps'][name]} "
        f"| {stage['teacher']:.1f} | {stage['student']:.1f} | {stage['mean']:.1f} "
        f"| {stage['gap']:.1f} | {stage['flat']:.1f} | {row['cpu_seconds']:.0f} "
        f"| {row['protocol']} | {', '.join(row['held_out'])} | {row['teacher_sha256'][:10]} "
        f"| {row['commit'][:10]} |"
        for row in records
        for name, stage in row["stages"].items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
