"""The one function that runs a protocol.

For each sequence the true joints are in the camera frame in millimetres and in ``lsp_14``; the
camera's 2D is normalised, cut into windows with the edge frames repeated, lifted, and what the
windows say of each frame (their centre's, or the mean of those that overlap) is compared with the
truth. Whatever is evaluated stands beside ``flat``, the baseline of equal depths.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from posenet3d.data.gaps import fill_gaps
from posenet3d.data.normalization import ScaleMode
from posenet3d.errors import ConfigurationError, UnknownNameError
from posenet3d.evaluation import metrics
from posenet3d.evaluation.clips import (
    EvaluatedClip,
    Input,
    TestData,
    evaluated_clips,
    one_frame_rate,
    usual_protocol,
)
from posenet3d.evaluation.lifting import Lifter, lift_frames
from posenet3d.evaluation.protocols import Protocol, find_protocol
from posenet3d.evaluation.provenance import library_versions, source_commit
from posenet3d.evaluation.report import BASELINE, EvaluationReport
from posenet3d.evaluation.samples import PoseSample
from posenet3d.evaluation.scores import HeadScores, Tally
from posenet3d.evaluation.sequences import Detector, TestSequence
from posenet3d.inference import STITCHES

Progress = Callable[[int, int, str], None]
"""Called after each clip with the clips done, the clips there are, and the clip's key."""


def evaluate(
    lifter: Lifter | None,
    clips: TestData,
    protocol: Protocol | str | None = None,
    *,
    frames: int = 9,
    normalization: ScaleMode = "sequence",
    length: float | None = None,
    distance: float = 10.0,
    detector: Detector | None = None,
    device: torch.device | str = "cpu",
    batch_size: int = 4096,
    stitch: str = "centre",
    samples: int = 4,
    hardest: int = 0,
    seed: int | None = None,
    command: str | None = None,
    commit: str | None = None,
    on_progress: Progress | None = None,
) -> EvaluationReport:
    """The errors of a lifter under a protocol, beside the flat-depth baseline.

    The work streams over clips: memory holds one clip and the running sums. A lifter that is a
    module, or a method of one (``model.lift``), runs in eval mode and without gradients, and gets
    its mode back.

    Args:
        lifter: takes windows (B, frames, 14, 2), float32, root-centred and normalised, and gives
            a mapping of head names to poses (B, frames, 14, 3) in the camera frame, any unit.
            ``None`` evaluates the baseline alone.
        clips: what the protocol needs: 3D motion where cameras of its own film it, annotated
            sequences (`posenet3d.data.AnnotatedSequence`) where the dataset brings its cameras; or
            the npz file of either.
        protocol: a protocol or its name; by default the first that the file names, else
            ``"cmu14"``.
        frames: frames in a window, odd.
        normalization: the scale of the 2D input, see `posenet3d.data.normalization`.
        length: the training set's mean head-to-root length, for ``normalization="dataset"``.
        distance: c, the root's depth in head-to-root lengths.
        detector: what becomes of each camera's exact 2D before it is normalised, such as a model
            of a detector's errors; the report does not know of it. Joints that it misses are NaN
            in the windows; the baseline gets them from the frames around (`fill_gaps`).
        device: where windows are lifted and errors are computed.
        batch_size: windows in a batch.
        stitch: what is compared of a frame: ``"centre"``, what the window around it says, as the
            protocols define it; or ``"average"``, the mean over all windows that hold it, as
            `Estimator.predict` lifts by default. A lifter of one frame has the same answer.
        samples: how many evenly spaced test frames the report keeps for its picture sheet.
        hardest: how many of the frames with the largest P-MPJPE the report keeps as well, one a
            sequence at most: failures to look at, as the paper's Fig. 6. The head that decides is
            ``mean`` where there is one, else the lifter's last.
        seed: the seed of the run, for the record.
        command: the command line, for the record.
        commit: the commit of the code, for the record; found out if it is left out.
        on_progress: called after each clip with (done, all, key).

    Returns:
        The report: for each head the figures over all frames, over subjects and by subject.

    Raises:
        ConfigurationError: ``frames``, ``batch_size``, ``samples`` or ``hardest`` cannot be used.
        UnknownNameError: no protocol, normalisation or stitching of this name.
        DataError: no clips, clips of the wrong kind or for another protocol, a damaged one, frame
            rates that differ, or a head that gives something else than a finite pose for each
            frame.
        StorageError: the file cannot be read.

    Example:
        >>> from posenet3d.data import MotionClip
        >>> still = np.arange(42.0).reshape(1, 14, 3).repeat(20, axis=0) / 42
        >>> clip = MotionClip("S0/still", still, "lsp_14", fps=50.0)
        >>> report = evaluate(None, [clip], "cmu14")
        >>> list(report.heads), report.views
        (['flat'], 4)
    """
    if stitch not in STITCHES:
        raise UnknownNameError("stitching", stitch, STITCHES)
    _check_options(frames=frames, batch_size=batch_size, samples=samples, hardest=hardest)
    rules = find_protocol(protocol) if isinstance(protocol, str) else protocol
    rules = usual_protocol(clips) if rules is None else rules
    parts = evaluated_clips(clips, rules)
    given = Input(normalization, distance, length, detector)
    run = _Run(rules, torch.device(device), frames, batch_size, stitch, distance, hardest)
    run.plan_samples(parts, samples)
    with _evaluating(lifter), torch.inference_mode():
        for done, part in enumerate(parts, start=1):
            for sequence in part.views(given):
                run.add(sequence, lifter)
            if on_progress is not None:
                on_progress(done, len(parts), part.key)
    return EvaluationReport(
        protocol=rules.name,
        heads=run.heads(),
        clips=len(parts),
        views=run.views,
        frames=run.frames_seen,
        stride=rules.stride,
        mean_over=rules.mean_over,
        fps=one_frame_rate(run.rates) if rules.velocities else math.nan,
        window=frames,
        stitch=stitch,
        normalization=normalization,
        samples=tuple(run.samples),
        hardest=tuple(sample for _, sample in run.hardest),
        versions=library_versions(),
        command=command,
        seed=seed,
        commit=commit or source_commit(),
    )


