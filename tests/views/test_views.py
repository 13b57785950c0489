"""View samplers: rotations that keep what they say they keep."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from posenet3d.errors import ConfigurationError, UnknownPluginError
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.testing.strategies import angles, dtypes
from posenet3d.views import (
    GravityViews,
    LearnedSpreadViews,
    LearnedViews,
    UniformViews,
    ViewSampler,
    turn_about_gravity,
)

SAMPLERS = {
    "uniform": UniformViews,
    "gravity": lambda: GravityViews(12.7),
    "learned": lambda: LearnedViews(12.7),
    "learned_spread": lambda: LearnedSpreadViews(12.7),
}
pitches = st.sampled_from([-90.0, 0.0, 1e-5, 12.7, 90.0]) | st.floats(-90, 90)
seeds = st.integers(0, 2**31)
few = settings(max_examples=25)


def up_of_a_camera(pitch, dtype=torch.float64):
    """Up in the camera frame (x right, y down, z forward) of a camera that looks down by pitch."""
    return torch.tensor([0.0, -math.cos(pitch), -math.sin(pitch)], dtype=dtype)


def draw_views(sampler, batch=64, seed=0, dtype=torch.float64):
    torch.manual_seed(seed)
    with torch.no_grad():
        return sampler.to(dtype)(batch)


@pytest.mark.parametrize("name", SAMPLERS)
@few
@given(seed=seeds, dtype=dtypes())
def test_every_view_is_a_rotation(name, seed, dtype):
    views = draw_views(SAMPLERS[name](), seed=seed, dtype=dtype)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    assert views.shape == (64, 3, 3)
    assert views.dtype == dtype
    identity = torch.eye(3, dtype=dtype).expand(64, 3, 3)
    torch.testing.assert_close(views @ views.mT, identity, atol=tolerance, rtol=0)
    torch.testing.assert_close(torch.det(views), torch.ones(64, dtype=dtype), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_keeps_the_protocol_and_is_built_by_name(name):
    options = {"pitch_degrees": 12.7} if name == "gravity" else {}
    sampler = GROUPS["view_samplers"].build(PluginSpec(name=name, options=options))
    assert isinstance(sampler, ViewSampler)
    assert type(sampler) is type(SAMPLERS[name]())
    assert sampler(0).shape == (0, 3, 3)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_default_generator_s_seed_decides_the_views(name):
    sampler = SAMPLERS[name]()
    assert torch.equal(draw_views(sampler, seed=1), draw_views(sampler, seed=1))
    assert not torch.equal(draw_views(sampler, seed=1), draw_views(sampler, seed=2))


@pytest.mark.parametrize("name", SAMPLERS)
def test_views_follow_the_sampler_to_another_device(name):
    assert SAMPLERS[name]().to("meta")(2).device.type == "meta"


@pytest.mark.parametrize("name", SAMPLERS)
def test_views_come_from_every_side(name):
    """The direction a body faces is spread over the circle: each quarter gets its share."""
    facing = draw_views(SAMPLERS[name](), batch=4000)[:, :, 2]
    quarters = torch.stack([facing[:, 0] > 0, facing[:, 2] > 0], 1).double().mean(0)
    torch.testing.assert_close(quarters, torch.full((2,), 0.5).double(), atol=0.06, rtol=0)


@few
@given(limit=st.sampled_from([0.0, 1e-5, 20.0, 90.0]) | st.floats(0, 90), seed=seeds)
def test_uniform_views_tilt_by_no_more_than_the_elevation(limit, seed):
    """R_x(e) R_y(a) takes the y axis to (0, cos e, sin e)."""
    down = draw_views(UniformViews(elevation_degrees=limit), seed=seed)[:, :, 1]
    tilt = torch.atan2(down[:, 2], down[:, 1])
    torch.testing.assert_close(down[:, 0], torch.zeros(64).double(), atol=1e-12, rtol=0)
    assert tilt.abs().max() <= math.radians(limit) + 1e-9


def test_uniform_views_reach_nearly_the_elevation_on_both_sides():
    down = draw_views(UniformViews(elevation_degrees=20.0), batch=2000)[:, :, 1]
    tilt = torch.rad2deg(torch.atan2(down[:, 2], down[:, 1]))
    assert -20 <= tilt.min() < -19.5
    assert 19.5 < tilt.max() <= 20


@few
@given(pitch=pitches, seed=seeds)
def test_without_elevation_gravity_views_keep_the_up_direction_of_the_camera(pitch, seed):
    up = up_of_a_camera(math.radians(pitch))
    views = draw_views(GravityViews(pitch, elevation_degrees=0.0).double(), seed=seed)
    # the pitch was made in float32, hence the tolerance
    torch.testing.assert_close(views @ up, up.expand(64, 3), atol=1e-6, rtol=0)


@few
@given(pitch=st.floats(-80, 80), elevation=st.floats(0, 30), seed=seeds)
def test_gravity_views_look_down_by_the_pitch_and_no_more_than_the_elevation_besides(
    pitch, elevation, seed
):
    views = draw_views(GravityViews(pitch, elevation_degrees=elevation).double(), seed=seed)
    up = views @ up_of_a_camera(math.radians(pitch))
    seen = torch.rad2deg(torch.atan2(-up[:, 2], -up[:, 1]))
    assert (seen - pitch).abs().max() <= elevation + 1e-4


@few
@given(pitch=angles(low=-1.5, high=1.5), azimuth=st.floats(-math.pi, math.pi))
def test_the_depth_mirror_turns_a_view_into_that_of_the_opposite_pitch(pitch, azimuth):
    """M R_n(a) M = R_Mn(-a): why the game cannot tell a body from its mirror."""
    mirror = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))
    angle, still = torch.tensor([azimuth], dtype=torch.float64), torch.zeros(1).double()
    given_pitch = torch.tensor(pitch, dtype=torch.float64)
    view = turn_about_gravity(given_pitch, angle, still)
    mirrored = turn_about_gravity(-given_pitch, -angle, still)
    torch.testing.assert_close(mirror @ view @ mirror, mirrored)


@few
@given(pitch=pitches)
def test_without_azimuth_and_elevation_nothing_turns(pitch):
    none = torch.zeros(1, dtype=torch.float64)
    view = turn_about_gravity(torch.tensor(math.radians(pitch), dtype=torch.float64), none, none)
    torch.testing.assert_close(view[0], torch.eye(3, dtype=torch.float64))


@given(pitch=pitches, gain=st.floats(0.1, 10))
def test_a_learned_pitch_starts_where_it_is_told(pitch, gain):
    learned = LearnedViews(initial_degrees=pitch, gain=gain).pitch
    assert float(learned) == pytest.approx(math.radians(pitch), abs=1e-6)
    assert not learned.requires_grad


@given(pitch=pitches)
def test_negating_the_mirrored_parameters_negates_a_learned_pitch(pitch):
    sampler = LearnedViews(initial_degrees=pitch)
    before = sampler.pitch.clone()
    with torch.no_grad():
        for parameter in sampler.mirrored_parameters():
            parameter.neg_()
    assert torch.equal(sampler.pitch, -before)


def test_a_given_pitch_is_not_mirrored_and_an_unknown_one_is_none():
    assert GravityViews(12.7).mirrored_parameters() == ()
    assert float(GravityViews(12.7).pitch) == pytest.approx(math.radians(12.7))
    assert UniformViews().mirrored_parameters() == ()
    assert UniformViews().pitch is None


def test_a_learned_pitch_has_a_gradient_and_the_others_nothing_to_learn():
    torch.manual_seed(0)
    sampler = LearnedViews(initial_degrees=5.0)
    sampler(16)[:, 1, 2].square().sum().backward()
    assert sampler.scaled_pitch.grad.abs() > 0
    assert not [*UniformViews().parameters(), *GravityViews(5.0).parameters()]


def test_a_learned_pitch_is_found_from_views_of_a_known_one():
    """Least squares on the up direction: the gradient leads to the true pitch, 12.7 degrees."""
    torch.manual_seed(0)
    truth = up_of_a_camera(math.radians(12.7), torch.float32)
    sampler = LearnedViews(elevation_degrees=0.0)
    optimizer = torch.optim.Adam(sampler.parameters(), lr=2e-3)
    for _ in range(200):
        optimizer.zero_grad()
        (sampler(64) @ truth - truth).square().sum(-1).mean().backward()
        optimizer.step()
    assert math.degrees(sampler.pitch) == pytest.approx(12.7, abs=0.5)


@few
@given(mean=st.floats(-40, 40), pitch=st.floats(0.01, 10), roll=st.floats(0.01, 10), seed=seeds)
def test_spread_views_have_the_pitch_and_roll_that_they_are_told(mean, pitch, roll, seed):
    """Where up points in a view tells the new camera's pitch and roll."""
    sampler = LearnedSpreadViews(mean, pitch, roll).double()
    up = draw_views(sampler, batch=2000, seed=seed) @ up_of_a_camera(math.radians(mean))
    tilts = torch.rad2deg(torch.asin(-up[:, 2]))
    rolls = torch.rad2deg(torch.atan2(up[:, 0], -up[:, 1]))
    assert float(tilts.mean()) == pytest.approx(mean, abs=0.1 * pitch + 1e-3)
    assert float(tilts.std()) == pytest.approx(pitch, rel=0.08)
    assert float(rolls.mean()) == pytest.approx(0.0, abs=0.1 * roll + 1e-3)
    assert float(rolls.std()) == pytest.approx(roll, rel=0.08)


