"""The joints as a TRC file, which OpenSim takes for markers."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict

from posenet3d.errors import UnknownNameError
from posenet3d.export.joint_tracks import JointTracks, joint_tracks
from posenet3d.files import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction, facts_of
from posenet3d.reconstruction.world import RootMotion

MarkerUnit = Literal["m", "mm"]
UNITS_A_METRE = {"m": 1.0, "mm": 1000.0}
UNIT_NAMES = {"m": "metres", "mm": "millimetres"}

_DIGITS = {"m": 7, "mm": 4}
"""Digits after the point: a tenth of a micrometre."""


class TrcConfig(BaseModel):
    """Options of the exporter ``trc``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: MarkerUnit = "m"
    """Lengths: metres or millimetres; the header says which."""

    root: RootMotion = "grounded"
    """How the root moves; see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`."""


@configured_by(TrcConfig)
def write_trc(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    unit: MarkerUnit = "m",
    root: RootMotion = "grounded",
) -> None:
    r"""The 14 joints as a TRC file: a marker a joint, y up as OpenSim has it, the floor at 0.

    Markers have the names of ``lsp_14``. Time starts at 0 with frame 1, the first; a gap in the
    frames is a jump in both. The header has fields for unit and rate, and ``OrigDataStartFrame``
    tells the first frame's place in the video, counted from 1; the rest of what a reader must know
    stands after the file's name in its first line, the only free text of a TRC file.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: any, with or without a body.
        unit: ``"m"`` or ``"mm"``.
        root: ``"grounded"``, ``"track"`` or ``"still"``.

    Raises:
        ShapeError: a joint is not finite.
        StorageError: the file cannot be written.
        UnknownNameError: no such unit or root motion.

    Example:
        >>> import tempfile
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> path = Path(tempfile.mkdtemp()) / "still.trc"
        >>> write_trc(path=path, reconstruction=still)
        >>> path.read_text().split("\n")[2].split("\t")
        ['25', '25', '5', '14', 'm', '25', '1', '5']
    """
    if unit not in UNITS_A_METRE:
        raise UnknownNameError("unit", unit, UNITS_A_METRE)
    tracks = joint_tracks(reconstruction, "world", "y", root)
    facts = facts_of(reconstruction, "y", unit=UNIT_NAMES[unit])
    told = "; ".join(f"{name}: {fact}" for name, fact in facts.items())
    with atomic_write(path) as file:
        for line in _header(tracks, unit, f"{Path(path).name} ({told})"):
            file.write(f"{line}\n".encode())
        for chunk in tracks.chunks():
            numbers = tracks.frame_index[chunk] - tracks.frame_index[0] + 1
            times = tracks.seconds[chunk] - tracks.seconds[0]
            values = tracks.positions[chunk].reshape(len(times), -1) * UNITS_A_METRE[unit]
            file.write("".join(_rows(numbers, times, values, _DIGITS[unit])).encode())


def _header(tracks: JointTracks, unit: str, name: str) -> Iterator[str]:
    frames, rate = len(tracks.positions), f"{tracks.fps:.12g}"
    fields = {
        "DataRate": rate,
        "CameraRate": rate,
        "NumFrames": frames,
        "NumMarkers": len(tracks.names),
        "Units": unit,
        "OrigDataRate": rate,
        "OrigDataStartFrame": int(tracks.frame_index[0]) + 1,
        "OrigNumFrames": frames,
    }
    count = range(1, len(tracks.names) + 1)
    yield "\t".join(["PathFileType", "4", "(X/Y/Z)", re.sub(r"\s+", " ", name)])
    yield "\t".join(fields)
    yield "\t".join(map(str, fields.values()))
    yield "\t".join(["Frame#", "Time", *(f"{name}\t\t" for name in tracks.names)])
    yield "\t".join(["", "", *(f"X{i}\tY{i}\tZ{i}" for i in count)])
    yield ""


def _rows(
    numbers: np.ndarray,
    times: Float[np.ndarray, " frames"],
    values: Float[np.ndarray, "frames numbers"],
    digits: int,
) -> Iterator[str]:
    form = "\t".join([f"%.{digits}f"] * values.shape[1])
    rounded = (np.round(values, digits) + 0.0).tolist()
    for number, time, row in zip(numbers.tolist(), times.tolist(), rounded, strict=True):
        yield f"{number}\t{time:.9g}\t{form % tuple(row)}\n"
