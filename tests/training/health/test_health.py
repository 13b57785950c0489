"""What is found is done about as the configuration says, counted, and kept over a stop."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from posenet3d.errors import (
    FrozenPartMovedError,
    GameCollapsedError,
    MirroredError,
    NonFiniteError,
    TrainingWarning,
)
from posenet3d.training.health import Health, HealthConfig

NOTHING = {
    "skipped_steps": 0,
    "frozen_moved": 0,
    "mirror_turns": 0,
    "mirror_warnings": 0,
    "collapses": 0,
}


@pytest.fixture
def model() -> nn.ModuleDict:
    return nn.ModuleDict({"teacher": nn.Linear(2, 2), "student": nn.BatchNorm1d(2)})


def watching(model: nn.ModuleDict, **values: Any) -> Health:
    health = Health(HealthConfig(**values), "teacher", model, [model["teacher"]])
    health.begin()
    return health


def take(health: Health, steps: str, first: int = 1) -> None:
    """Steps from a picture: a dot is a good one, an x one that was left out."""
    for step, kind in enumerate(steps, start=first):
        value = torch.tensor(float("nan") if kind == "x" else 1.0)
        health.watch(step, ~value.isfinite(), {"bone_length": value})


def test_a_healthy_stage_has_nothing_to_tell(model: nn.ModuleDict) -> None:
    health = watching(model)
    take(health, "....")
    health.read(4)
    assert health.counts() == NOTHING
    assert health.figures() == dict.fromkeys(NOTHING, 0.0)


def test_a_step_that_is_not_finite_stops_with_its_number_its_loss_and_where_the_state_is(
    model: nn.ModuleDict,
) -> None:
    health = watching(model)
    take(health, "..x.x")
    with pytest.raises(NonFiniteError) as caught:
        health.read(5, saved="runs/a/0-00000002")
    assert (caught.value.stage, caught.value.step) == ("teacher", 3)
    for part in ("NaN or infinity in bone_length", "(runs/a/0-00000002)", "gradient clip"):
        assert part in str(caught.value)


def test_skipped_steps_are_counted_and_too_many_on_end_stop(model: nn.ModuleDict) -> None:
    health = watching(model, non_finite="skip", most_skipped=2)
    take(health, ".xx.xx.x")
    health.read(8)
    assert health.counts()["skipped_steps"] == 5
    take(health, "xx", first=9)
    with pytest.raises(
        NonFiniteError, match=r"at most 2 skipped .* got 3 \(7 in all, the first at"
    ):
        health.read(10)


def test_gradients_that_are_lost_under_finite_losses_are_said_to_be(model: nn.ModuleDict) -> None:
    health = watching(model)
    values = {"bone_length": torch.tensor(1.0), "gradient_norm": torch.tensor(float("inf"))}
    health.watch(1, torch.tensor(True), values)
    with pytest.raises(NonFiniteError, match="NaN or infinity in the gradients"):
        health.read(1)


def test_statistics_are_kept_only_where_steps_are_skipped(model: nn.ModuleDict) -> None:
    assert watching(model).statistics([model]) is None
    kept = watching(model, non_finite="skip").statistics([model])
    assert kept is not None
    kept.keep()
    model["student"](torch.full((3, 2), float("nan")))
    kept.undo(torch.tensor(False))
    assert model["student"].running_mean.isnan().all()
    kept.undo(torch.tensor(True))
    assert not model["student"].running_mean.any()


def test_a_frozen_part_that_moved_stops_the_stage(model: nn.ModuleDict) -> None:
    health = watching(model)
    health.read(50)
    nn.init.zeros_(model["student"].weight)
    with pytest.raises(FrozenPartMovedError) as caught:
        health.read(100)
    assert (caught.value.stage, caught.value.step) == ("teacher", 100)
    for part in ("values in student.weight", "after step 50", "set health.frozen to 'correct'"):
        assert part in str(caught.value)


def test_a_frozen_part_that_moved_is_put_back_and_told(model: nn.ModuleDict) -> None:
    health = watching(model, frozen="correct")
    for step in (50, 100):
        nn.init.zeros_(model["student"].weight)
        with pytest.warns(TrainingWarning, match=r"student.weight.* put back"):
            health.read(step)
        assert (model["student"].weight == 1).all()
    assert health.counts() == {**NOTHING, "frozen_moved": 2}


def test_a_long_list_of_what_moved_is_cut() -> None:
    model = nn.ModuleDict({"teacher": nn.Linear(1, 1), "body": nn.Sequential()})
    model["body"].extend(nn.Linear(1, 1) for _ in range(4))
    health = watching(model)
    for parameter in model["body"].parameters():
        nn.init.constant_(parameter, 9.0)
    with pytest.raises(FrozenPartMovedError, match=r"body\.2\.weight and 3 more"):
        health.read(1)


def test_a_mirrored_teacher_is_turned_by_default(model: nn.ModuleDict) -> None:
    health = watching(model)
    assert health.mirrored(60)
    assert health.counts() == {**NOTHING, "mirror_turns": 1}


def test_a_mirrored_teacher_stops_the_stage_where_told_so(model: nn.ModuleDict) -> None:
    health = watching(model, mirrored="stop")
    health.stop_if_mirrored()
    assert not health.mirrored(60)
    with pytest.raises(MirroredError, match=r"'teacher', step 60: .*this state was saved"):
        health.stop_if_mirrored()
    again = watching(model, mirrored="stop")
    again.load_state_dict(health.state_dict())
    with pytest.raises(MirroredError):
        again.stop_if_mirrored()


def test_a_mirrored_teacher_is_warned_of_once(model: nn.ModuleDict) -> None:
    health = watching(model, mirrored="warn")
    with pytest.warns(TrainingWarning, match="depth mirror"):
        assert not health.mirrored(60)
    assert not health.mirrored(100)
    health.stop_if_mirrored()
    assert health.counts() == {**NOTHING, "mirror_warnings": 2}


def collapsing(picture: str) -> Iterator[Any]:
    """Checks of the game: an x is a collapsed one."""

    def check(kind: str) -> None:
        if kind == "x":
            raise GameCollapsedError("teacher", 7, "expected a discriminator in doubt")

    return (lambda kind=kind: check(kind) for kind in picture)


def test_a_collapsed_game_stops_the_stage_by_default(model: nn.ModuleDict) -> None:
    health = watching(model)
    good, bad = collapsing(".x")
    health.game(good)
    with pytest.raises(GameCollapsedError):
        health.game(bad)


def test_a_collapsed_game_is_warned_of_once_a_collapse(model: nn.ModuleDict) -> None:
    health = watching(model, collapsed="warn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for check in collapsing(".xxx.xx."):
            health.game(check)
    assert [str(each.message) for each in caught] == [
        "Stage 'teacher', step 7: expected a discriminator in doubt"
    ] * 2
    assert health.counts() == {**NOTHING, "collapses": 2}


def test_it_is_read_at_every_kth_step(model: nn.ModuleDict) -> None:
    health = watching(model, every=3)
    assert [step for step in range(1, 10) if health.is_due(step)] == [3, 6, 9]


def test_counts_go_on_from_a_saved_state(model: nn.ModuleDict) -> None:
    values: dict[str, Any] = {
        "non_finite": "skip",
        "mirrored": "warn",
        "collapsed": "warn",
        "most_skipped": 2,
    }
    first = watching(model, **values)
    take(first, ".xx")
    first.read(3)
    with pytest.warns(TrainingWarning):
        first.mirrored(3)
    with pytest.warns(TrainingWarning):
        first.game(next(collapsing("x")))
    second = watching(model, **values)
    second.load_state_dict(first.state_dict())
    assert second.counts() == {
        **NOTHING,
        "skipped_steps": 2,
        "mirror_warnings": 1,
        "collapses": 1,
    }
    second.mirrored(4)  # no second warning of either
    second.game(next(collapsing("x")))
    take(second, "x", first=4)
    with pytest.raises(NonFiniteError, match="got 3"):
        second.read(4)
