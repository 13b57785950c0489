"""The mean distance between joints: a mean over what counts, and a gradient that stays finite."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from posenet3d.errors import ShapeError
from posenet3d.losses import joint_distance
from posenet3d.testing.strategies import points

windows = points(14, axes=3, batch=(2, 3), dtype=torch.float64)


@settings(max_examples=25, deadline=None)
@given(first=windows, far=st.floats(0, 10))
def test_joints_that_are_all_so_far_apart_are_so_far_apart(first, far):
    moved = first + torch.tensor([0.6, 0.0, -0.8], dtype=torch.float64) * far
    assert joint_distance(first, moved).item() == pytest.approx(far, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(first=windows, second=windows, seed=st.integers(0, 99))
def test_only_what_counts_is_in_the_mean(first, second, seed):
    counted = torch.rand(2, 3, 14, generator=torch.Generator().manual_seed(seed)) < 0.3
    some = joint_distance(first, second, counted)
    elsewhere = torch.where(counted[..., None], second, torch.nan)
    assert torch.equal(some, joint_distance(first, elsewhere.nan_to_num(7.0), counted))
    wanted = (first - second)[counted].norm(dim=-1)
    assert some.item() == pytest.approx(wanted.mean().item() if counted.any() else 0.0)


def test_the_gradient_is_finite_where_joints_coincide_or_do_not_count():
    first = torch.zeros(1, 1, 14, 3, requires_grad=True)
    second = torch.zeros(1, 1, 14, 3)
    second[..., 1:3, :] = 1.0
    counted = torch.arange(14)[None, None] != 2
    joint_distance(first, second, counted).backward()
    assert first.grad.isfinite().all()
    assert first.grad[..., [0, 2], :].abs().max() == 0
    assert first.grad[..., 1, :].abs().max() > 0


@pytest.mark.parametrize("counted", [None, torch.ones(1, 9, 14, dtype=torch.bool)])
def test_other_shapes_are_refused(counted):
    second = torch.zeros(1, 9, 14, 3) if counted is None else torch.zeros(2, 9, 14, 3)
    with pytest.raises((ShapeError, TypeCheckError), match="joints"):
        joint_distance(torch.zeros(2, 9, 14, 3), second, counted)
