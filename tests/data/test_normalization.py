import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posenet3d.data import SCALE_MODES, camera_rig, mean_head_to_root, normalize, observe
from posenet3d.data.normalization import normalize_all
from posenet3d.data.scale import anchoring
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import DataError, ShapeError, UnknownNameError
from posenet3d.skeletons import LSP_14

HEAD = LSP_14.index("head_top")
HIPS = list(LSP_14.indices("right_hip", "left_hip"))
FREE_MODES = [mode for mode in SCALE_MODES if mode != "dataset"]


def standing(*heights):
    """A person with its hips at the origin and its head that high, frame by frame."""
    points = np.zeros((len(heights), 14, 2))
    points[:, HEAD, 1] = [-height for height in heights]
    return points


@st.composite
def people(draw, frames=5):
    points = draw(arrays(np.float64, (frames, 14, 2), elements=st.floats(-1, 1)))
    points[:, HEAD, 1] -= 5
    return points


@given(
    points=people(),
    mode=st.sampled_from(FREE_MODES),
    scale=st.floats(0.01, 1000),
    shift=st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)),
)
def test_moving_and_scaling_the_image_changes_nothing(points, mode, scale, shift):
    moved = normalize(points * scale + shift, mode, window=3).points
    np.testing.assert_allclose(moved, normalize(points, mode, window=3).points, atol=1e-6)


@given(points=people(), distance=st.floats(1, 100))
def test_the_mean_head_to_root_length_is_one_over_the_distance(points, distance):
    made = normalize(points, distance=distance).points
    np.testing.assert_allclose(np.linalg.norm(made[:, HEAD], axis=-1).mean(), 1 / distance)
    np.testing.assert_allclose(made[:, HIPS].mean(axis=1), 0, atol=1e-12)


@given(points=people(), mode=st.sampled_from(SCALE_MODES))
def test_scale_and_root_lead_back(points, mode):
    made = normalize(points, mode, length=5.0 if mode == "dataset" else None)
    back = made.points / made.scale[:, None, None] + made.root[:, None]
    np.testing.assert_allclose(back, points, atol=1e-9)


@given(points=people(), mode=st.sampled_from(["sequence", "window", "frame"]))
def test_normalising_twice_is_normalising_once(points, mode):
    once = normalize(points, mode, window=1).points
    np.testing.assert_allclose(normalize(once, mode, window=1).points, once, atol=1e-12)


@given(points=people(), window=st.integers(1, 20))
def test_window_lies_between_frame_and_sequence(points, window):
    scale = normalize(points, "window", window=window).scale
    frame, sequence = normalize(points, "frame").scale, normalize(points).scale
    if window == 1:
        np.testing.assert_allclose(scale, frame)
    if window >= 2 * len(points):
        np.testing.assert_allclose(scale, sequence)


def test_each_mode_takes_the_mean_that_it_says():
    points = standing(1, 2, 3, 6)
    assert np.allclose(normalize(points).scale, 1 / 30)
    assert np.allclose(normalize(points, "frame").scale, 1 / (10 * np.array([1, 2, 3, 6])))
    assert np.allclose(
        normalize(points, "window", window=3).scale, 1 / (10 * np.array([1.5, 2, 11 / 3, 4.5]))
    )
    assert np.allclose(normalize(points, "dataset", length=4.0).scale, 1 / 40)


def test_a_data_set_has_one_scale_measured_over_its_frames():
    small, large = standing(1, 1, 1), standing(5)
    assert mean_head_to_root([small, large]) == 2
    made = normalize_all([small, large], "dataset")
    assert {float(scale) for one in made for scale in one.scale} == {1 / 20}
    kept = normalize_all([small], "dataset", length=4.0)
    assert np.allclose(kept[0].scale, 1 / 40)


def test_a_sitting_person_keeps_the_scale_of_the_sequence():
    points = standing(1, 1, 1, 0.5)
    made = normalize(points).points
    assert made[3, HEAD, 1] == made[0, HEAD, 1] / 2


@given(points=people(), bad=st.sampled_from([np.nan, np.inf]), joint=st.integers(0, 13))
def test_an_unknown_joint_is_an_error_that_names_clip_frame_and_joint(points, bad, joint):
    points[2, joint, 1] = bad
    with pytest.raises(DataError, match=f"S01/walk.*'{LSP_14.joint_names[joint]}' in frame 2"):
        normalize(points, name="S01/walk")


@pytest.mark.parametrize("mode", FREE_MODES)
def test_a_person_without_length_is_an_error_that_names_the_clip(mode):
    with pytest.raises(DataError, match=r"S01/walk.*above zero, got 0 at frame 0"):
        normalize(np.ones((3, 14, 2)), mode, name="S01/walk")


