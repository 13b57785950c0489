"""The two halves of a step as modules: what processes share gradients of, and torch compiles.

Random rotations are drawn first, for the windows of all processes together, of which each takes
its rows. So a step sees the same numbers eagerly and compiled, on one process or on many.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from posenet3d.networks import PoseNet3D
from posenet3d.nn import visible_joints
from posenet3d.skeletons.anatomy import mirror_evidence
from posenet3d.training.adversary import FakeWindows, RealWindows, discriminator_loss
from posenet3d.training.config import AdversarialConfig
from posenet3d.training.engine import Share
from posenet3d.training.forward import Forward, ForwardSettings
from posenet3d.training.frozen_lifter import FrozenLifter
from posenet3d.training.objectives import Objective, branches_seen
from posenet3d.training.stage import BRANCHES, Branch, StageConfig
from posenet3d.typing import Rotations, Scalar, Windows2D

Compiler = Callable[[Callable[..., object]], Callable[..., object]]


class Lifted(NamedTuple):
    """What the lifter's half of a step gives.

    Attributes:
        total: the weighted sum of the losses, to go down.
        values: the losses, unweighted, without gradient.
        fakes: the reprojections for the discriminator, a batch a branch, without gradient; empty
            where the stage has no discriminator.
        evidence: the mean anatomical evidence against the depth mirror; 0 where nobody asks.
    """

    total: Scalar
    values: dict[str, Scalar]
    fakes: Tensor
    evidence: Scalar


class LifterHalf(nn.Module):
    """The losses of a batch, for whatever of lifter and student a stage trains.

    Made when the stage has freed and frozen the parts. The network's other parameters are out of
    its sight (``parameters()`` has those that learn), so that only these are shared.

    Args:
        model: the network.
        stage: the stage.
        objectives: its losses by name.
        settings: the choices that they depend on.
        share: this process's share of every batch.
        compiler: makes a function of the inner one: ``torch.compile``, or nothing.
        before: the lifter as it was when the stage began, where the stage spoils windows.
    """

    def __init__(
        self,
        model: PoseNet3D,
        stage: StageConfig,
        objectives: Mapping[str, Objective],
        settings: ForwardSettings,
        share: Share,
        compiler: Compiler | None = None,
        before: FrozenLifter | None = None,
    ) -> None:
        super().__init__()
        self.learning = nn.ModuleDict({name: model.part(name) for name in sorted(stage.train)})
        self._model, self._before = (model,), (before,)  # in tuples, out of sight of parameters()
        self.stage, self.objectives, self.settings = stage, dict(objectives), settings
        self.share = share
        fakes = stage.discriminators.get("discriminator", ())
        asked = {branch for each in objectives.values() for branch in branches_seen(each)}
        self.seen: tuple[Branch, ...] = tuple(
            branch for branch in BRANCHES if branch in asked.union(fakes)
        )
        self.fakes: tuple[Branch, ...] = tuple(fakes)
        self._inner = self.losses if compiler is None else compiler(self.losses)

    def forward(self, batch: Windows2D, seed: int, exact: Windows2D | None = None) -> Lifted:
        """The losses of this process's windows.

        Args:
            batch: windows with the frame that follows (batch, T + 1, 14, 2), this process's.
            seed: of the step; dropout of several processes is drawn from it and the rank.
            exact: the batch before it was spoilt, where the stage spoils windows.
        """
        return cast(Lifted, self._inner(batch, self.draw(len(batch), seed), exact))

    def losses(
        self, batch: Windows2D, views: dict[Branch, Rotations], exact: Windows2D | None = None
    ) -> Lifted:
        """The losses of windows seen from given views; nothing else of it is random but dropout."""
        model, before = self._model[0], self._before[0]
        forward = Forward(model, batch, self.settings, views, exact=exact, before=before)
        values = {name: objective(forward) for name, objective in self.objectives.items()}
        weights = self.stage.losses
        total = torch.stack([weights[name] * value for name, value in values.items()]).sum()
        return Lifted(
            total,
            {name: value.detach() for name, value in values.items()},
            self._fakes(forward, total),
            self._evidence(forward, total),
        )

    def draw(self, windows: int, seed: int) -> dict[Branch, Rotations]:
        """A rotation a window and branch, drawn for all processes; this one's rows.

        What is drawn afterwards is each process's own.

        Args:
            windows: how many windows this process has.
            seed: of the step.
        """
        views, count = self._model[0].views, self.share.count
        drawn = {branch: self.share.rows(views(windows * count)) for branch in self.seen}
        if count > 1:
            torch.manual_seed(seed + 1 + self.share.rank)
        return drawn

    @torch.no_grad()
    def _fakes(self, forward: Forward, like: Tensor) -> Tensor:
        if not self.fakes:
            return like.new_zeros(0)
        return torch.cat([forward.fakes(branch) for branch in self.fakes]).detach()

    @torch.no_grad()
    def _evidence(self, forward: Forward, like: Tensor) -> Scalar:
        if not self.stage.mirror_guard:
            return like.new_zeros(())
        if not forward.model.config.missing_joints:
            return mirror_evidence(forward.teacher_joints).mean()
        return mirror_evidence(forward.teacher_joints, visible_joints(forward.now)).mean()


class DiscriminatorHalf(nn.Module):
    """The discriminator's loss of real and reprojected windows.

    Args:
        discriminator: gives a logit a window, or equally many for each.
        config: the form of the game.
        compiler: makes a function of the inner one; not used with a gradient penalty, which
            differentiates twice.
    """

    def __init__(
        self, discriminator: nn.Module, config: AdversarialConfig, compiler: Compiler | None = None
    ) -> None:
        super().__init__()
        self.discriminator, self.config = discriminator, config
        eager = compiler is None or config.gradient_penalty > 0
        self._inner = self.losses if eager or compiler is None else compiler(self.losses)

    def forward(self, real: RealWindows, fake: FakeWindows) -> tuple[Scalar, dict[str, Scalar]]:
        """The loss to go down, and what to log.

        Args:
            real: windows of real 2D skeletons (batch, T, 14, 2).
            fake: reprojected ones, a batch a branch (branches · batch, T, 14, 2).
        """
        return cast(tuple[Scalar, dict[str, Scalar]], self._inner(real, fake))

    def losses(self, real: RealWindows, fake: FakeWindows) -> tuple[Scalar, dict[str, Scalar]]:
        """The loss and what to log, without anything that torch cannot compile."""
        return discriminator_loss(self.discriminator, self.config, real, fake)
