"""Errors of 2D detectors: jitter, swapped limbs, outliers, missing joints, and a confidence.

Networks that learn from exact projections meet detectors' output with surprise. This model spoils
exact 2D as a detector does. All lengths are parts of the person's size in the image: the longer
side of the box around the joints in that frame. Where the numbers come from:

* **Jitter.** Chang, Moon and Lee 2019 (AbsPoseLifter, arXiv:1910.12029) measured a fine-tuned
  detector on Human3.6M: for each joint the standard deviation of its error in x and y, in pixels of
  the person's crop scaled to 256, and the share of frames in which the error is no outlier
  (`posenet3d.data.joint_errors`). Their constant offsets are left out: they tell how two
  annotations differ. A crop is 1.25 times the person's box. They do not say how long an error
  lasts. Here it has a smooth part of that size that wanders, with a memory of 0.3 seconds (a
  choice: an error changes as the pose does), and a white part of 0.3 times that size, as measured
  on a clip of OpenPose (``benchmarks/detector_noise.py``).
* **Outliers, missing and swapped joints.** How often, in gross: Chang et al.'s shares of outliers,
  9.5 % at wrists down to 0.5 % at hips; and what Ronchi and Perona 2017 (arXiv:1707.05388) found on
  COCO, as PoseFix (Moon et al. 2019) reproduces it: with most joints in view up to 10 % of a kind
  missed, left and right exchanged in 3 % of arm and 6 % of leg joints. How these are split between
  "elsewhere" and "missing", and how long runs last (0.1 seconds), are choices. An outlier lies
  where a keypoint's similarity to the truth falls from 0.5 to 0.1, the range that both call a miss,
  with COCO's published spread of each joint.
* **Hidden joints.** 2D does not tell what is hidden; a joint near one that is no neighbour of its
  own may be. There missing joints and swaps are 3 times as likely (a choice).
* **Confidence.** OpenPose gives 0.66 ± 0.05 to good joints of the clip; it falls with the error. A
  swapped limb keeps its confidence: the detector does not know.

``gentle`` is a detector tuned to its footage, ``openpose`` one met with footage of any kind; its
jitter is twice Chang et al.'s (a choice between theirs and COCO's, some 2.6 times as large).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from posenet3d.data.joint_errors import LIMBS, OFTEN, joint_error
from posenet3d.data.noise_process import held, runs, wander
from posenet3d.data.stateless import normal_pairs, places_of, uniform_numbers
from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LSP_14, Skeleton, layout
from posenet3d.typing import Windows2D

_CROP = 1.25 / 256  # of the box's longer side, a pixel of the published errors
_ROOT_AREA = 0.63  # root of a standing person's box's area, of its longer side
_MISS = (1.18, 2.15)  # spreads at which the similarity is 0.5 and 0.1
_NEAR = 0.05  # of the box's longer side, where a joint counts as perhaps hidden
_TOLERATED = 0.06  # of the box's longer side, the error at which confidence is 0.6 of its level


class DetectorNoise(BaseModel):
    """How a 2D detector errs; see the module for where the numbers come from.

    Shares are those of a wrist that nothing hides; other joints have their part of it.

    Example:
        >>> DetectorNoise(dropped=0.5).wandering
        1.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wandering: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """The slow part of the jitter, in published standard deviations of each joint."""

    white: float = Field(default=0.3, ge=0, allow_inf_nan=False)
    """The part that is new in each frame, likewise."""

    memory_seconds: float = Field(default=0.3, gt=0, allow_inf_nan=False)
    """How long the slow part remembers."""

    dropped: float = Field(default=0.03, ge=0, le=1)
    """Share of frames in which a wrist is missing."""

    outliers: float = Field(default=0.03, ge=0, le=1)
    """Share of frames in which a wrist is somewhere else."""

    swapped: float = Field(default=0.015, ge=0, le=1)
    """Share of frames in which left and right leg are exchanged; of arms half that."""

    run_seconds: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    """How long missing joints, outliers and swaps last."""

    hidden: float = Field(default=3.0, ge=1, allow_inf_nan=False)
    """How many times as often what may be hidden is missing or swapped."""

    confidence: float = Field(default=0.9, gt=0, le=1)
    """Confidence in a joint without error."""

    confidence_spread: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    """Standard deviation of the confidence beside that."""

    def times(self, factor: float | int) -> "DetectorNoise":
        """This detector with errors so many times as large and as frequent; shares end at 1.

        Raises:
            ShapeError: the factor is negative or not finite.

        Example:
            >>> DetectorNoise(wandering=2.0, dropped=0.6).times(2).dropped
            1.0
        """
        if not 0 <= factor < float("inf"):
            raise ShapeError("factor", expected="a finite number from 0", got=f"{factor}")
        sizes = {name: factor * getattr(self, name) for name in ("wandering", "white")}
        shares = ("dropped", "outliers", "swapped")
        often = {name: min(1.0, factor * getattr(self, name)) for name in shares}
        return self.model_copy(update={**sizes, **often})


