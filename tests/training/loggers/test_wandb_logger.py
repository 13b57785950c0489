"""Offline W&B runs, read back from W&B's own files."""

import json
import sys

import pytest

from posenet3d.errors import ConfigurationError, MissingExtraError, StorageError
from posenet3d.testing import check_logger
from posenet3d.testing.contracts.loggers import small_png
from posenet3d.training import Record
from posenet3d.training.loggers import LoggedRun, WandbLogger
from posenet3d.training.loggers.wandb_logger import chosen_mode

pytest.importorskip("wandb")


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(tmp_path_factory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(home))


def offline(run: LoggedRun) -> WandbLogger:
    return WandbLogger(run=run, mode="offline")


def test_the_wandb_logger_keeps_the_contract_and_shows_every_figure_once(read_wandb) -> None:
    check_logger(offline, read_wandb)


def test_a_resumed_run_goes_on_with_the_same_wandb_run(run: LoggedRun, wandb_history) -> None:
    picture = run.folder / "one.png"
    picture.write_bytes(small_png())
    for place, step in (((0, 0), 2), ((0, 2), 4)):
        logger = offline(run)
        logger.start_at(*place)
        logger.log(Record("teacher", step, {"bone_length": step / 4}))
        logger.picture("skeletons", "teacher", step, picture)
        logger.close()
    rows = wandb_history(run)
    shown = [(row["_step"], row["teacher/bone_length"]) for row in rows]
    assert shown == [("2", "0.5"), ("4", "1")]
    assert {row["teacher/skeletons._type"] for row in rows} == {'"image-file"'}
    kept = json.loads((run.folder / "wandb.json").read_text())
    assert {row["id"] for row in rows} == {kept["id"]}
    assert kept["last_step"] == 4


def test_a_disabled_logger_writes_nothing(run: LoggedRun) -> None:
    logger = WandbLogger(run=run, mode="disabled")
    logger.start_at(0, 0)
    logger.log(Record("teacher", 2, {"bone_length": 0.5}))
    logger.close()
    assert not list(run.folder.iterdir())


def test_a_damaged_id_is_told(run: LoggedRun) -> None:
    (run.folder / "wandb.json").write_text("{")
    with pytest.raises(StorageError, match="remove the file"):
        offline(run).start_at(0, 0)


def test_without_a_login_the_mode_is_offline_and_online_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen_mode(None) == "offline"
    with pytest.raises(ConfigurationError, match="wandb login"):
        chosen_mode("online")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert chosen_mode(None) == "disabled"


@pytest.mark.parametrize("how", ["environment", "netrc"])
def test_with_a_login_the_mode_is_online(how: str, tmp_path, monkeypatch) -> None:
    if how == "environment":
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    else:
        (tmp_path / "netrc").write_text("machine api.wandb.ai login user password made-up\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert chosen_mode(None) == "online"
    assert chosen_mode("offline") == "offline"


def test_a_missing_wandb_is_told_with_its_extra(
    run: LoggedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'posenet3d\[logging\]'"):
        WandbLogger(run=run)
