"""A mesh as a Wavefront OBJ file, which every 3D program opens."""

import os
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posenet3d.errors import ShapeError
from posenet3d.files.atomic import atomic_write

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
