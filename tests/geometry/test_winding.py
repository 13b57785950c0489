import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import load_body_model
from posenet3d.geometry import random_rotmat, winding_number

CORNERS = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
FACES = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


@settings(max_examples=40)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3), st.integers(0, 1000))
def test_tells_the_inside_of_a_turned_tetrahedron_from_the_outside(point, seed):
    point = torch.tensor(point, dtype=torch.float64)
    heights = torch.cat([point, 1 - point.sum(0, keepdim=True)])
    turn = random_rotmat(generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    number = winding_number(point[None] @ turn.T, CORNERS @ turn.T, FACES)
    if heights.min() > 1e-3:
        torch.testing.assert_close(number, torch.ones_like(number), atol=1e-9, rtol=0)
    elif heights.min() < -1e-3:
        torch.testing.assert_close(number, torch.zeros_like(number), atol=1e-9, rtol=0)


def test_counts_meshes_that_overlap_and_turns_its_sign_with_the_faces():
    twice = torch.cat([FACES, FACES])
    point = torch.full((1, 3), 0.1, dtype=torch.float64)
    assert winding_number(point, CORNERS, twice).item() == pytest.approx(2)
    assert winding_number(point, CORNERS, FACES.flip(-1)).item() == pytest.approx(-1)


def test_takes_leading_axes():
    points = torch.full((5, 2, 3), 0.1, dtype=torch.float64)
    assert winding_number(points, CORNERS.expand(5, 4, 3), FACES).shape == (5, 2)


def test_the_mannequin_is_watertight_and_faces_outwards():
    body = load_body_model("mannequin")
    edges = torch.cat([body.faces[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    there, back = (edges[:, pair] @ torch.tensor([6890, 1]) for pair in ([0, 1], [1, 0]))
    assert torch.equal(there.sort().values, back.sort().values)
    assert len(there.unique()) == len(there)
    joints = body.joint_regressor @ body.template
    assert (winding_number(joints, body.template, body.faces) > 0.99).all()