NOISE: Mapping[str, DetectorNoise] = MappingProxyType(
    {
        "gentle": DetectorNoise(),
        "openpose": DetectorNoise(
            wandering=2.0, dropped=0.08, outliers=0.04, swapped=0.06, confidence=0.69
        ),
    }
)
"""The models by name."""


class NoisyWindows(NamedTuple):
    """What a detector makes of windows.

    Attributes:
        points: (batch, frames, joints, 2), NaN where a joint is missing.
        confidence: (batch, frames, joints), 0 there.
    """

    points: Windows2D
    confidence: Float[Tensor, "batch frames joints"]


def detector_noise(model: DetectorNoise | str) -> DetectorNoise:
    """A model of a detector's errors, by name or as it is.

    Raises:
        UnknownNameError: there is none of this name.

    Example:
        >>> detector_noise("openpose").swapped
        0.06
    """
    if isinstance(model, DetectorNoise):
        return model
    if model not in NOISE:
        raise UnknownNameError("detector noise", model, NOISE)
    return NOISE[model]


def noise_by_name(value: object) -> object:
    """A check for pydantic: the model that a text names; anything else is left as it is.

    Raises:
        ValueError: there is none of this name; the known ones are listed.

    Example:
        >>> noise_by_name("openpose") is NOISE["openpose"], noise_by_name(None)
        (True, None)
    """
    if not isinstance(value, str):
        return value
    try:
        return detector_noise(value)
    except UnknownNameError as error:
        raise ValueError(str(error)) from error


def corrupt(
    sequence: KeypointSequence, model: DetectorNoise | str = "openpose", seed: int = 0
) -> KeypointSequence:
    """A sequence as a detector would have given it.

    The errors are a function of the seed, the sequence's source and track, and its frames.

    Args:
        sequence: exact 2D keypoints in any layout.
        model: the detector, or the name of one in `NOISE`.
        seed: any whole number.

    Returns:
        The sequence with errors: NaN where a joint is missing now or was before, and the given
        confidence times the detector's.

    Raises:
        UnknownNameError: no such model.

    Example:
        >>> still = torch.randn(1, 14, 2).expand(100, 14, 2).numpy()
        >>> walk = KeypointSequence(still, layout="lsp_14", fps=50.0)
        >>> seen = corrupt(walk, "openpose", seed=1)
        >>> seen.points.shape, bool((seen.confidence < 1).all())
        ((100, 14, 2), True)
    """
    points = torch.tensor(sequence.points)[None]
    frames = torch.tensor(sequence.frame_index)
    stream = f"detector/{seed}/{sequence.source}/{sequence.track_id}"
    noisy = _Detector(detector_noise(model), layout(sequence.layout), sequence.fps, stream).see(
        points, frames[None] * len(layout(sequence.layout)), frames.diff(prepend=frames[:1])
    )
    return KeypointSequence(
        noisy.points[0].numpy(),
        noisy.confidence[0].numpy() * sequence.confidence,
        layout=sequence.layout,
        fps=sequence.fps,
        unit=sequence.unit,
        image_size=sequence.image_size,
        frame_index=sequence.frame_index,
        track_id=sequence.track_id,
        source=sequence.source,
        synthesized=sequence.synthesized,
    )


