"""Gaps in sequences: filled for a centre and a scale, kept in what networks are told."""

import numpy as np
import pytest
import torch

from posenet3d.data import TrainingSet, WindowSet, corrupt, film, normalize
from posenet3d.data.gaps import fill_gaps
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import DataError
from posenet3d.skeletons import LSP_14


@pytest.fixture(scope="module")
def walk():
    return film(synthetic_motion(clips=1, seconds=1.0), "cmu14").sequences


def test_a_gap_is_filled_on_a_straight_line_and_the_ends_are_held():
    line = np.linspace(0, 1, 9)[:, None, None] * np.array([[1.0, 2.0]])
    holes = line.copy()
    holes[[0, 3, 4, 5, 8]] = np.nan
    expected = line.copy()
    expected[0], expected[8] = line[1], line[7]
    np.testing.assert_allclose(fill_gaps(holes), expected)


def test_a_joint_that_is_never_known_stays_unknown():
    assert np.isnan(fill_gaps(np.full((4, 2, 2), np.nan))).all()


@pytest.mark.parametrize("mode", ["sequence", "limbs", "window", "frame"])
def test_without_gaps_taking_them_changes_nothing(walk, mode):
    points = next(iter(walk.values())).points
    plain, taking = normalize(points, mode), normalize(points, mode, gaps=True)
    assert all(np.array_equal(a, b) for a, b in zip(plain, taking, strict=True))


def test_missing_wrists_stay_missing_and_move_nothing_else(walk):
    points = next(iter(walk.values())).points.copy()
    whole = normalize(points).points
    wrist = LSP_14.index("left_wrist")
    points[5:20, wrist] = np.nan
    made = normalize(points, gaps=True).points
    assert np.isnan(made[5:20, wrist]).all()
    known = np.isfinite(made)
    assert known.sum() == made.size - 30
    assert np.array_equal(made[known], whole[known])


def test_missing_hips_leave_a_centre_between_those_before_and_after(walk):
    points = next(iter(walk.values())).points.copy()
    whole = normalize(points)
    points[10:13, list(LSP_14.indices("right_hip"))] = np.nan
    made = normalize(points, gaps=True)
    assert np.isfinite(made.root).all()
    np.testing.assert_allclose(made.root, whole.root, atol=0.01)


def test_a_sequence_without_a_head_top_is_refused_by_name(walk):
    points = next(iter(walk.values())).points.copy()
    points[:, LSP_14.index("head_top")] = np.nan
    with pytest.raises(DataError, match=r"walk.*'head_top'"):
        normalize(points, gaps=True, name="walk")


def test_infinity_is_refused_with_gaps_too(walk):
    points = next(iter(walk.values())).points.copy()
    points[3, 4] = np.inf
    with pytest.raises(DataError, match="finite"):
        normalize(points, gaps=True)
    with pytest.raises(DataError, match="finite"):
        WindowSet({"walk": points}, gaps=True)


def test_windows_have_gaps_only_where_they_are_asked_for(walk):
    seen = TrainingSet({name: corrupt(each, "openpose", 1) for name, each in walk.items()})
    with pytest.raises(DataError, match="fill the gaps"):
        seen.windows(9)
    windows = seen.windows(9, gaps=True)
    missing = torch.isnan(windows.points).any(-1).double().mean()
    assert 0 < float(missing) < 0.2
    assert torch.equal(windows.points.isnan()[..., 0], windows.points.isnan()[..., 1])
