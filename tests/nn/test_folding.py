"""Folding of BatchNorm: the same answers with fewer steps."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from posenet3d.nn import (
    FullyConnectedBackbone,
    LinearBlock,
    ResidualBlock,
    TemporalBackbone,
    fold_norms,
)


def lived_in(part: nn.Module) -> nn.Module:
    """A part whose BatchNorms have seen something, in double precision."""
    generator = torch.Generator().manual_seed(0)
    for norm in part.modules():
        if isinstance(norm, nn.BatchNorm1d):
            for tensor in (norm.running_mean, norm.weight.data, norm.bias.data):
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=generator) + 0.1)
    return part.double().eval()


PARTS = {
    "temporal": (lambda: TemporalBackbone(channels=8, frames=27), (4, 27, 14, 2)),
    "leaky": (lambda: TemporalBackbone(channels=8, activation="leaky_relu"), (4, 9, 14, 2)),
    "without_norm": (lambda: TemporalBackbone(channels=8, norm=False), (4, 9, 14, 2)),
    "fully_connected": (lambda: FullyConnectedBackbone(channels=8, frames=9), (4, 9, 14, 2)),
    "blocks": (lambda: nn.Sequential(LinearBlock(6, 8), ResidualBlock(8)), (5, 6)),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_folded_part_answers_as_the_part_itself(name):
    make, shape = PARTS[name]
    torch.manual_seed(0)
    part = lived_in(make())
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(fold_norms(part)(x), part(x), rtol=1e-10, atol=1e-10)
    if hasattr(part, "slide"):
        long = torch.randn(2, 30, 14, 2, dtype=torch.float64)
        torch.testing.assert_close(
            fold_norms(part).slide(long), part.slide(long), rtol=1e-10, atol=1e-10
        )


def test_folding_leaves_the_part_and_what_it_is_given_alone():
    part = lived_in(ResidualBlock(8))
    before = {name: value.clone() for name, value in part.state_dict().items()}
    x = torch.randn(3, 8, dtype=torch.float64)
    given = x.clone()
    folded = fold_norms(part.train())
    folded(x)
    assert torch.equal(x, given)
    assert part.training
    assert all(torch.equal(value, before[name]) for name, value in part.state_dict().items())
    assert all(parameter.requires_grad for parameter in part.parameters())


def test_no_batchnorm_is_left_and_nothing_learns():
    folded = fold_norms(lived_in(TemporalBackbone(channels=8)).train())
    assert not any(isinstance(each, nn.BatchNorm1d) for each in folded.modules())
    assert not folded.training
    assert not any(parameter.requires_grad for parameter in folded.parameters())


class NormFirst(LinearBlock):
    def forward(self, x):
        return self.linear(self.dropout(self.activation(x))) * self.norm.running_mean


@pytest.mark.parametrize(
    "make", [lambda: NormFirst(6, 8), lambda: weight_normed(LinearBlock(6, 8))]
)
def test_a_block_that_computes_otherwise_is_left_as_it_is(make):
    torch.manual_seed(0)
    part = lived_in(make())
    x = torch.randn(5, 6, dtype=torch.float64)
    torch.testing.assert_close(fold_norms(part)(x), part(x), rtol=1e-10, atol=1e-10)


def weight_normed(block: LinearBlock) -> LinearBlock:
    weight_norm(block.linear)
    return block
