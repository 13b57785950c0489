"""What benchmarks on the two training subjects for choices share: their options and clips."""

import argparse
import os
from pathlib import Path

from posenet3d.data import MotionClip, load_motion


def parser_of(described: str | None) -> argparse.ArgumentParser:
    """A command line with the data, the subjects and the folder of results."""
    parser = argparse.ArgumentParser(
        description=described, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("POSENET3D_DATA"))
    parser.add_argument("--subjects", nargs="+", default=["S02", "S06"])
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; without data, an error that says how to name it."""
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with cmu_train.npz by --data or POSENET3D_DATA")
    return arguments


def clips_of(arguments: argparse.Namespace) -> list[MotionClip]:
    """The subjects' clips, in the file's order."""
    clips = load_motion(arguments.data / "cmu_train.npz")
    return [clip for clip in clips if clip.subject in arguments.subjects]
