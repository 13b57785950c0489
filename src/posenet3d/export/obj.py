"""A mesh as a Wavefront OBJ file, which every 3D program opens."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posenet3d.errors import ShapeError
from posenet3d.export.mesh_frames import Mesh, MeshConfig, check_chosen, write_frames
from posenet3d.files.atomic import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction
from posenet3d.reconstruction.facts import Frame
from posenet3d.reconstruction.world import RootMotion, UpAxis

BODY_AXES = "x to the body's left, y up, z out of its chest (right-handed)"


def write_obj(
    path: str | os.PathLike[str],
    vertices: ArrayLike,
    faces: ArrayLike,
    *,
    unit: str = "metres",
    axes: str = BODY_AXES,
    family: str = "",
    comment: str | Iterable[str] = (),
) -> None:
    """One triangle mesh as a Wavefront OBJ file.

    An OBJ file has no field for units or axes, so its first comment lines state both. The file
    appears whole or not at all. Nine digits are written, which keeps float32 exactly.

    Args:
        path: the file; an existing one is replaced.
        vertices: (V, 3), in ``unit`` along ``axes``; they are written as they come.
        faces: (F, 3) vertex indices from 0, counter-clockwise seen from outside; none for a
            cloud of points.
        unit: unit of the vertices, for the reader.
        axes: where the axes point, for the reader; the default is the body models' frame.
        family: the body model's family, left out where empty.
        comment: further lines for the reader; line breaks start a new one.

    Raises:
        ShapeError: the arrays are not (V, 3) and (F, 3), a number is not finite, or a face
            names a vertex that does not exist.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "triangle.obj"
        >>> write_obj(path, [[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], family="none")
        >>> print(path.read_text())
        # Written by posenet3d
        # Unit: metres
        # Axes: x to the body's left, y up, z out of its chest (right-handed)
        # Body family: none
        # 3 vertices, 1 faces
        v 0 0 0
        v 1 0 0
        v 0 1 0
        f 1 2 3
        <BLANKLINE>
    """
    points = _checked_vertices(np.asarray(vertices))
    triangles = _checked_faces(np.asarray(faces), len(points))
    head = [f"Unit: {unit}", f"Axes: {axes}", *([f"Body family: {family}"] if family else [])]
    further = [comment] if isinstance(comment, str) else list(comment)
    size = f"{len(points)} vertices, {len(triangles)} faces"
    lines = _comment_lines(["Written by posenet3d", *head, *further, size])
    with atomic_write(path) as file:
        file.write("".join([*lines, *_vertex_lines(points), *_face_lines(triangles)]).encode())


@configured_by(MeshConfig, fits=check_chosen)
def write_obj_frames(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    only: int | None = None,
    every: int = 1,
    frame: Frame = "world",
    up_axis: UpAxis = "y",
    root: RootMotion = "grounded",
) -> Path:
    """The body's mesh at every frame as OBJ files, metres, y up, the floor at 0.

    An OBJ file holds one mesh. A reconstruction of many frames becomes a folder beside ``path``:
    ``walk.obj`` gives ``walk_obj/walk_000000.obj`` and so on, numbered as the video's frames are.
    The first lines of each file tell unit, axes, scale, and the body's family and licence.

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
        >>> made = write_obj_frames(path=tempfile.mkdtemp() + "/walk.obj", reconstruction=lifted)
        >>> made.name, sorted(each.name for each in made.iterdir())
        ('walk_obj', ['walk_000000.obj', 'walk_000001.obj'])
    """
    options = MeshConfig(only=only, every=every, frame=frame, up_axis=up_axis, root=root)
    return write_frames(path, reconstruction, options, _write_frame)


def _write_frame(path: Path, mesh: Mesh) -> None:
    facts = dict(mesh.facts)
    unit, axes, family = (facts.pop(name, "") for name in ("Unit", "Axes", "Body family"))
    write_obj(
        path,
        mesh.vertices,
        mesh.faces,
        unit=unit,
        axes=axes,
        family=family,
        comment=[f"Frame: {mesh.number}", *(f"{name}: {fact}" for name, fact in facts.items())],
    )


def _checked_vertices(vertices: NDArray[np.generic]) -> NDArray[np.float64]:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or vertices.dtype.kind not in "iuf":
        got = f"{vertices.shape} of {vertices.dtype}"
        raise ShapeError("vertices", expected="(V, 3) numbers", got=got)
    points = vertices.astype(np.float64)
    if not np.isfinite(points).all():
        bad = int((~np.isfinite(points)).any(axis=1).argmax())
        raise ShapeError("vertices", expected="finite numbers", got=f"{points[bad]} at {bad}")
    return points


def _checked_faces(faces: NDArray[np.generic], count: int) -> NDArray[np.int64]:
    if faces.size == 0:
        return np.zeros((0, 3), dtype=np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        got = f"{faces.shape} of {faces.dtype}"
        raise ShapeError("faces", expected="(F, 3) whole numbers", got=got)
    low, high = int(faces.min()), int(faces.max())
    if low < 0 or high >= count:
        raise ShapeError(
            "faces", expected=f"indices from 0 to {count - 1}", got=f"{low} to {high}",
            do="count vertices from 0",
        )  # fmt: skip
    return faces.astype(np.int64)


def _comment_lines(texts: Iterable[str]) -> Iterator[str]:
    # Each break that any reader might see starts a comment of its own, so that no text in a
    # comment can become geometry.
    for text in texts:
        for line in text.splitlines():
            yield f"# {line}\n" if line else "#\n"


def _vertex_lines(points: NDArray[np.float64]) -> Iterator[str]:
    for x, y, z in points.tolist():
        yield f"v {x:.9g} {y:.9g} {z:.9g}\n"


def _face_lines(triangles: NDArray[np.int64]) -> Iterator[str]:
    for a, b, c in (triangles + 1).tolist():
        yield f"f {a} {b} {c}\n"
