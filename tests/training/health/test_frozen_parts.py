"""What is frozen is compared bit by bit, named, and put back."""

import pytest
import torch
from torch import Tensor, nn

from posenet3d.training.health.frozen_parts import FrozenParts


def network() -> nn.ModuleDict:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.ModuleDict({
            "teacher": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)),
            "student": nn.Linear(3, 4),
        })  # fmt: skip
    model.register_buffer("scale", torch.ones(()))
    model.register_buffer("fixed", torch.tensor([0.0, float("nan")]), persistent=False)
    model.register_buffer("mask", torch.tensor([True, False]))
    return model


def frozen(model: nn.ModuleDict) -> FrozenParts:
    parts = FrozenParts(model, [model["student"]])
    parts.keep()
    return parts


def bits_flipped(value: Tensor) -> None:
    """Change the last bit of the last number."""
    value.data.view(-1)[-1:].view(torch.int32).bitwise_xor_(1)


@pytest.mark.parametrize("name", ["teacher.0.weight", "teacher.0.bias", "teacher.1.running_var"])
def test_a_single_bit_that_changes_is_found_and_put_back(name: str) -> None:
    model = network()
    parts = frozen(model)
    assert parts.moved() == []
    value = {**dict(model.named_parameters()), **dict(model.named_buffers())}[name]
    before = value.detach().clone()
    bits_flipped(value)
    assert parts.moved() == [name]
    parts.put_back(parts.moved())
    assert parts.moved() == []
    assert torch.equal(value, before)


def test_numbers_that_change_places_are_found() -> None:
    """A plain sum over the bits would not see it."""
    model = network()
    parts = frozen(model)
    weight = model["teacher"][0].weight
    weight.data = weight.data.flip(0)
    assert parts.moved() == ["teacher.0.weight"]


def test_buffers_of_every_kind_are_watched_and_what_learns_is_not() -> None:
    model = network()
    parts = frozen(model)
    nn.init.zeros_(model["student"].weight)
    assert parts.moved() == []
    model["teacher"](torch.randn(5, 3))
    model.scale.neg_()
    model.mask.fill_(False)
    model.fixed = torch.tensor([-0.0, float("nan")])
    assert parts.moved() == [
        "scale",
        "fixed",
        "mask",
        "teacher.1.running_mean",
        "teacher.1.running_var",
        "teacher.1.num_batches_tracked",
    ]


def test_where_everything_learns_nothing_can_move() -> None:
    model = network()
    parts = FrozenParts(model, [model])
    parts.keep()
    nn.init.zeros_(model["teacher"][0].weight)
    assert parts.moved() == []
