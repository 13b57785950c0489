"""The ceiling: the same network, told the true 3D of the same windows, as long and as wide.

What it cannot do on new people with the truth at hand, a lifter that sees 2D only cannot be blamed
for. It is no candidate: nothing of it may train a lifter of this library.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from posenet3d.data import MotionClip
from posenet3d.data.normalization import normalize
from posenet3d.data.rigs import camera_rig, observe
from posenet3d.evaluation.sequences import camera_frame
from posenet3d.networks import PoseNet3D
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.training import TrainerConfig

RATE, LAST = 1e-3, 0.03


def train(
    config: TrainerConfig,
    clips: Sequence[MotionClip],
    told: Callable[[int, PoseNet3D], None],
) -> PoseNet3D:
    """The first stage's network after as many steps and windows with the true skeletons.

    Args:
        config: the trial's configuration; its losses and its game are not used.
        clips: the training clips.
        told: called after each step.
    """
    torch.manual_seed(config.seed)
    torch.set_flush_denormal(True)
    model = PoseNet3D(config.network)
    parts = [model.backbone, model.teacher]
    adam = torch.optim.Adam([p for part in parts for p in part.parameters()], lr=RATE, fused=True)
    steps = config.stages[0].steps
    schedule = torch.optim.lr_scheduler.ExponentialLR(adam, LAST ** (1 / steps))
    windows = Windows(clips, config.network.frames, config.network.distance)
    for step in range(1, steps + 1):
        points, truth = windows.sample(config.seed, step, config.batch_size)
        model.train()
        answer = centre_on_hips(model.teacher_skeleton(points))
        loss = (answer - truth).norm(dim=-1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        told(step, model.eval())
    return model


class Windows:
    """All windows of clips under the training rig: 2D, and 3D in the unit of that 2D.

    True skeletons get the size of their clip's image at depth c, by least squares.
    """

    def __init__(self, clips: Sequence[MotionClip], frames: int, distance: float) -> None:
        points, poses, starts, first = [], [], [], 0
        rig = camera_rig("cmu14", split="train")
        for clip in clips:
            for camera in rig.cameras(clip):
                seen = observe(clip, camera, clip.key).to_layout("lsp_14").points
                image = torch.from_numpy(normalize(seen).points).float()
                truth = centre_on_hips(torch.from_numpy(camera_frame(clip, camera)).float())
                size = (image * truth[..., :2]).sum() / truth[..., :2].square().sum()
                points.append(image)
                poses.append(distance * size * truth)
                starts.append(torch.arange(first, first + len(truth) - frames))
                first += len(truth)
        self.points, self.poses = torch.cat(points), torch.cat(poses)
        self.starts, self.offsets = torch.cat(starts), torch.arange(frames)

    def sample(self, seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
        """The windows of a step (size, T, 14, 2) and their skeletons (size, T, 14, 3)."""
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        drawn = torch.randint(len(self.starts), (size,), generator=generator)
        rows = self.starts[drawn][:, None] + self.offsets
        return self.points[rows], self.poses[rows]
