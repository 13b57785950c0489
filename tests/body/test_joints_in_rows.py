"""Joints of many poses at once against the mesh that they are regressed from."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import LinearBlendBody, load_body_model
from posenet3d.testing.bodies import bodies, convex_rows, shapes_and_poses


@settings(max_examples=20)
@given(st.data())
def test_without_gradients_joints_are_those_of_the_mesh(draw):
    data = draw.draw(bodies())
    body = LinearBlendBody(data, torch.float64)
    betas, rotations = draw.draw(shapes_and_poses(data, batch=(3, 2)))
    weights = torch.from_numpy(draw.draw(convex_rows(2, data.num_vertices)))
    for shapes in (betas, betas[:, :1], betas[0, 0]):
        with torch.no_grad():
            found = body.regress(shapes, rotations, weights)
        expected = weights @ body.vertices(shapes, rotations)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batch", [(), (0,), (4, 0)])
@torch.no_grad()
def test_leading_axes_are_any(batch):
    mannequin = load_body_model("mannequin")
    betas = torch.zeros(*batch, mannequin.num_betas)
    rotations = torch.eye(3).expand(*batch, mannequin.num_joints, 3, 3)
    found = mannequin.regress(betas, rotations, mannequin.joint_regressor)
    assert found.shape == (*batch, mannequin.num_joints, 3)
