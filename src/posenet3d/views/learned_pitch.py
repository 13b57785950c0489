"""A pitch that is learnt: what the samplers that find gravity themselves share."""

import math

import torch
from torch import Tensor, nn


class LearnedPitch(nn.Module):
    """A camera's pitch as one parameter, scaled so that it moves faster than others do.

    Args:
        initial_degrees: the pitch to start from, positive when the camera looks down.
        gain: radians per unit of the parameter; its step is ``gain`` times the learning rate.

    Example:
        >>> round(math.degrees(LearnedPitch(10.0, gain=5.0).pitch), 3)
        10.0
    """

    def __init__(self, initial_degrees: float, gain: float) -> None:
        super().__init__()
        self.gain = gain
        self.scaled_pitch = nn.Parameter(torch.tensor(math.radians(initial_degrees) / gain))

    @property
    def pitch(self) -> Tensor | None:
        """The pitch as learnt so far, or the mean of many, radians."""
        return (self.gain * self.scaled_pitch).detach()

    def mirrored_parameters(self) -> tuple[nn.Parameter, ...]:
        """The pitch: a depth-mirrored lifter finds it with its sign turned."""
        return (self.scaled_pitch,)
