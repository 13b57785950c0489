"""A sequence at another frame rate: steady motion exactly, errors averaged, nothing invented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import ShapeError
from posenet3d.keypoints import KeypointSequence, resample
from posenet3d.keypoints.stretches import stretches_of

RATES = st.sampled_from([10.0, 24.0, 29.97, 50.0, 59.94, 120.0, 240.0])
BONES = 14


def steady(frames: int, fps: float, seed: int = 0, missing: float = 0.0) -> KeypointSequence:
    """Joints that each move at a speed of their own; some are missing now and then."""
    numbers = np.random.default_rng(seed)
    start, speed = numbers.normal(size=(2, 1, BONES, 2)) * 300
    points = start + speed * (np.arange(frames) / fps)[:, None, None]
    points[numbers.random((frames, BONES)) < missing] = np.nan
    confidence = 0.05 + 0.9 * numbers.random((frames, BONES))
    return KeypointSequence(points, confidence, layout="lsp_14", fps=fps)


@given(
    frames=st.integers(1, 40),
    own=RATES,
    wanted=RATES,
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    seed=st.integers(0, 2**31),
)
def test_a_steady_motion_comes_out_exactly_at_any_rate(frames, own, wanted, missing, seed):
    whole, seen = steady(frames, own, seed), steady(frames, own, seed, missing)
    made = resample(seen, wanted)
    rows = made.sequence
    seconds = np.interp(np.arange(len(rows)), made.places, np.arange(frames) / own)
    speed = (whole.points[-1] - whole.points[0]) * own / max(frames - 1, 1)
    expected = whole.points[0] + speed * seconds[:, None, None]
    known = np.isfinite(rows.points)
    off = np.abs(rows.points - expected)
    alone = np.abs(speed) * (seconds[1] - seconds[0] if len(rows) > 1 else 0) / 2
    assert (off <= 1e-6 + (missing > 0) * alone)[known].all()  # one seen alone stands for a frame
    assert known.any() == np.isfinite(seen.points).any()
    assert (rows.confidence > 0).tolist() == known[..., 0].tolist()
    assert rows.confidence.max() <= seen.confidence.max() + 1e-9


@given(frames=st.integers(1, 60), own=RATES, wanted=RATES)
def test_frames_begin_and_end_with_the_footages_and_none_is_lost(frames, own, wanted):
    made = resample(steady(frames, own), wanted)
    assert len(made.places) == frames
    assert (made.places[0], made.places[-1]) == (0, len(made.sequence) - 1)
    assert (np.diff(made.places) > 0).all()
    if frames > 1:
        assert abs(len(made.sequence) - 1 - (frames - 1) * wanted / own) <= 1


def test_a_gap_stays_a_gap():
    numbers = np.array([3, 4, 5, 6, 7, 9, 30, 31, 32, 50, *range(52, 70)])
    seen = steady(len(numbers), 120.0)
    points = seen.points + 1000.0 * (numbers >= 30)[:, None, None]
    seen = KeypointSequence(points, layout="lsp_14", fps=120.0, frame_index=numbers)
    made = resample(seen, 50)
    before, after = stretches_of(numbers), stretches_of(made.sequence.frame_index)
    assert len(before) == len(after) == 5
    for (start, stop), (first, end) in zip(before, after, strict=True):
        assert (made.places[start], made.places[stop - 1]) == (first, end - 1)
        low, high = points[start:stop].min(axis=0), points[start:stop].max(axis=0)
        rows = made.sequence.points[first:end]
        assert ((rows > low - 1e-6) & (rows < high + 1e-6)).all()
    assert made.sequence.frame_index[after[2][0]] == round(30 * 50 / 120)


def test_what_is_missing_for_long_stays_missing_and_what_flickers_is_seen():
    points = steady(121, 120.0).points.copy()
    points[40:80, 3] = np.nan
    points[1::2, 5] = np.nan
    points[:, 7] = np.nan
    points[61, 7] = (1.0, 2.0)
    rows = resample(KeypointSequence(points, layout="lsp_14", fps=120.0), 50).sequence.points
    seconds = np.arange(len(rows)) / 50
    known = np.isfinite(rows[..., 0])
    assert not known[(seconds > 40.5 / 120) & (seconds < 78.5 / 120), 3].any()
    assert known[(seconds < 38.5 / 120) | (seconds > 80.5 / 120), 3].all()
    assert known[:, 5].all()
    assert rows[known[:, 7], 7].tolist() == [[1.0, 2.0]]


def test_errors_are_averaged_by_a_slower_rate_but_for_those_of_little_confidence():
    error = np.random.default_rng(0).normal(size=(2401, BONES, 2))
    seen = KeypointSequence(error, layout="lsp_14", fps=240.0)
    assert resample(seen, 50).sequence.points.std() < 0.6
    confidence = np.ones(seen.confidence.shape)
    error[::4] += 100.0
    confidence[::4] = 0.0
    unsure = KeypointSequence(error, confidence, layout="lsp_14", fps=240.0)
    rows = resample(unsure, 50).sequence
    assert np.abs(rows.points).max() < 5
    assert 0.6 < rows.confidence.mean() < 0.9


def test_the_facts_of_a_sequence_are_kept():
    seen = KeypointSequence(
        np.ones((9, 17, 2)),
        layout="coco_17",
        fps=60.0,
        image_size=(640, 480),
        track_id=7,
        source="a",
    )
    made = resample(seen, 30).sequence
    told = made.layout, made.fps, made.image_size, made.track_id, made.source, len(made)
    assert told == ("coco_17", 30.0, (640, 480), 7, "a", 5)


@pytest.mark.parametrize("fps", [0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_an_error(fps):
    with pytest.raises(ShapeError, match="fps: expected a positive number"):
        resample(steady(3, 50.0), fps)
