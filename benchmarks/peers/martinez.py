"""Martinez et al., supervised: the ceiling for lifters of one frame."""

import sys
import types
from typing import ClassVar

import numpy as np
import torch
from adapter import About, Peer, Settings, adam
from film import Windows, rooted


class Adapter(Peer):
    """`main.py`'s training on its `src.model`: z-scored 2D to z-scored root-relative 3D."""

    about = About(
        name="Martinez",
        kind="supervised",
        repository="weigq/3d_pose_baseline_pytorch",
        folder="3d_pose_baseline_pytorch",
        licence="MIT",
        frames=1,
        joints="its first and last layer, made for 16 joints, are made again for 14",
        differences=(
            "`main.py` does not parse under Python 3.7 and later (`cuda(async=True)`), so its "
            "training loop is written again around `src.model`, `src.utils` and "
            "`src.data_process`",
            "`src` imports a progress bar from a submodule that is not there: an empty stand-in",
            "the learning rate decays over the budget as much as over its 200 epochs",
            "Adam is torch's fused one; `kaiming_normal` and `clip_grad_norm` by their present "
            "names",
        ),
    )
    published: ClassVar[Settings] = {
        "linear_size": 1024, "num_stage": 2, "dropout": 0.5, "lr": 1e-3, "lr_decay": 100_000,
        "lr_gamma": 0.96, "batch": 64, "epochs": 200, "max_norm": True,
    }  # fmt: skip
    small: ClassVar[Settings] = {"linear_size": 512, "dropout": 0.25, "batch": 256}

    def build(self, views):
        """Networks, optimisers and batches."""
        bar = types.ModuleType("progress.bar")
        bar.Bar = None
        sys.modules["progress"], sys.modules["progress.bar"] = types.ModuleType("progress"), bar
        torch.nn.init.kaiming_normal = torch.nn.init.kaiming_normal_
        import src.utils
        from src.model import LinearModel, weight_init

        settings, self.tools = self.settings, src.utils
        points = [view.points.reshape(len(view), -1) for view in views]
        joints = [rooted(view.joints).reshape(len(view), -1) for view in views]
        self.mean, self.std = _statistics(points)
        self.joints_mean, self.joints_std = _statistics(joints)
        self.points = Windows(points, settings.batch, self.seed)
        self.joints = Windows(joints, settings.batch, self.seed)
        self.model = LinearModel(settings.linear_size, settings.num_stage, settings.dropout)
        self.model.w1 = torch.nn.Linear(14 * 2, settings.linear_size)
        self.model.w2 = torch.nn.Linear(settings.linear_size, 14 * 3)
        self.model.apply(weight_init)
        self.optimizer = adam(self.model.parameters(), settings.lr)
        self.parts = {"model": self.model, "optimizer": self.optimizer}

    @property
    def published_steps(self):
        """Its own number of epochs, on this film."""
        return self.settings.epochs * self.points.steps_an_epoch

    def step(self, number):
        """One step of its training."""
        settings = self.settings
        of_published = (number + 1) * self.published_steps / self.steps
        self.tools.lr_decay(
            self.optimizer, of_published, settings.lr, settings.lr_decay, settings.lr_gamma
        )
        self.model.train()
        points = (self.points(number)[:, 0] - self.mean) / self.std
        joints = (self.joints(number)[:, 0] - self.joints_mean) / self.joints_std
        self.optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(self.model(points), joints)
        loss.backward()
        if settings.max_norm:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=1)
        self.optimizer.step()
        return {"mse": loss.item(), "windows": len(points)}

    @torch.no_grad()
    def lift(self, points):
        """Poses (frames, 14, 3) of a sequence (frames, 14, 2)."""
        from src.data_process import unNormalizeData

        self.model.eval()
        flat = torch.from_numpy(points.reshape(len(points), -1).astype(np.float32))
        answer = self.model((flat - self.mean) / self.std).numpy()
        mean, std = self.joints_mean.numpy(), self.joints_std.numpy()
        return unNormalizeData(answer, mean, std, np.arange(14 * 3)).reshape(-1, 14, 3)


def _statistics(sequences):
    """Mean and standard deviation of each number over all frames."""
    frames = torch.from_numpy(np.concatenate(sequences))
    return frames.mean(dim=0).float(), frames.std(dim=0).float()
