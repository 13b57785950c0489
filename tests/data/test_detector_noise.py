"""A detector's errors: what they are a function of, how large, how often, and what they spare."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from posenet3d.data.detector_noise import NOISE, DetectorNoise, corrupt, corrupt_windows
from posenet3d.data.joint_errors import JITTER
from posenet3d.errors import UnknownNameError
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LAYOUTS, LSP_14, layout

few = settings(max_examples=15, deadline=None)
NOTHING = DetectorNoise(wandering=0, white=0, dropped=0, outliers=0, swapped=0, hidden=1)
SPREAD_OUT = np.array([
    [-0.3, 1.8], [-0.25, 1.3], [-0.2, 0.9], [0.2, 0.9], [0.25, 1.3], [0.3, 1.8],
    [-0.8, 0.6], [-0.6, 0.4], [-0.3, 0.3], [0.3, 0.3], [0.6, 0.4], [0.8, 0.6],
    [0.0, 0.2], [0.0, 0.0],
])  # fmt: skip


def standing(frames=400, *, scale=1.0, **options):
    """Someone with arms and legs apart, 1.8 tall and 1.6 wide, who does not move."""
    points = np.tile(scale * SPREAD_OUT, (frames, 1, 1))
    return KeypointSequence(points, layout="lsp_14", fps=50.0, unit="normalized", **options)


def same(a, b):
    return np.array_equal(a.points, b.points, equal_nan=True)


@pytest.mark.parametrize("name", NOISE)
def test_errors_are_a_function_of_seed_and_source(name):
    walk, other = standing(source="walk"), standing(source="run")
    assert same(corrupt(walk, name, 3), corrupt(walk, name, 3))
    assert not same(corrupt(walk, name, 3), corrupt(walk, name, 4))
    assert not same(corrupt(walk, name, 3), corrupt(other, name, 3))


def test_a_detector_without_faults_changes_nothing():
    seen = corrupt(standing(), NOTHING)
    np.testing.assert_array_equal(seen.points, standing().points)
    assert abs(seen.confidence.mean() - 0.9) < 0.01


@few
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_errors_grow_with_the_person(scale, seed):
    small, large = standing(50), standing(50, scale=scale)
    np.testing.assert_allclose(
        corrupt(large, "openpose", seed).points / scale,
        corrupt(small, "openpose", seed).points,
        atol=1e-9,
    )


@pytest.mark.parametrize("kind", ["wrist", "ankle", "neck"])
def test_jitter_is_as_large_as_published(kind):
    """Standard deviations in 1/256 of a crop of 1.25 times the person's height of 1.8."""
    model = NOTHING.model_copy(update={"wandering": 1.0, "memory_seconds": 0.02})
    seen = corrupt(standing(6000), model).points - SPREAD_OUT
    joint = LSP_14.index(kind if kind == "neck" else f"right_{kind}")
    pixels = seen[:, joint].std(axis=0) / 1.8 / 1.25 * 256
    np.testing.assert_allclose(pixels, JITTER[kind][:2], rtol=0.06)


@pytest.mark.parametrize(
    ("field", "joint", "expected"),
    [
        ("dropped", "right_wrist", 0.2),
        ("dropped", "left_ankle", 0.2 * 0.07 / 0.095),
        ("dropped", "neck", 0.2 * 0.01 / 0.095),
        ("outliers", "left_wrist", 0.2),
        ("swapped", "right_knee", 0.2),
        ("swapped", "left_elbow", 0.1),
        ("swapped", "left_hip", 0.0),
    ],
)
def test_what_is_gross_is_as_frequent_as_the_model_says(field, joint, expected):
    model = NOTHING.model_copy(update={field: 0.2, "run_seconds": 0.02})
    seen = corrupt(standing(6000), model).points[:, LSP_14.index(joint)]
    wrong = (seen != SPREAD_OUT[LSP_14.index(joint)]).any(axis=-1)  # NaN differs from anything
    assert wrong.mean() == pytest.approx(expected, abs=0.025)


def test_a_swap_exchanges_left_and_right_and_nothing_else():
    seen = corrupt(standing(), NOTHING.model_copy(update={"swapped": 1.0})).points
    order = list(range(14))
    for kind in ("knee", "ankle"):
        right, left = LSP_14.indices(f"right_{kind}", f"left_{kind}")
        order[right], order[left] = left, right
    legs = LSP_14.indices("right_knee", "left_knee", "right_ankle", "left_ankle")
    np.testing.assert_array_equal(seen[:, list(legs)], standing().points[:, order][:, list(legs)])


