"""C3DPO: non-rigid structure from motion, one frame, orthographic, a basis of shapes."""

import sys
import types
from typing import ClassVar

import numpy as np
import torch
from adapter import About, Peer, Settings, adam, set_rate
from film import Windows, frame_scaled, rooted


class Adapter(Peer):
    """Its model, whose forward pass gives its loss, with `cfgs/h36m.yaml`'s settings."""

    about = About(
        name="C3DPO",
        kind="2D only",
        repository="facebookresearch/c3dpo_nrsfm",
        folder="c3dpo_nrsfm",
        licence="MIT",
        frames=1,
        joints="14, all visible; each frame's mean distance from the middle of the hips is 1, as "
        "in the Human3.6M sample of its `demo.py`",
        differences=(
            "`experiment.py` reads its own data sets, so its loop (zero, forward, backward, step) "
            "and its SGD are written again around its `model.C3DPO`",
            "`visdom`, which only its drawing needs, is an empty stand-in; its YAML holds Python "
            "objects and is not loaded: the values are written down in the adapter",
            "the schedule (90 epochs, rate a tenth from 60 and from 80) runs over the budget",
            "its own evaluation (`dataset/eval_zoo.py`) takes the better of depth and depth "
            "negated, pose by pose; here one sign is chosen for all, as for every 2D-only peer",
            "poses are scaled back by each frame's scale, so that a sequence has one size",
        ),
    )
    published: ClassVar[Settings] = {
        "n_fully_connected": 1024, "n_layers": 6, "shape_basis_size": 10, "batch": 1024,
        "breed": "sgd", "lr": 1e-3, "momentum": 0.9, "weight_decay": 5e-4, "epochs": 90,
        "epoch_windows": 1_249_280, "milestones": (60, 80), "gamma": 0.1, "n_rand_samples": 4,
    }  # fmt: skip
    small: ClassVar[Settings] = {"n_fully_connected": 256, "batch": 64, "breed": "adam"}

    def build(self, views):
        """Networks, optimisers and batches."""
        settings = self.settings
        visdom = types.ModuleType("visdom")
        visdom.Visdom = None
        sys.modules.setdefault("visdom", visdom)
        from model import C3DPO

        canonicalization = {
            "use": True, "n_layers": settings.n_layers, "rot_angle": float(np.pi),
            "n_rand_samples": settings.n_rand_samples,
            "n_fully_connected": settings.n_fully_connected,
        }  # fmt: skip
        self.model = C3DPO(
            n_keypoints=14, shape_basis_size=settings.shape_basis_size,
            n_fully_connected=settings.n_fully_connected, n_layers=settings.n_layers,
            z_augment_rot_angle=0.3925, z_equivariance_rot_angle=0.3925,
            independent_phi_for_aug=True, canonicalization=canonicalization,
        )  # fmt: skip
        decay = {"weight_decay": settings.weight_decay}
        if settings.breed == "sgd":
            self.optimizer = torch.optim.SGD(
                self.model.parameters(), lr=settings.lr, momentum=settings.momentum, **decay
            )
        else:
            self.optimizer = adam(self.model.parameters(), settings.lr, **decay)
        points = [frame_scaled(view.points)[0] for view in views]
        self.windows = Windows(points, settings.batch, self.seed)
        self.parts = {"model": self.model, "optimizer": self.optimizer}

    @property
    def published_steps(self):
        """Its own number of epochs, on this film."""
        return self.settings.epochs * self.settings.epoch_windows // self.settings.batch

    def step(self, number):
        """One step of its training."""
        settings = self.settings
        epoch = number * settings.epochs // self.steps
        passed = sum(epoch >= milestone for milestone in settings.milestones)
        set_rate(self.optimizer, settings.lr * settings.gamma**passed)
        self.model.train()
        points = self.windows(number)[:, 0].transpose(1, 2).contiguous()
        self.optimizer.zero_grad()
        made = self.model(kp_loc=points, kp_vis=torch.ones(len(points), 14))
        made["objective"].backward()
        self.optimizer.step()
        names = ("objective", "l_reprojection", "l_canonicalization")
        return {name: made[name].item() for name in names} | {"windows": len(points)}

    @torch.no_grad()
    def lift(self, points):
        """Poses (frames, 14, 3) of a sequence (frames, 14, 2)."""
        self.model.eval()
        scaled, scale = frame_scaled(points)
        seen = torch.from_numpy(scaled.astype(np.float32)).transpose(1, 2).contiguous()
        made = self.model(kp_loc=seen, kp_vis=torch.ones(len(seen), 14))
        poses = made["shape_image_coord"].transpose(1, 2).numpy()
        return rooted(poses) * scale
