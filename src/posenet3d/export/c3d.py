"""The joints as a C3D file, which motion capture and biomechanics software reads."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict

from posenet3d.errors import (
    ConfigurationError,
    MissingExtraError,
    StorageError,
    UnknownNameError,
)
from posenet3d.export.joint_tracks import JointTracks, joint_tracks
from posenet3d.export.trc import UNIT_NAMES, UNITS_A_METRE, MarkerUnit
from posenet3d.files import atomic_write
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction, facts_of
from posenet3d.reconstruction.world import RootMotion

MOST_FRAMES = 65_534
"""What programs can count in a C3D file's header, whose frame numbers have 16 bits.

The group ``TRIAL`` can name a later end, but ``ezc3d`` reads no further by it, and ``c3d`` (the
Python package) reads no frame of a file whose last is 65,535.
"""


class C3dConfig(BaseModel):
    """Options of the exporter ``c3d``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: MarkerUnit = "mm"
    """Lengths: millimetres, as most C3D files have, or metres; ``POINT:UNITS`` says which."""

    root: RootMotion = "grounded"
    """How the root moves; see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`."""


def _ezc3d() -> Any:
    """The package that writes the file.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import ezc3d
    except ImportError:
        raise MissingExtraError("ezc3d", "io", "C3D files") from None
    return ezc3d


def _fits(seen: KeypointSequence, **_: Any) -> None:
    """Refuses more frames than a C3D file can count, gaps included."""
    if seen.span > MOST_FRAMES:
        raise ConfigurationError(
            [
                f"c3d: expected at most {MOST_FRAMES} frames, which is what such a file can count, "
                f"got {seen.span}; write parts of it by Reconstruction.cut, or .trc or .csv"
            ]
        )


@configured_by(C3dConfig, needs=_ezc3d, fits=_fits)
def write_c3d(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    unit: MarkerUnit = "mm",
    root: RootMotion = "grounded",
) -> None:
    r"""The 14 joints as a C3D file: a point a joint, z up, the floor at 0.

    Points have the names of ``lsp_14``; their residual is 0. Frames in a gap hold points marked as
    missing. ``POINT:UNITS``, ``POINT:X_SCREEN`` and ``POINT:Y_SCREEN`` tell unit and axes, the
    group ``POSENET3D`` the rest of what a reader must know.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: any, with or without a body.
        unit: ``"mm"`` or ``"m"``.
        root: ``"grounded"``, ``"track"`` or ``"still"``.

    Raises:
        ConfigurationError: there are more than `MOST_FRAMES` frames, gaps included.
        MissingExtraError: ``ezc3d`` is not installed.
        ShapeError: a joint is not finite.
        StorageError: the file cannot be written.
        UnknownNameError: no such unit or root motion.

    Example:
        >>> import tempfile
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> path = Path(tempfile.mkdtemp()) / "still.c3d"
        >>> write_c3d(path=path, reconstruction=still)
        >>> path.read_bytes()[:2]  # parameters from block 2 on; C3D's mark
        b'\x02P'
    """
    ezc3d = _ezc3d()
    if unit not in UNITS_A_METRE:
        raise UnknownNameError("unit", unit, UNITS_A_METRE)
    _fits(reconstruction.keypoints)
    tracks = joint_tracks(reconstruction, "world", "z", root)
    file = ezc3d.c3d()
    _fill(file, tracks, unit, facts_of(reconstruction, "z", unit=UNIT_NAMES[unit]))
    with tempfile.TemporaryDirectory() as folder, atomic_write(path) as target:
        made = Path(folder) / "made.c3d"  # ezc3d writes to names only
        file.write(str(made))
        _check_whole(made, file["data"]["points"])
        with made.open("rb") as source:
            shutil.copyfileobj(source, target)


def _fill(file: Any, tracks: JointTracks, unit: str, facts: dict[str, str]) -> None:
    points = _points(tracks) * UNITS_A_METRE[unit]
    point = file["parameters"]["POINT"]
    point["RATE"]["value"] = [tracks.fps]
    point["LABELS"]["value"] = list(tracks.names)
    point["UNITS"]["value"] = [unit]
    file.add_parameter("POINT", "X_SCREEN", "+X")
    file.add_parameter("POINT", "Y_SCREEN", "+Z")
    file.add_parameter("MANUFACTURER", "SOFTWARE", "posenet3d")
    for name, fact in facts.items():
        file.add_parameter("POSENET3D", re.sub(r"\W+", "_", name).upper(), _plain(fact))
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = np.where(np.isnan(points[:1]), -1.0, 0.0)


def _points(tracks: JointTracks) -> Float[np.ndarray, "4 joints frames"]:
    """Homogeneous points with a column a frame; NaN in gaps."""
    places = tracks.frame_index - tracks.frame_index[0]
    points = np.full((4, len(tracks.names), int(places[-1]) + 1), np.nan)
    points[:3, :, places] = np.moveaxis(tracks.positions, -1, 0).swapaxes(1, 2)
    points[3, :, places] = 1.0
    return points


def _check_whole(made: Path, points: Float[np.ndarray, "4 joints frames"]) -> None:
    """Reads the file again, since ezc3d says nothing of a full disk."""
    try:
        read = _ezc3d().c3d(str(made))["data"]["points"][:3]
        whole = np.array_equal(read, points[:3].astype(np.float32), equal_nan=True)
    except Exception:  # whatever ezc3d makes of half a file
        whole = False
    if not whole:
        raise StorageError(
            made.parent, "the C3D file was not written whole; make space on that disk."
        )


def _plain(text: str) -> str:
    """Text of a C3D parameter: 255 bytes that every reader can decode."""
    return text.encode("ascii", "replace").decode()[:255]
