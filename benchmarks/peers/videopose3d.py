"""VideoPose3D, supervised, receptive field 9: the ceiling for lifters of nine frames."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from adapter import About, Peer, Settings, adam, set_rate
from film import LEFT, RIGHT, rooted

from posenet3d.evaluation.sequences import MILLIMETRES


class Adapter(Peer):
    """`run.py`'s supervised training with `--architecture 3,3`, on its networks and generators."""

    about = About(
        name="VideoPose3D RF 9",
        kind="supervised",
        repository="facebookresearch/VideoPose3D",
        folder="VideoPose3D",
        licence="CC BY-NC 4.0 (non-commercial; not ours to ship)",
        frames=9,
        joints="14 in, 14 out; targets are relative to the middle of the hips, which its pelvis "
        "joint (fixed at zero) is in its own data",
        differences=(
            "`run.py` reads its arguments and files when imported, so its training loop is written "
            "again around its `common.model`, `common.generators` and `common.loss`",
            "the decay of learning rate and BatchNorm momentum runs over the budget: an epoch of "
            "the schedule is a sixtieth of it",
            "Adam with amsgrad is torch's fused one",
        ),
    )
    published: ClassVar[Settings] = {
        "channels": 1024, "batch": 1024, "lr": 1e-3, "lr_decay": 0.95, "epochs": 60,
        "dropout": 0.25, "flips": True, "test_flips": True,
    }  # fmt: skip
    small: ClassVar[Settings] = {"channels": 256}

    def build(self, views):
        """Networks, optimisers and batches."""
        from common.generators import ChunkedGenerator
        from common.loss import mpjpe
        from common.model import TemporalModel, TemporalModelOptimized1f

        settings, self.loss = self.settings, mpjpe
        options = {"filter_widths": [3, 3], "dropout": settings.dropout}
        options |= {"channels": settings.channels}
        self.learner = TemporalModelOptimized1f(14, 2, 14, **options)
        self.lifter = TemporalModel(14, 2, 14, **options)
        self.pad = (self.lifter.receptive_field() - 1) // 2
        self.batches = ChunkedGenerator(
            settings.batch, None, [rooted(v.joints) / MILLIMETRES for v in views],
            [v.points for v in views], 1, pad=self.pad, shuffle=True, augment=settings.flips,
            kps_left=LEFT, kps_right=RIGHT, joints_left=LEFT, joints_right=RIGHT,
        )  # fmt: skip
        self.optimizer = adam(self.learner.parameters(), settings.lr, amsgrad=True)
        self.parts = {"learner": self.learner, "optimizer": self.optimizer}
        self.epoch: Iterator | None = None

    @property
    def published_steps(self):
        """Its own number of epochs, on this film."""
        return self.settings.epochs * self.batches.num_batches

    def step(self, number):
        """One step of its training."""
        self.schedule(number * self.settings.epochs // self.steps)
        self.learner.train()
        _, joints, points = self.next_batch(number)
        joints = torch.from_numpy(joints.astype("float32"))
        points = torch.from_numpy(points.astype("float32"))
        self.optimizer.zero_grad()
        loss = self.loss(self.learner(points), joints)
        loss.backward()
        self.optimizer.step()
        return {"mpjpe_mm": MILLIMETRES * loss.item(), "windows": len(points)}

    def schedule(self, epoch):
        """Learning rate and BatchNorm momentum of an epoch, as `run.py` has them."""
        set_rate(self.optimizer, self.settings.lr * self.settings.lr_decay**epoch)
        self.learner.set_bn_momentum(
            0.1 * np.exp(-epoch / self.settings.epochs * np.log(0.1 / 0.001))
        )

    def next_batch(self, number):
        """The generator's batch of a step; a resumed run starts within its epoch."""
        epoch, place = divmod(number, self.batches.num_batches)
        if place == 0 or self.epoch is None:
            self.batches.set_random_state(np.random.RandomState([self.seed, epoch]))
            self.batches.state = None
            _, pairs = self.batches.next_pairs()
            self.batches.state = (place, pairs)
            self.epoch = self.batches.next_epoch()
        return next(self.epoch)

    @torch.no_grad()
    def lift(self, points):
        """Poses (frames, 14, 3) of a sequence (frames, 14, 2)."""
        from common.generators import UnchunkedGenerator

        self.lifter.load_state_dict(self.learner.state_dict())
        self.lifter.eval()
        one = UnchunkedGenerator(
            None, None, [points], pad=self.pad, augment=self.settings.test_flips,
            kps_left=LEFT, kps_right=RIGHT, joints_left=LEFT, joints_right=RIGHT,
        )  # fmt: skip
        _, _, padded = next(one.next_epoch())
        poses = self.lifter(torch.from_numpy(padded.astype("float32")))
        if self.settings.test_flips:
            poses[1, :, :, 0] *= -1
            poses[1, :, LEFT + RIGHT] = poses[1, :, RIGHT + LEFT]
        return poses.mean(dim=0).numpy()
