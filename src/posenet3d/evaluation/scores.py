"""The numbers of an evaluation: running sums while it goes on, frozen scores when it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posenet3d.evaluation import metrics

MIRROR_TOLERANCE = 1e-3
"""Below this difference, in mm, a body and its depth mirror count as the same."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The errors of one set of predictions, each a mean; mm where not stated otherwise.

    A number that cannot be had (a velocity of one-frame clips) is ``nan``.

    Example:
        >>> import torch
        >>> scores = Tally.of_sequence(
        ...     torch.eye(14, 3).expand(2, 14, 3).double(),
        ...     torch.eye(14, 3).expand(2, 14, 3).double(),
        ... ).scores()
        >>> scores.frames, round(scores.p_mpjpe, 6)
        (2, 0.0)
    """

    p_mpjpe: float
    """Mean joint error after a similarity a frame, det(R) = +1."""
    p_mpjpe_reflected: float
    """The same with mirror images counted as right; ElePose's flavour."""
    p_mpjpe_depth_flipped: float
    """P-MPJPE of the prediction with its depth negated."""
    n_mpjpe: float
    """Mean joint error after root-centring and a least-squares scale a frame."""
    mpjve: float
    """The paper's MPJVE, mm a frame: velocity error after a similarity a frame."""
    mpjve_videopose3d: float
    """VideoPose3D's MPJVE, mm a frame: nothing aligned but one scale a sequence."""
    mblstd: float
    """Standard deviation of eight limb lengths over a sequence, after one scale a sequence."""
    pck_150: float
    """Percent of joints strictly within 150 mm, after the similarity."""
    auc: float
    """Mean PCK over 0, 5, ..., 150 mm in percent, after the similarity."""
    n_pck_150: float
    """Percent of joints strictly within 150 mm, after root-centring and scale a frame."""
    n_auc: float
    """Mean PCK over 0, 5, ..., 150 mm in percent, after root-centring and scale a frame."""
    per_joint: tuple[float, ...]
    """Each joint's part of P-MPJPE, in the layout's joint order."""
    frames: int
    """Frames that the errors of poses were taken on."""

    @property
    def right_way_round(self) -> bool | None:
        """Whether depth is the right way round; ``None`` where a mirror changes nothing (flat)."""
        return right_way_round(self.p_mpjpe, self.p_mpjpe_depth_flipped)


FIGURES: tuple[str, ...] = tuple(
    field.name for field in fields(Scores) if field.name not in ("per_joint", "frames")
)
"""The names of the figures in :class:`Scores` that are one number each."""


def average(scores: Sequence[Scores]) -> Scores:
    """The mean of several scores, each counted once; ``frames`` adds up.

    Args:
        scores: one or more, for instance one a subject.

    Returns:
        The mean of each figure.

    Example:
        >>> import torch
        >>> pose = torch.eye(14, 3).expand(2, 14, 3).double()
        >>> average([Tally.of_sequence(pose, pose).scores()] * 3).frames
        6
    """
    values: dict[str, Any] = {name: fmean(getattr(one, name) for one in scores) for name in FIGURES}
    joints = zip(*(one.per_joint for one in scores), strict=True)
    values["per_joint"] = tuple(fmean(joint) for joint in joints)
    return Scores(**values, frames=sum(one.frames for one in scores))


def right_way_round(p_mpjpe: float, depth_flipped: float) -> bool | None:
    """Whether a body beats its depth mirror; ``None`` where both are equally good.

    Args:
        p_mpjpe: P-MPJPE of the prediction, in mm.
        depth_flipped: P-MPJPE of the prediction with its depth negated, in mm.

    Returns:
        True, False, or ``None`` if they differ by less than :data:`MIRROR_TOLERANCE`.

    Example:
        >>> (
        ...     right_way_round(80.0, 170.0),
        ...     right_way_round(170.0, 80.0),
        ...     right_way_round(126.0, 126.0),
        ... )
        (True, False, None)
    """
    if not abs(p_mpjpe - depth_flipped) >= MIRROR_TOLERANCE:
        return None
    return p_mpjpe < depth_flipped


