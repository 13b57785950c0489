"""Packed linear layers: the plain layers' answers, by oneDNN's products."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from posenet3d.nn import (
    FullyConnectedBackbone,
    LinearBlock,
    PackedLinear,
    ResidualBlock,
    TemporalBackbone,
    fold_norms,
    linear_in_rows,
    pack_linears,
    packing,
    product,
)


@pytest.fixture(autouse=True)
def packed_however_small(monkeypatch):
    """The layers here are too small for it to be worthwhile."""
    monkeypatch.setattr(packing, "_WORTHWHILE", 0)


def packed_layers(part: nn.Module) -> int:
    return sum(isinstance(each, PackedLinear) for each in part.modules())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(512, 24), (1, 24), (3, 7, 24), (0, 24), (2, 0, 24)])
@torch.no_grad()
def test_a_packed_layer_answers_as_the_plain_one(shape, bias):
    torch.manual_seed(0)
    layer, x = nn.Linear(24, 10, bias=bias), torch.randn(shape)
    torch.testing.assert_close(PackedLinear(layer)(x), layer(x), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_inputs_may_lie_in_memory_as_they_like():
    torch.manual_seed(0)
    layer, x = nn.Linear(24, 10), torch.randn(24, 6).T
    assert not x.is_contiguous()
    torch.testing.assert_close(PackedLinear(layer)(x), layer(x), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_what_is_no_number_stays_no_number_behind_the_activation():
    block = pack_linears(fold_norms(ResidualBlock(8).eval()))
    x = torch.randn(3, 8)
    x[1, 2] = torch.nan
    assert packed_layers(block) == 2
    assert block(x).isnan().all(-1).tolist() == [False, True, False]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@torch.no_grad()
def test_copies_and_pickles_pack_anew(again):
    torch.manual_seed(0)
    layer, x = PackedLinear(nn.Linear(6, 4)), torch.randn(5, 6)
    answer = layer(x)
    assert torch.equal(again(layer)(x), answer)


@pytest.mark.parametrize(
    ("part", "shape", "layers"),
    [
        (TemporalBackbone(channels=8, frames=27), (4, 27, 14, 2), 5),
        (FullyConnectedBackbone(channels=8, frames=9), (4, 9, 14, 2), 7),
        (nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 2)), (5, 6), 2),
    ],
)
@torch.no_grad()
def test_every_layer_of_a_part_is_packed(part, shape, layers):
    x = torch.randn(shape)
    before = part.eval()(x)
    assert packed_layers(pack_linears(part)) == layers
    torch.testing.assert_close(part(x), before, rtol=1e-5, atol=1e-5)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2.0 * super().forward(x)


def hooked() -> nn.Linear:
    layer = nn.Linear(6, 4)
    layer.register_forward_hook(lambda layer, given, answer: -answer)
    return layer


@pytest.mark.parametrize(
    "layer",
    [Doubled(6, 4), weight_norm(nn.Linear(6, 4)), nn.Linear(6, 4).double(), hooked()],
    ids=["subclass", "reparametrised", "float64", "hooked"],
)
def test_a_layer_that_is_more_than_a_product_is_left_as_it_is(layer):
    part = pack_linears(nn.Sequential(layer))
    assert part[0] is layer


@torch.no_grad()
def test_a_hook_of_the_relu_after_a_layer_is_called():
    block = fold_norms(LinearBlock(6, 4).eval())
    block.activation.register_forward_hook(lambda relu, given, answer: -answer)
    x = torch.randn(3, 6)
    expected = block(x)
    assert expected.lt(0).any()
    assert torch.allclose(pack_linears(block)(x), expected)


def test_without_onednn_nothing_is_packed(monkeypatch):
    monkeypatch.setattr(packing, "_has_onednn", lambda: False)
    assert packed_layers(pack_linears(ResidualBlock(8))) == 0


@torch.no_grad()
def test_a_product_that_is_not_worthwhile_is_the_plain_one(monkeypatch):
    monkeypatch.setattr(packing, "_WORTHWHILE", 12 * 24 * 10)
    torch.manual_seed(0)
    layer, x = nn.Linear(24, 10), torch.randn(12, 24)
    packed = PackedLinear(layer)
    assert torch.equal(packed(x[:11]), layer(x[:11]))
    assert packed._packed is None
    packed(x)
    assert packed._packed is not None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.no_grad()
def test_products_are_those_of_torch_however_the_factors_lie(dtype):
    torch.manual_seed(0)
    first, second = torch.randn(5, 7, dtype=dtype), torch.randn(9, 7, dtype=dtype).T
    for one, two in ((first, second), (first.T.contiguous().T, second.contiguous())):
        torch.testing.assert_close(product(one, two), one @ two, rtol=1e-5, atol=1e-5)
        assert product(one, two).is_contiguous()


@torch.no_grad()
def test_a_product_of_parts_of_matrices_is_onednns_of_copies(monkeypatch):
    """With gaps in memory oneDNN falls back on a plain loop, a thousand times as slow."""
    asked = []
    plain = torch.ops.mkldnn._linear_pointwise

    def watched(*factors):
        asked.append(factors[:2])
        return plain(*factors)

    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", watched)
    first, second = torch.randn(80, 300)[5:, 7:200], torch.randn(250, 900)[9:202, 100:800]
    torch.testing.assert_close(product(first, second), first @ second, rtol=1e-4, atol=1e-4)
    assert all(each.is_contiguous() or each.T.is_contiguous() for each in asked[0])


@torch.no_grad()
def test_a_product_is_onednns_where_it_can_be(monkeypatch):
    calls = []
    monkeypatch.setattr(packing, "_has_onednn", lambda: calls.append(1))  # and has none
    for dtype in (torch.float32, torch.float64):
        product(torch.ones(2, 3, dtype=dtype), torch.ones(3, 4, dtype=dtype))
    assert len(calls) == 1


def test_where_gradients_are_asked_a_product_has_them():
    first = torch.ones(2, 3, requires_grad=True)
    product(first, torch.ones(3, 4)).sum().backward()
    assert first.grad is not None
    assert first.grad.unique().tolist() == [4.0]


@torch.no_grad()
def test_a_layers_answer_in_rows_is_its_answer():
    torch.manual_seed(0)
    layer, x = nn.Linear(24, 10), torch.randn(6, 24)
    torch.testing.assert_close(linear_in_rows(layer, x), layer(x).T, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("worthwhile", [0, 10**9])
@torch.no_grad()
def test_a_relu_goes_into_the_product_and_a_leaky_one_does_not(monkeypatch, worthwhile):
    monkeypatch.setattr(packing, "_WORTHWHILE", worthwhile)
    torch.manual_seed(0)
    for name, fused in (("relu", True), ("leaky_relu", False)):
        block, x = fold_norms(LinearBlock(8, 6, activation=name)), torch.randn(5, 8)
        expected = block(x)
        packed = pack_linears(block)
        assert isinstance(packed.activation, nn.Identity) == fused
        torch.testing.assert_close(packed(x), expected, rtol=1e-5, atol=1e-5)
