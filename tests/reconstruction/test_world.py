"""A reconstruction in the world is the one in the camera's frame, turned and moved as a whole."""

import numpy as np
import pytest
import torch

from posenet3d.geometry import rotvec_to_rotmat
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import PluginSpec
from posenet3d.reconstruction import BodyMotion, Reconstruction, world_motion
from posenet3d.reconstruction.world import ROOT_MOTIONS


@pytest.fixture
def seen_askew():
    """A person in motion before a camera that looks down and is rolled."""
    random = np.random.default_rng(3)
    rotations = rotvec_to_rotmat(torch.tensor(random.normal(size=(4, 24, 3)))).numpy()
    track = np.array([0.3, -0.2, 4.0]) + random.normal(size=(4, 3)) * 0.2
    body = BodyMotion(
        random.normal(size=10), rotations, track + np.array([0.02, 0.1, 0.03]),
        PluginSpec(name="mannequin"), scale=1.1,
    )  # fmt: skip
    seen = KeypointSequence(np.ones((4, 14, 2)), layout="lsp_14", fps=25.0)
    up = np.array([0.2, -0.9, -0.35])
    joints = random.normal(size=(4, 14, 3)) * 0.4
    return Reconstruction(joints, track, seen, body, up=up / np.linalg.norm(up))


@pytest.mark.parametrize("root", ROOT_MOTIONS)
@pytest.mark.parametrize("up_axis", ["y", "z"])
def test_the_bodys_numbers_in_the_world_give_the_cameras_mesh_turned(seen_askew, up_axis, root):
    world, body = world_motion(seen_askew, up_axis, root), seen_askew.body
    rotations = torch.tensor(world.rotations, dtype=torch.float32)
    posed = seen_askew.body_model.vertices(torch.tensor(body.betas).float(), rotations).numpy()
    from_numbers = posed * body.scale + world.translation[:, None]
    turned = seen_askew.vertices() @ world.from_camera.T + world.offset[:, None]
    np.testing.assert_allclose(from_numbers, turned, atol=1e-5)


@pytest.mark.parametrize("up_axis", ["y", "z"])
def test_a_still_root_moves_body_and_joints_alike(seen_askew, up_axis):
    track, still = (world_motion(seen_askew, up_axis, root) for root in ("track", "still"))
    np.testing.assert_allclose(
        still.translation - track.translation, still.joints[:, 0] - track.joints[:, 0], atol=1e-9
    )
    np.testing.assert_array_equal(still.rotations, track.rotations)