def test_a_mirrored_spread_has_the_opposite_mean_and_the_same_deviations():
    """M Q(mean, azimuth) M is a view of the mirrored sampler, with its tilt negated."""
    sampler, mirrored = LearnedSpreadViews(12.7), LearnedSpreadViews(12.7)
    with torch.no_grad():
        for parameter in mirrored.mirrored_parameters():
            parameter.neg_()
    assert torch.equal(mirrored.pitch, -sampler.pitch)
    assert torch.equal(mirrored.spreads, sampler.spreads)
    mirror = torch.diag(torch.tensor([1.0, 1.0, -1.0])).double()
    looked = [draw_views(each, batch=4000)[:, :, 1] for each in (sampler, mirrored)]
    turned = (mirror @ looked[0].mT).mT
    torch.testing.assert_close(turned.mean(0), looked[1].mean(0), atol=0.02, rtol=0)
    torch.testing.assert_close(turned.T.cov(), looked[1].T.cov(), atol=0.01, rtol=0)


def test_mean_and_spreads_are_found_from_the_up_directions_of_many_cameras():
    """Moments of up against those of cameras with pitch 12.7 +- 8 and roll +- 5 degrees."""
    torch.manual_seed(0)
    sampler = LearnedSpreadViews(8.0)
    optimizer = torch.optim.Adam(sampler.parameters(), lr=2e-3)
    pitch, roll = (torch.deg2rad(x) for x in (torch.tensor([12.7, 8.0]), torch.tensor(5.0)))
    for _ in range(300):
        optimizer.zero_grad()
        mean = sampler.gain * sampler.scaled_pitch
        up = sampler(512) @ torch.stack([torch.zeros(()), -mean.cos(), -mean.sin()])
        tilts, rolls = torch.asin(-up[:, 2]), torch.atan2(up[:, 0], -up[:, 1])
        fault = (tilts.mean() - pitch[0]) ** 2 + (tilts.std() - pitch[1]) ** 2
        (fault + (rolls.std() - roll) ** 2).backward()
        optimizer.step()
    assert math.degrees(sampler.pitch) == pytest.approx(12.7, abs=0.7)
    assert torch.rad2deg(sampler.spreads).tolist() == pytest.approx([8.0, 5.0], abs=0.7)


