"""Fully connected blocks: what they start as, and that they learn."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.nn import LinearBlock, ResidualBlock, small_output_layer


@given(channels=st.integers(1, 16), batch=st.integers(2, 5), seed=st.integers(0, 2**31))
def test_a_residual_block_adds_to_what_enters(channels, batch, seed):
    torch.manual_seed(seed)
    block = ResidualBlock(channels).eval()
    x = torch.randn(batch, channels)
    change = block.second(block.first(x))
    assert torch.equal(block(x), x + change)
    assert (change >= 0).all()


def test_a_residual_block_whose_second_block_is_silent_is_the_identity():
    block = ResidualBlock(8).eval()
    torch.nn.init.zeros_(block.second.norm.weight)
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x), x)


def test_every_parameter_of_a_block_gets_a_gradient():
    torch.manual_seed(0)
    block = ResidualBlock(8, dropout=0.0)
    block(torch.randn(16, 8)).square().sum().backward()
    assert all(bool(parameter.grad.abs().sum() > 0) for parameter in block.parameters())


def test_a_linear_block_is_layer_batchnorm_relu_and_dropout_in_this_order():
    names = [name for name, _ in LinearBlock(4, 2).named_children()]
    assert names == ["linear", "norm", "activation", "dropout"]
    assert LinearBlock(4, 2).dropout.p == 0.25


@given(inputs=st.integers(1, 32), outputs=st.integers(1, 32), seed=st.integers(0, 2**31))
def test_an_output_layer_starts_near_zero_but_not_at_it(inputs, outputs, seed):
    torch.manual_seed(seed)
    layer = small_output_layer(inputs, outputs, scale=0.01)
    bound = 0.01 / inputs**0.5  # Linear draws from U(-1/sqrt(n), 1/sqrt(n))
    assert 0 < layer.weight.abs().max() <= bound * (1 + 1e-6)
    assert not layer.bias.any()
    assert layer.weight.requires_grad
    assert layer.bias.requires_grad
