"""Whole runs that `training.py` times through the trainer: two ranks, and the paper's recipe."""

import csv
import itertools
import os
import tempfile
import time
from pathlib import Path

RECORDS, STEPS_A_RECORD = 8, 15
CLIPS, SECONDS = 150, 52.0
"""150 clips of 52 seconds at 50 Hz seen by four cameras: 1,560,000 frames."""


def two_ranks(case: dict) -> dict:
    """Seconds a step of stage 1 of the preset `quick` on so many ranks, one thread each.

    Wall seconds by the run's records, and processor seconds of all ranks together, which other
    programs on the machine do not touch.
    """
    from posenet3d.training import Trainer, TrainerConfig

    load = os.getloadavg()[0]
    config = TrainerConfig.preset("quick", seed=case["seed"], log_every=STEPS_A_RECORD)
    config = config.override(
        {
            "stages.teacher.steps": RECORDS * STEPS_A_RECORD,
            "engine.accelerator": "cpu",
            "engine.devices": case["ranks"],
            "engine.strategy": "ddp_fork",
            "engine.threads": 1,
        }
    )
    config = config.model_copy(update={"stages": config.stages[:1]})
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        trainer = Trainer(config, train_data=case["data"], run_dir=run, progress=False)
        began = processor_seconds()
        trainer.fit()
        used = (processor_seconds() - began) / (RECORDS * STEPS_A_RECORD)
        with (run / "metrics.csv").open(newline="") as file:
            times = [float(row["seconds"]) for row in csv.DictReader(file)]
    apart = [(b - a) / STEPS_A_RECORD for a, b in itertools.pairwise(times[1:])]
    return {
        "seconds": apart,
        "processor": used,
        "batch": config.batch_size,
        "load": [load, os.getloadavg()[0]],
    }


def processor_seconds() -> float:
    """What this process and those it has forked have computed."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def recipe(case: dict) -> dict:
    """Seconds of the paper's four stages on 1.56 million frames of synthetic 2D, end to end."""
    import torch

    from posenet3d.data.synthetic import synthetic_training_set
    from posenet3d.training import Trainer, TrainerConfig

    began = time.perf_counter()
    data = synthetic_training_set(clips=CLIPS, seconds=SECONDS, seed=case["seed"])
    made = time.perf_counter()
    config = TrainerConfig.preset("paper", seed=case["seed"]).override(
        {
            "engine.precision": case["precision"],
            "engine.step": case["step"],
            "health.collapsed": "warn",
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            config, train_data=data, run_dir=folder, device=case["device"], progress=False
        )
        report = trainer.fit()
    return {
        "seconds": time.perf_counter() - made,
        "data_seconds": made - began,
        "frames": data.frames,
        "stages": {stage.name: stage.seconds for stage in report.stages},
        "memory": torch.cuda.max_memory_allocated(),
    }
