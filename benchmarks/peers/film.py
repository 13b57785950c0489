"""What every peer is given: filmed CMU-14, the same 2D and the same frames as our own lifter's.

A view is one clip seen by one camera, in layout `lsp_14`. Its 2D is in half image widths from the
image's centre, which is what VideoPose3D calls normalised screen coordinates; each adapter takes it
on to what its peer expects. Errors come from `posenet3d.evaluation`, frame by frame the same as in
`posenet3d evaluate`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from posenet3d.data import MotionClip, camera_rig, load_motion, normalize, observe
from posenet3d.evaluation import EvaluationReport, HeadScores, Tally, find_protocol, flat_depth
from posenet3d.evaluation.metrics import depth_negated
from posenet3d.evaluation.provenance import library_versions, source_commit
from posenet3d.evaluation.sequences import camera_frame
from posenet3d.skeletons import LSP_14, convert

Lift = Callable[[np.ndarray], np.ndarray]
"""The 2D of a whole sequence (frames, 14, 2) -> poses (frames, 14, 3) in the camera frame."""

FLAT, NEGATED = "flat", " (depth negated)"
HIPS = list(LSP_14.indices("right_hip", "left_hip"))


def _side(side: str) -> list[int]:
    parts = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    return [LSP_14.index(f"{side}_{part}") for part in parts]


LEFT, RIGHT = _side("left"), _side("right")


@dataclass(frozen=True, eq=False)
class View:
    """One clip seen by one camera."""

    name: str
    subject: str
    points: np.ndarray
    """(frames, 14, 2), half image widths from the image's centre, x right, y down."""
    joints: np.ndarray | None
    """(frames, 14, 3), mm, camera frame; None for a peer that learns from 2D."""

    def __len__(self) -> int:
        return len(self.points)


def views_of(clip: MotionClip, protocol: str, split: str) -> Iterator[View]:
    """The clip from each camera of the protocol."""
    for number, camera in enumerate(camera_rig(protocol, split).cameras(clip)):
        name = f"{clip.key}/view{number}"
        points = observe(clip, camera, name).to_layout("lsp_14").points
        yield View(name, clip.subject, np.asarray(points), camera_frame(clip, camera))


def training_clips(data: Path, hold_out: Sequence[str]) -> tuple[MotionClip, ...]:
    """The clips of the training subjects that are not held out."""
    clips = load_motion(data / "cmu_train.npz")
    return tuple(clip for clip in clips if clip.subject not in hold_out)


def judged_clips(data: Path, hold_out: Sequence[str]) -> tuple[MotionClip, ...]:
    """The held-out training subjects' clips, or the test subjects' where nobody is held out."""
    if not hold_out:
        return load_motion(data / "cmu_test.npz")
    clips = load_motion(data / "cmu_train.npz")
    missing = set(hold_out) - {clip.subject for clip in clips}
    if missing:
        raise SystemExit(f"expected training subjects to hold out, got {sorted(missing)}")
    return tuple(clip for clip in clips if clip.subject in hold_out)


def film(clips: Iterable[MotionClip], protocol: str, *, with_truth: bool) -> list[View]:
    """All training views; without their truth for a peer that learns from 2D."""
    views = [view for clip in clips for view in views_of(clip, protocol, "train")]
    return views if with_truth else [replace(view, joints=None) for view in views]


def rooted(points: np.ndarray) -> np.ndarray:
    """Points relative to the middle of the hips."""
    return points - points[:, HIPS].mean(axis=1, keepdims=True)


def with_pelvis(points: np.ndarray) -> np.ndarray:
    """The middle of the hips as joint 0, then the 14: for code whose root is its first joint."""
    return np.concatenate([points[:, HIPS].mean(axis=1, keepdims=True), points], axis=1)


def relative_lengths(clips: Iterable[MotionClip], bones: Sequence[tuple[int, int]]) -> list[float]:
    """Mean lengths over all frames of bones between joints of `with_pelvis`; their mean is 1.

    From the truth: for a peer whose own training is told such lengths of its own data set's joints.
    """
    ends = np.array(bones)
    lengths = []
    for clip in clips:
        joints = with_pelvis(convert(clip.joints, clip.layout, "lsp_14").points)
        lengths.append(np.linalg.norm(joints[:, ends[:, 0]] - joints[:, ends[:, 1]], axis=-1))
    each = np.concatenate(lengths)
    return (each / each.mean(axis=1, keepdims=True)).mean(axis=0).tolist()


