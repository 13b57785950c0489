"""Random processes with a memory: their long-run laws, at the start and over gaps too."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.data.noise_process import held, runs, wander
from posenet3d.data.stateless import normal_pairs, uniform_numbers

MANY = 20_000


def normals(frames, seed=0):
    places = torch.arange(frames * MANY).reshape(frames, MANY)
    return normal_pairs(f"test/{seed}", places, torch.float64)


@pytest.mark.parametrize("seconds", [[0.02] * 6, [0.02, 0.02, 5.0, 0.02, 0.3, 0.02]])
def test_what_wanders_has_variance_one_in_every_frame_whatever_the_gaps(seconds):
    values = wander(normals(6), torch.tensor(seconds), memory=0.3)
    torch.testing.assert_close(values.std(1), torch.ones(6).double(), atol=0.02, rtol=0)


@pytest.mark.parametrize("lag", [1, 3, 5])
def test_what_wanders_has_materns_covariance(lag):
    """k(t) = (1 + a) exp(-a) with a = sqrt(3) t / memory."""
    values = wander(normals(6), torch.full((6,), 0.05), memory=0.3)
    a = math.sqrt(3) * 0.05 * lag / 0.3
    found = (values[0] * values[lag]).mean()
    assert float(found) == pytest.approx((1 + a) * math.exp(-a), abs=0.025)


def test_what_wanders_is_smooth():
    """Second differences of neighbouring frames are far below those of white noise (6)."""
    values = wander(normals(8), torch.full((8,), 0.02), memory=0.3)
    assert values.diff(n=2, dim=0).square().mean() < 0.01


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0, 1), memory=st.floats(0, 0.99), seed=st.integers(0, 100))
def test_runs_are_on_for_their_share_of_every_frame(share, memory, seed):
    uniform = uniform_numbers(f"runs/{seed}", torch.arange(5 * MANY).reshape(5, MANY))
    on = runs(uniform, torch.full((5, 1), share), torch.full((5,), memory))
    torch.testing.assert_close(on.float().mean(1), torch.full((5,), share), atol=0.02, rtol=0)


def test_runs_last_as_long_as_their_memory_says():
    """On to off: (1 - memory) (1 - share) a frame."""
    uniform = uniform_numbers("runs", torch.arange(2 * MANY).reshape(2, MANY))
    on = runs(uniform, torch.full((2, 1), 0.3), torch.full((2,), 0.9))
    ended = (on[0] & ~on[1]).float().sum() / on[0].sum()
    assert float(ended) == pytest.approx(0.1 * 0.7, abs=0.015)


def test_a_run_holds_the_number_of_its_first_frame():
    on = torch.tensor([False, True, True, False, True])
    numbers = held(torch.arange(5.0), on)
    assert numbers[on].tolist() == [1.0, 1.0, 4.0]
