"""The cases of `inference.py`."""

from collections.abc import Iterator
from typing import Any

WIDTHS = {"best-wild": "the weights that ship", "paper": "the paper's width, not trained"}
FRAMES = {"best-wild": 20_000, "paper": 1_500, "videopose3d-9": 3_000, "videopose3d-243": 1_500}
"""Frames of a batch case: some seconds of one thread."""

LIVE = 300
"""Frames of a live case."""


def speeds(peer: bool) -> Iterator[dict[str, Any]]:
    """Every case of one number of threads, VideoPose3D's where there is a checkout."""
    for network in WIDTHS:
        for part in ("teacher", "both"):
            yield {"kind": "network", "network": network, "part": part, "mesh": False}
            yield {"kind": "batch", "network": network, "part": part, "mesh": False}
        yield {"kind": "batch", "network": network, "part": "both", "mesh": True}
        yield {"kind": "live", "network": network, "part": "both", "mesh": False}
    if peer:
        for frames in (9, 243):
            name = f"videopose3d-{frames}"
            yield {"kind": "network", "network": name, "part": "teacher", "mesh": False}
