"""The squared error of an image: its sums, its zero, and what it refuses."""

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.errors import ShapeError
from posenet3d.losses import reprojection_error


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), batch=st.integers(1, 4), frames=st.integers(1, 4))
def test_it_sums_over_joints_and_frames_and_takes_the_mean_over_the_batch(seed, batch, frames):
    generator = torch.Generator().manual_seed(seed)
    image, seen = torch.randn(2, batch, frames, 14, 2, generator=generator, dtype=torch.float64)
    by_hand = sum(
        float((image[b, t, j] - seen[b, t, j]).norm()) ** 2
        for b in range(batch)
        for t in range(frames)
        for j in range(14)
    )
    assert float(reprojection_error(image, seen)) == pytest.approx(by_hand / batch)


def test_it_is_zero_where_both_agree_and_nowhere_else():
    seen = torch.rand(3, 2, 14, 2, generator=torch.Generator().manual_seed(0))
    assert reprojection_error(seen, seen) == 0
    moved = seen.clone()
    moved[1, 0, 13, 1] += 0.3
    torch.testing.assert_close(reprojection_error(moved, seen), torch.tensor(0.03))


def test_shapes_that_would_broadcast_are_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ShapeError, match="image"):
        reprojection_error(torch.zeros(1, 2, 14, 2), torch.zeros(3, 2, 14, 2))


def test_its_gradient_pulls_the_image_towards_what_was_seen():
    seen = torch.zeros(1, 1, 14, 2)
    image = torch.full_like(seen, 0.5).requires_grad_()
    reprojection_error(image, seen).backward()
    torch.testing.assert_close(image.grad, torch.ones_like(seen))
