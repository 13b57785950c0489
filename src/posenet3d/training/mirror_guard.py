"""The guard against the depth mirror: knees bend forwards, elbows backwards.

No discriminator of 2D views can tell a body from its depth-mirrored twin seen by a camera of the
opposite pitch, so a seed decides which of the two a lifter learns. Averaged over batches anatomy
settles it (:func:`posenet3d.skeletons.anatomy.mirror_evidence`), and negating the output layer
with its Adam moments turns a mirrored lifter round.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from posenet3d.training.config import MirrorGuardConfig
from posenet3d.training.health.statistics import Flag
from posenet3d.typing import Scalar


class MirrorGuard:
    """Watches the evidence, and says when a lifter should be turned round.

    Args:
        config: when to decide.
        device: where the evidence is kept until it is read.

    Attributes:
        evidence: the running mean of the evidence, head-to-root units; positive: right way round.
        turned: how often the lifter was turned round.
    """

    def __init__(self, config: MirrorGuardConfig, device: torch.device) -> None:
        self.config = config
        self.evidence = torch.zeros((), device=device)
        self.turned = 0

    def watch(self, evidence: Scalar, left_out: Flag) -> None:
        """Take the mean evidence of a batch of the teacher's skeletons into the running mean.

        Args:
            evidence: the mean over a step's batch.
            left_out: whether the step was left out; its evidence means nothing then.
        """
        mean = torch.lerp(evidence.to(self.evidence.dtype), self.evidence, self.config.momentum)
        self.evidence = torch.where(left_out, self.evidence, mean)

    def objects(self, step: int) -> bool:
        """Whether the lifter should be turned round after this step (counted from 1)."""
        first, every = self.config.first_check, self.config.every
        due = step == first or (step > first and step % every == 0)
        return self.config.enabled and due and bool(self.evidence < 0)

    def turn(self, parameters: Iterable[nn.Parameter], optimizer: Optimizer) -> None:
        """Turn the lifter round: negate these parameters with their first Adam moments.

        Args:
            parameters: the output layer's, and what a view sampler learnt of the pitch.
            optimizer: the one that trains them.
        """
        with torch.no_grad():
            for parameter in parameters:
                parameter.neg_()
                state = optimizer.state.get(parameter, {})
                if "exp_avg" in state:
                    state["exp_avg"].neg_()
        self.evidence = -self.evidence
        self.turned += 1

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"evidence": self.evidence, "turned": self.turned}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.evidence = state["evidence"].to(self.evidence.device)
        self.turned = int(state["turned"])
