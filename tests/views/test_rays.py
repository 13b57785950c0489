"""The camera's pitch and that of its rays to the hips tell each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.errors import ShapeError
from posenet3d.views import camera_pitch, hips_pitch

few = settings(max_examples=25)
pitches = st.sampled_from([0.0, 1e-7, -0.3]) | st.floats(-0.8, 0.8)
places = st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)), min_size=1, max_size=5)


@few
@given(pitches, places)
def test_the_rays_mean_pitch_gives_the_cameras_back(pitch, hips):
    hips = np.array(hips)
    rays = float(hips_pitch(pitch, hips, focal=1.0).mean())
    assert camera_pitch(rays, hips, focal=1.0) == pytest.approx(pitch, abs=1e-5)


@few
@given(pitches, st.floats(-2, 2), st.floats(-2, 2), st.floats(3, 9))
def test_a_ray_goes_down_as_its_point_lies_below_the_camera(pitch, across, down, ahead):
    """Against geometry: turn a point in front of the pitched camera into a level frame."""
    sin, cos = math.sin(pitch), math.cos(pitch)
    below = down * cos + ahead * sin  # y down of the level frame
    level = math.hypot(across, ahead * cos - down * sin)
    focal = 1200.0
    image = focal * np.array([[across / ahead, down / ahead]])
    assert hips_pitch(pitch, image, focal)[0] == pytest.approx(math.atan2(below, level), abs=1e-9)


def test_hips_at_the_principal_point_are_looked_at_as_the_camera_looks():
    centre = np.zeros((3, 2))
    assert camera_pitch(math.radians(12.7), centre, 2.29) == pytest.approx(math.radians(12.7))


def test_hips_below_the_centre_are_looked_at_more_steeply_than_the_camera_looks():
    below = np.array([[0.0, 0.05]])
    assert camera_pitch(math.radians(14.0), below, 2.29) < math.radians(14.0)


def test_pixels_and_half_widths_give_the_same_pitch():
    hips = np.array([[0.1, 0.05], [-0.2, 0.07]])
    wide = camera_pitch(0.25, 960 * hips, 960 * 2.29)
    assert wide == pytest.approx(camera_pitch(0.25, hips, 2.29), abs=1e-6)


@pytest.mark.parametrize(
    ("pitch", "hips", "focal", "what"),
    [
        (0.2, np.zeros((0, 2)), 1.0, "hips"),
        (0.2, np.array([[math.nan, 0.0]]), 1.0, "hips"),
        (0.2, np.zeros((1, 2)), 0.0, "focal"),
        (0.2, np.zeros((1, 2)), math.inf, "focal"),
        (math.nan, np.zeros((1, 2)), 1.0, "pitch"),
    ],
)
def test_what_is_no_angle_or_point_is_refused(pitch, hips, focal, what):
    with pytest.raises(ShapeError, match=what):
        camera_pitch(pitch, hips, focal)


def test_a_pitch_that_no_camera_has_for_these_hips_is_refused():
    """Rays a focal length to the side go down by 45 degrees at most."""
    with pytest.raises(ShapeError, match="rays to these hips can have"):
        camera_pitch(math.radians(80.0), np.array([[1.0, 0.0]]), 1.0)
