import functools
import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posenet3d.data.datasets.repairs import Repairs
from posenet3d.errors import MissingExtraError, ShapeError, UnknownNameError
from posenet3d.keypoints import KeypointSequence
from posenet3d.keypoints.repair import drop_below, fill_gaps, one_euro, repair, savitzky_golay
from posenet3d.keypoints.repair.repairing import check_repair

SMOOTHERS = [one_euro, savitzky_golay]


@st.composite
def sequences(draw, least=1):
    """A sequence with unknown joints and missing frames."""
    count = draw(st.integers(least, 12))
    points = draw(arrays(np.float64, (count, 14, 2), elements=st.floats(-1e3, 1e3)))
    points[draw(arrays(np.bool_, (count, 14)))] = np.nan
    steps = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    confidence = draw(arrays(np.float64, (count, 14), elements=st.floats(0, 1)))
    return sequence(points, confidence, frame_index=np.cumsum(steps))


def sequence(points, confidence=None, **facts):
    return KeypointSequence(points, confidence, **{"layout": "lsp_14", "fps": 10.0} | facts)


def known(each):
    return np.isfinite(each.points[..., 0])


def same(first, second):
    for name in ("points", "confidence", "frame_index"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def line(index, slope, start):
    """Straight motion of 14 joints, at some frames."""
    return np.asarray(start) + np.asarray(index)[:, None, None] * np.asarray(slope)


@given(given=sequences(), longest=st.integers(0, 5))
def test_filling_touches_nothing_that_is_known_and_tells_all_that_it_makes(given, longest):
    filled, report = fill_gaps(given, frames=longest)
    at = np.searchsorted(filled.frame_index, given.frame_index)
    np.testing.assert_array_equal(filled.frame_index[at], given.frame_index)
    np.testing.assert_array_equal(filled.points[at][known(given)], given.points[known(given)])
    before = np.zeros_like(known(filled))
    before[at] = known(given)
    np.testing.assert_array_equal(report.mask, known(filled) & ~before)
    assert report.count == known(filled).sum() - known(given).sum()
    assert report.frames_made == len(filled) - len(given)
    assert sum(report.by_joint.values()) == report.count


@given(given=sequences(), longest=st.integers(0, 5))
def test_filling_twice_is_filling_once(given, longest):
    once, _ = fill_gaps(given, frames=longest)
    twice, report = fill_gaps(once, frames=longest)
    same(once, twice)
    assert report.count == 0


@given(given=sequences(), longest=st.integers(0, 5))
def test_gaps_are_filled_up_to_the_stated_length_and_no_further(given, longest):
    filled, _ = fill_gaps(given, frames=longest)
    for joint in range(14):
        seen = given.frame_index[known(given)[:, joint]]
        gaps = [range(a + 1, b) for a, b in itertools.pairwise(seen)]
        wanted = {*seen.tolist(), *(f for gap in gaps if len(gap) <= longest for f in gap)}
        assert set(filled.frame_index[known(filled)[:, joint]].tolist()) == wanted


@given(
    slope=arrays(np.float64, (14, 2), elements=st.floats(-50, 50)),
    start=arrays(np.float64, (14, 2), elements=st.floats(-1e3, 1e3)),
    hidden=arrays(np.bool_, (20, 14)),
    missing=st.sets(st.integers(1, 18)),
)
def test_straight_motion_is_recovered_exactly(slope, start, hidden, missing):
    index = np.array([frame for frame in range(20) if frame not in missing])
    points = line(index, slope, start)
    points[1:-1][hidden[index][1:-1]] = np.nan
    filled, _ = fill_gaps(sequence(points, frame_index=index), seconds=1.8)
    assert filled.frame_index.tolist() == list(range(20))
    np.testing.assert_allclose(filled.points, line(np.arange(20), slope, start), atol=1e-9)


def test_a_made_joint_has_the_smaller_confidence_of_its_ends():
    points, confidence = np.ones((5, 14, 2)), np.full((5, 14), 0.9)
    points[2:4, 0] = np.nan
    confidence[4] = 0.3
    filled, _ = fill_gaps(sequence(points, confidence), seconds=0.2)
    np.testing.assert_array_equal(filled.confidence[:, 0], [0.9, 0.9, 0.3, 0.3, 0.3])


def test_the_longest_gap_is_counted_in_time():
    points = np.ones((9, 14, 2))
    points[2:5] = np.nan
    assert known(fill_gaps(sequence(points, fps=10.0), seconds=0.3)[0]).all()
    assert not known(fill_gaps(sequence(points, fps=10.5), seconds=0.28)[0]).all()
    assert "1" in str(fill_gaps(sequence(points), seconds=0.2)[1]).split("longer left open")[0]


@pytest.mark.parametrize(
    "asked", [{}, {"seconds": 1.0, "frames": 1}, {"seconds": -1.0}, {"seconds": np.nan},
              {"frames": -1}],
)  # fmt: skip
def test_how_long_a_gap_may_be_must_be_said(asked):
    with pytest.raises(ShapeError):
        fill_gaps(sequence(np.ones((3, 14, 2))), **asked)


@given(given=sequences(), threshold=st.floats(0, 1))
def test_what_is_below_the_confidence_and_nothing_else_is_dropped(given, threshold):
    kept, report = drop_below(given, threshold)
    np.testing.assert_array_equal(report.mask, known(given) & (given.confidence < threshold))
    np.testing.assert_array_equal(known(kept), known(given) & ~report.mask)
    np.testing.assert_array_equal(kept.points[known(kept)], given.points[known(kept)])
    same(drop_below(kept, threshold)[0], kept)


@pytest.mark.parametrize("smooth", SMOOTHERS)
@given(given=sequences())
def test_smoothing_makes_and_loses_no_joint(smooth, given):
    made, report = smooth(given)
    np.testing.assert_array_equal(known(made), known(given))
    np.testing.assert_array_equal(made.confidence, given.confidence)
    moved = known(given) & (made.points != given.points).any(axis=-1)
    np.testing.assert_array_equal(report.mask, moved)


@pytest.mark.parametrize("smooth", SMOOTHERS)
@given(given=sequences(), place=arrays(np.float64, (14, 2), elements=st.floats(-1e3, 1e3)))
def test_smoothing_keeps_a_person_at_rest_exactly(smooth, given, place):
    points = np.where(known(given)[..., None], place, np.nan)
    still = sequence(points, frame_index=given.frame_index)
    same(smooth(still)[0], still)


@pytest.mark.parametrize("smooth", SMOOTHERS)
@given(given=sequences(least=8), where=st.integers(1, 6))
def test_nothing_is_smoothed_across_an_unknown_joint_or_a_missing_frame(smooth, given, where):
    broken = given.points.copy()
    broken[where] = np.nan
    index = np.arange(len(broken))
    whole, _ = smooth(sequence(broken, frame_index=index))
    size = sequence(broken).points  # One-Euro's unit of length is of the whole sequence
    for part in (slice(0, where), slice(where + 1, None)):
        alone = np.full_like(size, np.nan)
        alone[part] = broken[part]
        if smooth is savitzky_golay:
            made, _ = smooth(sequence(alone))
            np.testing.assert_array_equal(made.points[part], whole.points[part])
    jumped, _ = smooth(
        sequence(np.delete(broken, where, axis=0), frame_index=np.delete(index, where))
    )
    np.testing.assert_array_equal(jumped.points, np.delete(whole.points, where, axis=0))


@pytest.mark.parametrize("smooth", SMOOTHERS)
def test_smoothing_takes_out_most_of_the_jitter(smooth):
    truth = line(np.arange(200) / 100, np.ones((14, 2)), np.arange(28.0).reshape(14, 2) * 10)
    noise = np.random.default_rng(0).normal(0, 1, truth.shape)
    made, report = smooth(sequence(truth + noise, fps=50.0))
    assert np.std(made.points - truth) < 0.6
    assert np.std(np.diff(made.points, axis=0)) < 0.5 * np.std(np.diff(truth + noise, axis=0))
    assert report.count > 0.99 * made.points.shape[0] * 13
    assert "root mean square" in str(report)


def test_savitzky_golay_keeps_parabolas():
    time = np.arange(20.0)[:, None, None]
    points = 3 + 2 * time - 0.5 * time**2 + np.zeros((20, 14, 2))
    made, _ = savitzky_golay(sequence(points), seconds=0.7)
    np.testing.assert_allclose(made.points, points, atol=1e-9)


@given(
    given=sequences(), scale=st.floats(0.1, 10), shift=st.floats(-100, 100)
)  # the same person in another resolution
def test_one_euro_means_the_same_in_any_resolution(given, scale, shift):
    points, index = given.points.copy(), given.frame_index
    points[:, :2] = [[0.0, 0.0], [100.0, 200.0]]  # a person without extent has no size
    made, _ = one_euro(sequence(points, frame_index=index))
    other, _ = one_euro(sequence(points * scale + shift, frame_index=index))
    np.testing.assert_allclose(other.points, made.points * scale + shift, rtol=1e-6, atol=1e-6)


def test_one_euro_lags_less_with_a_larger_beta():
    fast = sequence(line(np.arange(50), np.full((14, 2), 30.0), np.arange(28.0).reshape(14, 2)))
    lags = [
        np.abs(one_euro(fast, beta=beta)[0].points - fast.points)[-1].max()
        for beta in (0.0, 1.0, 20.0)
    ]
    assert lags[0] > lags[1] > lags[2]


@pytest.mark.parametrize(
    ("smooth", "asked"),
    [
        (one_euro, {"min_cutoff": 0.0}), (one_euro, {"beta": -1.0}),
        (one_euro, {"speed_cutoff": np.nan}), (savitzky_golay, {"seconds": 0.0}),
        (savitzky_golay, {"order": -1}),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_an_error(smooth, asked):
    with pytest.raises(ShapeError):
        smooth(sequence(np.ones((3, 14, 2))), **asked)


def test_a_repair_drops_then_fills_then_smooths_and_logs_each():
    points = line(np.arange(9), np.ones((14, 2)), np.zeros((14, 2)))
    confidence = np.full((9, 14), 0.9)
    points[4, 2] = 500.0
    confidence[4, 2] = 0.05
    whole, log = repair(
        sequence(points, confidence), min_confidence=0.1, longest_gap=0.2, smooth="savitzky_golay"
    )
    np.testing.assert_allclose(whole.points[4, 2], [4.0, 4.0], atol=1e-9)
    assert [step.step for step in log.steps] == ["drop_below", "fill_gaps", "savitzky_golay"]
    assert (log.steps[0].by_joint, log.invented) == ({"right_hip": 1}, 1)
    assert len(str(log).splitlines()) == 3


def test_a_repair_does_nothing_that_was_not_asked_for():
    points = np.ones((5, 14, 2))
    points[2] = np.nan
    given = sequence(points, np.zeros((5, 14)))
    made, log = repair(given)
    assert made is given
    assert (log.steps, str(log)) == ((), "nothing was repaired")


def test_a_filter_of_ones_own_may_smooth_and_an_unknown_one_is_an_error():
    given = sequence(np.ones((5, 14, 2)))
    _, log = repair(given, smooth=functools.partial(one_euro, beta=2.0))
    assert "beta 2" in str(log)
    with pytest.raises(UnknownNameError, match="'one_euro'"):
        repair(given, smooth="one-euro")


def test_a_missing_scipy_is_told_before_anything_is_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    check_repair(smooth="one_euro")
    for told in (check_repair, Repairs):
        with pytest.raises(MissingExtraError, match=r"pip install 'posenet3d\[io\]'"):
            told(smooth="savitzky_golay")
