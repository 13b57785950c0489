"""An OBJ file holds the mesh that was given, as a reader of its own finds it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import PoseNet3DError, ShapeError, StorageError
from posenet3d.export import write_obj

SQUARE = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
HALVES = [[0, 1, 2], [0, 2, 3]]


def read_obj(path):
    """Vertices, zero-based faces and comments; anything else is a fault."""
    vertices, faces, comments = [], [], []
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        kind, _, rest = line.partition(" ")
        if kind == "#":
            assert not vertices
            comments.append(rest)
        elif kind == "v":
            assert not faces
            vertices.append([float(number) for number in rest.split(" ")])
        else:
            assert kind == "f"
            faces.append([int(number) - 1 for number in rest.split(" ")])
    return np.array(vertices), np.array(faces), comments


@st.composite
def meshes(draw):
    width = draw(st.sampled_from([32, 64]))
    number = st.floats(-1e3, 1e3, width=width)
    rows = draw(st.lists(st.tuples(number, number, number), min_size=3, max_size=8))
    corner = st.integers(0, len(rows) - 1)
    faces = draw(st.lists(st.tuples(corner, corner, corner), min_size=1, max_size=6))
    return np.array(rows, dtype=f"f{width // 8}"), np.array(faces)


@given(meshes())
def test_the_mesh_comes_back(tmp_path_factory, mesh):
    vertices, faces = mesh
    path = tmp_path_factory.mktemp("mesh") / "mesh.obj"
    write_obj(path, vertices, faces)
    read_vertices, read_faces, _ = read_obj(path)
    np.testing.assert_array_equal(read_faces, faces)
    np.testing.assert_allclose(read_vertices, vertices.astype(np.float64), rtol=1e-8)
    if vertices.dtype == np.float32:
        np.testing.assert_array_equal(read_vertices.astype(np.float32), vertices)


def test_the_outside_stays_outside(tmp_path):
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    write_obj(tmp_path / "mesh.obj", corners, faces)
    vertices, read_faces, _ = read_obj(tmp_path / "mesh.obj")
    a, b, c = np.moveaxis(vertices[read_faces], 1, 0)
    assert np.einsum("fd,fd->", a, np.cross(b, c)) / 6 == pytest.approx(1 / 6)


def test_the_comments_say_unit_axes_and_family(tmp_path):
    path = tmp_path / "mesh.obj"
    write_obj(path, SQUARE, HALVES, unit="feet", axes="z up", family="makehuman-cc0", comment="é")
    assert read_obj(path)[2] == [
        "Written by posenet3d",
        "Unit: feet",
        "Axes: z up",
        "Body family: makehuman-cc0",
        "é",
        "4 vertices, 2 faces",
    ]


@pytest.mark.parametrize("separator", ["\n", "\r", "\r\n", "\v", "\x85", "\u2028"])
def test_a_comment_cannot_become_geometry(tmp_path, separator):
    lines = [f"frame 7{separator}v 9 9 9", ""]
    write_obj(tmp_path / "mesh.obj", SQUARE, HALVES, comment=lines)
    vertices, _, comments = read_obj(tmp_path / "mesh.obj")
    assert len(vertices) == 4
    assert comments[3:5] == ["frame 7", "v 9 9 9"]


def test_tensors_and_lists_are_taken_alike(tmp_path):
    write_obj(tmp_path / "a.obj", torch.tensor(SQUARE) / 3, torch.tensor(HALVES))
    write_obj(tmp_path / "b.obj", (np.array(SQUARE) / np.float32(3)).astype("f4"), HALVES)
    assert (tmp_path / "a.obj").read_bytes() == (tmp_path / "b.obj").read_bytes()


def test_a_cloud_of_points_needs_no_faces(tmp_path):
    write_obj(tmp_path / "cloud.obj", SQUARE, [])
    vertices, faces, _ = read_obj(tmp_path / "cloud.obj")
    assert (len(vertices), len(faces)) == (4, 0)


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.zeros((4, 2)), HALVES, r"vertices: expected \(V, 3\) numbers, got \(4, 2\)"),
        (np.zeros((2, 4, 3)), HALVES, "vertices"),
        (np.zeros((4, 3), dtype=complex), HALVES, "of complex128"),
        (np.array([[0, 0, 0], [0, np.nan, 0]]), HALVES, "expected finite numbers, got .* at 1"),
        (SQUARE, [[0, 1, 2, 3]], r"faces: expected \(F, 3\) whole numbers"),
        (SQUARE, [[0.0, 1.0, 2.0]], "of float64"),
        (SQUARE, [[1, 2, 4]], "expected indices from 0 to 3, got 1 to 4; count vertices from 0"),
        (SQUARE, [[-1, 0, 1]], "got -1 to 1"),
    ],
)
def test_what_is_no_mesh_is_refused_and_nothing_is_written(tmp_path, vertices, faces, message):
    with pytest.raises(ShapeError, match=message):
        write_obj(tmp_path / "mesh.obj", vertices, faces)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_of_our_errors(tmp_path):
    with pytest.raises(StorageError) as caught:
        write_obj(tmp_path / "absent" / "mesh.obj", SQUARE, HALVES)
    assert isinstance(caught.value, PoseNet3DError)
