"""The open protocols, CMU-14 and CMU-14 wild, and the one function that runs them.

A protocol says which cameras look at a clip and which frames count. For each clip and view the
true joints go to the camera frame in millimetres and to ``lsp_14``; the camera's 2D is normalised,
cut into windows with the edge frames repeated, lifted, and the centre frame of each window is
compared with the truth. Whatever is evaluated stands beside ``flat``, the baseline of equal depths.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.data.gaps import fill_gaps
from posenet3d.data.motion import MotionClip, load_motion
from posenet3d.data.normalization import ScaleMode
from posenet3d.errors import ConfigurationError, DataError, UnknownNameError
from posenet3d.evaluation import metrics
from posenet3d.evaluation.provenance import library_versions, source_commit
from posenet3d.evaluation.report import BASELINE, EvaluationReport
from posenet3d.evaluation.samples import PoseSample
from posenet3d.evaluation.scores import HeadScores, Tally
from posenet3d.evaluation.sequences import Detector, TestSequence, lift_centres, sequences_of

Lifter = Callable[[Float[Tensor, "batch frames joints 2"]], Mapping[str, Tensor]]
"""Normalised root-centred windows (B, T, 14, 2) -> named heads, each (B, T, 14, 3): poses in the
camera frame, root-centred, in any one unit."""
Progress = Callable[[int, int, str], None]
"""Called after each clip with the clips done, the clips there are, and the clip's key."""


@dataclass(frozen=True)
class Protocol:
    """Which cameras look at a test clip, and which frames count.

    Example:
        >>> CMU_14.rig, CMU_14.stride
        ('cmu14', 5)
    """

    name: str
    """The name in reports and on the command line."""
    rig: str
    """The camera rig's name; a test clip gets its views from the rig and the clip alone."""
    stride: int = 5
    """Errors of poses are taken on every ``stride``-th frame; MPJVE and MBLSTD on all."""


CMU_14 = Protocol("cmu14", rig="cmu14")
"""Four views in Human3.6M's geometry."""

CMU_14_WILD = Protocol("cmu14-wild", rig="cmu14-wild")
"""Four views a test clip, as people hold their cameras."""

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {protocol.name: protocol for protocol in (CMU_14, CMU_14_WILD)}
)
"""The protocols by name."""


