"""Missing joints in windows: what networks are told, and the guess that stands in for a number."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.errors import ShapeError
from posenet3d.nn import (
    TemporalBackbone,
    fill_windows,
    hide,
    visible_joints,
    with_visibility,
)
from posenet3d.testing.strategies import points

few = settings(max_examples=25, deadline=None)


@st.composite
def masked_windows(draw):
    """Windows of nine frames, and which joints are hidden."""
    windows = draw(points(14, axes=2, batch=(2, 9), dtype=torch.float64))
    share = draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))
    seed = draw(st.integers(0, 1000))
    drawn = torch.rand(2, 9, 14, generator=torch.Generator().manual_seed(seed))
    return windows, drawn < share


@few
@given(case=masked_windows())
def test_a_guess_is_finite_and_leaves_what_is_known(case):
    windows, hidden = case
    filled = fill_windows(hide(windows, hidden))
    assert filled.isfinite().all()
    assert torch.equal(filled[~hidden], windows[~hidden])


@few
@given(case=masked_windows(), shift=st.floats(-2, 2))
def test_a_guess_of_a_joint_that_stands_still_is_where_it_stands(case, shift):
    windows, hidden = case
    still = torch.zeros_like(windows) + shift
    some = (~hidden).any(dim=1, keepdim=True)[..., None]
    filled = fill_windows(hide(still, hidden))
    torch.testing.assert_close(torch.where(some, filled, shift), still)


@few
@given(case=masked_windows())
def test_guesses_of_windows_played_backwards_are_guesses_played_backwards(case):
    windows = hide(*case)
    torch.testing.assert_close(fill_windows(windows.flip(1)), fill_windows(windows).flip(1))


def test_a_joint_that_is_never_seen_is_where_it_is_on_people():
    filled = fill_windows(torch.full((1, 9, 14, 2), torch.nan))
    assert filled[0, 0, 13].tolist() == pytest.approx([0.0, -0.096])
    assert filled[0, :, 2:4].abs().max() == 0


@few
@given(case=masked_windows(), other=st.floats(-1e6, 1e6))
def test_what_a_network_is_told_does_not_depend_on_where_a_hidden_joint_is(case, other):
    windows, hidden = case
    moved = torch.where(hidden[..., None], other, windows)
    assert torch.equal(with_visibility(hide(windows, hidden)), with_visibility(hide(moved, hidden)))
    assert torch.equal(visible_joints(hide(windows, hidden)), ~hidden)


def test_hidden_joints_get_no_gradient_and_the_others_a_finite_one():
    torch.manual_seed(0)
    backbone = TemporalBackbone(channels=8, dropout=0.0, norm=False, missing_joints=True).double()
    windows = torch.randn(2, 9, 14, 2, dtype=torch.float64, requires_grad=True)
    hidden = torch.rand(2, 9, 14) < 0.3
    seen = hide(windows, hidden)
    (backbone(seen).sum() + fill_windows(seen).square().sum()).backward()
    assert windows.grad[hidden].abs().max() == 0
    assert windows.grad.isfinite().all()
    assert windows.grad[~hidden].abs().min() > 0


def test_a_backbone_that_ignores_the_mask_equals_one_without_it():
    torch.manual_seed(0)
    plain = TemporalBackbone(channels=8).eval()
    told = TemporalBackbone(channels=8, missing_joints=True).eval()
    weights = plain.state_dict()
    wide = torch.zeros_like(told.entry.linear.weight).reshape(8, 3, 14, 3)
    wide[..., :2] = weights["entry.linear.weight"].reshape(8, 3, 14, 2)
    told.load_state_dict({**weights, "entry.linear.weight": wide.reshape(8, -1)})
    windows = torch.randn(4, 9, 14, 2)
    torch.testing.assert_close(told(windows), plain(windows))


def test_the_dilated_form_takes_missing_joints_as_the_strided_one_does():
    torch.manual_seed(0)
    backbone = TemporalBackbone(channels=8, missing_joints=True).eval()
    sequence = hide(torch.randn(1, 20, 14, 2), torch.rand(1, 20, 14) < 0.3)
    each = torch.cat([backbone(sequence[:, i : i + 9]) for i in range(12)])
    torch.testing.assert_close(backbone.slide(sequence)[0], each, atol=1e-5, rtol=1e-5)


def test_a_mask_of_other_windows_is_refused():
    with pytest.raises(ShapeError, match="hidden"):
        hide(torch.zeros(2, 9, 14, 2), torch.zeros(2, 10, 14, dtype=torch.bool))
