"""The joints as a table in plain text, a row a joint and frame."""

import os
from collections.abc import Iterator

import numpy as np
from pydantic import BaseModel, ConfigDict

from posenet3d.export.joint_tracks import JointTracks, joint_tracks
from posenet3d.files import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction, facts_of
from posenet3d.reconstruction.facts import Frame
from posenet3d.reconstruction.world import RootMotion, UpAxis

COLUMNS = ("frame", "time_s", "joint", "x_m", "y_m", "z_m", "confidence")
"""Frame number in the video, its time, the joint, where it is, and the 2D detector's confidence."""


class JointsConfig(BaseModel):
    """Options of the exporters ``csv`` and ``json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: Frame = "world"
    """``world``, gravity-aligned with the floor at 0, or ``camera``."""

    up_axis: UpAxis = "y"
    """The world's: ``y`` or ``z``."""

    root: RootMotion = "grounded"
    """How the root moves; see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`."""


@configured_by(JointsConfig)
def write_csv(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    frame: Frame = "world",
    up_axis: UpAxis = "y",
    root: RootMotion = "grounded",
) -> None:
    """The 14 joints as a CSV table in tidy form: a row a joint and frame, metres.

    Columns are `COLUMNS`; the joints' names are those of ``lsp_14``; nine digits keep float32
    exactly. Lines that begin with ``#`` tell axes, scale and what else a reader must know:
    ``pandas.read_csv(path, comment="#")`` passes over them. A confidence of 0 means that the
    joint's 2D was not seen.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: any, with or without a body.
        frame: ``"world"`` or ``"camera"``.
        up_axis: the world's, ``"y"`` or ``"z"``.
        root: ``"grounded"``, ``"track"`` or ``"still"``.

    Raises:
        ShapeError: a joint is not finite.
        StorageError: the file cannot be written.
        UnknownNameError: no such up axis or root motion.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> path = Path(tempfile.mkdtemp()) / "still.csv"
        >>> write_csv(path=path, reconstruction=still, frame="camera")
        >>> for line in path.read_text().splitlines()[-70:-67]:
        ...     print(line)
        0,0,right_ankle,1,1,1,1
        0,0,right_knee,1,1,1,1
        0,0,right_hip,1,1,1,1
    """
    tracks = joint_tracks(reconstruction, frame, up_axis, root)
    facts = facts_of(reconstruction, tracks.axes)
    with atomic_write(path) as file:
        for name, fact in facts.items():
            file.write(f"# {name}: {fact}\n".encode())
        file.write((",".join(COLUMNS) + "\n").encode())
        for chunk in tracks.chunks():
            rows = _rows(tracks, reconstruction.confidence[chunk], chunk)
            file.write("".join(rows).encode())


def _rows(tracks: JointTracks, confidence: np.ndarray, chunk: slice) -> Iterator[str]:
    frames, seconds = tracks.frame_index[chunk].tolist(), tracks.seconds[chunk].tolist()
    positions, sure = tracks.positions[chunk].tolist(), confidence.tolist()
    for frame, time, places, seen in zip(frames, seconds, positions, sure, strict=True):
        for joint, (x, y, z), c in zip(tracks.names, places, seen, strict=True):
            yield f"{frame},{time:.9g},{joint},{x:.9g},{y:.9g},{z:.9g},{c:.6g}\n"
