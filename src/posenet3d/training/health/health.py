"""Watches a stage: what is not finite, what moved though frozen, the mirror and the game."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from posenet3d.errors import (
    FrozenPartMovedError,
    GameCollapsedError,
    MirroredError,
    NonFiniteError,
    TrainingWarning,
)
from posenet3d.training.health.config import HealthConfig
from posenet3d.training.health.frozen_parts import FrozenParts
from posenet3d.training.health.non_finite import NonFinite, NonFiniteCounts
from posenet3d.training.health.statistics import Flag, KeptStatistics
from posenet3d.typing import Scalar

NAMES_TOLD = 5
"""How many of the frozen tensors that moved an error names."""

GRADIENT_NORM = "gradient_norm"
"""The end of the names of figures that tell the gradients' size; they never explain a loss."""

_MIRRORED = "expected knees that bend forwards, got a teacher that is its own depth mirror"

_COUNTED = (
    "read_at",
    "frozen_moved",
    "mirror_turns",
    "mirror_warnings",
    "mirrored_at",
    "collapses",
    "in_collapse",
)


class Health:
    """Watches one stage, and does about it what the configuration says.

    The device counts (:meth:`watch`) and is read every so many steps, before each saved state and
    at the stage's end (:meth:`read`), so that no bad state is ever saved.

    Args:
        config: what to do.
        stage: the stage's name.
        model: the network.
        learning: the parts that the stage trains, its discriminators included.

    Example:
        >>> import torch
        >>> health = Health(HealthConfig(non_finite="skip"), "teacher", nn.Linear(2, 2), [])
        >>> health.begin()
        >>> health.watch(1, torch.tensor(True), {"bone_length": torch.tensor(float("inf"))})
        >>> health.read(1)
        >>> health.counts()["skipped_steps"]
        1
    """

    def __init__(
        self,
        config: HealthConfig,
        stage: str,
        model: nn.Module,
        learning: Iterable[nn.Module],
    ) -> None:
        self.config, self.stage = config, stage
        device = next(model.parameters()).device
        self._non_finite = NonFinite(device)
        self._frozen = FrozenParts(model, learning)
        self._read_at = self._frozen_moved = 0
        self._mirror_turns = self._mirror_warnings = self._mirrored_at = self._collapses = 0
        self._in_collapse = False

    def statistics(self, modules: Iterable[nn.Module]) -> KeptStatistics | None:
        """The BatchNorm statistics that a skipped step leaves alone; ``None`` where none is."""
        return KeptStatistics(modules) if self.config.non_finite == "skip" else None

    def begin(self) -> None:
        """Note what is frozen; call when the stage begins, or when its saved state is taken up."""
        self._frozen.keep()

    def watch(self, step: int, left_out: Flag, values: Mapping[str, Scalar]) -> None:
        """Take in a step; the host does not wait for the device.

        Args:
            step: the step, counted from 1.
            left_out: whether an optimiser left the step out.
            values: the step's figures by name, to say which were not finite.
        """
        self._non_finite.watch(step, left_out, values)

    def is_due(self, step: int) -> bool:
        """Whether the device should be read after this step, counted from 1."""
        return step % self.config.every == 0

    def read(self, step: int, saved: str = "") -> None:
        """Look at what the device has counted; waits for it.

        Args:
            step: the step that is done, counted from 1.
            saved: where the last good state lies, for the error's text.

        Raises:
            FrozenPartMovedError: if a frozen part moved and that is to stop training.
            NonFiniteError: if a step was not finite and that is to stop training, or if too many
                were skipped on end.
        """
        counts = self._non_finite.read()
        if counts.skipped and self.config.non_finite == "stop":
            raise self._stopped(counts, saved)
        if counts.on_end > self.config.most_skipped:
            raise self._skipped_too_often(counts, step, saved)
        if moved := self._frozen.moved():
            self._frozen_moved += 1
            self._mend_frozen(moved, step, saved)
        self._read_at = step

    def _lost(self) -> str:
        names = [name for name in self._non_finite.names() if not name.endswith(GRADIENT_NORM)]
        return f"got NaN or infinity in {', '.join(names) or 'the gradients'}"

    def _stopped(self, counts: NonFiniteCounts, saved: str) -> NonFiniteError:
        return NonFiniteError(
            self.stage,
            counts.first,
            f"expected finite losses and gradients, {self._lost()}; {_kept(saved)}. Lower the "
            "learning rate or set a gradient clip, and train in a new run folder; or set "
            "health.non_finite to 'skip'.",
        )

    def _skipped_too_often(self, counts: NonFiniteCounts, step: int, saved: str) -> NonFiniteError:
        return NonFiniteError(
            self.stage,
            step,
            f"expected at most {self.config.most_skipped} skipped steps on end, got "
            f"{counts.on_end} ({counts.skipped} in all, the first at step {counts.first}): "
            f"{self._lost()}; {_kept(saved)}. Lower the learning rate or set a gradient clip, and "
            "train in a new run folder.",
        )

    def _mend_frozen(self, moved: Sequence[str], step: int, saved: str) -> None:
        what = (
            f"expected parts that this stage does not train to stay as they are, got other values "
            f"in {_listed(moved)}, changed after step {self._read_at}"
        )
        if self.config.frozen == "stop":
            raise FrozenPartMovedError(
                self.stage,
                step,
                f"{what}; {_kept(saved)}. Look for a loss or plug-in that writes into them, or "
                "name the part under the stage's 'train'; or set health.frozen to 'correct'.",
            )
        self._frozen.put_back(moved)
        self._warn(step, f"{what}; they were put back. Look for a loss that writes into them.")

    def mirrored(self, step: int) -> bool:
        """Whether to turn a mirrored teacher round; ask where the guard objects.

        Args:
            step: the step, counted from 1. Where that is to stop training, it does so when the
                step is complete: :meth:`stop_if_mirrored`.
        """
        if self.config.mirrored == "correct":
            self._mirror_turns += 1
            return True
        self._mirror_warnings += 1
        self._mirrored_at = step
        if self.config.mirrored == "warn" and self._mirror_warnings == 1:
            do = "set health.mirrored to 'correct' to have it turned round"
            self._warn(step, f"{_MIRRORED}; {do}.")
        return False

    def stop_if_mirrored(self) -> None:
        """Stop where the teacher was found mirrored; call after each step, its state complete.

        Raises:
            MirroredError: if it was, and that is to stop training.
        """
        if self.config.mirrored == "stop" and self._mirrored_at:
            raise MirroredError(
                self.stage,
                self._mirrored_at,
                f"{_MIRRORED}; this state was saved. Set health.mirrored to 'correct', or try "
                "another seed, and train in a new run folder.",
            )

    def game(self, check: Callable[[], object]) -> None:
        """Make a check of the game between lifter and discriminator; stop or warn as configured.

        Args:
            check: raises :class:`~posenet3d.errors.GameCollapsedError` where it has.

        Raises:
            GameCollapsedError: if it has and that is to stop training. Otherwise a collapse is
                warned of once, until the discriminator is in doubt again.
        """
        try:
            check()
        except GameCollapsedError as error:
            if self.config.collapsed == "stop":
                raise
            if not self._in_collapse:
                self._collapses += 1
                self._warn(error.step, error.reason)
            self._in_collapse = True
        else:
            self._in_collapse = False

    def counts(self) -> dict[str, int]:
        """What was found in this stage so far, for the report; waits for the device."""
        return {
            "skipped_steps": self._non_finite.read().skipped,
            "frozen_moved": self._frozen_moved,
            "mirror_turns": self._mirror_turns,
            "mirror_warnings": self._mirror_warnings,
            "collapses": self._collapses,
        }

    def figures(self) -> dict[str, float]:
        """The same for a record of the metrics."""
        return {name: float(count) for name, count in self.counts().items()}

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {
            "non_finite": self._non_finite.state_dict(),
            **{name: getattr(self, f"_{name}") for name in _COUNTED},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state; :meth:`begin` after it."""
        self._non_finite.load_state_dict(state["non_finite"])
        for name in _COUNTED:
            setattr(self, f"_{name}", state[name])

    def _warn(self, step: int, message: str) -> None:
        warnings.warn(TrainingWarning(self.stage, step, message), stacklevel=3)


def _kept(saved: str) -> str:
    return f"the last saved state was kept ({saved})" if saved else "the last saved state was kept"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_TOLD
    told = ", ".join(names[:NAMES_TOLD])
    return f"{told} and {more} more" if more > 0 else told