def find_protocol(name: str) -> Protocol:
    """The protocol of this name.

    Args:
        name: ``"cmu14"`` or ``"cmu14-wild"``.

    Returns:
        The protocol.

    Raises:
        UnknownNameError: there is none of this name; the known ones are listed.

    Example:
        >>> find_protocol("cmu14-wild").rig
        'cmu14-wild'
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def evaluate(
    lifter: Lifter | None,
    clips: Sequence[MotionClip] | str | Path,
    protocol: Protocol | str = "cmu14",
    *,
    frames: int = 9,
    normalization: ScaleMode = "sequence",
    length: float | None = None,
    distance: float = 10.0,
    detector: Detector | None = None,
    device: torch.device | str = "cpu",
    batch_size: int = 4096,
    samples: int = 4,
    seed: int | None = None,
    command: str | None = None,
    commit: str | None = None,
    on_progress: Progress | None = None,
) -> EvaluationReport:
    """The errors of a lifter on 3D motion, under a protocol, beside the flat-depth baseline.

    The work streams over clips: memory holds one clip and the running sums. A lifter that is a
    module, or a method of one (``model.lift``), runs in eval mode and without gradients, and gets
    its mode back.

    Args:
        lifter: takes windows (B, frames, 14, 2), float32, root-centred and normalised, and gives
            a mapping of head names to poses (B, frames, 14, 3) in the camera frame, any unit.
            ``None`` evaluates the baseline alone.
        clips: the test clips, or the npz file that holds them.
        protocol: a protocol or its name.
        frames: frames in a window, odd.
        normalization: the scale of the 2D input, see `posenet3d.data.normalization`.
        length: the training set's mean head-to-root length, for ``normalization="dataset"``.
        distance: c, the root's depth in head-to-root lengths.
        detector: what becomes of each camera's exact 2D before it is normalised, such as a model
            of a detector's errors; the report does not know of it. Joints that it misses are NaN
            in the windows; the baseline gets them from the frames around (`fill_gaps`).
        device: where windows are lifted and errors are computed.
        batch_size: windows in a batch.
        samples: how many evenly spaced test frames the report keeps for its picture sheet.
        seed: the seed of the run, for the record.
        command: the command line, for the record.
        commit: the commit of the code, for the record; found out if it is left out.
        on_progress: called after each clip with (done, all, key).

    Returns:
        The report: for each head the figures over all frames, over subjects and by subject.

    Raises:
        ConfigurationError: ``frames``, ``batch_size`` or ``samples`` cannot be used.
        UnknownNameError: no protocol or normalisation of this name.
        DataError: no clips, their frame rates differ, or a head gives something else than a
            finite pose for each frame.
        StorageError: the file cannot be read.

    Example:
        >>> import numpy as np
        >>> still = np.arange(42.0).reshape(1, 14, 3).repeat(20, axis=0) / 42
        >>> clip = MotionClip("S0/still", still, "lsp_14", fps=50.0)
        >>> report = evaluate(None, [clip], "cmu14")
        >>> list(report.heads), report.views
        (['flat'], 4)
    """
    rules = find_protocol(protocol) if isinstance(protocol, str) else protocol
    _check_options(frames=frames, batch_size=batch_size, samples=samples)
    motion = load_motion(Path(clips)) if isinstance(clips, str | Path) else tuple(clips)
    fps = _one_frame_rate(motion, clips)
    run = _Run(rules, torch.device(device), frames, batch_size, distance)
    run.plan_samples(motion, samples)
    with _evaluating(lifter), torch.inference_mode():
        for done, clip in enumerate(motion, start=1):
            for sequence in sequences_of(
                clip, rules.rig, normalization, distance, length, detector
            ):
                run.add(sequence, lifter)
            if on_progress is not None:
                on_progress(done, len(motion), clip.key)
    return EvaluationReport(
        protocol=rules.name,
        heads=run.heads(),
        clips=len(motion),
        views=run.views,
        frames=run.frames_seen,
        stride=rules.stride,
        fps=fps,
        window=frames,
        normalization=normalization,
        samples=tuple(run.samples),
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
    distance: float
    tallies: dict[str, dict[str, Tally]] = field(default_factory=dict)
    samples: list[PoseSample] = field(default_factory=list)
    wanted: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    frames_seen: int = 0
    views: int = 0

    def plan_samples(self, motion: Sequence[MotionClip], count: int) -> None:
        """Choose evenly spaced frames over all clips; the view changes from one to the next."""
        lengths = [len(clip.joints) for clip in motion]
        for number in range(count):
            place = int((number + 0.5) * sum(lengths) / count)
            for clip, length in zip(motion, lengths, strict=True):
                if place < length:
                    self.wanted.setdefault((clip.key, number), []).append(place)
                    break
                place -= length

    def add(self, sequence: TestSequence, lifter: Lifter | None) -> None:
        """Lift one sequence and add its errors to the sums."""
        points = torch.as_tensor(sequence.points, device=self.device)
        truth = torch.as_tensor(sequence.truth, device=self.device)
        filled = torch.as_tensor(fill_gaps(sequence.points), device=self.device)
        heads = {BASELINE: metrics.flat_depth(filled, distance=self.distance)}
        if lifter is not None:
            lifted = lift_centres(lifter, points, self.window, self.batch_size, sequence.name)
            if BASELINE in lifted:
                fault = f"heads: a head may not be called {BASELINE!r}, the baseline's name"
                raise ConfigurationError([fault])
            heads |= lifted
        for head, prediction in heads.items():
            tally = Tally.of_sequence(prediction, truth, stride=self.protocol.stride)
            subjects = self.tallies.setdefault(head, {})
            before = subjects.get(sequence.subject)
            subjects[sequence.subject] = tally if before is None else before + tally
        self.frames_seen += len(sequence)
        self.views = max(self.views, sequence.view + 1)
        self._keep_samples(sequence, heads, truth)

    def _keep_samples(
        self, sequence: TestSequence, heads: Mapping[str, Tensor], truth: Tensor
    ) -> None:
        for (key, number), places in self.wanted.items():
            if key == sequence.key and number % sequence.views == sequence.view:
                for frame in places:
                    self.samples.append(PoseSample.of_frame(sequence, frame, heads, truth))

    def heads(self) -> dict[str, HeadScores]:
        """The scores of each head."""
        return {head: HeadScores.of_subjects(subjects) for head, subjects in self.tallies.items()}


def _check_options(*, frames: int, batch_size: int, samples: int) -> None:
    faults = []
    if frames < 1 or frames % 2 == 0:
        faults.append(f"frames: must be odd, so that a window has a centre frame, got {frames}")
    if batch_size < 1:
        faults.append(f"batch_size: must be 1 or more, got {batch_size}")
    if samples < 0:
        faults.append(f"samples: must be 0 or more, got {samples}")
    if faults:
        raise ConfigurationError(faults)


def _one_frame_rate(motion: Sequence[MotionClip], source: object) -> float:
    """The frame rate of all clips: velocities a frame cannot be averaged over different ones."""
    name = source if isinstance(source, str | Path) else "clips"
    if not motion:
        raise DataError(name, "Expected one clip or more, got none; name a file with test clips.")
    rates = sorted({float(clip.fps) for clip in motion})
    if len(rates) > 1:
        raise DataError(
            name,
            f"Expected clips of one frame rate, got {rates} Hz; resample them, or evaluate each "
            "frame rate by itself (MPJVE is an error a frame).",
        )
    return rates[0]


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
