"""The result of an evaluation: frozen figures, a table for the terminal, JSON, a picture sheet."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from posenet3d.errors import ConfigurationError, how_many
from posenet3d.evaluation.samples import PoseSample
from posenet3d.evaluation.scores import HeadScores, Scores
from posenet3d.files import atomic_write, json_text
from posenet3d.skeletons.layouts import LSP_14
from posenet3d.visualization import skeleton_sheet

Which = Literal["samples", "hardest"]

BASELINE = "flat"
"""The head that every report holds: all joints at the root's depth."""


@dataclass(frozen=True, kw_only=True)
class EvaluationReport:
    """What an evaluation found, and all that it takes to find it again.

    `report["teacher"]` is a head's scores. ``rich.print(report)`` gives the table.

    Example:
        >>> import json
        >>> import torch
        >>> from posenet3d.evaluation.scores import Tally
        >>> pose = torch.eye(14, 3).expand(2, 14, 3).double()
        >>> flat = HeadScores.of_subjects({"S14": Tally.of_sequence(pose, pose)})
        >>> report = EvaluationReport(
        ...     protocol="cmu14",
        ...     heads={"flat": flat},
        ...     clips=1,
        ...     views=1,
        ...     frames=2,
        ...     stride=1,
        ...     fps=50.0,
        ...     window=9,
        ...     normalization="sequence",
        ... )
        >>> round(report["flat"].p_mpjpe, 6), json.loads(report.to_json())["flat"]["frames"]
        (0.0, 2)
    """

    protocol: str
    """The protocol's name."""
    heads: Mapping[str, HeadScores]
    """The scores by head; ``flat`` is always there."""
    clips: int
    """Test clips."""
    views: int
    """Views a clip."""
    frames: int
    """Frames lifted, all views together; the motion figures use them all."""
    stride: int
    """The errors of poses are taken on every ``stride``-th frame."""
    fps: float
    """The frame rate that MPJVE, an error a frame, holds for; ``nan`` where it is not taken."""
    window: int
    """Frames in a window."""
    normalization: str
    """The scale of the 2D input."""
    mean_over: Literal["frames", "sequences"] = "frames"
    """What counts once in the figures of a head."""
    stitch: str = "centre"
    """What is compared of a frame, see `posenet3d.inference.STITCHES`."""
    samples: tuple[PoseSample, ...] = ()
    """Test frames for the picture sheet; not in the JSON."""
    hardest: tuple[PoseSample, ...] = ()
    """The frames with the largest errors, the worst first, if they were asked for; not in the
    JSON."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of the libraries."""
    command: str | None = None
    """The command line, if it was given."""
    seed: int | None = None
    """The run's seed, if it was given."""
    commit: str | None = None
    """The commit of the library's source, if it is known."""

    def __post_init__(self) -> None:
        taken = sorted(set(self.heads) & set(self._record()))
        if taken:
            raise ConfigurationError(
                f"heads: a head may not be called {name!r}, the report has a field of that name"
                for name in taken
            )

    def __getitem__(self, head: str) -> HeadScores:
        """The scores of a head."""
        return self.heads[head]

    def ratio_to_flat(self, head: str) -> float:
        """A head's P-MPJPE as a share of the flat baseline's; below 1 it knows something."""
        return self.heads[head].p_mpjpe / self.heads[BASELINE].p_mpjpe

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values: what was measured, then each head under its own name.

        Lengths are in mm, MPJVE in mm a frame, PCK and AUC in percent; what could not be had is
        ``None``.
        """
        heads = {head: _scores_dict(scores) for head, scores in self.heads.items()}
        return self._record() | heads

    def to_json(self) -> str:
        """The report as JSON, two spaces indented, with a newline at the end."""
        return json_text(self.to_dict())

    def write_json(self, path: Path | str) -> None:
        """Write the JSON file, wholly or not at all.

        Args:
            path: the file; an existing one is replaced.

        Raises:
            StorageError: the file cannot be written.
        """
        with atomic_write(path) as file:
            file.write(self.to_json().encode())

    def write_sheet(self, path: Path | str, which: Which = "samples") -> None:
        """Draw sampled frames: the input, the truth and each head, from two views.

        Args:
            path: the picture file.
            which: the evenly spaced ``"samples"`` (the paper's Fig. 5), or the ``"hardest"`` frames
                (Fig. 6).

        Raises:
            ConfigurationError: the report holds none of them.
            MissingExtraError: matplotlib is not installed.
            StorageError: the file cannot be written.
            UnknownNameError: the picture's ending names no known format.
        """
        chosen = self.samples if which == "samples" else self.hardest
        if not chosen:
            raise ConfigurationError([f"{which}: the report holds none; evaluate with {which}=4"])
        skeleton_sheet(
            np.stack([sample.truth for sample in chosen]),
            {
                head: np.stack([sample.predictions[head] for sample in chosen])
                for head in chosen[0].predictions
            },
            np.stack([sample.input2d for sample in chosen]),
            path,
            labels=[sample.label for sample in chosen],
        )

    def _record(self) -> dict[str, Any]:
        return {
            "protocol": self.protocol,
            "clips": self.clips,
            "views": self.views,
            "frames": self.frames,
            "stride": self.stride,
            "mean_over": self.mean_over,
            "fps": self.fps,
            "window": self.window,
            "stitch": self.stitch,
            "normalization": self.normalization,
            "versions": dict(self.versions),
            "command": self.command,
            "seed": self.seed,
            "commit": self.commit,
        }

    def __rich__(self) -> RenderableType:
        tables = figures_table(self), figures_table(self, "subjects"), subjects_table(self)
        return Group(*tables, Text(caption(self), style="dim"))

    def __str__(self) -> str:
        console = Console(width=100, color_system=None)
        with console.capture() as captured:
            console.print(self)
        return captured.get()


def figures_table(
    report: EvaluationReport, mean_over: Literal["report", "subjects"] = "report"
) -> Table:
    """The table of all heads; it fits a terminal of 80 columns.

    Args:
        report: the report.
        mean_over: what counts once: what the report says, frames as a rule; or every subject.

    Returns:
        A table for a rich console, a row a head.

    Example:
        >>> import torch
        >>> from posenet3d.evaluation.scores import Tally
        >>> pose = torch.eye(14, 3).expand(2, 14, 3).double()
        >>> flat = HeadScores.of_subjects({"S14": Tally.of_sequence(pose, pose)})
        >>> report = EvaluationReport(
        ...     protocol="cmu14",
        ...     heads={"flat": flat},
        ...     clips=1,
        ...     views=1,
        ...     frames=2,
        ...     stride=1,
        ...     fps=50.0,
        ...     window=9,
        ...     normalization="sequence",
        ... )
        >>> figures_table(report, "subjects").row_count
        1
    """
    counted = report.mean_over if mean_over == "report" else mean_over
    table = _plain_table(f"{report.protocol}, mean over {counted}: mm; PCK and AUC in %", "head")
    for name in ("P-MPJPE", "x flat", "reflected", "N-MPJPE", "MPJVE", "MBLSTD", "PCK", "AUC"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("depth", no_wrap=True)
    rows = {
        head: scores if mean_over == "report" else scores.subject_mean
        for head, scores in report.heads.items()
    }
    for head, scores in rows.items():
        table.add_row(head, *_cells(scores, rows[BASELINE]))
    return table


def subjects_table(report: EvaluationReport) -> Table:
    """P-MPJPE by subject.

    Args:
        report: the report.

    Returns:
        A table for a rich console: a row a subject, a column a head.

    Example:
        >>> import torch
        >>> from posenet3d.evaluation.scores import Tally
        >>> pose = torch.eye(14, 3).expand(2, 14, 3).double()
        >>> flat = HeadScores.of_subjects({"S14": Tally.of_sequence(pose, pose)})
        >>> report = EvaluationReport(
        ...     protocol="cmu14",
        ...     heads={"flat": flat},
        ...     clips=1,
        ...     views=1,
        ...     frames=2,
        ...     stride=1,
        ...     fps=50.0,
        ...     window=9,
        ...     normalization="sequence",
        ... )
        >>> [column.header for column in subjects_table(report).columns]
        ['subject', 'frames', 'flat']
    """
    table = _plain_table("P-MPJPE by subject, mm", "subject")
    for name in ("frames", *report.heads):
        table.add_column(name, justify="right", no_wrap=True)
    for subject, scores in report.heads[BASELINE].by_subject.items():
        errors = [_number(head.by_subject[subject].p_mpjpe) for head in report.heads.values()]
        table.add_row(subject, f"{scores.frames:,}", *errors)
    return table


def caption(report: EvaluationReport) -> str:
    """What the figures were taken on, in words.

    Args:
        report: the report.

    Returns:
        A few sentences.

    Example:
        >>> import torch
        >>> from posenet3d.evaluation.scores import Tally
        >>> pose = torch.eye(14, 3).expand(2, 14, 3).double()
        >>> flat = HeadScores.of_subjects({"S14": Tally.of_sequence(pose, pose)})
        >>> report = EvaluationReport(
        ...     protocol="cmu14",
        ...     heads={"flat": flat},
        ...     clips=1,
        ...     views=1,
        ...     frames=2,
        ...     stride=1,
        ...     fps=50.0,
        ...     window=9,
        ...     normalization="sequence",
        ... )
        >>> print(caption(report))
        1 clip x 1 view, 2 frames lifted in windows of 9.
        A frame is the centre of its window.
        Poses are compared on every frame; all frames give MPJVE and MBLSTD.
        MPJVE in mm a frame at 50 Hz. P-MPJPE with det(R) = +1; "reflected" lets mirror
        images pass. depth: is the body better than its own depth mirror?
        flat: all joints at the same depth.
    """
    every = "every frame" if report.stride == 1 else f"one frame in {report.stride}"
    clips, views = how_many(report.clips, "clip"), how_many(report.views, "view")
    velocities = not math.isnan(report.fps)
    motion = "MPJVE and MBLSTD" if velocities else "MBLSTD"
    means = {"centre": "the centre of its window", "average": "the mean of all windows it is in"}
    rate = f"in mm a frame at {report.fps:g} Hz" if velocities else "is not taken"
    return (
        f"{clips} x {views}, {report.frames:,} frames lifted in windows of {report.window}.\n"
        f"A frame is {means[report.stitch]}.\n"
        f"Poses are compared on {every}; all frames give {motion}.\n"
        f'MPJVE {rate}. P-MPJPE with det(R) = +1; "reflected" lets '
        "mirror\nimages pass. depth: is the body better than its own depth mirror?\n"
        "flat: all joints at the same depth."
    )


def _plain_table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column(first, no_wrap=True)
    return table


def _cells(scores: Scores, flat: Scores) -> list[str]:
    verdict = {True: "right", False: "MIRRORED", None: "-"}[scores.right_way_round]
    lengths = scores.p_mpjpe_reflected, scores.n_mpjpe, scores.mpjve, scores.mblstd
    share = scores.p_mpjpe / flat.p_mpjpe if flat.p_mpjpe else math.nan
    numbers = [*map(_number, lengths), _number(scores.pck_150), _number(scores.auc)]
    return [_number(scores.p_mpjpe), _number(share, 2), *numbers, verdict]


def _number(value: float, digits: int = 1) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _scores_dict(scores: Scores) -> dict[str, Any]:
    """A head's figures, by joint name where they are by joint, with the verdict on depth."""
    values = {name: getattr(scores, name) for name in Scores.__dataclass_fields__}
    values["per_joint"] = dict(zip(LSP_14.joint_names, scores.per_joint, strict=True))
    values["right_way_round"] = scores.right_way_round
    if isinstance(scores, HeadScores):
        values["subject_mean"] = _scores_dict(scores.subject_mean)
        values["by_subject"] = {
            subject: _scores_dict(one) for subject, one in scores.by_subject.items()
        }
    return values
