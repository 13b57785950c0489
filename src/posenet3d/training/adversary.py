"""The discriminator's side of the game: its loss, its balance, and whether the game collapsed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from posenet3d import losses
from posenet3d.errors import GameCollapsedError
from posenet3d.training.config import AdversarialConfig
from posenet3d.typing import Logits, Scalar, Windows2D

ACCURACY_MOMENTUM = 0.98


@dataclass(frozen=True)
class AdversarialForm:
    """An adversarial loss: both players' sides, and where a logit turns from fake to real.

    Attributes:
        discriminator: loss of (real logits, fake logits).
        generator: loss of (fake logits).
        threshold: the logit between fake and real.
    """

    discriminator: Callable[[Tensor, Tensor], Scalar]
    generator: Callable[[Tensor], Scalar]
    threshold: float


FORMS = {
    "standard": AdversarialForm(
        losses.standard_discriminator_loss, losses.standard_generator_loss, 0.0
    ),
    "least_squares": AdversarialForm(
        losses.least_squares_discriminator_loss, losses.least_squares_generator_loss, 0.5
    ),
    "wasserstein": AdversarialForm(
        losses.wasserstein_discriminator_loss, losses.wasserstein_generator_loss, 0.0
    ),
}
"""The adversarial losses by name."""


class Adversary:
    """Decides when the discriminator learns, computes its loss, and notices a collapsed game.

    The running accuracy stays on the device; it is read at log points only.

    Args:
        config: form, balance and limits.
    """

    def __init__(self, config: AdversarialConfig, device: torch.device) -> None:
        self.config = config
        self.form = FORMS[config.form]
        self.accuracy = torch.full((), 0.5, device=device)
        self.certain_steps = 0

    def learns_at(self, step: int) -> bool:
        """Whether the discriminator may learn at this step (counted from 0)."""
        due = step % self.config.every == 0
        if not due or self.config.max_accuracy == 1.0:
            return due
        return bool(self.accuracy <= self.config.max_accuracy)

    def loss(
        self, discriminator: Callable[[Windows2D], Logits], real: Windows2D, fake: Windows2D
    ) -> tuple[Scalar, dict[str, Scalar]]:
        """The discriminator's loss (Eq. 5) and what to log of it.

        Args:
            discriminator: gives a logit a window.
            real: windows of real 2D skeletons (batch, T, 14, 2).
            fake: reprojected ones (n, T, 14, 2), detached here.

        Returns:
            The loss to minimise, and its value with the accuracies.
        """
        fake = fake.detach()
        logits = discriminator(torch.cat([real, fake]))
        on_real, on_fake = logits[: len(real)], logits[len(real) :]
        loss = self.form.discriminator(on_real, on_fake)
        accuracy = losses.discriminator_accuracy(on_real, on_fake, threshold=self.form.threshold)
        self.accuracy = torch.lerp(accuracy.mean, self.accuracy, ACCURACY_MOMENTUM)
        values = {
            "discriminator_loss": loss.detach(),
            "accuracy_real": accuracy.real,
            "accuracy_fake": accuracy.fake,
        }
        if self.config.gradient_penalty:
            penalty = losses.gradient_penalty(discriminator, real, fake[: len(real)])
            loss = loss + self.config.gradient_penalty * penalty
            values["gradient_penalty"] = penalty.detach()
        return loss, values

    def check(self, stage: str, step: int, steps_since: int) -> None:
        """Stop when the discriminator has been certain for too long; call at log points.

        Raises:
            GameCollapsedError: if it has.
        """
        certain = bool(self.accuracy > self.config.collapse_accuracy)
        self.certain_steps = self.certain_steps + steps_since if certain else 0
        if self.certain_steps >= self.config.collapse_steps:
            raise GameCollapsedError(
                stage,
                step,
                f"expected a discriminator in doubt, got an accuracy of {float(self.accuracy):.3f} "
                f"for {self.certain_steps} steps, so the lifter learns nothing; lower the "
                "discriminator's learning rate, or set adversarial.every or max_accuracy.",
            )

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"accuracy": self.accuracy, "certain_steps": self.certain_steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.accuracy = state["accuracy"].to(self.accuracy.device)
        self.certain_steps = int(state["certain_steps"])
