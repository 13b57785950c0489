"""Validation points and loggers in a whole run."""

from pathlib import Path

import pytest


def test_a_runs_numbers_do_not_depend_on_whether_it_validates(
    trainer, whole_run: Path, outcome, tmp_path: Path
) -> None:
    looked = trainer(
        {"validation": {"every": 2, "windows": 8, "picture": False}}, run_dir=tmp_path / "run"
    )
    looked.fit()
    assert outcome(tmp_path / "run") == outcome(whole_run)
    rows = (tmp_path / "run" / "validation.csv").read_text().splitlines()[1:]
    assert [row.split(",")[:2] for row in rows] == [
        [stage.name, str(step)] for stage in looked.config.stages for step in (2, 4, 6)
    ]


def test_every_logger_hears_of_points_and_pictures(trainer, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    pytest.importorskip("matplotlib")
    changes = {
        "validation": {"every": 6, "windows": 8},
        "loggers": ["csv", "tensorboard"],
        "stages.joint.steps": 2,
    }
    trainer(changes, run_dir=tmp_path).fit()
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == [
        "distillation-000006.png", "joint-000002.png", "sja-000006.png", "teacher-000006.png",
    ]  # fmt: skip
    (events,) = (tmp_path / "tensorboard").iterdir()
    content = events.read_bytes()
    assert content.count(b"/skeletons") == 4
    assert b"joint/validation/score" in content
    assert b"teacher/self_supervision" in content
