"""Trace the losses of the stages that are named whole; a program that a test runs.

The backend ``eager`` only traces: it needs no C++ compiler. Garbage is left: there is room for it,
and to look for it takes a sixth of the time.
"""

import gc
import sys

import torch

from posenet3d.networks import PoseNet3D
from posenet3d.nn import hide
from posenet3d.plugins import GROUPS
from posenet3d.training import ForwardSettings, TrainerConfig
from posenet3d.training.adversary import FORMS
from posenet3d.training.engine import Share
from posenet3d.training.frozen_lifter import FrozenLifter
from posenet3d.training.halves import LifterHalf
from posenet3d.training.step import only_training

NARROW = {"name": "temporal", "options": {"channels": 8}}


def main(names):
    gc.disable()
    config = TrainerConfig.preset("paper", network={"backbone": NARROW, "discriminator": NARROW})
    torch.manual_seed(0)
    model = PoseNet3D(config.network)
    model.metres_per_unit.fill_(0.5)
    batch = torch.randn(4, 10, 14, 2)
    for stage in (stage for stage in config.stages if stage.name in names):
        objectives = {name: GROUPS["losses"].load(name) for name in stage.losses}
        with only_training(model, stage):
            settings = ForwardSettings(form=FORMS["standard"])
            half = LifterHalf(model, stage, objectives, settings, Share())
            check(half, batch, half.draw(4, seed=0))
        print(f"{stage.name}: one graph")
    if "denoising" in names:
        denoising(batch)


def denoising(exact):
    config = TrainerConfig.preset("detected")
    (stage,), model = config.stages, PoseNet3D(config.network)
    objectives = {name: GROUPS["losses"].load(name) for name in stage.losses}
    spoilt = hide(exact, torch.rand(exact.shape[:-1]) < 0.2)
    with only_training(model, stage):
        settings, before = ForwardSettings(form=FORMS["standard"]), FrozenLifter(model)
        half = LifterHalf(model, stage, objectives, settings, Share(), before=before)
        check(half, spoilt, {}, exact)
    print(f"{stage.name}: one graph")


def check(half, batch, views, exact=None):
    torch.compiler.reset()
    torch.manual_seed(3)
    expected = half.losses(batch, views, exact)
    torch.manual_seed(3)
    found = torch.compile(half.losses, fullgraph=True, backend="eager")(batch, views, exact)
    torch.testing.assert_close(found.total, expected.total)
    torch.testing.assert_close(found.values, expected.values)


if __name__ == "__main__":
    main(sys.argv[1:])
