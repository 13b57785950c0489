"""What benchmarks on the motion capture share: the options of its folder and of the results'."""

import argparse
import os
from pathlib import Path


def parser_of(described: str | None) -> argparse.ArgumentParser:
    """A command line with the data and the folder of results."""
    parser = argparse.ArgumentParser(
        description=described, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("POSENET3D_DATA"),
        help="the folder with cmu_train.npz and cmu_test.npz; POSENET3D_DATA if not given",
    )
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; without data, an error that says how to name it."""
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder of the motion capture by --data or POSENET3D_DATA")
    return arguments