def frame_scaled(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root-centred points whose mean distance from the root is 1 in each frame, and the scale."""
    centred = rooted(points)
    scale = np.linalg.norm(centred, axis=-1).mean(axis=1)[:, None, None]
    return centred / scale, scale


def sequence_scaled(points: np.ndarray) -> np.ndarray:
    """Root-centred points whose mean head-to-root length over the sequence is 0.1: our input."""
    return normalize(points).points


class Windows:
    """Windows of consecutive frames, all of them once an epoch, in an order that a seed fixes.

    A batch is a function of seed and step, so that a run which was stopped goes on as if nothing
    had happened.
    """

    def __init__(
        self,
        sequences: Sequence[np.ndarray],
        batch: int,
        seed: int,
        length: int = 1,
        stride: int = 1,
    ) -> None:
        starts, offset = [], 0
        for sequence in sequences:
            starts.append(np.arange(0, len(sequence) - length + 1, stride) + offset)
            offset += len(sequence)
        self.starts = np.concatenate(starts)
        self.frames = np.concatenate(sequences).astype(np.float32)
        self.batch, self.seed, self.length = batch, seed, length
        self._order = lru_cache(maxsize=2)(self._permutation)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def steps_an_epoch(self) -> int:
        """Batches an epoch; a last one that is not full is left out."""
        return len(self) // self.batch

    def draw(self, step: int) -> np.ndarray:
        """The starts of a step's windows."""
        epoch, place = divmod(step, self.steps_an_epoch)
        order = self._order(epoch)
        return self.starts[order[place * self.batch : (place + 1) * self.batch]]

    def __call__(self, step: int) -> torch.Tensor:
        """The windows (batch, length, ...) of a step."""
        return torch.from_numpy(self.frames[self.draw(step)[:, None] + np.arange(self.length)])

    def _permutation(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(len(self))


@dataclass(frozen=True)
class Glance:
    """The error on a few held-out views, to see a run's error fall; never on the test subjects."""

    views: list[View]

    @classmethod
    def of(cls, clips: Sequence[MotionClip], protocol: str, count: int = 12, frames: int = 60):
        """The middle of evenly spaced clips."""
        views = []
        for number in np.linspace(0, len(clips) - 1, min(count, len(clips))).astype(int):
            seen = list(views_of(clips[number], protocol, "test"))
            view = seen[int(number) % len(seen)]
            first = max(0, (len(view) - frames) // 2)
            part = slice(first, first + frames)
            views.append(replace(view, points=view.points[part], joints=view.joints[part]))
        return cls(views)

    def __call__(self, lift: Lift) -> dict[str, float]:
        """P-MPJPE as it is and with the depth negated, mm."""
        tallies = [
            Tally.of_sequence(torch.from_numpy(lift(v.points)).double(), torch.from_numpy(v.joints))
            for v in self.views
        ]
        scores = sum(tallies[1:], tallies[0]).scores()
        return {"p_mpjpe": scores.p_mpjpe, "p_mpjpe_depth_negated": scores.p_mpjpe_depth_flipped}


def judge(
    heads: dict[str, Lift],
    clips: Sequence[MotionClip],
    protocol: str,
    *,
    both_signs: bool,
    **about: str | int | None,
) -> EvaluationReport:
    """The figures of lifters on clips, on the frames and with the metrics of `posenet3d evaluate`.

    Args:
        heads: lifters by name.
        clips: the clips.
        protocol: the protocol's name.
        both_signs: judge each lifter's depth mirror too, under the name ending in `NEGATED`.
        about: command and seed, for the record.
    """
    rules = find_protocol(protocol)
    tallies: dict[str, dict[str, Tally]] = {}
    frames = views = 0
    for clip in clips:
        for number, view in enumerate(views_of(clip, rules.rig, "test")):
            truth = torch.from_numpy(view.joints)
            for head, poses in _poses(heads, view, both_signs).items():
                tally = Tally.of_sequence(poses, truth, stride=rules.stride)
                subjects = tallies.setdefault(head, {})
                before = subjects.get(view.subject)
                subjects[view.subject] = tally if before is None else before + tally
            frames, views = frames + len(view), max(views, number + 1)
    return EvaluationReport(
        protocol=rules.name,
        heads={head: HeadScores.of_subjects(subjects) for head, subjects in tallies.items()},
        clips=len(clips),
        views=views,
        frames=frames,
        stride=rules.stride,
        fps=float(clips[0].fps),
        window=0,
        normalization="the peer's own",
        versions=library_versions(),
        commit=source_commit(),
        **about,
    )


def _poses(heads: dict[str, Lift], view: View, both_signs: bool) -> dict[str, torch.Tensor]:
    """Each head's poses of a view, root-centred."""
    poses = {FLAT: flat_depth(torch.from_numpy(sequence_scaled(view.points)))}
    for head, lift in heads.items():
        lifted = np.asarray(lift(view.points), dtype=np.float64)
        if lifted.shape != view.joints.shape or not np.isfinite(lifted).all():
            raise SystemExit(f"{head}: expected finite {view.joints.shape}, got {lifted.shape}")
        poses[head] = torch.from_numpy(rooted(lifted))
        if both_signs:
            poses[head + NEGATED] = depth_negated(poses[head])
    return poses
