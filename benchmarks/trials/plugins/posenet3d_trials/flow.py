"""A normalizing flow over single 2D poses as a prior (ElePose, Wandt et al. 2022)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from posenet3d.errors import MissingExtraError
from posenet3d.networks import TemporalDiscriminator
from posenet3d.training.forward import Forward
from posenet3d_trials.judges import three_of
from posenet3d_trials.options import DiscriminatorOptions

TRANSFORMS, HIDDEN = 5, (256, 256)
NOISE = 0.002
"""Standard deviation of noise on the poses that the flow learns; head to root is 0.1 long."""
LEAST = 1e-6
"""Directions of less variance than this, relative to the largest, hold nothing of a pose."""


class FlowPrior(nn.Module):
    """How surprising a 2D pose is: −log p of a flow over whitened poses, in nats a coordinate.

    Poses are root-centred, so the hips are opposite and two of their directions are empty; these
    are left out (ElePose keeps 26 principal components for the same reason). Our poses have their
    sequence's scale, ElePose's a scale of their own each.

    Args:
        mean: the mean pose (J · 2,).
        basis: directions of unit variance (J · 2, k), as columns.
    """

    def __init__(self, mean: Tensor, basis: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)
        flows = _zuko().flows
        self.flow = flows.MAF(basis.shape[1], transforms=TRANSFORMS, hidden_features=HIDDEN)

    @classmethod
    def of_poses(cls, poses: Tensor) -> "FlowPrior":
        """An untrained prior, its whitening measured on poses (n, J, 2)."""
        flat = poses.flatten(1).double()
        mean = flat.mean(0)
        variances, directions = torch.linalg.eigh(torch.cov((flat - mean).mT))
        kept = variances > LEAST * variances.max()
        basis = directions[:, kept] / (variances[kept] + NOISE**2).sqrt()
        return cls(mean.float(), basis.float())

    def forward(self, poses: Tensor) -> Tensor:
        """−log p (n,) of poses (n, J, 2), divided by the number of directions."""
        white = (poses.flatten(1) - self.mean) @ self.basis
        return -self.flow().log_prob(white) / self.basis.shape[1]

    def save(self, path: Path) -> None:
        """Keep it as safetensors."""
        from safetensors.torch import save_file

        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: each.contiguous() for name, each in self.state_dict().items()}, path)

    @classmethod
    def load(cls, path: Path) -> "FlowPrior":
        """The prior that was kept, frozen."""
        from safetensors.torch import load_file

        state = load_file(path)
        prior = cls(state["mean"], state["basis"])
        prior.load_state_dict(state)
        return prior.eval().requires_grad_(False)


def fit_flow(
    draw: Callable[[int], Tensor],
    *,
    steps: int,
    seed: int = 0,
    lr: float = 1e-3,
    told: Callable[[int, float], None] = lambda step, surprise: None,
) -> FlowPrior:
    """A flow that has learnt real 2D poses by maximum likelihood.

    Args:
        draw: the poses (n, J, 2) of a step.
        steps: steps of Adam, its rate falling to nothing on a cosine.
        seed: of weights and noise.
        lr: the highest rate.
        told: called now and then with the step and the mean surprise.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        prior = FlowPrior.of_poses(torch.cat([draw(step) for step in range(32)]))
        adam = torch.optim.Adam(prior.parameters(), lr=lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for step in range(1, steps + 1):
            poses = draw(step)
            surprise = prior(poses + NOISE * torch.randn_like(poses)).mean()
            adam.zero_grad()
            surprise.backward()
            nn.utils.clip_grad_norm_(prior.parameters(), 10.0)
            adam.step()
            schedule.step()
            if step % 100 == 0 or step == steps:
                told(step, float(surprise.detach()))
    return prior.eval().requires_grad_(False)


class FlowDiscriminator(nn.Module):
    """The discriminator ``temporal`` beside a flow that learnt the real poses before.

    The flow is nothing that the game trains, nor part of its state: it is read from a file. Where
    no discriminator plays, it stands alone.

    Args:
        joints: joints J of a 2D skeleton.
        frames: frames T of a window.
        channels: features of the discriminator.
        input_gain: factor on its input.
        weights: the file of the flow, as :meth:`FlowPrior.save` wrote it.
    """

    class Config(DiscriminatorOptions):
        """Options of the plug-in ``flow``."""

        weights: str = Field(min_length=1)
        """The file of the flow."""

    def __init__(
        self, *, joints: int, frames: int, channels: int, input_gain: float, weights: str
    ) -> None:
        super().__init__()
        self.judge = TemporalDiscriminator(
            joints=joints, frames=frames, channels=channels, input_gain=input_gain
        )
        self._prior = (FlowPrior.load(Path(weights)),)  # in a tuple: no part that learns

    def forward(self, windows: Tensor) -> Tensor:
        """One logit a window (batch,) of windows (batch, T, J, 2)."""
        return self.judge(windows)

    def surprise(self, windows: Tensor) -> Tensor:
        """The mean surprise of three frames of windows (batch, T, J, 2)."""
        prior = self._prior[0].to(windows.device)
        return prior(rearrange(three_of(windows), "b t j d -> (b t) j d")).mean()


def flow_surprise(forward: Forward) -> Tensor:
    """The mean −log p of the teacher's reprojections, in nats a coordinate."""
    return forward.model.discriminator.surprise(forward.fakes("teacher"))


def _zuko() -> Any:
    try:
        import zuko
    except ImportError as error:
        raise MissingExtraError("zuko", "priors", "Flows over 2D poses") from error
    return zuko
