"""Joints of many poses at once against the mesh that they are regressed from."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import LinearBlendBody
from posenet3d.body.linear_blend import ROWS_PATH_POSES
from posenet3d.testing.bodies import bodies, convex_rows, shapes_and_poses


@settings(max_examples=20)
@given(st.data())
def test_without_gradients_joints_are_those_of_the_mesh(draw):
    data = draw.draw(bodies())
    body = LinearBlendBody(data, torch.float64)
    betas, rotations = draw.draw(shapes_and_poses(data, batch=(2, 3)))
    betas = betas.repeat(ROWS_PATH_POSES // 2, 1, 1)
    rotations = rotations.repeat(ROWS_PATH_POSES // 2, 1, 1, 1, 1)
    weights = torch.from_numpy(draw.draw(convex_rows(2, data.num_vertices)))
    for shapes in (betas, betas[:, :1], betas[0, 0]):
        with torch.no_grad():
            found = body.regress(shapes, rotations, weights)
        expected = weights @ body.vertices(shapes, rotations)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
