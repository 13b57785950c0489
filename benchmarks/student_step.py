"""Memory and time of one student step at the paper's batch: 6000 windows of 9 frames.

    OMP_NUM_THREADS=1 python benchmarks/student_step.py

A step of the stages `distillation` (fixed regressor) and `sja` (learnt regressor) of the preset
`paper`, each in a process of its own, on the CPU: joints only, no mesh. The peak is the process's
largest resident size, torch and the body included. Results go to
`benchmarks/results/student_step.md`.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

STAGES = ("distillation", "sja")
LIMIT_GIB = 8


def main() -> None:
    """Run each stage in a process of its own, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=STAGES, help="Run this stage here and print the record.")
    parser.add_argument("--windows", type=int, default=6000)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    if arguments.stage:
        print(json.dumps(measure(arguments.stage, arguments.windows)))
        return
    records = [in_own_process(stage, arguments.windows) for stage in STAGES]
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / "student_step.md"
    page.write_text(render(records, arguments.windows))
    print(page.read_text())


def in_own_process(stage: str, windows: int) -> dict:
    """The record of a stage, measured in a fresh process."""
    command = [sys.executable, __file__, "--stage", stage, "--windows", str(windows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(stage_name: str, windows: int) -> dict:
    """Take two steps of a stage; peak resident memory in GiB, and seconds of the second step."""
    import torch

    from posenet3d.data import film
    from posenet3d.data.synthetic import synthetic_motion
    from posenet3d.training import Trainer, TrainerConfig
    from posenet3d.training.stage_run import StageRun
    from posenet3d.training.step import only_training

    config = TrainerConfig.preset("paper", seed=0, batch_size=windows)
    clips = film(synthetic_motion(clips=9, seconds=4.0), "cmu14")
    trainer = Trainer(config, train_data=clips, progress=False, device="cpu")
    trainer.model.metres_per_unit.fill_(0.7)
    index = [stage.name for stage in config.stages].index(stage_name)
    stage = config.stages[index]
    with only_training(trainer.model, stage):
        run = StageRun(trainer.model, config, stage, trainer._objectives[index], trainer.windows)
        run.step()
        began = time.monotonic()
        run.step()
    return {
        "stage": stage_name,
        "seconds": time.monotonic() - began,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def render(records: list[dict], windows: int) -> str:
    """The page of results."""
    from posenet3d.evaluation.provenance import source_commit

    first = records[0]
    lines = [
        f"# A student step, {windows} windows of 9 frames",
        "",
        f"Command: `python benchmarks/student_step.py --windows {windows}`, seed 0, commit "
        f"{source_commit() or 'unknown'}.",
        f"Machine: {os.cpu_count()} cores, {first['threads']} thread(s), CPU, torch "
        f"{first['torch']}. Preset `paper` (1024 channels), synthetic motion, second step of two.",
        "",
        f"| stage | peak resident memory | at most {LIMIT_GIB} GiB | seconds |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {record['stage']} | {record['peak_gib']:.1f} GiB "
        f"| {'yes' if record['peak_gib'] <= LIMIT_GIB else 'NO'} | {record['seconds']:.0f} |"
        for record in records
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
