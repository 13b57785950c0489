"""Windows that are spoilt on purpose: some by a detector's errors, some with joints hidden.

A network that is to hold on detections learns from windows whose exact form is known. Which errors
a window gets is decided by its place in the batch, so that every batch has the same shares.
"""

from itertools import accumulate, pairwise, starmap
from math import ceil

import torch
from jaxtyping import Bool, Int
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator
from torch import Tensor

from posenet3d.data.detector_noise import DetectorNoise, corrupt_rows, noise_by_name
from posenet3d.data.stateless import places_of, uniform_numbers
from posenet3d.nn import fill_windows, hide
from posenet3d.skeletons.anatomy import middle_of_hips
from posenet3d.typing import Windows2D


class SpoiltShare(BaseModel):
    """A share of the windows, and the detector whose errors they get.

    Example:
        >>> SpoiltShare(noise="openpose", times=2.0, share=0.2).model.wandering
        4.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    noise: DetectorNoise
    """The detector, by a model or the name of one; its frames are taken as 50 a second."""

    times: float = Field(default=1.0, ge=0)
    """How many times as large and as frequent its errors are."""

    share: float = Field(gt=0, le=1)
    """The share of the windows."""

    _may_be_named = field_validator("noise", mode="before")(noise_by_name)

    @property
    def model(self) -> DetectorNoise:
        """The detector with errors of that size."""
        return self.noise.times(self.times)


class Spoiling(BaseModel):
    """How windows are spoilt: the shares that get a detector's errors, and how joints are hidden.

    What the shares leave is exact. Joints are hidden in all windows alike, the exact ones too.

    Example:
        >>> half = {"noise": "gentle", "share": 0.5}
        >>> Spoiling(errors=[half], hidden=0.35).misses
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    errors: tuple[SpoiltShare, ...] = ()
    """The shares with a detector's errors."""

    hidden: float = Field(default=0.0, ge=0, le=1)
    """The share of windows in which some joints are hidden from the first frame to the last."""

    most_hidden: PositiveInt = Field(default=4, lt=14)
    """Their number is drawn from 1 to this."""

    @field_validator("errors")
    @classmethod
    def _leave_nothing_negative(cls, errors: tuple[SpoiltShare, ...]) -> tuple[SpoiltShare, ...]:
        if (total := sum(each.share for each in errors)) > 1 + 1e-9:
            raise ValueError(f"expected shares of at most 1 together, got {total:g}")
        return errors

    @property
    def misses(self) -> bool:
        """Whether joints are missing in what comes out."""
        return self.hidden > 0 or any(each.model.dropped > 0 for each in self.errors)


def spoil_windows(
    windows: Windows2D,
    spoiling: Spoiling,
    seed: int,
    stage: str | int,
    step: int,
    *,
    rank: int = 0,
    world_size: int = 1,
) -> Windows2D:
    """Windows of a training step, spoilt, and centred on the hips that are then seen.

    A function of (seed, stage, step) and each window's place in the whole batch, as the choice of
    the windows is: any number of processes sees the same.

    Args:
        windows: (batch, frames, 14, 2), root-centred, normalised; this process's rows of the batch.
        spoiling: the shares.
        seed: the run's seed.
        stage: the stage's name or number.
        step: the step in the stage.
        rank: this process's number.
        world_size: how many processes there are.

    Returns:
        The windows in the same unit, NaN where a joint is missing. Where the hips are not seen,
        their guess is the centre (:func:`~posenet3d.nn.fill_windows`).

    Raises:
        ShapeError: there are no windows, or rank is out of range.

    Example:
        >>> exact = 0.1 * torch.randn(4, 10, 14, 2)
        >>> spoiling = Spoiling(errors=[{"noise": "openpose", "share": 0.5}])
        >>> seen = spoil_windows(exact, spoiling, 0, "denoising", 7)
        >>> torch.allclose(seen[:2], exact[:2] - middle_of_hips(exact[:2]))
        True
    """
    batch = len(windows) * world_size
    rows = places_of(batch, rank, world_size, windows.device)
    stream, seen = f"{seed}/{stage}/{step}", windows.clone()
    shares = [each.share for each in spoiling.errors]
    bounds = (batch * bound for bound in accumulate(shares, initial=1 - sum(shares)))
    ends = [len(range(rank, min(batch, ceil(bound - 0.5)), world_size)) for bound in bounds]
    for each, part in zip(spoiling.errors, starmap(slice, pairwise(ends)), strict=True):
        if part.start < part.stop:
            noisy = corrupt_rows(windows[part], each.model, rows[part], stream)
            seen[part] = noisy.points
    seen = hide(seen, _hidden(windows, rows, spoiling, stream))
    return seen - middle_of_hips(fill_windows(seen))


def _hidden(
    windows: Windows2D, rows: Int[Tensor, " batch"], spoiling: Spoiling, stream: str
) -> Bool[Tensor, "batch frames joints"]:
    """Which joints are hidden: a random number of random ones, the same in a window's frames."""
    joints = torch.arange(windows.shape[2], device=windows.device)
    numbers = uniform_numbers(f"order/{stream}", rows[:, None] * len(joints) + joints)
    count = 1 + (uniform_numbers(f"count/{stream}", rows) * spoiling.most_hidden).floor()
    count = torch.where(uniform_numbers(f"hidden/{stream}", rows) <= spoiling.hidden, count, 0)
    hidden = numbers.argsort(-1) < count.clamp(max=spoiling.most_hidden)[:, None]
    return hidden[:, None].expand(windows.shape[:-1])
