"""Progress on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console

from posenet3d.training import PRESETS, Record, Trainer, TrainerConfig
from posenet3d.training.progress import Bars, describe

RECORD = Record("teacher", 4, {"bone_length": 0.25, "discriminator_accuracy": 0.5, "seconds": 1.0})


def shown(*, terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=160, color_system=None)
    with Bars(["teacher", "joint"], console) as bars:
        bars.begin("teacher", 0, 6)
        for step in range(1, 7):
            bars.advance(step)
        bars.show(RECORD)
        bars.show(Record("teacher", 5, {"bone_length": 0.125}))
        bars.show(Record("teacher", 6, {"bone_length": 0.5}))
    return file.getvalue()


def test_a_terminal_sees_every_stage_and_the_figures() -> None:
    text = shown(terminal=True)
    for part in ("teacher", "joint", "6/6", "bl 0.5"):
        assert part in text


def test_what_a_program_prints_meanwhile_stays_on_its_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Bars(["teacher"], Console(file=io.StringIO(), force_terminal=True)):
        print("the program's own")
    assert capsys.readouterr().out == "the program's own\n"


def test_a_file_sees_the_first_and_the_last_line_of_a_stage() -> None:
    lines = shown(terminal=False).splitlines()
    assert lines == ["teacher 4/6  bl 0.25  D acc 0.5", "teacher 6/6  bl 0.5"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_loss_of_the_presets_is_shown(preset: str) -> None:
    for stage in TrainerConfig.preset(preset).stages:
        told = describe(Record(stage.name, 1, dict.fromkeys(stage.losses, 0.5)))
        assert told.count("0.5") == len(stage.losses)


def test_figures_that_nobody_watches_are_left_out() -> None:
    assert describe(Record("a", 1, {"seconds": 3.0})) == ""


def test_a_trainer_shows_its_progress(trainer: object, capsys: object) -> None:
    made: Trainer = trainer(progress=True)  # type: ignore[operator]
    made.fit()
    text = capsys.readouterr().err  # type: ignore[attr-defined]
    assert [line.split()[0] for line in text.splitlines() if "6/6" in line] == [
        "teacher", "distillation", "sja", "joint",
    ]  # fmt: skip
