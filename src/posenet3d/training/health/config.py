"""What is watched in a training run, and what is done about it."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from posenet3d.training.frozen import Frozen


class HealthConfig(Frozen):
    """What is watched in a training run, and what is done about it.

    Whatever is found is counted, told in the metrics and in the report.

    Example:
        >>> HealthConfig(non_finite="skip").most_skipped
        10
    """

    non_finite: Literal["stop", "skip"] = "stop"
    """A step whose loss or gradients are NaN or infinite: stop, or go on without that step."""

    most_skipped: NonNegativeInt = 10
    """So many skipped steps on end are borne; one more, and training stops."""

    every: PositiveInt = 50
    """Steps between two looks at what the device has counted."""

    collapsed: Literal["stop", "warn"] = "stop"
    """A discriminator that is certain for too long (see ``adversarial.collapse_steps``)."""

    mirrored: Literal["correct", "stop", "warn"] = "correct"
    """A teacher that learns the depth mirror: turn it round, stop, or say so and go on.

    Whether the guard objects at all, ``mirror_guard.enabled`` says."""

    frozen: Literal["stop", "correct"] = "stop"
    """A part that a stage does not train and that moved all the same: stop, or put it back."""
