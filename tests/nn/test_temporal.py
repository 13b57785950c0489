"""The backbone's two forms, its receptive field and what it refuses."""

import pytest
import torch
from beartype.roar import BeartypeException
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import nn

from posenet3d.errors import PoseNet3DError, ShapeError, UnknownNameError
from posenet3d.nn import (
    TemporalBackbone,
    TemporalConvBlock,
    TemporalResidualBlock,
    fill_windows,
    hide,
)
from posenet3d.nn.temporal import make_activation
from posenet3d.testing.strategies import tensors

FRAMES = (1, 3, 9, 27, 81)
ANY_FRAMES = st.sampled_from(FRAMES)
SOME_MORE = st.integers(0, 6)
REFUSED = (PoseNet3DError, TypeCheckError, BeartypeException)
"""Shape checks at test time refuse some calls before the library can."""

few = settings(max_examples=25)


@st.composite
def trained(draw, backbone):
    """The backbone in eval mode, as after training: BatchNorm's numbers are anything."""
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm1d):
            size = module.num_features
            numbers = draw(tensors(4, size, low=-1.0, high=1.0, batch=(), dtype=torch.float32))
            with torch.no_grad():
                module.running_mean.copy_(numbers[0])
                module.running_var.copy_(0.5 + numbers[1].abs())
                module.weight.copy_(1 + numbers[2] / 2)
                module.bias.copy_(numbers[3])
    return backbone.eval()


@st.composite
def backbones(draw, frames=ANY_FRAMES, **options):
    """Backbones with any weights, drawn through a seed, and any BatchNorm statistics."""
    torch.manual_seed(draw(st.integers(0, 2**31)))
    drawn = {"joints": draw(st.integers(1, 5)), "channels": draw(st.integers(1, 8)), **options}
    return draw(trained(TemporalBackbone(frames=draw(frames), **drawn)))


@st.composite
def backbones_and_sequences(draw, longer=SOME_MORE, **options):
    backbone = draw(backbones(**options))
    length = backbone.frames + draw(longer)
    seed = draw(st.integers(0, 2**31))
    shape = (draw(st.integers(1, 3)), length, backbone.joints, 2)
    return backbone, torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def windows_of(sequences, frames):
    return sequences.unfold(1, frames, 1).movedim(-1, 2)


@few
@given(backbones_and_sequences())
@torch.no_grad()
def test_the_dilated_form_equals_the_strided_form_of_every_window(drawn):
    backbone, sequences = drawn
    slid = backbone.slide(sequences)
    windows = windows_of(sequences, backbone.frames)
    assert slid.shape == (*windows.shape[:2], backbone.channels)
    for place in range(windows.shape[1]):
        torch.testing.assert_close(
            slid[:, place], backbone(windows[:, place]), atol=1e-5, rtol=1e-5
        )


@few
@given(backbones_and_sequences(norm=False, activation="leaky_relu"))
@torch.no_grad()
def test_both_forms_agree_without_batchnorm_too(drawn):
    backbone, sequences = drawn
    first = backbone(sequences[:, : backbone.frames])
    torch.testing.assert_close(backbone.slide(sequences)[:, 0], first, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("frames", FRAMES)
def test_the_receptive_field_is_the_window(frames):
    assert TemporalBackbone(frames=frames, channels=2).receptive_field == frames


@pytest.mark.parametrize("frames", FRAMES)
def test_features_depend_on_every_frame_of_the_window_and_on_no_other(frames):
    """Identity activations cannot hide a frame: a gradient is zero outside and nowhere inside."""
    torch.manual_seed(0)
    backbone = TemporalBackbone(frames=frames, joints=2, channels=8).double().eval()
    for module in backbone.modules():
        if isinstance(module, TemporalConvBlock):
            module.activation = nn.Identity()
    sequences = torch.randn(1, frames + 4, 2, 2, dtype=torch.float64, requires_grad=True)
    (backbone.slide(sequences)[0, 2].sum()).backward()
    moved = sequences.grad.abs().sum((0, 2, 3)) > 0
    assert moved.tolist() == [False] * 2 + [True] * frames + [False] * 2


@few
@given(backbones_and_sequences(longer=st.integers(1, 4)), st.data())
@torch.no_grad()
def test_a_change_outside_the_window_changes_no_bit_of_its_features(drawn, data):
    backbone, sequences = drawn
    count = sequences.shape[1] - backbone.frames + 1
    window = data.draw(st.integers(0, count - 1), label="window")
    inside = range(window, window + backbone.frames)
    outside = [frame for frame in range(sequences.shape[1]) if frame not in inside]
    changed = sequences.clone()
    changed[:, data.draw(st.sampled_from(outside), label="frame")] += 1
    assert torch.equal(backbone.slide(changed)[:, window], backbone.slide(sequences)[:, window])


@given(backbones(frames=st.sampled_from([1, 9])))
@settings(max_examples=10)
@torch.no_grad()
def test_windows_of_a_batch_do_not_mix_in_eval_mode(backbone):
    windows = torch.randn(3, backbone.frames, backbone.joints, 2)
    torch.testing.assert_close(backbone(windows)[1:2], backbone(windows[1:2]))


@pytest.mark.parametrize("frames", [1, 9])
def test_an_empty_batch_gives_no_features(frames):
    backbone = TemporalBackbone(frames=frames, channels=4).eval()
    assert backbone(torch.zeros(0, frames, 14, 2)).shape == (0, 4)
    assert backbone.slide(torch.zeros(0, frames + 2, 14, 2)).shape == (0, 3, 4)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("frames", FRAMES)
def test_every_parameter_gets_a_gradient(frames, norm):
    torch.manual_seed(0)
    backbone = TemporalBackbone(frames=frames, channels=8, dropout=0.0, norm=norm)
    backbone(torch.randn(16, frames, 14, 2)).square().sum().backward()
    assert all(bool(parameter.grad.abs().sum() > 0) for parameter in backbone.parameters())


def test_the_paper_s_backbone_has_the_parameters_counted_by_hand():
    """1024 channels, 9 frames of 14 joints; a BatchNorm has a weight and a bias a channel."""
    channels, batch_norm = 1024, 2 * 1024
    entry = 3 * 14 * 2 * channels + channels + batch_norm  # k = 3 over 28 coordinates
    wide = 3 * channels * channels + channels + batch_norm  # k = 3, d = 3
    narrow = channels * channels + channels + batch_norm  # k = 1
    with torch.device("meta"):
        backbone = TemporalBackbone(joints=14, frames=9, channels=1024)
    assert sum(each.numel() for each in backbone.parameters()) == entry + wide + narrow == 4_289_536


@pytest.mark.parametrize("frames", [-1, 0, 2, 8, 10, 80])
def test_frames_that_are_no_power_of_three_are_an_error(frames):
    with pytest.raises(ShapeError, match=f"a power of three: 1, 3, 9, 27, ..., got {frames}"):
        TemporalBackbone(frames=frames)


@pytest.mark.parametrize("shape", [(2, 8, 14, 2), (2, 10, 14, 2), (2, 9, 13, 2)])
def test_windows_of_other_frames_or_joints_are_an_error(shape):
    with pytest.raises(ShapeError, match=r"\(batch, 9 frames, 14 joints, 2\), got"):
        TemporalBackbone(frames=9, channels=2)(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(9, 14, 2), (2, 9, 14, 3), (2, 9), (2, 1, 9, 14, 2)])