def corrupt_windows(
    windows: Windows2D,
    model: DetectorNoise | str,
    seed: int,
    stage: str | int,
    step: int,
    *,
    fps: float | int = 50.0,
    rank: int = 0,
    world_size: int = 1,
) -> NoisyWindows:
    """Windows of a training step as a detector would have given them, on their device.

    The errors are a function of (seed, stage, step) and each window's place in the whole batch, as
    the choice of windows is (``posenet3d.data.windows.draw``): no generator has a state, and any
    number of processes makes the same errors.

    Args:
        windows: (batch, frames, 14, 2), exact, any unit; this process's rows of the batch.
        model: the detector, or the name of one in `NOISE`.
        seed: the run's seed.
        stage: the stage's name or number.
        step: the step in the stage.
        fps: frames a second.
        rank: this process's number.
        world_size: how many processes there are.

    Returns:
        The windows with errors, in the same unit. They are no longer centred on the hips.

    Raises:
        ShapeError: there are no windows, or rank is out of range.
        UnknownNameError: no such model.

    Example:
        >>> corrupt_windows(torch.randn(4, 10, 14, 2), "gentle", 0, "teacher", 7).points.shape
        torch.Size([4, 10, 14, 2])
    """
    rows = places_of(len(windows) * world_size, rank, world_size, windows.device)
    return corrupt_rows(windows, model, rows, f"{seed}/{stage}/{step}", fps=fps)


def corrupt_rows(
    windows: Windows2D,
    model: DetectorNoise | str,
    rows: Int[Tensor, " batch"],
    stream: str,
    *,
    fps: float | int = 50.0,
) -> NoisyWindows:
    """As :func:`corrupt_windows`, for any windows of a batch.

    Args:
        windows: (batch, frames, 14, 2), exact, any unit.
        model: the detector, or the name of one in `NOISE`.
        rows: each window's place in the whole batch.
        stream: names the random numbers, such as ``"<seed>/<stage>/<step>"``.
        fps: frames a second.

    Returns:
        The windows with errors, in the same unit. They are no longer centred on the hips.

    Raises:
        UnknownNameError: no such model.

    Example:
        >>> windows = torch.randn(4, 10, 14, 2)
        >>> last = corrupt_rows(windows[3:], "gentle", torch.tensor([3]), "0/teacher/7").points
        >>> whole = corrupt_windows(windows, "gentle", 0, "teacher", 7).points
        >>> torch.equal(last.nan_to_num(), whole[3:].nan_to_num())
        True
    """
    frames, joints = windows.shape[1:3]
    times = torch.arange(frames, device=windows.device)
    places = (rows[:, None] * frames + times) * joints
    gaps = torch.ones(frames, dtype=torch.int64)
    detector = _Detector(detector_noise(model), LSP_14, float(fps), f"detector/{stream}")
    return detector.see(windows, places, gaps)


