"""The pictures of bodies show what they say: checked on what is drawn, not on pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.visualization import joints_over_mesh, regressor_weights
from posenet3d.visualization.figures import new_figure
from posenet3d.visualization.mesh_drawing import BACK, FRONT, LEFT, RIGHT, draw_mesh

matplotlib = pytest.importorskip("matplotlib")

CORNERS = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
INSIDE, OUTSIDE = [0.1, 0.1, 0.1], [2.0, 0.0, 0.0]


@pytest.mark.parametrize("view", [FRONT, LEFT, BACK, RIGHT])
def test_a_view_is_a_right_handed_frame_with_y_up(view):
    frame = np.cross(np.array(view.right), np.array([0.0, 1.0, 0.0]))
    assert np.array_equal(frame, np.array(view.towards))


@given(st.permutations(range(4)))
def test_only_faces_that_look_at_the_viewer_are_drawn_whatever_their_order(order):
    axes = new_figure(1.0, 1.0).add_subplot()
    draw_mesh(axes, CORNERS, FACES[list(order)], FRONT)
    (mesh,) = axes.collections
    assert len(mesh.get_paths()) == 1  # the slanted one; the others lie edge-on or face away


def test_near_faces_are_drawn_over_far_ones():
    axes = new_figure(1.0, 1.0).add_subplot()
    near = np.array([[0.0, 0, 1], [1, 0, 1], [0, 1, 1]])
    corners = np.concatenate([near, near * [1, 1, 0] + [5, 0, 0]])
    draw_mesh(axes, corners, np.array([[0, 1, 2], [3, 4, 5]]), FRONT)
    (mesh,) = axes.collections
    assert [path.vertices[:, 0].min() for path in mesh.get_paths()] == [5.0, 0.0]


def test_joints_outside_the_mesh_are_ringed(tmp_path, drawn):
    joints = {"linear": np.array([INSIDE, OUTSIDE]), "convex": np.array([INSIDE, INSIDE])}
    meshes = dict.fromkeys(joints, CORNERS)
    joints_over_mesh(meshes, FACES, joints, tmp_path / "joints.png")
    rings = [len(axes.lines[2].get_xdata()) for axes in drawn[0].axes]
    assert rings == [1, 1, 0, 0]
    assert [text.get_text() for text in drawn[0].texts] == ["linear", "convex"]


def test_each_row_of_weights_is_coloured_on_one_scale(tmp_path, drawn):
    rows = {"before": np.array([1.0, 0, 0, 0]), "after": np.array([0, 0.25, 0.25, 0.5])}
    regressor_weights(CORNERS, FACES, rows, tmp_path / "weights.png")
    before, after = (drawn[0].axes[place].collections[0].get_facecolors()[0] for place in (0, 3))
    assert before[0] - before[2] < 0.05  # the face in front has no weight: skin
    assert after[0] - after[2] > 0.2  # half a weight on a corner: red
    dot = drawn[0].axes[3].lines[0].get_xydata()[0]
    assert np.allclose(dot, [0.25, 0.25])


@pytest.mark.parametrize(("place", "name"), [(0.1, "from its left"), (-2.0, "from its right")])
def test_a_joint_is_shown_from_its_own_side(tmp_path, drawn, place, name):
    shifted = CORNERS + np.array([place, 0, 0])
    regressor_weights(shifted, FACES, {"W": np.full(4, 0.25)}, tmp_path / "weights.svg")
    assert drawn[0].axes[1].get_title() == name


def test_the_mannequin_is_drawn(tmp_path):
    from posenet3d.body import load_body_model

    body = load_body_model("mannequin")
    mesh, faces, weights = (
        tensor.numpy() for tensor in (body.template, body.faces, body.joint_regressor)
    )
    joints_over_mesh({"W": mesh}, faces, {"W": weights @ mesh}, tmp_path / "joints.png")
    assert (tmp_path / "joints.png").stat().st_size > 20_000


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ShapeError, match="joints: expected one for each of"):
        joints_over_mesh({"W": CORNERS}, FACES, {}, tmp_path / "joints.png")
    with pytest.raises(ShapeError, match=r"\(4,\)"):
        regressor_weights(CORNERS, FACES, {"W": np.zeros(3)}, tmp_path / "weights.png")
    with pytest.raises(ShapeError, match="at least one row"):
        regressor_weights(CORNERS, FACES, {}, tmp_path / "weights.png")
    with pytest.raises(UnknownNameError, match="gif"):
        regressor_weights(CORNERS, FACES, {"W": np.ones(4)}, tmp_path / "weights.gif")