def test_windows_of_another_kind_are_an_error(shape):
    with pytest.raises(REFUSED):
        TemporalBackbone(frames=9, channels=2)(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(2, 8, 14, 2), (2, 9, 13, 2)])
def test_sequences_shorter_than_a_window_or_of_other_joints_are_an_error(shape):
    with pytest.raises(ShapeError, match=r"\(batch, 9 or more frames, 14 joints, 2\), got"):
        TemporalBackbone(frames=9, channels=2).slide(torch.zeros(shape))


def test_activations_are_made_by_name_and_an_unknown_one_is_an_error():
    assert isinstance(make_activation("relu"), nn.ReLU)
    assert make_activation("leaky_relu").negative_slope == 0.2
    with pytest.raises((UnknownNameError, TypeCheckError, BeartypeException), match="gelu"):
        make_activation("gelu")


def test_the_skip_takes_the_middle_frame_in_both_forms():
    block = TemporalResidualBlock(1, dilation=1, norm=False).eval()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        frames = torch.arange(9.0).reshape(1, 9, 1)
        assert block(frames).flatten().tolist() == [1, 4, 7]
        assert block.slide(frames).flatten().tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_in_train_mode_dropout_and_batchnorm_are_at_work():
    torch.manual_seed(0)
    block = TemporalConvBlock(28, 64, dropout=0.5)
    before = block.norm.running_mean.clone()
    once, twice = block(torch.ones(8, 3, 28)), block(torch.ones(8, 3, 28))
    assert not torch.equal(block.norm.running_mean, before)
    assert once.shape == twice.shape == (8, 1, 64)


def test_a_backbone_that_guesses_gives_what_it_would_for_the_guess_but_for_the_flag():
    torch.manual_seed(0)
    backbone = TemporalBackbone(channels=8, missing_joints=True, guess_missing=True).eval()
    windows = torch.randn(4, 9, 14, 2) / 10
    gaps = hide(windows, torch.rand(4, 9, 14) < 0.3)
    assert not torch.equal(backbone(gaps), backbone(fill_windows(gaps)))
    points = torch.arange(3 * 14 * 3).view(-1, 3)
    with torch.no_grad():
        backbone.entry.linear.weight[:, points[:, 2]] = 0
    assert torch.equal(backbone(gaps), backbone(fill_windows(gaps)))
    zeros = TemporalBackbone(channels=8, missing_joints=True).eval()
    zeros.load_state_dict(backbone.state_dict())
    assert not torch.equal(zeros(gaps), backbone(gaps))
    assert torch.equal(zeros(windows), backbone(windows))


def test_a_backbone_that_guesses_slides_as_it_takes_windows():
    torch.manual_seed(0)
    backbone = TemporalBackbone(channels=8, missing_joints=True, guess_missing=True).eval()
    whole = torch.randn(2, 13, 14, 2) / 10
    one = torch.zeros(2, 13, 14, dtype=torch.bool)
    one[1, 11, 5] = True  # only the last two windows of the second sequence hold it
    for gaps in (whole, hide(whole, one), hide(whole, torch.rand(2, 13, 14) < 0.3)):
        slid = backbone.slide(gaps)
        assert slid.shape == (2, 5, 8)
        for first in range(5):
            torch.testing.assert_close(slid[:, first], backbone(gaps[:, first : first + 9]))
    assert backbone.slide(gaps[:0]).shape == (0, 5, 8)
