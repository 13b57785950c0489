"""A shaded triangle mesh as an image, by a depth buffer in NumPy: fast enough for animations."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from posenet3d.visualization.mesh_drawing import SKIN, MeshFaces, MeshVertices, View

_LIGHT = np.array([-0.35, 0.5, 0.8]) / np.linalg.norm([-0.35, 0.5, 0.8])
_SHADOW = 0.5
_SUPERSAMPLING = 2
_PARTS = tuple(2**power for power in range(1, 12))
"""How many parts a face's sides are cut into, by the longest side's length in pixels."""


@dataclass(frozen=True)
class Window:
    """What part of a view's plane is seen, metres."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """As matplotlib's ``imshow`` takes it."""
        return self.left, self.right, self.bottom, self.top


def mesh_image(
    vertices: MeshVertices, faces: MeshFaces, view: View, window: Window, height: int
) -> UInt8[np.ndarray, "height width 4"]:
    """A mesh from one side: orthographic, smoothly shaded, lit from the upper left.

    Each face that looks at the viewer is sampled at least once a pixel; of the samples in a pixel
    the nearest stays. Edges are smoothed by drawing twice as large.

    Args:
        vertices: (V, 3), y up, metres.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        view: from where.
        window: what part is seen.
        height: of the image, pixels; its width follows the window.

    Returns:
        (height, width, 4) RGBA, the first row on top; transparent where there is no mesh.

    Example:
        >>> from posenet3d.visualization.mesh_drawing import FRONT
        >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
        >>> image = mesh_image(
        ...     corners, np.array([[0, 1, 2]]), FRONT, Window(0.0, 1.0, 0.0, 1.0), 20
        ... )
        >>> image[15, 5].tolist()[3], image[2, 18].tolist()[3]
        (255, 0)
    """
    width = max(1, round(height * (window.right - window.left) / (window.top - window.bottom)))
    rows, columns = _SUPERSAMPLING * height, _SUPERSAMPLING * width
    scale = rows / (window.top - window.bottom)
    across = view.across(vertices)
    places = np.stack(
        [
            (across[:, 0] - window.left) * scale,
            (window.top - across[:, 1]) * scale,
            vertices @ np.array(view.towards),
        ],
        axis=-1,
    )
    samples = _samples(places, faces, _brightness(vertices, faces, view))
    fine = _nearest(samples, rows, columns).reshape(height, _SUPERSAMPLING, width, -1, 2)
    light, cover = np.moveaxis(fine.mean(axis=(1, 3)), -1, 0)
    light = light / np.maximum(cover, 1e-6)
    colour = np.clip(light[..., None] * np.array(SKIN), 0, 1)
    painted = np.concatenate([colour, cover[..., None]], axis=-1)
    image: UInt8[np.ndarray, "height width 4"] = np.rint(255 * painted).astype(np.uint8)
    return image


def _brightness(
    vertices: MeshVertices, faces: MeshFaces, view: View
) -> Float[np.ndarray, " vertices"]:
    """How bright each vertex is, by the mean direction of its faces."""
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(
                faces[:, corner], weights=across[:, axis], minlength=len(vertices)
            )
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    axes = np.stack([np.array(view.right), np.array([0.0, 1.0, 0.0]), np.array(view.towards)])
    lit: np.ndarray = _SHADOW + (1 - _SHADOW) * np.clip(normals @ (_LIGHT @ axes), 0, 1)
    return lit


def _samples(
    places: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    bright: Float[np.ndarray, " vertices"],
) -> Float[np.ndarray, "samples 4"]:
    """Column, row, nearness and brightness of points all over the faces, no pixel apart."""
    known = np.concatenate([places, bright[:, None]], axis=-1)[faces]
    sides = known[:, [1, 2, 0], :2] - known[:, :, :2]
    turn = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    longest = np.linalg.norm(sides, axis=-1).max(axis=-1)
    found, below = [np.zeros((0, 4))], -1.0
    for parts in _PARTS:
        above = np.inf if parts == _PARTS[-1] else float(parts)
        chosen = known[(turn < 0) & (longest > below) & (longest <= above)]
        if len(chosen):
            found.append((_barycentric(parts) @ chosen).reshape(-1, 4))
        below = above
    return np.concatenate(found)


def _barycentric(parts: int) -> Float[np.ndarray, "samples 3"]:
    """The corners' shares at an even grid over a triangle."""
    first, second = np.meshgrid(np.arange(parts + 1), np.arange(parts + 1), indexing="ij")
    inside = first + second <= parts
    shares = np.stack([first[inside], second[inside]], axis=-1) / parts
    return np.concatenate([shares, 1 - shares.sum(axis=-1, keepdims=True)], axis=-1)


def _nearest(
    samples: Float[np.ndarray, "samples 4"], rows: int, columns: int
) -> Float[np.ndarray, "rows columns 2"]:
    """Brightness and cover of each pixel by its nearest sample."""
    column, row = np.floor(samples[:, 0]), np.floor(samples[:, 1])
    seen = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    pixel = (row[seen] * columns + column[seen]).astype(np.int64)
    # 16 bits of depth are 0.1 mm for a person, and NumPy sorts them ten times as fast.
    depth = samples[seen, 2]
    steps = (depth - (depth.min() if len(depth) else 0.0)) / max(
        np.ptp(depth) if len(depth) else 0.0, 1e-9
    )
    order = np.argsort((65535 * np.clip(steps, 0, 1)).astype(np.uint16), kind="stable")
    image = np.zeros((rows * columns, 2))
    image[pixel[order], 0] = samples[seen, 3][order]  # the nearest comes last, and stays
    image[pixel, 1] = 1.0
    return image.reshape(rows, columns, 2)
