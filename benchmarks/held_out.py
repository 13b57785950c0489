"""What benchmarks on the two training subjects for choices share: their options and clips."""

import argparse

import command_line

from posenet3d.data import MotionClip, load_motion


def parser_of(described: str | None) -> argparse.ArgumentParser:
    """A command line with the data, the subjects and the folder of results."""
    parser = command_line.parser_of(described)
    parser.add_argument("--subjects", nargs="+", default=["S02", "S06"])
    return parser


def clips_of(arguments: argparse.Namespace) -> list[MotionClip]:
    """The subjects' clips, in the file's order."""
    clips = load_motion(arguments.data / "cmu_train.npz")
    return [clip for clip in clips if clip.subject in arguments.subjects]
