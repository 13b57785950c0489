"""Try changes to the teacher's stage on training subjects that are held out of it.

    OMP_NUM_THREADS=1 python benchmarks/teacher_trials.py --data cmu_train.npz \
        --trial quick --trial best

A trial is a preset, with changes after colons: `quick:batch_size=128`. Its first stage alone is
trained for `--steps` steps on all subjects but `--hold-out`, filmed by the rig's training cameras,
and judged on those. Rows are kept in `benchmarks/results/teacher_trials.json`; a trial that is
there already, of the same commit, is not run again. The test subjects are never looked at.
"""

import argparse
import json
import time
from pathlib import Path

from posenet3d.data import film, load_motion
from posenet3d.evaluation import evaluate
from posenet3d.evaluation.provenance import source_commit
from posenet3d.training import Trainer, TrainerConfig

KEY = ("trial", "seed", "steps", "commit", "held_out")


def main() -> None:
    """Run what is missing, and write the page."""
    arguments = parse()
    records = json.loads(arguments.results.read_text()) if arguments.results.exists() else []
    done = {tuple(map(str, (record[name] for name in KEY))) for record in records}
    for trial in arguments.trial:
        for seed in arguments.seeds:
            told = {
                "trial": trial, "seed": seed, "steps": arguments.steps,
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
    parser.add_argument("--trial", action="append", required=True, help="PRESET[:KEY=VALUE]...")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--hold-out", nargs="+", default=["S02", "S06"])
    folder = Path(__file__).parent / "results"
    parser.add_argument("--results", type=Path, default=folder / "teacher_trials.json")
    return parser.parse_args()


def run(arguments: argparse.Namespace, trial: str, seed: int) -> dict:
    """One trial's figures."""
    clips = load_motion(arguments.data)
    held = [clip for clip in clips if clip.subject in arguments.hold_out]
    rest = [clip for clip in clips if clip.subject not in arguments.hold_out]
    trainer = Trainer(configuration(arguments, trial, seed), train_data=film(rest, "cmu14"))
    began = time.process_time()
    report = trainer.fit()
    seconds = time.process_time() - began
    judged = evaluate(trainer.model.lift, held, "cmu14", frames=trainer.config.network.frames)
    return {
        "p_mpjpe": judged["teacher"].p_mpjpe,
        "flat": judged["flat"].p_mpjpe,
        "pitch": report.camera_pitch_degrees,
        "accuracy": report.stages[0].end["discriminator_accuracy"],
        "turns": report.mirror_turns,
        "cpu_seconds": seconds,
    }


def configuration(arguments: argparse.Namespace, trial: str, seed: int) -> TrainerConfig:
    """The preset's first stage, with the trial's changes."""
    preset, *changes = trial.split(":")
    config = TrainerConfig.preset(preset, seed=seed)
    first = config.stages[0].model_copy(update={"steps": arguments.steps, "epochs": None})
    stages = [first.model_dump(mode="json")]
    config = TrainerConfig.parse({**config.model_dump(mode="json"), "stages": stages})
    pairs = dict(change.split("=", 1) for change in changes)
    return config.override({"validation.every": None, "engine.threads": 1, **pairs})


def render(records: list[dict]) -> str:
    """The page of results."""
    command = "OMP_NUM_THREADS=1 python benchmarks/teacher_trials.py --data cmu_train.npz"
    lines = [
        "# Trials of the teacher's stage, on held-out training subjects",
        "",
        f"Command: `{command} --trial TRIAL --seeds SEED --steps STEPS`; one thread. The first "
        "stage alone, on all training subjects but those held out, which are judged as `posenet3d "
        "evaluate` does. Choices were made on these subjects: the figures say which change helps, "
        "not how good a lifter is on new people. A row is one run.",
        "",
        "| trial | seed | steps | P-MPJPE, mm | flat, mm | pitch | D accuracy at the end "
        "| turned round | CPU s | held out | commit |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{row['trial']}` | {row['seed']} | {row['steps']} | {row['p_mpjpe']:.1f} "
        f"| {row['flat']:.1f} | {row['pitch']:.1f} | {row['accuracy']:.2f} | {row['turns']} "
        f"| {row['cpu_seconds']:.0f} | {', '.join(row['held_out'])} | {row['commit'][:10]} |"
        for row in records
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
