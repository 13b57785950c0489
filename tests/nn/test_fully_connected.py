"""The fully connected trunk: its size, its blocks, what it refuses."""

import pytest
import torch
from torch import nn

from posenet3d.errors import ShapeError
from posenet3d.nn import FullyConnectedBackbone, LinearBlock, ResidualBlock


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_a_window_becomes_one_feature_vector(frames):
    backbone = FullyConnectedBackbone(frames=frames, channels=6).eval()
    assert backbone(torch.zeros(3, frames, 14, 2)).shape == (3, 6)
    assert backbone.receptive_field == frames


def test_windows_do_not_see_each_other_in_eval_mode():
    torch.manual_seed(0)
    backbone = FullyConnectedBackbone(channels=8).eval()
    windows = torch.randn(5, 1, 14, 2)
    alone = torch.cat([backbone(window[None]) for window in windows])
    torch.testing.assert_close(backbone(windows), alone)


def test_every_number_of_a_window_reaches_the_features():
    torch.manual_seed(0)
    backbone = FullyConnectedBackbone(frames=2, channels=64, norm=False, activation="leaky_relu")
    windows = torch.randn(1, 2, 14, 2, requires_grad=True)
    backbone.eval()(windows).sum().backward()
    assert (windows.grad != 0).all()


def test_each_residual_block_adds_two_layers():
    for blocks in (0, 1, 4):
        layers = [
            each
            for each in FullyConnectedBackbone(channels=4, blocks=blocks).modules()
            if isinstance(each, nn.Linear)
        ]
        assert len(layers) == 1 + 2 * blocks


@pytest.mark.parametrize("shape", [(3, 2, 14, 2), (3, 1, 13, 2)])
def test_other_windows_are_refused(shape):
    with pytest.raises(ShapeError):
        FullyConnectedBackbone(channels=4)(torch.zeros(shape))


def test_without_norm_there_is_none_and_the_activation_is_what_was_asked_for():
    backbone = FullyConnectedBackbone(channels=4, blocks=1, norm=False, activation="leaky_relu")
    kinds = {type(each) for each in backbone.modules()}
    assert nn.BatchNorm1d not in kinds
    assert nn.LeakyReLU in kinds
    assert nn.ReLU not in kinds


def test_blocks_have_batchnorm_and_relu_by_default():
    for block in (LinearBlock(4, 4), ResidualBlock(4).first, ResidualBlock(4).second):
        assert isinstance(block.norm, nn.BatchNorm1d)
        assert isinstance(block.activation, nn.ReLU)
