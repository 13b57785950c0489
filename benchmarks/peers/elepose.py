"""ElePose 2022: a normalizing flow over 2D poses, and the camera's elevation learned beside.

Its repository has no licence: it may be run from a user's own checkout, and nothing of it is kept.
"""

from typing import ClassVar

import numpy as np
import torch
from adapter import About, Peer, Settings, adam, set_rate
from film import Windows, rooted, with_pelvis

JOINTS = 15
BONES = (
    (0, 3), (3, 2), (2, 1), (0, 4), (4, 5), (5, 6), (0, 13), (13, 14),
    (13, 10), (10, 11), (11, 12), (13, 9), (9, 8), (8, 7),
)  # fmt: skip
"""Bones between the 15 joints (the middle of the hips first): `utils.helpers`' 16, spine and head
in one piece each."""


class Adapter(Peer):
    """Its flow is trained first, as in `pretrain_inn_pca_gt.py`; then `train.py`'s lifter."""

    about = About(
        name="ElePose",
        kind="2D only",
        repository="bastianwandt/ElePose",
        folder="ElePose",
        licence="none: run only from a user's own checkout (its bundled FrEIA is MIT)",
        frames=1,
        joints="15: the middle of the hips as its root joint, then our 14, which are judged",
        differences=(
            "`train.py` starts wandb, asks for a GPU and reads Human3.6M when imported, so its "
            "steps are written again around `models_def`, `FrEIA`, `utils.rotation_conversions` "
            "and `utils.helpers.subnet_fc`; 16-bit floats become 32-bit ones",
            "its pretrained flow belongs to 17 joints of Human3.6M: one is trained here as its "
            "script does, for 1.1 times the lifter's steps (its 110 and 100 epochs), which come "
            "on top of the budget",
            "22 of 26 free dimensions of the PCA are kept (its 26 of 30: 17 joints less the root "
            "and the hips' symmetry); PCA by numpy, scikit-learn is not needed",
            "its relative bone lengths are means over Human3.6M's joints, and CMU's hips and "
            "shoulders are other joints, so that its prior, of weight 50, would hold against the "
            "true poses; here they are means over CMU-14's joints, from the 3D of the training "
            "clips: 14 numbers of truth, in its favour. `peers_elepose.md` has the figures",
            "its elevation and its depths have a mirror too, and in runs this short it may not be "
            "settled for all: of the held-out views some came out mirrored and others not, so "
            "that no one sign suits it; its own metric allows each pose a reflection, as the "
            "column of that name",
            "small: at the published rates its networks learn little in so few steps",
            "the rate's decay runs over the budget: an epoch is a hundredth of it",
            "Adam is torch's fused one",
        ),
    )
    published: ClassVar[Settings] = {
        "width": 1024, "flow_width": 1024, "bases": 22, "lr": 2e-4, "flow_lr": 1e-4, "batch": 256,
        "epochs": 100, "flow_share": 1.1, "weight_decay": 1e-5, "depth": 10.0, "weight_bl": 50.0,
        "weight_2d": 1.0, "weight_3d": 1.0, "weight_velocity": 1.0, "lr_decay": 0.95,
    }  # fmt: skip
    small: ClassVar[Settings] = {
        "width": 256, "flow_width": 256, "lr": 3e-3, "flow_lr": 1e-3
    }  # fmt: skip
    told = BONES

    def build(self, views):
        """Networks, optimisers and batches."""
        settings = self.settings
        from utils.rotation_conversions import euler_angles_to_matrix

        self.matrix = euler_angles_to_matrix
        lengths = [np.linalg.norm(rooted(view.points)[:, 13], axis=-1) for view in views]
        self.scale = 10 * np.concatenate(lengths).mean()
        points = [self.normalised(view.points) for view in views]
        self.windows = Windows(points, settings.batch, self.seed)
        self.mean, self.axes = _principal_axes(np.concatenate(points), settings.bases)
        self.flow = _flow(settings)
        self.lifter = _lifter(settings.width)
        decay = {"weight_decay": settings.weight_decay}
        self.flow_optimizer = adam(self.flow.parameters(), settings.flow_lr, **decay)
        self.optimizer = adam(self.lifter.parameters(), settings.lr, **decay)
        self.parts = {
            "flow": self.flow, "lifter": self.lifter,
            "flow_optimizer": self.flow_optimizer, "optimizer": self.optimizer,
        }  # fmt: skip
        self.bones = torch.tensor(settings.relative_lengths)

    def __init__(self, views, settings, budget, seed):
        super().__init__(views, settings, budget, seed)
        self.flow_steps = round(self.settings.flow_share * self.budget)
        self.steps = self.flow_steps + self.budget

    def normalised(self, points):
        """(frames, 30): root-centred, all x then all y, the training set's head-to-root is 0.1."""
        scaled = with_pelvis(rooted(points)) / self.scale
        return scaled.transpose(0, 2, 1).reshape(len(points), -1)

    @property
    def published_steps(self):
        """Its own number of epochs, on this film."""
        return self.settings.epochs * self.windows.steps_an_epoch

    def step(self, number):
        """One step of its training."""
        points = self.windows(number)[:, 0]
        if number < self.flow_steps:
            return self.flow_step(points)
        self.flow.requires_grad_(False)
        epoch = (number - self.flow_steps) * self.settings.epochs // self.budget
        set_rate(self.optimizer, self.settings.lr * self.settings.lr_decay**epoch)
        self.optimizer.zero_grad()
        losses = self.losses(points)
        losses["loss"].backward()
        self.optimizer.step()
        return {name: loss.item() for name, loss in losses.items()} | {"windows": len(points)}

    def flow_step(self, points):
        """A step of the flow; the lifter sees nothing."""
        self.flow_optimizer.zero_grad()
        loss = self.surprise(points)
        loss.backward()
        self.flow_optimizer.step()
        return {"flow": loss.item(), "windows": 0}

    def surprise(self, points):
        """The flow's negative log-likelihood of 2D poses (batch, 30), less a constant."""
        latent, log_jacobian = self.flow((points - self.mean) @ self.axes.T)
        return (0.5 * (latent**2).sum(1) - log_jacobian).mean()

    def depth(self, points):
        """Depths (batch, 15) of 2D poses, the root's at the camera's distance; elevations."""
        offsets, angles = self.lifter(points)
        offsets[:, 0] = 0.0
        depth = offsets + self.settings.depth
        return depth.clamp(min=1.0), angles

    def skeleton(self, points, depth):
        """Root-centred poses (batch, 3, 15)."""
        plane = points.reshape(-1, 2, JOINTS) * depth[:, None]
        poses = torch.cat([plane, depth[:, None]], dim=1)
        return poses - poses[:, :, :1]

    def project(self, poses):
        """2D poses (batch, 30) of root-centred ones."""
        depth = poses[:, 2:] + self.settings.depth
        return (poses[:, :2] / depth).flatten(1)

    def losses(self, points):
        """`train.py`'s losses by its names."""
        settings = self.settings
        depth, elevation = self.depth(points)
        poses = self.skeleton(points, depth)
        turn = self.views(elevation)
        turned = turn @ poses
        seen = self.project(turned)
        again = self.skeleton(seen, self.depth(seen)[0])
        back = turn.transpose(1, 2) @ again
        pairs = len(points) // 2 * 2
        apart = [p[:pairs].flatten(1).view(-1, 2, 3 * JOINTS) for p in (poses, back)]
        first, second = (one[:, 0] - one[:, 1] for one in apart)
        lengths = torch.stack([(poses[:, :, a] - poses[:, :, b]).norm(dim=1) for a, b in BONES])
        relative = (lengths / lengths.mean(dim=0, keepdim=True)).T
        losses = {
            "likeli": self.surprise(seen),
            "L3d": (turned - again).flatten(1).norm(dim=1).mean(),
            "rep_rot": (self.project(back) - points).abs().sum(dim=1).mean(),
            "re_rot_3d": (first - second).norm(dim=1).mean(),
            "bl_prior": (self.bones - relative).square().sum(dim=1).mean(),
        }
        losses["loss"] = (
            losses["likeli"]
            + settings.weight_2d * losses["rep_rot"]
            + settings.weight_3d * losses["L3d"]
            + settings.weight_velocity * losses["re_rot_3d"]
            + settings.weight_bl * losses["bl_prior"]
        )
        return losses

    def views(self, elevation):
        """Turns (batch, 3, 3): level by its own elevation, any azimuth, an elevation drawn anew."""
        nothing = torch.zeros_like(elevation)
        level = self.matrix(torch.cat([elevation, nothing, nothing], dim=1), "XYZ")
        drawn = -elevation.mean() + elevation.std() * torch.randn_like(elevation)
        azimuth = (torch.rand_like(elevation) - 0.5) * 2.0 * torch.pi
        tilt = self.matrix(torch.cat([drawn, nothing, nothing], dim=1), "XYZ")
        turn = self.matrix(torch.cat([nothing, azimuth, nothing], dim=1), "XYZ")
        return tilt @ (turn @ level)

    @torch.no_grad()
    def lift(self, points):
        """Poses (frames, 14, 3) of a sequence (frames, 14, 2)."""
        flat = torch.from_numpy(self.normalised(points).astype(np.float32))
        poses = self.skeleton(flat, self.depth(flat)[0])
        return poses.transpose(1, 2)[:, 1:].numpy()


