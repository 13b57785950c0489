"""``metrics.csv`` goes on exactly where the saved state lies."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import StorageError
from posenet3d.testing import check_logger
from posenet3d.training import Record
from posenet3d.training.loggers import CsvFile, CsvLogger, LoggedRun

PLACES = [("a", 2), ("a", 4), ("b", 2), ("b", 4)]


def filled(folder: Path) -> CsvFile:
    log = CsvFile(folder / "metrics.csv", ["a", "b"], ["loss"])
    log.start_at(0, 0)
    for stage, step in PLACES:
        log.append(Record(stage, step, {"loss": step / 3}))
    return log


def places(log: CsvFile) -> list[tuple[str, int]]:
    lines = log.path.read_text().splitlines()
    return [(line.split(",")[0], int(line.split(",")[1])) for line in lines[1:]]


@given(stage=st.integers(0, 2), step=st.integers(0, 5))
def test_lines_after_the_saved_state_are_dropped_and_no_others(
    stage: int, step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = filled(tmp_path_factory.mktemp("log"))
    before = log.path.read_text().splitlines()
    log.start_at(stage, step)
    expected = [each for each in PLACES if (("a", "b").index(each[0]), each[1]) <= (stage, step)]
    assert places(log) == expected
    assert log.path.read_text().splitlines() == before[: 1 + len(expected)]


@given(cut=st.integers(1, 40))
def test_an_unfinished_last_line_is_dropped(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = filled(tmp_path_factory.mktemp("log"))
    content = log.path.read_bytes()
    log.path.write_bytes(content[:-cut])
    whole = content[:-cut].count(b"\n") - 1
    log.start_at(2, 0)
    assert places(log) == PLACES[:whole]


def test_damaged_lines_are_dropped(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with log.path.open("ab") as file:
        file.write(b"\xff\x00garbage\nc,4,1\nb,x,1\nb\n")
    log.start_at(2, 0)
    assert places(log) == PLACES


def test_a_file_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").mkdir()
    log = CsvFile(tmp_path / "metrics.csv", ["a"], ["loss"])
    with pytest.raises(StorageError, match="cannot be read"):
        log.start_at(0, 0)
    with pytest.raises(StorageError, match="cannot be written"):
        log.append(Record("a", 1, {}))


def test_the_csv_logger_keeps_the_contract_and_shows_every_figure_once(read_csv) -> None:
    check_logger(lambda run: CsvLogger(run=run), read_csv)


def test_figures_of_validation_points_lie_in_a_file_of_their_own(run: LoggedRun) -> None:
    logger = CsvLogger(run=run)
    logger.start_at(0, 0)
    logger.log(Record("teacher", 2, {"bone_length": 0.5}))
    assert not logger.validation.path.exists()
    logger.log(Record("teacher", 2, {"validation/score": 0.25}))
    assert [each.path.read_text().count("\n") for each in (logger.metrics, logger.validation)] == [
        2,
        2,
    ]
    assert logger.validation.path.read_text().splitlines()[1].startswith("teacher,2,0.25,")


def test_the_columns_of_the_metrics_file_stay_in_their_places(run: LoggedRun) -> None:
    logger = CsvLogger(run=run)
    logger.start_at(0, 0)
    assert logger.metrics.path.read_text().strip() == (
        "stage,step,bone_length,discriminator_loss,accuracy_real,accuracy_fake,"
        "discriminator_accuracy,gradient_penalty,mirror_evidence,camera_pitch_degrees,"
        "camera_pitch_spread_degrees,camera_roll_spread_degrees,seconds,gradient_norm,discriminator_gradient_norm,"
        "skipped_steps,frozen_moved,mirror_turns,mirror_warnings,collapses"
    )


def test_a_figure_that_nobody_foresaw_gets_a_column_of_its_own(tmp_path: Path) -> None:
    log = filled(tmp_path)
    log.append(Record("b", 6, {"loss": 0.5, "spread": 7.0}))
    log.append(Record("b", 8, {"loss": 0.25}))
    assert places(log) == [*PLACES, ("b", 6), ("b", 8)]
    lines = log.path.read_text().splitlines()
    assert lines[0] == "stage,step,loss,spread"
    assert lines[-2:] == ["b,6,0.5,7.0", "b,8,0.25,"]


def test_a_run_that_goes_on_keeps_the_columns_that_it_had(tmp_path: Path) -> None:
    filled(tmp_path).append(Record("b", 6, {"spread": 7.0}))
    again = CsvFile(tmp_path / "metrics.csv", ["a", "b"], ["loss"])
    again.start_at(2, 0)
    again.append(Record("b", 8, {"spread": 8.0}))
    assert again.path.read_text().splitlines()[-2:] == ["b,6,,7.0", "b,8,,8.0"]


def test_a_line_with_too_many_cells_makes_no_column(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with log.path.open("a") as file:
        file.write("b,5,1.0,2.0,3.0\n")
    log.start_at(2, 0)
    assert log.path.read_text().splitlines()[0] == "stage,step,loss"
    assert log.path.read_text().splitlines()[-1] == "b,5,1.0"