@dataclass(frozen=True)
class Tally:
    """Running sums: for each figure the sum so far and how many values it holds.

    Tallies add, so an evaluation of any length needs the memory of one sequence. The sums stay on
    the device until :meth:`scores` is asked for.

    Example:
        >>> import torch
        >>> sequence = torch.eye(14, 3).expand(11, 14, 3).double()
        >>> tally = Tally.of_sequence(sequence, sequence, stride=5)
        >>> (tally + tally).scores().frames
        6
    """

    sums: Mapping[str, Tensor]
    """The sum of each figure's values; ``per_joint`` is a vector."""
    counts: Mapping[str, int]
    """How many values each sum holds: frames, steps between frames, or sequences."""

    @classmethod
    def of_sequence(
        cls,
        prediction: Float[Tensor, "frames joints 3"],
        truth: Float[Tensor, "frames joints 3"],
        *,
        stride: int = 1,
        times: Int[Tensor, " frames"] | None = None,
        counted: Bool[Tensor, " frames"] | None = None,
        velocities: bool = True,
    ) -> "Tally":
        """The sums over one sequence.

        Args:
            prediction: a sequence of ``lsp_14`` poses in the camera frame, any unit.
            truth: the true sequence, the same frame, in mm.
            stride: the errors of poses are taken on every ``stride``-th frame, from the first;
                velocities and bone lengths on all.
            times: each frame's number, rising; 0, 1, 2 … if ``None``. A velocity is taken only
                between frames that follow each other.
            counted: which frames may be counted; all if ``None``. The truth of the others may be
                NaN.
            velocities: whether velocities are taken at all.

        Returns:
            The tally of this sequence.

        Raises:
            ShapeError: the shapes differ.
        """
        when = torch.arange(len(truth), device=truth.device) if times is None else times
        taken = (when - when[:1]) % stride == 0
        if counted is not None:
            prediction, truth, when = prediction[counted], truth[counted], when[counted]
            taken = taken[counted]
        similar = metrics.aligned(prediction, truth)
        parts = _pose_values(prediction[taken], similar[taken], truth[taken])
        parts |= _motion_values(prediction, similar, truth, (when.diff() == 1) & velocities)
        sums = {name: values.sum(dim=0) for name, values in parts.items()}
        return cls(sums, {name: values.shape[0] for name, values in parts.items()})

    def __add__(self, other: "Tally") -> "Tally":
        """The sums over both."""
        return Tally(
            {name: self.sums[name] + other.sums[name] for name in self.sums},
            {name: self.counts[name] + other.counts[name] for name in self.counts},
        )

    def scores(self) -> Scores:
        """The means: over frames, over steps between frames (MPJVE), over sequences (MBLSTD)."""
        means = {
            name: (total / self.counts[name] if self.counts[name] else total * float("nan"))
            for name, total in self.sums.items()
        }
        joints = tuple(means.pop("per_joint").tolist())
        figures: dict[str, Any] = {name: float(mean) for name, mean in means.items()}
        return Scores(**figures, per_joint=joints, frames=self.counts["p_mpjpe"])


@dataclass(frozen=True, kw_only=True)
class HeadScores(Scores):
    """The scores of one head over all test frames, with the same figures by subject.

    The figures of the head itself are means over all frames (MPJVE: over all steps between
    frames; MBLSTD: over sequences); under a protocol that says so, means over sequences.

    Example:
        >>> import torch
        >>> pose = torch.eye(14, 3).expand(2, 14, 3).double()
        >>> head = HeadScores.of_subjects({"S14": Tally.of_sequence(pose, pose)})
        >>> head.frames, list(head.by_subject), round(head.subject_mean.p_mpjpe, 6)
        (2, ['S14'], 0.0)
    """

    subject_mean: Scores
    """The mean over subjects, each counted once."""
    by_subject: Mapping[str, Scores]
    """The scores of each subject, by name."""

    @classmethod
    def of_subjects(cls, tallies: Mapping[str, Tally]) -> "HeadScores":
        """The scores from the running sums of each subject; every frame counts once."""
        first, *rest = tallies.values()
        total = first
        for tally in rest:
            total = total + tally
        by_subject = {name: tallies[name].scores() for name in sorted(tallies)}
        return cls._of(total.scores(), by_subject)

    @classmethod
    def of_sequences(cls, tallies: Mapping[str, Sequence[Tally]]) -> "HeadScores":
        """The scores from the sums of each subject's sequences; every sequence counts once."""
        scores = {name: [tally.scores() for tally in tallies[name]] for name in sorted(tallies)}
        overall = average([one for each in scores.values() for one in each])
        return cls._of(overall, {name: average(each) for name, each in scores.items()})

    @classmethod
    def _of(cls, overall: Scores, by_subject: Mapping[str, Scores]) -> "HeadScores":
        mean = average(list(by_subject.values()))
        return cls(
            **{name: getattr(overall, name) for name in overall.__dataclass_fields__},
            subject_mean=mean,
            by_subject=by_subject,
        )


def _pose_values(prediction: Tensor, similar: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """One value a frame for each figure that looks at poses."""
    scaled, centred = metrics.frame_scaled(prediction, truth)
    distances = metrics.joint_distances(similar, truth)
    flipped = metrics.depth_negated(prediction)
    return {
        "per_joint": distances,
        "p_mpjpe": distances.mean(dim=-1),
        "p_mpjpe_reflected": metrics.p_mpjpe(prediction, truth, reflection="allowed"),
        "p_mpjpe_depth_flipped": metrics.p_mpjpe(flipped, truth),
        "n_mpjpe": metrics.joint_distances(scaled, centred).mean(dim=-1),
        "pck_150": metrics.pck(similar, truth),
        "auc": metrics.auc(similar, truth),
        "n_pck_150": metrics.pck(scaled, centred),
        "n_auc": metrics.auc(scaled, centred),
    }


def _motion_values(
    prediction: Tensor, similar: Tensor, truth: Tensor, follows: Tensor
) -> dict[str, Tensor]:
    """One value a step between frames that follow each other, or a sequence (bone lengths)."""
    if not len(truth):
        none = truth.new_zeros(0)
        return {"mpjve": none, "mpjve_videopose3d": none, "mblstd": none}
    return {
        "mpjve": _step_errors(similar, truth)[follows],
        "mpjve_videopose3d": _step_errors(*metrics.sequence_scaled(prediction, truth))[follows],
        "mblstd": metrics.mblstd(prediction, truth)[None],
    }


def _step_errors(prediction: Tensor, truth: Tensor) -> Tensor:
    if prediction.shape[0] < 2:
        return prediction.new_zeros(0)
    return metrics.velocity_distances(prediction, truth).mean(dim=-1)
