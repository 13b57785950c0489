"""Event files, read back without the code that wrote them."""

import json
import sys

import pytest

from posenet3d.errors import MissingExtraError
from posenet3d.testing import check_logger
from posenet3d.testing.contracts.loggers import small_png
from posenet3d.training import Record
from posenet3d.training.loggers import LoggedRun, TensorBoardLogger

pytest.importorskip("tensorboardX")


def test_the_tensorboard_logger_keeps_the_contract_and_shows_every_figure_once(
    read_tensorboard,
) -> None:
    check_logger(lambda run: TensorBoardLogger(run=run), read_tensorboard)


def test_a_resume_is_marked_one_step_after_the_saved_state(run: LoggedRun, events) -> None:
    for place in ((0, 0), (1, 2)):
        logger = TensorBoardLogger(run=run)
        logger.start_at(*place)
        logger.close()
    marks = [e.step for e in events(run.folder / "tensorboard") if e.HasField("session_log")]
    assert marks == [4 + 2 + 1]


def test_sittings_of_one_second_have_files_of_their_own_in_their_order(run: LoggedRun) -> None:
    for _ in range(12):
        logger = TensorBoardLogger(run=run)
        logger.start_at(0, 0)
        logger.close()
    names = sorted(path.name for path in (run.folder / "tensorboard").iterdir())
    assert [int(name.rpartition(".")[2]) for name in names] == list(range(12))


def test_a_picture_is_written_as_it_is_with_its_size(run: LoggedRun, events) -> None:
    picture = run.folder / "one.png"
    picture.write_bytes(small_png())
    logger = TensorBoardLogger(run=run)
    logger.start_at(0, 0)
    logger.picture("skeletons", "joint", 2, picture)
    logger.close()
    (shown,) = [
        (event.step, value)
        for event in events(run.folder / "tensorboard")
        for value in event.summary.value
        if value.HasField("image")
    ]
    step, value = shown
    assert (step, value.tag) == (6, "joint/skeletons")
    assert (value.image.width, value.image.height) == (1, 1)
    assert value.image.encoded_image_string == small_png()


def test_the_configuration_is_written_once_as_a_text(run: LoggedRun, events) -> None:
    for _ in range(2):
        logger = TensorBoardLogger(run=run)
        logger.start_at(0, 0)
        logger.close()
    (text,) = [
        value.tensor.string_val[0].decode()
        for event in events(run.folder / "tensorboard")
        for value in event.summary.value
        if value.HasField("tensor")
    ]
    assert json.loads(text) == {"seed": 3}


def test_events_are_in_the_file_before_the_logger_is_closed(run: LoggedRun, events) -> None:
    logger = TensorBoardLogger(run=run)
    logger.start_at(0, 0)
    logger.log(Record("teacher", 2, {"bone_length": 0.25}))
    tags = [v.tag for e in events(run.folder / "tensorboard") for v in e.summary.value]
    assert "teacher/bone_length" in tags
    logger.close()


def test_a_missing_tensorboardx_is_told_with_its_extra(
    run: LoggedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'posenet3d\[logging\]'"):
        TensorBoardLogger(run=run)
