"""Steps that were left out are counted on the device, and the lost figures are named."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from posenet3d.training.health.non_finite import NonFinite, NonFiniteCounts

CPU = torch.device("cpu")


def flags(*values: bool) -> list[Tensor]:
    return [torch.tensor(value) for value in values]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_the_steps_that_any_optimiser_left_out(
    steps: list[tuple[bool, bool]],
) -> None:
    found = NonFinite(CPU)
    for step, pair in enumerate(steps, start=1):
        found.watch(step, flags(*pair), {})
    left_out = "".join("x" if any(pair) else "." for pair in steps)
    assert found.read() == NonFiniteCounts(
        skipped=left_out.count("x"),
        on_end=max(len(run) for run in left_out.split(".")),
        first=left_out.find("x") + 1,
    )


def test_names_are_those_of_the_figures_that_were_not_finite_at_some_step() -> None:
    found = NonFinite(CPU)
    nan, fine = torch.tensor(float("nan")), torch.tensor(1.0)
    found.watch(1, flags(True), {"bone_length": nan, "temporal_consistency": fine})
    found.watch(2, flags(False), {"bone_length": fine, "temporal_consistency": fine})
    assert found.names() == ["bone_length"]
    found.watch(3, flags(False), {"discriminator_loss": -nan, "bone_length": fine})
    assert found.names() == ["bone_length", "discriminator_loss"]


@pytest.mark.parametrize("stopped_at", [0, 1, 2, 3])
def test_counts_go_on_from_a_saved_state(stopped_at: int) -> None:
    steps = [False, True, True, False]
    values = [{"a": torch.tensor(float("inf") if bad else 0.0)} for bad in steps]
    first, second = NonFinite(CPU), NonFinite(CPU)
    for step in range(stopped_at):
        first.watch(step + 1, flags(steps[step]), values[step])
    second.load_state_dict(first.state_dict())
    for step in range(stopped_at, len(steps)):
        second.watch(step + 1, flags(steps[step]), values[step])
    assert second.read() == NonFiniteCounts(2, 2, 2)
    assert second.names() == ["a"]
