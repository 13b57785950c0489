"""Numbers that are functions of a text and of places."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.data.stateless import normal_pairs, places_of, random_bits, uniform_numbers
from posenet3d.errors import ShapeError

few = settings(max_examples=25)
texts = st.text(max_size=12)


@few
@given(workers=st.integers(1, 8), each=st.integers(1, 8))
def test_the_workers_share_out_all_places_of_a_batch(workers, each):
    shares = [places_of(workers * each, rank, workers) for rank in range(workers)]
    assert [len(share) for share in shares] == [each] * workers
    assert torch.equal(torch.stack(shares, dim=1).flatten(), torch.arange(workers * each))


@pytest.mark.parametrize("wrong", [(0, 0, 1), (3, 0, 2), (4, 2, 2), (4, -1, 2), (4, 0, 0)])
def test_a_batch_that_does_not_divide_or_a_worker_that_is_none_is_an_error(wrong):
    with pytest.raises(ShapeError, match="batch_size"):
        places_of(*wrong)


@few
@given(text=texts, first=st.integers(0, 2**40), count=st.integers(1, 20))
def test_a_number_depends_on_its_own_place_alone(text, first, count):
    places = torch.arange(first, first + count)
    bits = random_bits(text, places)
    assert torch.equal(bits.flip(0), random_bits(text, places.flip(0)))
    assert torch.equal(bits[-1:], random_bits(text, places[-1:]))
    assert len(bits.unique()) == count


@few
@given(text=texts)
def test_uniform_numbers_fill_the_unit_interval(text):
    numbers = uniform_numbers(text, torch.arange(4000))
    assert 0 < numbers.min() < 0.01
    assert 0.99 < numbers.max() <= 1
    assert abs(numbers.mean() - 0.5) < 0.03


@few
@given(text=texts)
def test_normal_pairs_have_mean_zero_variance_one_and_nothing_in_common(text):
    pairs = normal_pairs(text, torch.arange(8000), torch.float64)
    covariance = pairs.T.cov()
    assert pairs.mean(0).abs().max() < 0.06
    torch.testing.assert_close(covariance, torch.eye(2).double(), atol=0.08, rtol=0)


def test_two_texts_are_two_streams():
    places = torch.arange(100)
    assert not (random_bits("a", places) == random_bits("b", places)).any()
