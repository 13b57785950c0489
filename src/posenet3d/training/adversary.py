"""The discriminator's side of the game: its loss, its balance, and whether the game collapsed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d import losses
from posenet3d.errors import GameCollapsedError
from posenet3d.training.config import AdversarialConfig
from posenet3d.training.health.statistics import Flag
from posenet3d.typing import Scalar, Windows2D

RealWindows = Float[Tensor, "real frames joints 2"]
FakeWindows = Float[Tensor, "fake frames joints 2"]

ACCURACY_MOMENTUM = 0.98


@dataclass(frozen=True)
class AdversarialForm:
    """An adversarial loss: both players' sides, and where a logit turns from fake to real.

    Attributes:
        discriminator: loss of (real logits, fake logits).
        generator: loss of (fake logits).
        threshold: the logit between fake and real; ``None``: there is none, as for a critic.
    """

    discriminator: Callable[[Tensor, Tensor], Scalar]
    generator: Callable[[Tensor], Scalar]
    threshold: float | None


FORMS = {
    "standard": AdversarialForm(
        losses.standard_discriminator_loss, losses.standard_generator_loss, 0.0
    ),
    "least_squares": AdversarialForm(
        losses.least_squares_discriminator_loss, losses.least_squares_generator_loss, 0.5
    ),
    "wasserstein": AdversarialForm(
        losses.wasserstein_discriminator_loss, losses.wasserstein_generator_loss, None
    ),
}
"""The adversarial losses by name."""


class Adversary:
    """Decides when the discriminator learns, and notices a collapsed game.

    The running accuracy stays on the device; it is read at log points only.

    Args:
        config: form, balance and limits.
        device: where the accuracy is kept.

    Attributes:
        accuracy: the running accuracy; a half for a discriminator that guesses.
        certain_steps: for how many steps on end it has been certain.

    Example:
        >>> adversary = Adversary(AdversarialConfig(every=3), torch.device("cpu"))
        >>> [adversary.is_due(step) for step in range(4)], adversary.rests
        ([True, False, False, True], False)
    """

    def __init__(self, config: AdversarialConfig, device: torch.device) -> None:
        self.config = config
        self.form = FORMS[config.form]
        self.accuracy = torch.full((), 0.5, device=device)
        self.certain_steps = 0

    def is_due(self, step: int) -> bool:
        """Whether it is the discriminator's turn at this step (counted from 0)."""
        return step % self.config.every == 0

    @property
    def rests(self) -> bool:
        """Whether it is too sure to learn; reads the device only where a limit is set."""
        return self.config.max_accuracy < 1 and bool(self.accuracy > self.config.max_accuracy)

    def watch(self, values: Mapping[str, Scalar], left_out: Flag) -> None:
        """Take the accuracies of a batch, as :func:`discriminator_loss` tells them, into the mean.

        Args:
            values: a step's figures.
            left_out: whether the step was left out; its accuracies mean nothing then.
        """
        if "accuracy_real" in values:
            now = 0.5 * (values["accuracy_real"] + values["accuracy_fake"]).to(self.accuracy.dtype)
            mean = torch.lerp(now, self.accuracy, ACCURACY_MOMENTUM)
            self.accuracy = torch.where(left_out, self.accuracy, mean)

    def check(self, stage: str, step: int, steps_since: int) -> None:
        """Stop when the discriminator has been certain for too long; call at log points.

        Args:
            stage: the stage's name.
            step: the step it has reached.
            steps_since: steps since the log point before.

        Raises:
            GameCollapsedError: if it has.
        """
        certain = bool(self.accuracy > self.config.collapse_accuracy)
        self.certain_steps = self.certain_steps + steps_since if certain else 0
        self.check_saved(stage, step)

    def check_saved(self, stage: str, step: int) -> None:
        """Stop when the game had collapsed before; call when a saved state was taken up.

        Raises:
            GameCollapsedError: if it had.
        """
        if self.certain_steps >= self.config.collapse_steps:
            raise GameCollapsedError(
                stage,
                step,
                f"expected a discriminator in doubt, got an accuracy of {float(self.accuracy):.3f} "
                f"for {self.certain_steps} steps, so the lifter learns nothing; lower the "
                "discriminator's learning rate, or set adversarial.every or "
                "adversarial.max_accuracy, and train in a new run folder.",
            )

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"accuracy": self.accuracy, "certain_steps": self.certain_steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.accuracy = state["accuracy"].to(self.accuracy.device)
        self.certain_steps = int(state["certain_steps"])


def discriminator_loss(
    discriminator: Callable[[Windows2D], Float[Tensor, " logits"]],
    config: AdversarialConfig,
    real: RealWindows,
    fake: FakeWindows,
) -> tuple[Scalar, dict[str, Scalar]]:
    """The discriminator's loss (Eq. 5) and what to log of it.

    Args:
        discriminator: gives a logit a window, or equally many for each, a window's together.
            The loss is a mean over logits, so several judges learn each by a loss of its own.
        config: form and gradient penalty.
        real: windows of real 2D skeletons (batch, T, 14, 2).
        fake: reprojected ones, a batch a branch (branches · batch, T, 14, 2), detached here.

    Returns:
        The loss to minimise, and its value with the accuracies on both sides.

    Example:
        >>> windows = torch.zeros(4, 9, 14, 2)
        >>> judge = lambda windows: windows.sum((1, 2, 3))
        >>> loss, values = discriminator_loss(judge, AdversarialConfig(), windows, windows)
        >>> round(loss.item(), 3), sorted(values)
        (1.386, ['accuracy_fake', 'accuracy_real', 'discriminator_loss'])
    """
    form, fake = FORMS[config.form], fake.detach()
    logits = discriminator(torch.cat([real, fake]))
    judges = len(logits) // (len(real) + len(fake))
    on_real, on_fake = logits[: judges * len(real)], logits[judges * len(real) :]
    loss = form.discriminator(on_real, on_fake)
    values = {"discriminator_loss": loss.detach()}
    if form.threshold is not None:
        accuracy = losses.discriminator_accuracy(on_real, on_fake, threshold=form.threshold)
        values |= {"accuracy_real": accuracy.real, "accuracy_fake": accuracy.fake}
    if config.gradient_penalty and torch.is_grad_enabled():
        as_many = real.repeat(len(fake) // len(real), 1, 1, 1)
        penalty = losses.gradient_penalty(discriminator, as_many, fake)
        loss = loss + config.gradient_penalty * penalty
        values["gradient_penalty"] = penalty.detach()
    return loss, values
