"""Chen et al. 2019, in lyuheng's implementation: one frame, adversarial, two discriminators."""

import importlib
import sys
import types
from typing import ClassVar

import numpy as np
import torch
from adapter import About, Peer, Settings, adam
from film import Windows, frame_scaled, with_pelvis

JOINTS = 15


class Adapter(Peer):
    """One of its training scripts: its own `train`, a batch at a time, as its `main` calls it."""

    about = About(
        name="Chen et al. (lyuheng)",
        kind="2D only",
        repository="lyuheng/unsupervised_3d_pose",
        folder="unsupervised_3d_pose",
        licence="MIT",
        frames=1,
        joints="15: the middle of the hips as its root joint, then our 14, which are judged; the "
        "first and last layers, made for 17, are made again for 15",
        differences=(
            "its `train` itself is called, on our batches; it returns after one batch, so its "
            "50,001 epochs are 50,001 steps",
            "its views turn about the camera's vertical axis alone, while CMU-14's cameras look "
            "down, and it projects without perspective: a pose and its depth mirror give the same "
            "set of such views, pose by pose, so little settles the sign of either (compare its "
            "error with a reflection allowed)",
            "slices of a batch are copies, as they are on a GPU; its views need that",
            "only for `train_h36m_v2`: the joint count in its `lift_proj` (constants 34 and 51) is "
            "30 and 45; its azimuth turns about the optical axis, not the vertical, and stays so",
            "`cv2`, which only its drawing needs, is an empty stand-in",
            "poses are scaled back by each frame's scale, so that a sequence has one size",
            "Adam is torch's fused one",
        ),
    )
    published: ClassVar[Settings] = {
        "script": "train_h36m", "linear_size": 1024, "dropout": 0.5, "batch": 1024,
        "steps": 50_001, "lift_lr": None, "disc_lr": None, "weight_2d": None, "weight_3d": None,
        "weight_wt": None, "lamda_gp": None, "length": None,
    }  # fmt: skip
    """None: as the script's own arguments have it. Scripts: `train_h36m` (orthographic, standard
    GAN), `train_h36m_wgan_gp`, `train_h36m_v2` (perspective, WGAN-GP)."""
    small: ClassVar[Settings] = {
        "linear_size": 256,
        "batch": 64,
        "lift_lr": 5e-4,
        "disc_lr": 5e-4,
    }

    def build(self, views):
        """Networks, optimisers and batches."""
        settings = self.settings
        self.script, self.arguments = _script(settings)
        models = importlib.import_module("models.model")
        self.perspective = hasattr(self.script, "lift_proj")
        judge = getattr(self.script, "Discriminator_wgan", self.script.Discriminator)
        make = {"linear_size": settings.linear_size, "p_dropout": settings.dropout}
        self.networks = self.script.Lifter(**make), judge(**make), judge(**make)
        for network, outputs in zip(self.networks, (JOINTS, 1, 1), strict=True):
            network.w1 = torch.nn.Linear(JOINTS * 2, settings.linear_size)
            network.w2 = torch.nn.Linear(settings.linear_size, outputs)
            models.weight_init(network.w1)
            models.weight_init(network.w2)
        rates = self.arguments.lift_lr, self.arguments.disc_lr, self.arguments.disc_lr
        self.optimizers = [
            adam(network.parameters(), rate)
            for network, rate in zip(self.networks, rates, strict=True)
        ]
        self.windows = Windows(
            [self.normalised(view.points)[0] for view in views],
            settings.batch, self.seed, length=self.arguments.length, stride=2,
        )  # fmt: skip
        names = ("lifter", "discriminator", "discriminator_of_differences")
        self.parts = dict(zip(names, self.networks, strict=True))
        self.parts |= {
            f"optimizer_{name}": one for name, one in zip(names, self.optimizers, strict=True)
        }

    def normalised(self, points):
        """(frames, 30) as its `normalize_2d` has them, and each frame's scale."""
        scaled, scale = frame_scaled(points)
        size = 0.1 if self.perspective else 1.0
        return size * with_pelvis(scaled).reshape(len(points), -1), scale / size

    @property
    def published_steps(self):
        """Its own number of epochs, on this film."""
        return self.settings.steps

    def step(self, number):
        """One step of its training."""
        points = self.windows(number)
        batch = (_Copied(points), torch.zeros(len(points)), torch.zeros(len(points)))
        losses = self.script.train(
            [batch], *self.networks, *self.optimizers, number, torch.device("cpu"), self.arguments
        )
        names = ("loss_2d", "loss_3d", "adversarial", "temporal")
        return {**dict(zip(names, losses, strict=True)), "windows": len(points)}

    @torch.no_grad()
    def lift(self, points):
        """Poses (frames, 14, 3) of a sequence (frames, 14, 2)."""
        lifter = self.networks[0].eval()
        flat, scale = self.normalised(points)
        flat = torch.from_numpy(flat.astype(np.float32))
        depth = lifter(flat)[..., None]
        plane = flat.view(len(points), JOINTS, 2)
        if self.perspective:
            depth = torch.clamp(10 + depth, min=0.0) + 1.0
            plane = plane * depth
        poses = torch.cat([plane, depth], dim=-1).numpy()
        return (poses * scale)[:, 1:]


class _Copied:
    """A batch whose slices are copies, as they are on their way to a GPU: its views need that."""

    def __init__(self, points):
        self.points, self.size = points, points.size

    def __getitem__(self, which):
        return self.points[which].contiguous()


def _script(settings):
    """A training script with what its arguments are, changed where the settings say so."""
    sys.modules.setdefault("cv2", types.ModuleType("cv2"))
    asked, sys.argv = sys.argv, [settings.script]
    try:
        script = importlib.import_module(settings.script)
    finally:
        sys.argv = asked
    for name, value in vars(settings).items():
        if value is not None and hasattr(script.args, name):
            setattr(script.args, name, value)
    if hasattr(script, "lift_proj"):
        code = script.lift_proj.__code__
        ours = {17 * axes: JOINTS * axes for axes in (2, 3)}
        constants = tuple(ours.get(one, one) for one in code.co_consts)
        script.lift_proj.__code__ = code.replace(co_consts=constants)
    return script, script.args
