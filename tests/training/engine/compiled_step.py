"""Take one step of a stage, eagerly and compiled, and compare; a program that a test runs.

With dropout and noise: both draw the same numbers. Later steps drift apart by rounding.
"""

import math
import sys

from posenet3d.data.synthetic import synthetic_training_set
from posenet3d.training import Trainer, TrainerConfig
from posenet3d.training.stage_run import StageRun
from posenet3d.training.step import only_training

NARROW = {"name": "temporal", "options": {"channels": 8}}


def main(stage):
    eager, compiled = (values(stage, mode) for mode in ("eager", "compiled"))
    assert eager.keys() == compiled.keys(), (eager.keys(), compiled.keys())
    for name in eager.keys() - {"seconds"}:
        alike = math.isclose(eager[name], compiled[name], rel_tol=1e-3, abs_tol=1e-6)
        assert alike, (name, eager[name], compiled[name])
    print("the same")


def values(stage, mode):
    config = TrainerConfig.preset(
        "paper",
        network={"backbone": NARROW, "discriminator": NARROW, "views": "learned"},
        batch_size=4,
        input_noise=0.01,
        engine={"step": mode},
    )
    short = {f"stages.{each.name}.{unit}": 6 if unit == "steps" else None
             for each in config.stages for unit in ("steps", "epochs")}  # fmt: skip
    data = synthetic_training_set(clips=2, seconds=1.0)
    made = Trainer(config.override(short), train_data=data, device="cpu", progress=False)
    made.model.metres_per_unit.fill_(0.5)
    chosen = made.config.stages[stage]
    with only_training(made.model, chosen):
        run = StageRun(
            made.model, made.config, chosen, made._objectives[stage], made.windows, made.engine
        )
        run.begin()
        run.step()
        return run.record().values


if __name__ == "__main__":
    main(int(sys.argv[1]))
