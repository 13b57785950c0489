"""Windows spoilt on purpose: each window's errors follow from its place in the batch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from posenet3d.data import NOISE, Spoiling, corrupt_windows, spoil_windows
from posenet3d.nn import fill_windows, visible_joints
from posenet3d.skeletons.anatomy import HIPS, centre_on_hips, middle_of_hips

HALF = {"noise": "gentle", "share": 0.5}
MIXED = Spoiling(errors=(HALF, {"noise": "openpose", "times": 2.0, "share": 0.25}), hidden=0.4)


@pytest.fixture(scope="module")
def exact() -> torch.Tensor:
    torch.manual_seed(0)
    return centre_on_hips(0.1 * torch.randn(64, 10, 14, 2))


def test_the_share_that_is_left_is_exact_and_the_others_are_not(exact):
    seen = spoil_windows(exact, MIXED.model_copy(update={"hidden": 0.0}), 0, "a", 3)
    same = [torch.equal(one, other) for one, other in zip(seen, centre_on_hips(exact), strict=True)]
    assert same == [True] * 16 + [False] * 48


def test_errors_are_those_of_the_detector_named_so_many_times_as_large(exact):
    half = Spoiling(errors=({"noise": "openpose", "times": 0.5, "share": 1.0},))
    seen = spoil_windows(exact, half, 4, "a", 7)
    wanted = corrupt_windows(exact, NOISE["openpose"].times(0.5), 4, "a", 7).points
    wanted = wanted - middle_of_hips(fill_windows(wanted))
    torch.testing.assert_close(seen, wanted, equal_nan=True, rtol=0, atol=0)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 99), step=st.integers(0, 9), count=st.sampled_from([2, 4, 8]))
def test_any_number_of_processes_sees_the_same(exact, seed, step, count):
    exact = exact[:16]
    whole = spoil_windows(exact, MIXED, seed, "a", step)
    for rank in range(count):
        part = spoil_windows(
            exact[rank::count], MIXED, seed, "a", step, rank=rank, world_size=count
        )
        torch.testing.assert_close(part, whole[rank::count], equal_nan=True, rtol=0, atol=0)


def test_every_step_stage_and_seed_has_errors_of_its_own(exact):
    made = [
        spoil_windows(exact, MIXED, *which).nan_to_num()
        for which in ((0, "a", 0), (0, "a", 1), (0, "b", 0), (1, "a", 0))
    ]
    assert not any(torch.equal(made[0], other) for other in made[1:])


@pytest.mark.parametrize(("share", "most"), [(0.0, 4), (0.4, 1), (1.0, 13)])
def test_so_many_windows_have_joints_hidden_throughout_and_up_to_so_many(share, most):
    windows = torch.zeros(2000, 3, 14, 2)
    seen = spoil_windows(windows, Spoiling(hidden=share, most_hidden=most), 0, "a", 0)
    hidden = ~visible_joints(seen)
    assert torch.equal(hidden, hidden[:, :1].expand_as(hidden))
    count = hidden[:, 0].sum(-1)
    assert (count > 0).float().mean().item() == pytest.approx(share, abs=0.04)
    assert set(count.tolist()) == {
        *([0] if share < 1 else []),
        *range(1, (most if share else 0) + 1),
    }
    if share == 1:
        assert hidden[:, 0].float().mean(0).std() < 0.05  # no joint more often than another


def test_what_comes_out_is_centred_on_the_hips_that_are_seen(exact):
    seen = spoil_windows(exact, MIXED, 0, "a", 0)
    known = visible_joints(seen)[..., list(HIPS)].all(-1)
    assert 0.5 < known.float().mean() < 1
    assert middle_of_hips(seen)[known].abs().max() < 1e-6
    assert seen[visible_joints(seen)].isfinite().all()


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ((HALF, {"noise": "openpose", "share": 0.6}), "at most 1 together, got 1.1"),
        (({"noise": "opnpose", "share": 0.6},), "did you mean 'openpose'"),
        (({"noise": "gentle", "share": 0.0},), "greater than 0"),
    ],
)
def test_shares_that_make_no_sense_are_refused(errors, told):
    with pytest.raises(ValidationError, match=told):
        Spoiling(errors=errors)


def test_joints_are_missing_where_some_are_hidden_or_a_detector_misses_them():
    whole = {"noise": {"dropped": 0.0}, "share": 0.5}
    assert not Spoiling(errors=(whole,)).misses
    assert Spoiling(errors=(whole,), hidden=0.1).misses
    assert Spoiling(errors=(HALF,)).misses
