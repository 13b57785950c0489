"""Two processes never train in one run folder."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posenet3d.errors import RunFolderError, StorageError
from posenet3d.training import Record, RunFolder, Trainer
from posenet3d.training.run_lock import run_lock

MakeTrainer = Callable[..., Trainer]

# Without the library, whose import takes seconds: another process that holds the same file.
HOLDER = """
import sys
from pathlib import Path
from filelock import FileLock
folder = Path(sys.argv[1])
lock = FileLock(folder / ".lock")  # a lock that nobody keeps is released
lock.acquire()
(folder / ".lock-holder").write_text("77 on elsewhere")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the folder until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_named_and_when_it_is_killed_the_folder_is_free(
    held: subprocess.Popen[str], tmp_path: Path, trainer: MakeTrainer
) -> None:
    with pytest.raises(RunFolderError, match=r"another process \(pid 77 on elsewhere\) is train"):
        trainer(run_dir=tmp_path)
    assert not (tmp_path / "config.json").exists()
    held.kill()
    held.wait()
    with run_lock(tmp_path):
        assert (tmp_path / ".lock-holder").read_text().startswith(f"{os.getpid()} on ")
    assert not (tmp_path / ".lock-holder").exists()


def test_left_overs_of_a_living_process_are_not_touched(
    held: subprocess.Popen[str], tmp_path: Path, trainer: MakeTrainer
) -> None:
    (tmp_path / ".0a.partial").write_bytes(b"being written")
    with pytest.raises(RunFolderError):
        trainer(run_dir=tmp_path)
    assert (tmp_path / ".0a.partial").exists()


def test_while_a_trainer_trains_no_other_begins_and_readers_may_read(
    trainer: MakeTrainer, tmp_path: Path
) -> None:
    seen = []

    def intrude(record: Record) -> None:
        if not seen:
            with pytest.raises(RunFolderError, match=f"pid {os.getpid()} on"):
                trainer(run_dir=tmp_path)
            seen.append(RunFolder(tmp_path, read_only=True).newest())

    trainer(run_dir=tmp_path).fit(intrude)
    assert seen == [tmp_path / "checkpoints" / "0-00000003"]
    assert len(trainer(run_dir=tmp_path).fit().stages) == 4


def test_a_trainer_that_fails_lets_go(trainer: MakeTrainer, tmp_path: Path) -> None:
    def fail(record: Record) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trainer(run_dir=tmp_path).fit(fail)
    with run_lock(tmp_path):
        pass


def test_within_its_own_lock_a_folder_may_be_locked_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        with folder.locked():
            pass
        with pytest.raises(RunFolderError), RunFolder(tmp_path).locked():
            pass
    with RunFolder(tmp_path).locked():
        pass


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StorageError, match=r"\.lock: cannot be opened"), run_lock(tmp_path):
        pass


def test_a_holder_that_did_not_say_who_it_is(held: object, tmp_path: Path) -> None:
    (tmp_path / ".lock-holder").unlink()
    with pytest.raises(RunFolderError, match="its pid is not known"), run_lock(tmp_path):
        pass
