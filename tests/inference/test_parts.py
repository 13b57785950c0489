import math

import numpy as np
import pytest

from posenet3d.data import anchoring, camera_rig, normalize
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.inference.tilt import unit_vector, up_of_tilt


@pytest.mark.parametrize("mode", ["sequence", "limbs", "window", "frame"])
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
