"""Laws of the sliced Wasserstein distance."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import ShapeError
from posenet3d.training.validation import sliced_wasserstein, unit_directions

seeds = st.integers(0, 2**31)


def sample(seed: int, count: int = 40, dimensions: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dimensions, generator=generator, dtype=torch.float64)


DIRECTIONS = unit_directions(6, 64).double()


@given(seeds, seeds)
def test_it_is_symmetric_and_zero_for_a_sample_in_another_order(first: int, second: int) -> None:
    one, other = sample(first), sample(second)
    there, back = (sliced_wasserstein(a, b, DIRECTIONS) for a, b in ((one, other), (other, one)))
    assert torch.equal(there, back)
    assert float(sliced_wasserstein(one, one[torch.randperm(len(one))], DIRECTIONS)) == 0


@given(seeds, st.floats(0.1, 100.0))
def test_it_has_the_unit_of_the_points(seed: int, scale: float) -> None:
    one, other = sample(seed), sample(seed + 1)
    plain = sliced_wasserstein(one, other, DIRECTIONS)
    scaled = sliced_wasserstein(scale * one, scale * other, DIRECTIONS)
    assert float(scaled) == pytest.approx(scale * float(plain))


@given(seeds, seeds, seeds)
def test_the_triangle_inequality_holds(first: int, second: int, third: int) -> None:
    a, b, c = sample(first), sample(second), sample(third)
    direct = sliced_wasserstein(a, c, DIRECTIONS)
    detour = sliced_wasserstein(a, b, DIRECTIONS) + sliced_wasserstein(b, c, DIRECTIONS)
    assert float(direct) <= float(detour) + 1e-12


def test_a_shift_is_told_as_its_root_mean_square_over_the_coordinates() -> None:
    points, shift = sample(0), torch.tensor([3.0, 0, 0, 0, 0, 4.0], dtype=torch.float64)
    many = unit_directions(6, 20_000).double()
    distance = sliced_wasserstein(points, points + shift, many)
    assert float(distance) == pytest.approx(5 / math.sqrt(6), rel=0.02)


def test_samples_of_two_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match="expected 40 points, got 39"):
        sliced_wasserstein(sample(0), sample(1, 39), DIRECTIONS)


def test_directions_leave_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    assert torch.equal(unit_directions(3, 4), unit_directions(3, 4))
    assert torch.equal(torch.get_rng_state(), before)
