"""The discriminator of frames and differences: two judges, each with eyes for its own thing."""

import pytest
import torch

from posenet3d.errors import ShapeError
from posenet3d.networks import FrameAndDifferenceDiscriminator


@pytest.fixture
def judges():
    torch.manual_seed(0)
    return FrameAndDifferenceDiscriminator(channels=16, blocks=1).eval()


def pairs(seed=1):
    return 0.1 * torch.randn(5, 2, 14, 2, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("frames", [1, 3])
def test_a_window_has_a_logit_a_frame_and_a_logit_a_difference(frames):
    judges = FrameAndDifferenceDiscriminator(frames=frames, channels=8)
    assert judges(torch.zeros(5, frames + 1, 14, 2)).shape == (5 * 2 * frames,)


def test_the_logits_of_a_window_lie_together(judges):
    windows = pairs()
    alone = torch.cat([judges(window[None]) for window in windows])
    torch.testing.assert_close(judges(windows), alone)


def test_the_judge_of_frames_sees_the_first_frame_only(judges):
    windows = pairs()
    other = windows.clone()
    other[:, 1] += 0.05
    before, after = judges(windows).unflatten(0, (-1, 2)), judges(other).unflatten(0, (-1, 2))
    assert torch.equal(before[:, 0], after[:, 0])
    assert (before[:, 1] != after[:, 1]).all()


def test_the_judge_of_differences_sees_the_difference_only(judges):
    windows = pairs()
    before = judges(windows).unflatten(0, (-1, 2))
    after = judges(windows + 0.5).unflatten(0, (-1, 2))
    torch.testing.assert_close(before[:, 1], after[:, 1])
    assert (before[:, 0] != after[:, 0]).all()


def test_the_two_judges_share_no_parameter_and_learn_by_their_own_logits(judges):
    logits = judges(pairs()).unflatten(0, (-1, 2))
    logits[:, 0].sum().backward()
    assert all(each.grad is not None for each in judges.of_frames.parameters())
    assert not any(
        each.grad is not None and each.grad.any() for each in judges.of_differences.parameters()
    )


def test_a_gain_multiplies_what_its_judge_sees(judges):
    windows = pairs()
    plain = judges(windows).unflatten(0, (-1, 2))
    judges.input_gain, judges.difference_gain = 10.0, 1.0
    torch.testing.assert_close(
        judges(windows / 10).unflatten(0, (-1, 2))[:, 0], plain[:, 0], rtol=1e-4, atol=1e-5
    )
    judges.input_gain, judges.difference_gain = 1.0, 100.0
    torch.testing.assert_close(
        judges(windows / 100).unflatten(0, (-1, 2))[:, 1], plain[:, 1], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(3, 1, 14, 2), (3, 3, 14, 2), (3, 2, 13, 2)])
def test_windows_without_the_frame_that_follows_are_refused(shape, judges):
    with pytest.raises(ShapeError, match="1 frames"):
        judges(torch.zeros(shape))
