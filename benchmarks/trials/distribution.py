"""Advertises the trials' plug-ins as an installed package does, without installing it."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "plugins"
"""Holds the package `posenet3d_trials` and its metadata, laid out as an installer leaves them."""


def advertise() -> None:
    """Put the folder on the path; before the library first looks for plug-ins."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