def test_missing_joints_come_in_runs():
    model = NOTHING.model_copy(update={"dropped": 0.2, "run_seconds": 0.2})
    missing = np.isnan(corrupt(standing(6000), model).points[:, LSP_14.index("left_wrist"), 0])
    runs = np.flatnonzero(np.diff(missing.astype(int)) == 1).size
    frames = missing.sum() / runs
    assert 9 < frames < 17  # 1 / ((1 - exp(-0.02 / 0.2)) 0.8) = 13.1


def test_what_may_be_hidden_is_missing_more_often():
    points = np.tile(SPREAD_OUT, (4000, 1, 1))
    wrist, knee = LSP_14.indices("right_wrist", "left_knee")
    points[:, wrist] = points[:, knee] + 0.01
    crossed = KeypointSequence(points, layout="lsp_14", fps=50.0)
    model = NOTHING.model_copy(update={"dropped": 0.1, "hidden": 4.0, "run_seconds": 0.02})
    missing = np.isnan(corrupt(crossed, model).points[..., 0]).mean(axis=0)
    assert missing[wrist] == pytest.approx(0.4, abs=0.04)
    assert missing[LSP_14.index("left_wrist")] == pytest.approx(0.1, abs=0.03)


def test_confidence_is_zero_where_nothing_is_seen_and_lower_for_outliers():
    seen = corrupt(standing(2000), NOISE["openpose"].model_copy(update={"swapped": 0.0}))
    missing = np.isnan(seen.points[..., 0])
    off = np.linalg.norm(seen.points - SPREAD_OUT, axis=-1) > 0.15 * 1.8
    assert 0 < missing.mean() < 0.1
    assert not seen.confidence[missing].any()
    assert seen.confidence[~missing].min() > 0
    confused = seen.confidence[:, list(LSP_14.indices("right_wrist"))][off[:, 6]]
    assert confused.mean() < 0.5 < seen.confidence[~missing & ~off].mean()


def test_what_was_missing_stays_missing_and_what_was_doubtful_doubtful():
    points, confidence = np.tile(SPREAD_OUT, (30, 1, 1)), np.full((30, 14), 0.5)
    points[3:9, 2] = np.nan
    seen = corrupt(KeypointSequence(points, confidence, layout="lsp_14", fps=50.0), "gentle")
    assert np.isnan(seen.points[3:9, 2]).all()
    assert seen.confidence.max() <= 0.5


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_can_be_spoilt(name):
    random = np.random.default_rng(0)
    points = random.normal(size=(40, len(layout(name)), 2))
    sequence = KeypointSequence(points, layout=name, fps=30.0, track_id=2, source="x")
    seen = corrupt(sequence, "openpose")
    assert (seen.layout, seen.fps, seen.track_id, seen.source) == (name, 30.0, 2, "x")
    assert not same(seen, sequence)


def test_a_frame_without_joints_and_a_gap_are_no_trouble():
    points = np.tile(SPREAD_OUT, (4, 1, 1))
    points[1] = np.nan
    index = np.array([0, 1, 900, 901])
    sequence = KeypointSequence(points, layout="lsp_14", fps=50.0, frame_index=index)
    seen = corrupt(sequence, "openpose")
    assert np.isnan(seen.points[1]).all()
    assert np.isfinite(seen.points[[0, 2, 3]]).any()


def test_any_number_of_processes_makes_the_same_errors():
    windows = torch.tensor(SPREAD_OUT, dtype=torch.float32).expand(6, 10, 14, 2)
    whole = corrupt_windows(windows, "openpose", 0, "teacher", 5)
    for rank in range(3):
        part = corrupt_windows(
            windows[rank::3], "openpose", 0, "teacher", 5, rank=rank, world_size=3
        )
        torch.testing.assert_close(part.points, whole.points[rank::3], equal_nan=True)
        assert torch.equal(part.confidence, whole.confidence[rank::3])


def test_errors_of_windows_differ_from_step_to_step_and_from_window_to_window():
    windows = torch.tensor(SPREAD_OUT, dtype=torch.float32).expand(2, 10, 14, 2)
    first, second = (corrupt_windows(windows, "gentle", 0, "teacher", step) for step in (0, 1))
    assert not torch.equal(first.confidence, second.confidence)
    assert not torch.equal(first.confidence[0], first.confidence[1])


def test_windows_stay_on_their_device_and_of_their_type():
    windows = torch.zeros(2, 10, 14, 2, dtype=torch.float64)
    noisy = corrupt_windows(windows, "openpose", 0, "teacher", 0)
    assert noisy.points.dtype == noisy.confidence.dtype == torch.float64


def test_an_unknown_model_is_an_error_that_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'openpose'"):
        corrupt(standing(), "openpse")


@pytest.mark.parametrize(
    "wrong", [{"dropped": 1.1}, {"white": -1}, {"memory_seconds": 0}, {"drop": 0.1}]
)
def test_a_model_out_of_range_is_refused(wrong):
    with pytest.raises(ValidationError):
        DetectorNoise(**wrong)
