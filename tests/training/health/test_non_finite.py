"""Steps that were left out are counted on the device, and the lost figures are named."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.training.health.non_finite import NonFinite, NonFiniteCounts

CPU = torch.device("cpu")


@given(st.lists(st.booleans(), max_size=12))
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_the_steps_that_were_left_out(steps: list[bool]) -> None:
    found = NonFinite(CPU)
    for step, bad in enumerate(steps, start=1):
        found.watch(step, torch.tensor(bad), {})
    picture = "".join("x" if bad else "." for bad in steps)
    assert found.read() == NonFiniteCounts(
        skipped=picture.count("x"),
        on_end=max(len(run) for run in picture.split(".")),
        first=picture.find("x") + 1,
    )


def test_names_are_those_of_the_figures_that_were_not_finite_at_some_step() -> None:
    found = NonFinite(CPU)
    nan, fine = torch.tensor(float("nan")), torch.tensor(1.0)
    found.watch(1, torch.tensor(True), {"bone_length": nan, "temporal_consistency": fine})
    found.watch(2, torch.tensor(False), {"bone_length": fine, "temporal_consistency": fine})
    assert found.names() == ["bone_length"]
    found.watch(3, torch.tensor(False), {"discriminator_loss": -nan, "bone_length": fine})
    assert found.names() == ["bone_length", "discriminator_loss"]


@pytest.mark.parametrize("stopped_at", [0, 1, 2, 3])
def test_counts_go_on_from_a_saved_state(stopped_at: int) -> None:
    steps = [False, True, True, False]
    values = [{"a": torch.tensor(float("inf") if bad else 0.0)} for bad in steps]
    first, second = NonFinite(CPU), NonFinite(CPU)
    for step in range(stopped_at):
        first.watch(step + 1, torch.tensor(steps[step]), values[step])
    second.load_state_dict(first.state_dict())
    for step in range(stopped_at, len(steps)):
        second.watch(step + 1, torch.tensor(steps[step]), values[step])
    assert second.read() == NonFiniteCounts(2, 2, 2)
    assert second.names() == ["a"]
