"""How large a person appears, whatever is seen of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data.apparent_size import apparent_size, image_lengths
from posenet3d.skeletons import LSP_14


@pytest.fixture(scope="module")
def walk():
    """A person who shakes a little, and comes nearer until twice as large."""
    random = np.random.default_rng(0)
    person = random.normal(size=(14, 2)) + 0.01 * random.normal(size=(100, 14, 2))
    return person * np.linspace(1, 2, 100)[:, None, None]


def test_who_comes_nearer_grows(walk):
    size = apparent_size(image_lengths(walk))
    np.testing.assert_allclose(size, np.linspace(1, 2, 100) / 1.5, rtol=0.05)


@given(factor=st.floats(1e-3, 1e3))
def test_the_unit_does_not_matter(walk, factor):
    lengths = image_lengths(walk)
    np.testing.assert_allclose(apparent_size(factor * lengths), apparent_size(lengths))


def test_a_joint_far_off_and_one_that_is_never_seen_change_little(walk):
    spoilt = walk.copy()
    spoilt[30:35, LSP_14.index("left_wrist")] += 50.0
    spoilt[:, LSP_14.index("right_ankle")] = np.nan
    size, whole = (apparent_size(image_lengths(each)) for each in (spoilt, walk))
    np.testing.assert_allclose(size, whole, rtol=0.05)


def test_where_nobody_is_seen_or_all_joints_are_in_one_place_it_is_between_before_and_after(walk):
    spoilt = walk.copy()
    spoilt[20:40] = np.nan
    spoilt[60:70] = 0.0
    size = apparent_size(image_lengths(spoilt))
    for start, stop in ((20, 40), (60, 70)):
        line = np.linspace(size[start - 1], size[stop], stop - start + 2)
        np.testing.assert_allclose(size[start - 1 : stop + 1], line)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_who_is_never_seen_is_of_mean_size(value):
    assert (apparent_size(np.full((4, 14), value)) == 1).all()