def test_one_frame_without_length_matters_only_to_the_frame_mode():
    points = standing(1, 0, 1)
    points[:, 0, 0] = 1
    assert np.isfinite(normalize(points).points).all()
    with pytest.raises(DataError, match="frame 1"):
        normalize(points, "frame")


@pytest.mark.parametrize(("frames", "far"), [(1, 0), (63, 62), (64, 0), (65, 64), (150, 22)])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_length_is_held_against_the_extent_of_every_frame(frames, far, side):
    """A wrist far off in one frame, wherever this is, makes the person nothing beside it."""
    points = standing(*[1] * frames)
    points[far, LSP_14.index("left_wrist"), 0] = side * 2e6
    chunk = points.copy()
    chunk[:, LSP_14.index("right_ankle")] = np.nan  # never seen, nor in the way
    with pytest.raises(DataError, match=r"above zero, got 1 at frame 0"):
        anchoring([chunk], "sequence", 10.0)
    points[far, LSP_14.index("left_wrist"), 0] /= 10
    np.testing.assert_allclose(anchoring([points], "sequence", 10.0).scale, 0.1)


def test_no_frames_are_an_error():
    with pytest.raises(DataError, match=r"S01/walk.*empty"):
        normalize(np.zeros((0, 14, 2)), name="S01/walk")
    with pytest.raises(DataError, match="at least one"):
        mean_head_to_root([])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"mode": "dataset"}, "mean_head_to_root"),
        ({"length": 1.0}, "for no other"),
        ({"mode": "dataset", "length": 0.0}, "positive"),
        ({"mode": "dataset", "length": float("nan")}, "positive"),
        ({"mode": "window", "window": 0}, "at least 1"),
        ({"distance": 0.0}, "positive"),
    ],
)
def test_options_that_cannot_be_are_errors(options, match):
    with pytest.raises(ShapeError, match=match):
        normalize(standing(1), **options)


def test_other_layouts_are_an_error():
    with pytest.raises(ShapeError, match="lsp_14"):
        normalize(np.zeros((3, 17, 2)))


def test_an_unknown_mode_is_an_error_that_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'sequence'"):
        normalize(standing(1), "sequences")


@given(points=people(), factor=st.floats(0.1, 10))
def test_the_measured_length_grows_with_the_image(points, factor):
    length = mean_head_to_root([points])
    assume(length > 0)
    np.testing.assert_allclose(mean_head_to_root([factor * points]), factor * length)


def approaching(frames=200):
    """A walk filmed by a camera that zooms in to twice the focal length, and that factor."""
    (clip,) = synthetic_motion(clips=1, seconds=frames / 50)
    camera = camera_rig("cmu14-wild", "test").cameras(clip)[0]
    zoom = np.linspace(1, 2, frames)
    return zoom[:, None, None] * observe(clip, camera).to_layout("lsp_14").points, zoom


def test_a_zoom_is_taken_out_by_limbs_and_stays_in_a_sequence():
    seen, zoom = approaching()
    still = normalize(seen / zoom[:, None, None], "limbs").points
    scaled = {mode: normalize(seen, mode).points for mode in ("limbs", "sequence")}
    apart = {mode: np.abs(points - still).mean() for mode, points in scaled.items()}
    assert apart["limbs"] < 0.1 * apart["sequence"]


def test_limbs_keep_a_person_small_who_bends_down_for_long_and_a_window_does_not():
    seen, zoom = approaching()
    bent = seen / zoom[:, None, None]
    up = list(LSP_14.indices("neck", "head_top"))
    hips = bent[:, HIPS].mean(axis=1, keepdims=True)
    bent[100:, up] = hips[100:] + 0.3 * (bent[100:, up] - hips[100:])
    small = {mode: normalize(bent, mode).scale for mode in ("limbs", "window")}
    assert small["window"][150] > 2.5 * small["window"][50]
    assert small["limbs"][150] == pytest.approx(small["limbs"][50], rel=0.3)


def test_without_gaps_or_zoom_limbs_are_the_sequence():
    still = np.repeat(approaching()[0][:1], 60, axis=0)
    np.testing.assert_allclose(normalize(still, "limbs").points, normalize(still).points)


@pytest.mark.parametrize("mode", ["limbs", "window", "frame"])
def test_where_a_head_was_not_seen_for_long_the_scale_is_that_before_and_after(mode):
    person = standing(*[2.0] * 120)
    person[..., 0] += np.linspace(0, 50, 120)[:, None]  # walks across the image
    hidden = person.copy()
    hidden[20:100, HEAD] = np.nan
    hidden[110:, HEAD] = np.nan
    np.testing.assert_allclose(normalize(hidden, mode, gaps=True).scale, normalize(person).scale)
