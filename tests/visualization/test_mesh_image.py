import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.body import mannequin_data
from posenet3d.visualization.mesh_drawing import BACK, FRONT, LEFT, RIGHT
from posenet3d.visualization.mesh_image import Window, mesh_image

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
SQUARE_FACES = np.array([[0, 1, 2], [0, 2, 3]])


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.integers(20, 90))
def test_a_rectangle_covers_its_area_without_holes(width, height, pixels):
    corners = SQUARE * np.array([width, height, 1.0])
    image = mesh_image(corners, SQUARE_FACES, FRONT, Window(0.0, 1.0, 0.0, 1.0), pixels)
    cover = image[..., 3] / 255
    assert abs(cover.mean() - width * height) < 3 / pixels
    inner = cover[round((1 - height) * pixels) + 2 : -2, 2 : max(2, round(width * pixels) - 2)]
    assert (inner == 1).all()


def test_of_two_faces_the_nearer_one_is_seen():
    wall = SQUARE - np.array([0, 0, 1.0])
    tilted = SQUARE.copy()
    tilted[:, 2] = [0.0, 1.0, 1.0, 0.0]  # its normal turns from the light
    both = np.concatenate([tilted, wall])
    faces = np.concatenate([SQUARE_FACES, SQUARE_FACES + 4])
    window = Window(0.0, 1.0, 0.0, 1.0)
    alone = mesh_image(tilted, SQUARE_FACES, FRONT, window, 40)
    np.testing.assert_array_equal(mesh_image(both, faces, FRONT, window, 40), alone)
    assert not np.array_equal(mesh_image(wall, SQUARE_FACES, FRONT, window, 40), alone)


def test_a_face_that_looks_away_is_not_drawn():
    image = mesh_image(SQUARE, SQUARE_FACES[:, ::-1], FRONT, Window(0.0, 1.0, 0.0, 1.0), 30)
    assert not image.any()


@pytest.mark.parametrize(("view", "turned"), [(FRONT, BACK), (LEFT, RIGHT)])
def test_the_opposite_view_is_the_silhouette_mirrored(view, turned):
    data = mannequin_data()
    window = Window(-1.0, 1.0, -1.2, 1.2)
    ahead, behind = (
        mesh_image(data.v_template, data.faces, each, window, 240)[..., 3] > 127
        for each in (view, turned)
    )
    assert ahead.mean() > 0.03
    assert (ahead != behind[:, ::-1]).mean() < 0.01