@dataclass
class _Run:
    """What one evaluation gathers while it streams over the clips."""

    protocol: Protocol
    device: torch.device
    window: int
    batch_size: int
    stitch: str
    distance: float
    hard: int
    tallies: dict[str, dict[str, list[Tally]]] = field(default_factory=dict)
    samples: list[PoseSample] = field(default_factory=list)
    hardest: list[tuple[float, PoseSample]] = field(default_factory=list)
    wanted: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    rates: dict[float, str] = field(default_factory=dict)
    frames_seen: int = 0
    views: int = 0

    def plan_samples(self, clips: Sequence[EvaluatedClip], count: int) -> None:
        """Choose evenly spaced frames over all clips; the view changes from one to the next."""
        total = sum(clip.frames for clip in clips)
        for number in range(count):
            place = int((number + 0.5) * total / count)
            for clip in clips:
                if place < clip.frames:
                    self.wanted.setdefault((clip.key, number), []).append(place)
                    break
                place -= clip.frames

    def add(self, sequence: TestSequence, lifter: Lifter | None) -> None:
        """Lift one sequence and add its errors to the sums."""
        self.rates.setdefault(sequence.fps, sequence.name)
        if self.protocol.velocities:
            one_frame_rate(self.rates)
        points = torch.as_tensor(sequence.points, device=self.device)
        truth = torch.as_tensor(sequence.truth, device=self.device)
        filled = torch.as_tensor(fill_gaps(sequence.points), device=self.device)
        heads = {BASELINE: metrics.flat_depth(filled, distance=self.distance)}
        if lifter is not None:
            size, name = self.batch_size, sequence.name
            lifted = lift_frames(
                lifter, points, self.window, size, name, self.stitch, sequence.times
            )
            if BASELINE in lifted:
                fault = f"heads: a head may not be called {BASELINE!r}, the baseline's name"
                raise ConfigurationError([fault])
            heads |= lifted
        for head, prediction in heads.items():
            tally = Tally.of_sequence(
                prediction,
                truth,
                stride=self.protocol.stride,
                times=_on(self.device, sequence.times),
                counted=_on(self.device, sequence.counted),
                velocities=self.protocol.velocities,
            )
            counted = self.tallies.setdefault(head, {}).setdefault(sequence.subject, [])
            if counted and self.protocol.mean_over == "frames":
                tally = counted.pop() + tally
            counted.append(tally)
        self.frames_seen += len(sequence)
        self.views = max(self.views, sequence.view + 1)
        self._keep_samples(sequence, heads, truth)
        if self.hard and lifter is not None:
            self._keep_hardest(sequence, heads, truth)

    def _keep_samples(
        self, sequence: TestSequence, heads: Mapping[str, Tensor], truth: Tensor
    ) -> None:
        for (key, number), places in self.wanted.items():
            if key == sequence.key and number % sequence.views == sequence.view:
                for frame in _counted_near(places, sequence):
                    self.samples.append(PoseSample.of_frame(sequence, frame, heads, truth))

    def _keep_hardest(
        self, sequence: TestSequence, heads: Mapping[str, Tensor], truth: Tensor
    ) -> None:
        """Keep the sequence's worst frame if it is among the worst of all so far."""
        decides = heads["mean"] if "mean" in heads else list(heads.values())[-1]
        frames = np.arange(len(sequence))[:: self.protocol.stride]
        if sequence.counted is not None:
            frames = frames[sequence.counted[frames]]
        if not len(frames):
            return
        errors = metrics.p_mpjpe(decides[frames], truth[frames])
        worst, error = int(frames[int(errors.argmax())]), float(errors.max())
        if len(self.hardest) < self.hard or error > self.hardest[-1][0]:
            sample = PoseSample.of_frame(sequence, worst, heads, truth)
            kept = sorted([*self.hardest, (error, sample)], key=lambda one: -one[0])
            self.hardest = kept[: self.hard]

    def heads(self) -> dict[str, HeadScores]:
        """The scores of each head."""
        if self.protocol.mean_over == "sequences":
            return {head: HeadScores.of_sequences(given) for head, given in self.tallies.items()}
        return {
            head: HeadScores.of_subjects({subject: tally for subject, (tally,) in given.items()})
            for head, given in self.tallies.items()
        }


