"""Reading MakeHuman's data files: base mesh, morph targets, rig, weights, left/right table.

All of them were released as CC0 by MakeHuman's copyright holders. Lengths are decimetres.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mannequin.tree import BONES, JOINTS, MIRROR_JOINTS

BODY_VERTICES = 13380
"""The base mesh `hm08` lists the body's vertices first; helpers and joint cubes follow."""

HEAD = JOINTS.index("head")
INFLUENCES = 4


@dataclass(frozen=True)
class BaseMesh:
    """The base mesh with its helpers.

    Attributes:
        vertices: (n, 3) decimetres, y up, facing +z.
        groups: vertex indices of the faces of each named group.
        mirror: (n,) index of each vertex's mirror image.
    """

    vertices: np.ndarray
    groups: dict[str, list[list[int]]]
    mirror: np.ndarray

    @property
    def body_mirror(self) -> np.ndarray:
        """The mirror images among the body's vertices."""
        return self.mirror[:BODY_VERTICES]


def read_base_mesh(folder: Path) -> BaseMesh:
    """The base mesh and its left/right table."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in (folder / "3dobjs/base.obj").read_text().splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            vertices.append([float(value) for value in values[:3]])
        elif kind == "g":
            group = values[0]
        elif kind == "f":
            groups.setdefault(group, []).append([int(v.split("/")[0]) - 1 for v in values])
    return BaseMesh(np.array(vertices), groups, _read_mirror(folder, len(vertices)))


def _read_mirror(folder: Path, count: int) -> np.ndarray:
    mirror = np.arange(count)
    for line in (folder / "mesh_metadata/hm08.mirror").read_text().splitlines():
        vertex, image, _ = line.split()
        mirror[int(vertex)] = int(image)
    if not (mirror[mirror] == np.arange(count)).all():
        raise ValueError("hm08.mirror: expected pairs, got a table that is not its own inverse")
    return mirror


def read_target(path: Path, count: int) -> np.ndarray:
    """Vertex offsets of one morph target, (count, 3), decimetres."""
    entries = np.array(gzip.decompress(path.read_bytes()).split(), dtype=np.float64).reshape(-1, 4)
    offsets = np.zeros((count, 3))
    offsets[entries[:, 0].astype(int)] = entries[:, 1:]
    return offsets


def read_joint_means(folder: Path, mesh: BaseMesh) -> np.ndarray:
    """(24, n): each joint as the mean of the vertices which the rig of the game engine names."""
    rig = json.loads((folder / "rigs/standard/rig.game_engine.json").read_text())
    rig = rig.get("bones", rig)
    means = np.zeros((len(JOINTS), len(mesh.vertices)))
    for joint, bone in enumerate(BONES):
        head = rig[bone]["head"]
        if head["strategy"] == "CUBE":
            corners = sorted({v for face in mesh.groups[head["cube_name"]] for v in face})
        else:
            corners = head["vertex_indices"]
        means[joint, corners] = 1 / len(corners)
    return means


def read_blend_weights(folder: Path, mirror: np.ndarray) -> np.ndarray:
    """(13380, 24) symmetric convex weights with at most four joints a vertex.

    Fingers follow the hand joint, the thumb's root the wrist.
    """
    source = json.loads((folder / "rigs/standard/weights.game_engine.json").read_text())
    if source["license"] != "CC0":
        raise ValueError(f"weights.game_engine.json: expected CC0, got {source['license']!r}")
    weights = np.zeros((len(mirror), len(JOINTS)))
    for bone, entries in source["weights"].items():
        joint = _joint_of(bone)
        for vertex, weight in entries:
            if vertex < len(mirror):
                weights[vertex, joint] += weight
    weights = (weights + weights[mirror][:, MIRROR_JOINTS]) / 2
    weights[weights.sum(1) < 1e-6, HEAD] = 1.0
    smallest = np.sort(weights, 1)[:, -INFLUENCES][:, None]
    weights[(weights < smallest) | (weights < 1e-3)] = 0
    return weights / weights.sum(1, keepdims=True)


def _joint_of(bone: str) -> int:
    if bone == "Root":
        return 0
    if bone in BONES:
        return BONES.index(bone)
    side = bone[-2:]
    return BONES.index(("hand" if bone.startswith("thumb_01") else "middle_01") + side)
