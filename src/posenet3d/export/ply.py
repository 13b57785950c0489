"""The body's mesh at every frame as binary PLY files."""

import os
from pathlib import Path

import numpy as np

from posenet3d.export.mesh_frames import Mesh, MeshConfig, check_chosen, write_frames
from posenet3d.files import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction
from posenet3d.reconstruction.facts import Frame
from posenet3d.reconstruction.world import RootMotion, UpAxis

_FACE = np.dtype([("count", "u1"), ("corners", "<i4", (3,))])


@configured_by(MeshConfig, fits=check_chosen)
def write_ply_frames(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    only: int | None = None,
    every: int = 1,
    frame: Frame = "world",
    up_axis: UpAxis = "y",
    root: RootMotion = "grounded",
) -> Path:
    """The body's mesh at every frame as PLY files, binary little endian, float32 metres, y up.

    A PLY file holds one mesh. A reconstruction of many frames becomes a folder beside ``path``:
    ``walk.ply`` gives ``walk_ply/walk_000000.ply`` and so on, numbered as the video's frames are.
    Comments in each header tell unit, axes, scale, and the body's family and licence.

    Args:
        path: the file's name; an existing file or earlier sequence is replaced.
        reconstruction: one with a body.
        only: one frame alone, by its place from 0, written to ``path`` itself.
        every: every how many frames a mesh is written.
        frame: ``"world"`` or ``"camera"``.
        up_axis: the world's, ``"y"`` or ``"z"``.
        root: ``"grounded"``, ``"track"`` or ``"still"``.

    Returns:
        The file or folder that was written.

    Raises:
        ConfigurationError: ``only`` is not one of the frames.
        PoseNet3DError: there is no body.
        ShapeError: a number of the body's is not finite.
        StorageError: it cannot be written, or the folder holds other things.
        UnknownNameError: no such up axis or root motion.

    Example:
        >>> import tempfile
        >>> from posenet3d.keypoints import KeypointSequence
        >>> from posenet3d.plugins import PluginSpec
        >>> from posenet3d.reconstruction import BodyMotion
        >>> seen = KeypointSequence(np.ones((2, 14, 2)), layout="lsp_14", fps=25.0)
        >>> eye = np.broadcast_to(np.eye(3), (2, 24, 3, 3))
        >>> body = BodyMotion(np.zeros(10), eye, np.zeros((2, 3)), PluginSpec(name="mannequin"))
        >>> lifted = Reconstruction(np.zeros((2, 14, 3)), np.ones((2, 3)), seen, body)
        >>> path = tempfile.mkdtemp() + "/walk.ply"
        >>> write_ply_frames(path=path, reconstruction=lifted, only=1).name
        'walk.ply'
    """
    options = MeshConfig(only=only, every=every, frame=frame, up_axis=up_axis, root=root)
    return write_frames(path, reconstruction, options, _write_frame)


def _write_frame(path: Path, mesh: Mesh) -> None:
    faces = np.zeros(len(mesh.faces), dtype=_FACE)
    faces["count"], faces["corners"] = 3, mesh.faces
    with atomic_write(path) as file:
        file.write(_header(mesh).encode())
        file.write(mesh.vertices.astype("<f4").tobytes())
        file.write(faces.tobytes())


def _header(mesh: Mesh) -> str:
    facts = {"Written by": "posenet3d", "Frame": str(mesh.number), **mesh.facts}
    told = [f"comment {name}: {fact}" for name, fact in facts.items()]
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        *(line.encode("ascii", "replace").decode() for line in told),
        f"element vertex {len(mesh.vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(mesh.faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    return "".join(f"{line}\n" for line in lines)
