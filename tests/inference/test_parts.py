import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data import anchoring, camera_rig, normalize
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.geometry import random_rotmat, rotvec_to_rotmat, svd_orthonormalize
from posenet3d.inference.rotation_mean import nearest_rotations
from posenet3d.inference.tilt import unit_vector, up_of_tilt


@given(seed=st.integers(0, 2**31), spread=st.sampled_from([0.0, 1e-7, 0.1, 0.8, math.pi]))
def test_the_mean_rotation_is_the_nearest_one_to_the_mean_matrix(seed: int, spread: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    middle = random_rotmat(5, 1, generator=generator, dtype=torch.float64)
    turns = torch.randn(5, 9, 3, generator=generator, dtype=torch.float64) * spread
    mean = (middle @ rotvec_to_rotmat(turns)).mean(1)
    near = nearest_rotations(mean)
    torch.testing.assert_close(near, svd_orthonormalize(mean), atol=1e-6, rtol=0)
    torch.testing.assert_close(torch.linalg.det(near), torch.ones(5).double(), atol=1e-9, rtol=0)


def test_no_mean_at_all_is_a_rotation_still() -> None:
    halves = torch.stack([torch.zeros(3, 3), torch.diag(torch.tensor([1.0, 0.0, 0.0]))])
    near = nearest_rotations(halves)
    torch.testing.assert_close(torch.linalg.det(near), torch.ones(2))


@pytest.mark.parametrize("mode", ["sequence", "window", "frame"])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_anchors_of_chunks_are_those_of_the_whole(mode: str, chunk: int) -> None:
    points = np.random.default_rng(0).normal(size=(40, 14, 2)) * 50 + 300
    points[3:9, 2] = np.nan
    points[20, :] = np.nan
    whole = normalize(points, mode, gaps=True)
    parts = anchoring((points[i : i + chunk] for i in range(0, 40, chunk)), mode)
    np.testing.assert_allclose(parts.scale, whole.scale, rtol=1e-12)
    np.testing.assert_allclose(parts.root, whole.root, rtol=1e-12)


def test_the_tilt_of_a_camera_is_the_rigs() -> None:
    """A rig's cameras: up is the third column of the rotation from the world."""
    clip = synthetic_motion(clips=1, seconds=0.2, seed=0)[0]
    for camera in camera_rig("cmu14-wild").cameras(clip):
        up = camera.extrinsics[:, 2]
        pitch, roll = math.degrees(-math.asin(up[2])), math.degrees(math.atan2(up[0], -up[1]))
        np.testing.assert_allclose(up_of_tilt(pitch, roll), up, atol=1e-12)


def test_a_camera_that_looks_down_sees_up_towards_itself() -> None:
    x, y, z = up_of_tilt(pitch_degrees=20.0)
    assert x == 0
    assert y < 0  # the image's up
    assert z < 0  # towards the camera
    assert up_of_tilt(roll_degrees=10.0)[0] > 0
    assert unit_vector(np.array([0.0, -3.0, 0.0])) == (0.0, -1.0, 0.0)
