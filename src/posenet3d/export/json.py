"""The joints as JSON, for programs of any language."""

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from posenet3d.export.csv import JointsConfig
from posenet3d.export.joint_tracks import JointTracks, joint_tracks
from posenet3d.files import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction, facts_of
from posenet3d.reconstruction.facts import Frame
from posenet3d.reconstruction.world import RootMotion, UpAxis
from posenet3d.skeletons import LSP_14

DIGITS = 7
"""Digits after the point: a tenth of a micrometre."""


@configured_by(JointsConfig)
def write_json(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    frame: Frame = "world",
    up_axis: UpAxis = "y",
    root: RootMotion = "grounded",
) -> None:
    """The 14 joints as JSON, metres: ``metadata``, ``joint_names``, ``bones`` and ``frames``.

    ``metadata`` has what a reader must know, for programs (``unit``, ``axes``, ``up_axis``,
    ``fps``, ``layout``, ``scale_known``, ``up_from``, ``height_m``, ``body_family``) and for people
    (``facts``). ``bones`` are pairs of indices into ``joint_names``. Each of ``frames`` has
    ``frame`` (its number in the video), ``time_s``, ``joints`` (14 × [x, y, z]) and ``confidence``
    (14, the 2D detector's, 0 where a joint was not seen).

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
        >>> path = Path(tempfile.mkdtemp()) / "still.json"
        >>> write_json(path=path, reconstruction=still, frame="camera")
        >>> json.loads(path.read_text())["frames"][4]["joints"][0]
        [1.0, 1.0, 1.0]
    """
    tracks = joint_tracks(reconstruction, frame, up_axis, root)
    head = {
        "metadata": _metadata(reconstruction, tracks),
        "joint_names": list(tracks.names),
        "bones": [list(bone) for bone in LSP_14.bones],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(head, allow_nan=False, indent=1)[:-2].encode())
        for chunk in tracks.chunks():
            rows = _rows(tracks, reconstruction.confidence[chunk], chunk)
            file.write((',\n "frames": [\n' if chunk.start == 0 else ",\n").encode())
            file.write(",\n".join(rows).encode())
        file.write(b"\n ]\n}\n")


def _metadata(lifted: Reconstruction, tracks: JointTracks) -> dict[str, Any]:
    facts = facts_of(lifted, tracks.axes)
    return {
        "written_by": "posenet3d",
        "unit": "m",
        "frame": "camera" if tracks.axes == "camera" else "world",
        "axes": facts["Axes"],
        "up_axis": None if tracks.axes == "camera" else tracks.axes,
        "up_in_camera": lifted.up.tolist(),
        "up_from": lifted.up_from,
        "fps": lifted.fps,
        "layout": LSP_14.name,
        "scale_known": lifted.metric,
        "height_m": lifted.height_m,
        "body_family": None if lifted.body is None else lifted.body.family,
        "facts": facts,
    }


def _rows(tracks: JointTracks, confidence: np.ndarray, chunk: slice) -> Iterator[str]:
    frames, seconds = tracks.frame_index[chunk].tolist(), tracks.seconds[chunk].tolist()
    positions = (np.round(tracks.positions[chunk], DIGITS) + 0.0).tolist()
    sure = np.round(confidence, DIGITS).tolist()
    for frame, time, joints, seen in zip(frames, seconds, positions, sure, strict=True):
        row = {"frame": frame, "time_s": time, "joints": joints, "confidence": seen}
        yield "  " + json.dumps(row, allow_nan=False)