class _Detector:
    """A detector at work on one layout at one frame rate; ``stream`` names its random numbers."""

    def __init__(self, model: DetectorNoise, skeleton: Skeleton, fps: float, stream: str) -> None:
        self.model, self.skeleton, self.fps, self.stream = model, skeleton, fps, stream
        kinds = [name.removeprefix("left_").removeprefix("right_") for name in skeleton.joint_names]
        self.kinds = kinds
        self.errors = [joint_error(kind) for kind in kinds]

    def see(
        self,
        points: Windows2D,
        places: Int[Tensor, "batch frames"],
        gaps: Int[Tensor, " frames"],
    ) -> NoisyWindows:
        """The points with errors; ``places`` are their frames', in steps of the joints' number."""
        first = rearrange(places, "b t -> t b 1")
        places = first + torch.arange(points.shape[2], device=points.device)
        truth = rearrange(points, "b t j d -> t b j d")
        seconds = gaps.double() / self.fps
        known = truth.isfinite().all(-1)
        size = _longer_side(truth, known)
        hidden = self._hidden(truth, size[..., 0])
        lasting = (-seconds / self.model.run_seconds).exp().to(truth)
        error = size * self._jitter(places, seconds, truth)
        error = self._with_outliers(error, size, places, lasting)
        seen = self._exchanged(truth + error, hidden, first, lasting)
        share = (self._shares(self.model.dropped, truth) * hidden).clamp(max=1)
        dropped = runs(self._uniform("dropped", places, truth), share, lasting)
        known = known & seen.isfinite().all(-1) & ~dropped
        confidence = self._confidence(error / size, hidden, places)
        seen = torch.where(known[..., None], seen, torch.nan)
        return NoisyWindows(
            rearrange(seen, "t b j d -> b t j d"),
            rearrange(torch.where(known, confidence, 0.0), "t b j -> b t j"),
        )

    def _uniform(self, name: str, places: Tensor, like: Tensor) -> Tensor:
        return uniform_numbers(f"{self.stream}/{name}", places, like.dtype)

    def _normal(self, name: str, places: Tensor, like: Tensor) -> Tensor:
        return normal_pairs(f"{self.stream}/{name}", places, like.dtype)

    def _shares(self, share: float, like: Tensor) -> Float[Tensor, " joints"]:
        """A share that is told of wrists, of each joint."""
        return like.new_tensor([share * error.gross / OFTEN for error in self.errors])

    def _hidden(self, truth: Tensor, size: Tensor) -> Float[Tensor, "frames batch joints"]:
        """How many times as often each joint is missing: more where another one is near."""
        apart = torch.eye(len(self.skeleton), dtype=torch.bool, device=truth.device)
        for a, b in self.skeleton.bones:
            apart[a, b] = apart[b, a] = True
        distance = (truth[..., :, None, :] - truth[..., None, :, :]).norm(dim=-1)
        distance = distance.masked_fill(apart | distance.isnan(), torch.inf)
        return torch.where(distance.amin(-1) < _NEAR * size, self.model.hidden, 1.0).to(truth.dtype)

    def _jitter(self, places: Tensor, seconds: Tensor, like: Tensor) -> Tensor:
        """Errors of all joints that are no outliers, in parts of the person's size."""
        deviation = like.new_tensor([[error.x * _CROP, error.y * _CROP] for error in self.errors])
        pairs = [self._normal(f"wandering/{axis}", places, like) for axis in "xy"]
        slow = wander(torch.stack(pairs, dim=-2), seconds, self.model.memory_seconds)
        white = self._normal("white", places, like)
        return deviation * (self.model.wandering * slow + self.model.white * white)

    def _with_outliers(
        self, error: Tensor, size: Tensor, places: Tensor, lasting: Tensor
    ) -> Tensor:
        """The errors, some of which are so large that the joint counts as missed."""
        share = self._shares(self.model.outliers, error).expand(error.shape[:-1])
        on = runs(self._uniform("outliers", places, error), share, lasting)
        low, high = _MISS
        spread = error.new_tensor([2 * each.spread * _ROOT_AREA for each in self.errors])
        ring = self._uniform("ring", places, error)
        direction = torch.nn.functional.normalize(self._normal("away", places, error), dim=-1)
        away = held(direction * (spread * (low + (high - low) * ring))[..., None], on)
        return torch.where(on[..., None], size * away + error, error)

    def _exchanged(self, seen: Tensor, hidden: Tensor, first: Tensor, lasting: Tensor) -> Tensor:
        """The points with arms or legs exchanged in some runs of frames."""
        for number, (limb, kinds) in enumerate(LIMBS.items()):
            which = [joint for joint, kind in enumerate(self.kinds) if kind in kinds]
            if not which:
                continue
            share = self.model.swapped * (0.5 if limb == "arms" else 1.0)
            shares = (share * hidden[..., which].amax(-1, keepdim=True)).clamp(max=1)
            on = runs(self._uniform("swapped", first + number, seen), shares, lasting)
            order = list(range(len(self.kinds)))
            for joint in which:
                order[joint] = self.skeleton.mirror[joint]
            seen = torch.where(on[..., None], seen[..., order, :], seen)
        return seen

    def _confidence(self, error: Tensor, hidden: Tensor, places: Tensor) -> Tensor:
        """Confidence that falls with the error (in parts of the size), and where joints crowd."""
        good = (-(error.square().sum(-1) / (2 * _TOLERATED**2))).exp()
        level = self.model.confidence * (0.2 + 0.8 * good)
        level = level * torch.where(hidden > 1, 0.95, 1.0)
        noise = self._normal("confidence", places, error)[..., 0]
        return (level + self.model.confidence_spread * noise).clamp(0.05, 1.0)


def _longer_side(
    truth: Tensor, known: Bool[Tensor, "frames batch joints"]
) -> Float[Tensor, "frames batch 1 1"]:
    """The longer side of the box around the known joints; 0 where there are none."""
    low = truth.masked_fill(~known[..., None], torch.inf).amin(-2)
    high = truth.masked_fill(~known[..., None], -torch.inf).amax(-2)
    return (high - low).amax(-1).clamp(min=0)[..., None, None]
