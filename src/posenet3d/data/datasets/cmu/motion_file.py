"""The motion file of the open protocols, written clip by clip."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from posenet3d.data.datasets.cmu.joint_map import LAYOUT
from posenet3d.data.motion import MotionClip
from posenet3d.errors import DataError
from posenet3d.files.npz_writing import write_npz
from posenet3d.skeletons import layout

LICENCE = (
    "This data is free for use in research projects. You may include this data in "
    "commercially-sold products, but you may not resell this data directly, even in converted "
    "form. The data used in this project was obtained from mocap.cs.cmu.edu. The database was "
    "created with funding from NSF EIA-0196217."
)


def write_motion(path: str | Path, clips: Iterable[MotionClip], fps: float | int) -> int:
    """Clips of Human3.6M's joints written to one motion file, complete or not at all.

    The file is what `posenet3d.data.load_motion` reads and what the open protocols are filmed
    from: ``joint_names``, ``fps``, ``bones`` (parent, child), ``licence``, and under each clip's
    key its joints (frames, 17, 3), float32, metres, z up.

    Args:
        path: the file, replaced if it exists.
        clips: the clips in layout ``h36m_17``; one is in memory at a time.
        fps: their frames a second.

    Returns:
        How many clips were written.

    Raises:
        DataError: there are none, two have one key, or one has another layout or frame rate.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from posenet3d.data import load_motion
        >>> walk = MotionClip("S07/07_01", np.zeros((50, 17, 3)), "h36m_17", fps=50.0)
        >>> path = Path(tempfile.mkdtemp(), "cmu.npz")
        >>> write_motion(path, [walk], 50.0), load_motion(path)[0].key
        (1, 'S07/07_01')
    """
    about = tuple(_about(float(fps)))
    return write_npz(path, _arrays(path, about, clips, float(fps))) - len(about)


def _about(fps: float) -> Iterator[tuple[str, Any]]:
    skeleton = layout(LAYOUT)
    yield "joint_names", np.array([_camel_case(name) for name in skeleton.joint_names])
    yield "fps", np.float32(fps)
    pairs = [(parent, child) for child, parent in enumerate(skeleton.parents) if parent >= 0]
    yield "bones", np.array(pairs, dtype=np.int16)
    yield "licence", np.array(LICENCE)


def _arrays(
    path: str | Path, about: tuple[tuple[str, Any], ...], clips: Iterable[MotionClip], fps: float
) -> Iterator[tuple[str, Any]]:
    yield from about
    none = True
    for clip in clips:
        none = False
        if clip.layout != LAYOUT or clip.fps != fps:
            raise DataError(
                clip.key,
                f"expected layout {LAYOUT!r} at {fps:g} frames a second, got {clip.layout!r} at "
                f"{clip.fps:g}.",
            )
        yield clip.key, clip.joints.astype(np.float32)
    if none:
        raise DataError(
            path, "expected at least one clip, got none: every recording is shorter than the least."
        )


def _camel_case(name: str) -> str:
    """``"right_hip"`` as ``"RHip"``; Human3.6M calls the head top ``"Head"``."""
    if name == "head_top":
        return "Head"
    side, _, rest = name.partition("_")
    return f"{side[0].upper()}{rest.title()}" if rest else name.title()