def _check_options(*, frames: int, batch_size: int, samples: int, hardest: int) -> None:
    faults = []
    if frames < 1 or frames % 2 == 0:
        faults.append(f"frames: must be odd, so that a window has a centre frame, got {frames}")
    if batch_size < 1:
        faults.append(f"batch_size: must be 1 or more, got {batch_size}")
    for name, count in (("samples", samples), ("hardest", hardest)):
        if count < 0:
            faults.append(f"{name}: must be 0 or more, got {count}")
    if faults:
        raise ConfigurationError(faults)


def _on(device: torch.device, values: np.ndarray | None) -> Tensor | None:
    return None if values is None else torch.tensor(values, device=device)


def _counted_near(places: Sequence[int], sequence: TestSequence) -> list[int]:
    """The frames that count and lie nearest to the places; none where no frame counts."""
    if sequence.counted is None:
        return [place for place in places if place < len(sequence)]
    counted = np.flatnonzero(sequence.counted)
    return [int(counted[np.abs(counted - place).argmin()]) for place in places if len(counted)]


@contextmanager
def _evaluating(lifter: Lifter | None) -> Iterator[None]:
    """Eval mode for the module behind a lifter, if there is one; its mode comes back."""
    module = getattr(lifter, "__self__", lifter)
    parts = list(module.modules()) if isinstance(module, nn.Module) else []
    modes = [part.training for part in parts]
    for part in parts:
        part.training = False
    try:
        yield
    finally:
        for part, training in zip(parts, modes, strict=True):
            part.training = training
