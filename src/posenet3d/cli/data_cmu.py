"""``posenet3d data cmu``: CMU's motion capture made into a motion file."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posenet3d.cli.completion import SPLITS
from posenet3d.cli.options import Force
from posenet3d.cli.progress import progress_bar
from posenet3d.errors import how_many

if TYPE_CHECKING:
    from posenet3d.data.datasets.cmu import Recording
    from posenet3d.data.motion import MotionClip


def cmu(
    root: Annotated[
        Path,
        typer.Option(
            "--root", help="Folder with .amc and .asf, or .bvh files.", show_default=False
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The npz file to make.", show_default=False
        ),
    ],
    subjects: Annotated[
        list[str] | None,
        typer.Option(
            "--subjects", metavar="NUMBERS", help="Only these, such as 07,14; may be repeated."
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            help="The open protocols' recordings: train or test.",
            autocompletion=SPLITS,
        ),
    ] = None,
    fps: Annotated[float, typer.Option(min=1, help="The clips' frames a second.")] = 50.0,
    max_speed: Annotated[
        float, typer.Option(help="Cut where a joint is faster, in metres a second.")
    ] = 15.0,
    min_seconds: Annotated[float, typer.Option(help="Leave out what is shorter.")] = 1.0,
    recorded_fps: Annotated[
        float, typer.Option(min=1, help="Frames a second of .amc files, which do not say.")
    ] = 120.0,
    metres_per_unit: Annotated[
        float | None, typer.Option(help="A unit of the files' length; CMU's by default.")
    ] = None,
    force: Force = False,
) -> None:
    """Make a motion file of CMU's motion capture: 17 joints, metres, z up.

    One recording is in memory at a time. The file appears whole or not at all.
    """
    from posenet3d.cli.writing import check_not_there, interrupts_told
    from posenet3d.data.datasets.cmu import Cutting, each_clip, write_motion

    check_not_there(out, force)
    found = _recordings(root, subjects, split)
    written = _Written()
    begun = itertools.count()
    with interrupts_told(out), progress_bar("cmu", len(found)) as move:
        clips = each_clip(
            found,
            Cutting(fps, max_speed, min_seconds),
            metres=metres_per_unit,
            fps=recorded_fps,
            on_recording=lambda recording: move(next(begun), now=recording.path.name),
        )
        count = write_motion(out, written.counted(clips), fps)
    typer.echo(
        f"{out}: {how_many(count, 'clip')} of {how_many(len(written.subjects), 'subject')}, "
        f"{how_many(written.frames, 'frame')} at {fps:g} a second, from "
        f"{how_many(len(found), 'recording')}"
    )
    typer.echo(f"Next: posenet3d train --data {out} --protocol cmu14 --run runs/mine")


def _recordings(
    root: Path, subjects: list[str] | None, split: str | None
) -> "tuple[Recording, ...]":
    from posenet3d.data.datasets.cmu import OPEN_SPLIT, find_recordings, open_recordings
    from posenet3d.errors import ConfigurationError, UnknownNameError

    if split is None:
        listed = (
            None if subjects is None else [s for each in subjects for s in each.split(",") if s]
        )
        return find_recordings(root, listed)
    if subjects is not None:
        raise ConfigurationError(["--split names the subjects; leave --subjects or --split away"])
    if split not in OPEN_SPLIT:
        raise UnknownNameError("split", split, OPEN_SPLIT)
    return open_recordings(root, split)


class _Written:
    """What went into the file."""

    def __init__(self) -> None:
        self.frames = 0
        self.subjects: set[str] = set()

    def counted(self, clips: "Iterator[MotionClip]") -> "Iterator[MotionClip]":
        """The clips, counted on their way."""
        for clip in clips:
            self.frames += len(clip)
            self.subjects.add(clip.subject)
            yield clip