def test_the_gain_scales_a_step_of_the_pitch():
    """A step of 1e-3 in the parameter is one of gain * 1e-3 radians in the pitch."""
    sampler = LearnedViews(gain=7.0)
    with torch.no_grad():
        sampler.scaled_pitch.add_(1e-3)
    assert float(sampler.pitch) == pytest.approx(7e-3)


def test_only_what_is_learnt_is_saved():
    assert not UniformViews().state_dict()
    assert not GravityViews(5.0).state_dict()
    assert [*LearnedViews().state_dict()] == ["scaled_pitch"]
    assert [*LearnedSpreadViews().state_dict()] == ["scaled_pitch", "scaled_spreads"]


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        ("uniform", {"elevation_degrees": -1}, "elevation_degrees"),
        ("uniform", {"elevation": 20}, "did you mean 'elevation_degrees'"),
        ("gravity", {}, "pitch_degrees"),
        ("gravity", {"pitch_degrees": 91}, "pitch_degrees"),
        ("learned", {"gain": 0}, "gain"),
        ("learned", {"initial_degrees": "down"}, "initial_degrees"),
        ("learned_spread", {"roll_spread_degrees": 0}, "roll_spread_degrees"),
    ],
)
def test_bad_options_are_a_configuration_error_that_names_the_option(name, options, fault):
    with pytest.raises(ConfigurationError, match=fault):
        GROUPS["view_samplers"].build(PluginSpec(name=name, options=options))


def test_an_infinite_gain_is_refused():
    with pytest.raises(ValidationError):
        LearnedViews.Config(gain=math.inf)


def test_an_unknown_sampler_is_an_error_that_suggests_the_nearest():
    with pytest.raises(UnknownPluginError, match="did you mean 'gravity'"):
        GROUPS["view_samplers"].build(PluginSpec(name="gravty"))
