"""Trace the losses of each stage whole; a program that a test runs.

The backend ``eager`` only traces: it needs no C++ compiler.
"""

import torch

from posenet3d.networks import PoseNet3D
from posenet3d.plugins import GROUPS
from posenet3d.training import ForwardSettings, TrainerConfig
from posenet3d.training.adversary import FORMS
from posenet3d.training.engine import Share
from posenet3d.training.halves import LifterHalf
from posenet3d.training.step import only_training

NARROW = {"name": "temporal", "options": {"channels": 8}}


def main():
    config = TrainerConfig.preset("paper", network={"backbone": NARROW, "discriminator": NARROW})
    torch.manual_seed(0)
    model = PoseNet3D(config.network)
    model.metres_per_unit.fill_(0.5)
    batch = torch.randn(4, 10, 14, 2)
    for stage in config.stages:
        objectives = {name: GROUPS["losses"].load(name) for name in stage.losses}
        with only_training(model, stage):
            settings = ForwardSettings(form=FORMS["standard"])
            half = LifterHalf(model, stage, objectives, settings, Share())
            check(half, batch, half._draw(4))
        print(f"{stage.name}: one graph")


def check(half, batch, views):
    torch.compiler.reset()
    torch.manual_seed(3)
    expected = half.losses(batch, views)
    torch.manual_seed(3)
    found = torch.compile(half.losses, fullgraph=True, backend="eager")(batch, views)
    torch.testing.assert_close(found.total, expected.total)
    torch.testing.assert_close(found.values, expected.values)


if __name__ == "__main__":
    main()
