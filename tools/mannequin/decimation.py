"""Fewer triangles, left and right alike.

Half-edge collapses in the order of Garland and Heckbert's quadric error (1997): a vertex is merged
into a neighbour, so those that remain are original vertices and keep their weights and targets.
Each collapse is done together with its mirror image.
"""

import heapq

import numpy as np


def triangulate(polygons: list[list[int]], vertices: np.ndarray) -> np.ndarray:
    """Quads split along their shorter diagonal."""
    triangles: list[list[int]] = []
    for polygon in polygons:
        if len(polygon) == 3:
            triangles.append(polygon)
            continue
        a, b, c, d = polygon
        lengths = [np.linalg.norm(vertices[p] - vertices[q]) for p, q in ((a, c), (b, d))]
        split = [[a, b, c], [a, c, d]] if lengths[0] <= lengths[1] else [[b, c, d], [b, d, a]]
        triangles += split
    return np.array(triangles)


class SymmetricDecimation:
    """A closed triangle mesh that is being thinned out.

    Args:
        vertices: (n, 3).
        faces: (f, 3).
        mirror: (n,) the image of each vertex.
        cost_factors: (n,) small where a vertex may go early.
    """

    MIN_COSINE = 0.2
    """A face may turn by at most this (cosine) in one collapse."""
    MIN_FATNESS = 0.06
    """Twice a face's area over its longest side squared; slivers are below."""

    def __init__(
        self,
        vertices: np.ndarray,
        faces: np.ndarray,
        mirror: np.ndarray,
        cost_factors: np.ndarray,
    ) -> None:
        self.vertices, self.mirror, self.cost_factors = vertices, mirror.tolist(), cost_factors
        self.faces: list[list[int] | None] = faces.tolist()
        self.faces_at: list[set[int]] = [set() for _ in vertices]
        for index, face in enumerate(faces.tolist()):
            for vertex in face:
                self.faces_at[vertex].add(index)
        self.quadrics = _quadrics(vertices, faces)
        self.homogeneous = np.append(vertices, np.ones((len(vertices), 1)), 1)
        self.version = [0] * len(vertices)
        self.queue: list[tuple[float, int, int, int, int]] = []
        self.count = sum(bool(around) for around in self.faces_at)

    def run(self, target: int) -> tuple[np.ndarray, np.ndarray]:
        """Collapse until ``target`` vertices are left: their indices, and the faces over those."""
        for vertex in range(len(self.vertices)):
            self._push(vertex)
        while self.count > target and self.queue:
            _, gone, kept, *versions = heapq.heappop(self.queue)
            if [self.version[gone], self.version[kept]] == versions:
                self._try(gone, kept, room=self.count - target)
        faces = np.array([face for face in self.faces if face is not None])
        left, renumbered = np.unique(faces, return_inverse=True)
        return left, renumbered.reshape(faces.shape)

    def _try(self, gone: int, kept: int, room: int) -> None:
        pairs = [(gone, kept)]
        image = (self.mirror[gone], self.mirror[kept])
        if image != pairs[0]:
            pairs.append(image)
        entangled = len(pairs) == 2 and bool(set(image) & {gone} or image[0] == kept)
        if entangled or len(pairs) > room or not all(self._allowed(*pair) for pair in pairs):
            return
        for pair in pairs:
            self._collapse(*pair)
        self.count -= len(pairs)
        touched = {v for _, k in pairs for v in (k, *self._neighbours(k))}
        for vertex in touched:
            self.version[vertex] += 1
        for vertex in sorted(touched):
            self._push(vertex)

    def _neighbours(self, vertex: int) -> set[int]:
        around = {other for face in self.faces_at[vertex] for other in self._face(face)}
        return around - {vertex}

    def _face(self, index: int) -> list[int]:
        face = self.faces[index]
        return face if face is not None else []

    def _push(self, vertex: int) -> None:
        for other in sorted(self._neighbours(vertex)):
            for gone, kept in ((vertex, other), (other, vertex)):
                cost = self._cost(gone, kept)
                if cost is not None:
                    versions = self.version[gone], self.version[kept]
                    heapq.heappush(self.queue, (cost, gone, kept, *versions))

    def _cost(self, gone: int, kept: int) -> float | None:
        """None where it would leave the plane of symmetry, or merge a vertex with its image."""
        in_plane = self.mirror[gone] == gone
        if self.mirror[gone] == kept or (in_plane and self.mirror[kept] != kept):
            return None
        place = self.homogeneous[kept]
        error = float(place @ (self.quadrics[gone] + self.quadrics[kept]) @ place)
        length = float(((self.vertices[gone] - self.vertices[kept]) ** 2).sum())
        return (error + 1e-9 * length) * float(self.cost_factors[gone])

    def _allowed(self, gone: int, kept: int) -> bool:
        """The mesh stays a manifold, no face flips, none becomes a sliver."""
        shared = [face for face in self.faces_at[gone] if kept in self._face(face)]
        common = self._neighbours(gone) & self._neighbours(kept)
        if len(shared) != 2 or len(common) != 2:
            return False
        others = [self._face(face) for face in self.faces_at[gone] if face not in shared]
        before = self.vertices[np.array(others)]
        moved = [[kept if vertex == gone else vertex for vertex in face] for face in others]
        after = self.vertices[np.array(moved)]
        normal, new_normal = _normals(before), _normals(after)
        size, new_size = np.linalg.norm(normal, axis=1), np.linalg.norm(new_normal, axis=1)
        longest = ((after - np.roll(after, 1, 1)) ** 2).sum(-1).max(1)
        straight = (normal * new_normal).sum(1) >= self.MIN_COSINE * size * new_size
        return bool((straight & (new_size >= self.MIN_FATNESS * longest)).all())

    def _collapse(self, gone: int, kept: int) -> None:
        for index in sorted(self.faces_at[gone]):
            face = self._face(index)
            if kept in face:
                self.faces[index] = None
                for vertex in face:
                    self.faces_at[vertex].discard(index)
            else:
                self.faces[index] = [kept if vertex == gone else vertex for vertex in face]
                self.faces_at[kept].add(index)
        self.faces_at[gone].clear()
        self.version[gone] += 1
        self.quadrics[kept] = self.quadrics[kept] + self.quadrics[gone]


def _normals(triangles: np.ndarray) -> np.ndarray:
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def _quadrics(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Sum of the squared distances to the planes around each vertex, weighed by area."""
    normals = _normals(vertices[faces])
    areas = np.linalg.norm(normals, axis=1)
    units = normals / np.maximum(areas, 1e-14)[:, None]
    offsets = -(units * vertices[faces[:, 0]]).sum(1, keepdims=True)
    planes = np.append(units, offsets, 1)
    quadrics = np.zeros((len(vertices), 4, 4))
    products = areas[:, None, None] * planes[:, :, None] * planes[:, None]
    for corner in range(3):
        np.add.at(quadrics, faces[:, corner], products)
    return quadrics