def _principal_axes(points, count):
    """Mean and first principal axes of 2D poses."""
    mean = points.mean(axis=0)
    _, _, axes = np.linalg.svd(np.cov((points - mean).T))
    return torch.from_numpy(mean).float(), torch.from_numpy(axes[:count]).float()


def _flow(settings):
    """Eight blocks of FrEIA, as both scripts stack them."""
    import FrEIA.framework
    import FrEIA.modules
    from utils.helpers import subnet_fc

    def narrow(inputs, outputs):
        width = settings.flow_width
        return torch.nn.Sequential(
            torch.nn.Linear(inputs, width), torch.nn.ReLU(), torch.nn.Linear(width, outputs)
        )

    subnet = subnet_fc if settings.flow_width == 1024 else narrow
    flow = FrEIA.framework.SequenceINN(settings.bases)
    for _ in range(8):
        flow.append(FrEIA.modules.AllInOneBlock, subnet_constructor=subnet, permute_soft=True)
    return flow


def _lifter(width):
    """Its estimator of depths and elevation; narrower where the settings say so."""
    import models_def

    if width == 1024:
        return models_def.DepthAngleEstimator(use_batchnorm=False, num_joints=JOINTS)
    models_def.res_block.__init__.__defaults__ = (width, False)
    lifter = models_def.DepthAngleEstimator(use_batchnorm=False, num_joints=JOINTS)
    lifter.upscale = torch.nn.Linear(2 * JOINTS, width)
    lifter.depth = torch.nn.Linear(width, JOINTS)
    lifter.angles = torch.nn.Linear(width, 1)
    return lifter
