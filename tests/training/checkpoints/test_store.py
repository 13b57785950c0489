"""Which checkpoints are kept, which one is used, and what a kill in between leaves."""

import math
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import DamagedCheckpointWarning, RunFolderError, StorageError
from posenet3d.training.checkpoints import CheckpointConfig, CheckpointStore, store
from posenet3d.training.checkpoints.checkpoint import verify_checkpoint
from posenet3d.training.checkpoints.place import Place

MakeState = Callable[..., dict[str, Any]]
CPU = torch.device("cpu")


@pytest.fixture
def checkpoints(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints")


def names(found: CheckpointStore) -> list[str]:
    return sorted(path.name for path in found.folder.iterdir())


def step(found: CheckpointStore) -> int:
    """The step that a run would go on from; nothing may be damaged."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = found.load(CPU)
    assert state is not None
    done: int = state["stage"]["done"]
    return done


def damage(checkpoint: Path) -> None:
    content = bytearray((checkpoint / "state.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (checkpoint / "state.pt").write_bytes(content)


def test_a_fresh_folder_has_nothing(checkpoints: CheckpointStore) -> None:
    assert checkpoints.load(CPU) is None
    assert checkpoints.newest() is None
    assert checkpoints.best() is None
    assert not checkpoints.folder.exists()


def test_the_newest_three_stay(checkpoints: CheckpointStore, state: MakeState) -> None:
    for number in range(1, 6):
        checkpoints.save(state(number))
    assert names(checkpoints) == ["0-00000003", "0-00000004", "0-00000005"]
    assert step(checkpoints) == 5


def test_later_stages_are_newer_also_beyond_the_tenth(
    checkpoints: CheckpointStore, state: MakeState
) -> None:
    for stages_done, number in ((0, 900), (2, 30), (10, 4)):
        checkpoints.save(state(number, stages_done))
    assert step(checkpoints) == 4
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.name == "10-00000004"


@given(
    scores=st.lists(st.none() | st.just(float("nan")) | st.integers(0, 3).map(float), min_size=1),
    keep=st.integers(1, 3),
)
def test_the_newest_and_the_best_of_a_stage_stay_and_no_others(
    scores: list[float | None], keep: int, state: MakeState,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("scored")
    found = CheckpointStore(folder, CheckpointConfig(keep=keep))
    for number, score in enumerate(scores, start=1):
        found.save(state(number), score=score)
    known = [
        (score, -number)
        for number, score in enumerate(scores, start=1)
        if score is not None and not math.isnan(score)
    ]
    kept = set(range(len(scores), max(0, len(scores) - keep), -1))
    best = found.best()
    if known:
        assert best is not None
        assert best.name == f"0-{-min(known)[1]:08d}"
        kept.add(-min(known)[1])
    else:
        assert best is None
    assert names(found) == sorted(f"0-{number:08d}" for number in kept)


def test_without_best_only_the_newest_stay(tmp_path: Path, state: MakeState) -> None:
    found = CheckpointStore(tmp_path, CheckpointConfig(keep=1, best=False))
    found.save(state(1), score=0.1)
    found.save(state(2), score=0.2)
    assert names(found) == ["0-00000002"]


def test_the_best_is_of_the_latest_stage_with_scores(tmp_path: Path, state: MakeState) -> None:
    found = CheckpointStore(tmp_path, CheckpointConfig(keep=1))
    for stages_done, number, score in (
        (0, 5, 0.1), (1, 0, 0.2), (1, 5, 7.0), (2, 0, 6.0), (2, 5, None), (2, 6, None),
    ):  # fmt: skip
        found.save(state(number, stages_done), score=score)
        best = found.best()
        assert best is not None
    assert best.name == "2-00000000"  # where the second stage ended
    assert names(found) == ["2-00000000", "2-00000006"]


def test_of_equal_scores_the_newest_counts(tmp_path: Path, state: MakeState) -> None:
    found = CheckpointStore(tmp_path)
    for stages_done, number in ((0, 5), (0, 7), (1, 0)):
        found.save(state(number, stages_done), score=0.5)
        assert found.best() == tmp_path / f"{stages_done}-{number:08d}"


def test_a_damaged_best_gives_way_to_the_next_best(
    checkpoints: CheckpointStore, state: MakeState
) -> None:
    for number, score in ((1, 0.3), (2, 0.1), (3, 0.2)):
        checkpoints.save(state(number), score=score)
    damage(checkpoints.folder / "0-00000002")
    with pytest.warns(DamagedCheckpointWarning, match="0-00000003 is used instead"):
        best = checkpoints.best()
    assert best is not None
    assert best.name == "0-00000003"
    assert "0-00000002" in names(checkpoints)


def test_a_damaged_checkpoint_is_told_set_aside_and_the_one_before_used(
    checkpoints: CheckpointStore, state: MakeState
) -> None:
    for number in (1, 2, 3):
        checkpoints.save(state(number))
    damage(checkpoints.folder / "0-00000003")
    (checkpoints.folder / "0-00000002" / "model.json").unlink()
    with pytest.warns(DamagedCheckpointWarning) as told:
        found = checkpoints.load(CPU)
    assert found is not None
    assert found["stage"]["done"] == 1
    first, second = (warning.message for warning in told)
    assert isinstance(first, DamagedCheckpointWarning)
    assert isinstance(second, DamagedCheckpointWarning)
    assert first.path == str(checkpoints.folder / "0-00000003")
    assert (first.file, second.file) == ("state.pt", "model.json")
    assert first.expected.startswith("SHA-256")
    assert first.expected != f"SHA-256 {first.got}"
    assert "0-00000001 is used instead, and it is kept as 0-00000003.damaged" in str(first)
    assert names(checkpoints) == ["0-00000001", "0-00000002.damaged", "0-00000003.damaged"]
    checkpoints.save(state(3))
    assert step(checkpoints) == 3


def test_a_place_may_be_damaged_twice(checkpoints: CheckpointStore, state: MakeState) -> None:
    checkpoints.save(state(1))
    for _ in range(2):
        checkpoints.save(state(2))
        damage(checkpoints.folder / "0-00000002")
        with pytest.warns(DamagedCheckpointWarning):
            checkpoints.load(CPU)
    assert names(checkpoints) == ["0-00000001", "0-00000002.damaged", "0-00000002.damaged-2"]


def spoil_extra(folder: Path) -> None:
    with (folder / "state.pt").open("ab") as file:
        file.write(b"x")


def spoil_moved(folder: Path) -> None:
    shutil.copytree(folder.with_name("0-00000001"), folder, dirs_exist_ok=True)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_extra, r"state\.pt: expected \d+ bytes, got \d+"),
        (spoil_moved, r"manifest\.json: expected a checkpoint of 0-00000002, got that of 0-0.*1"),
        (lambda folder: (folder / "manifest.json").unlink(), r"manifest\.json: expected a file"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"safetensors: expected a file"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], r"manifest\.json"),
    ],
    ids=["extra byte", "wrong name", "no manifest", "no weights", "nothing"],
)
def test_every_kind_of_damage_is_told(
    spoil: Callable[[Path], object], told: str, checkpoints: CheckpointStore, state: MakeState
) -> None:
    checkpoints.save(state(1))
    checkpoints.save(state(2))
    spoil(checkpoints.folder / "0-00000002")
    with pytest.warns(DamagedCheckpointWarning, match=f"0-00000002: .*{told}"):
        found = checkpoints.load(CPU)
    assert found is not None
    assert found["stage"]["done"] == 1


def test_where_all_are_damaged_each_is_named_and_stays(
    checkpoints: CheckpointStore, state: MakeState
) -> None:
    for number in (1, 2):
        checkpoints.save(state(number))
        damage(checkpoints.folder / f"0-0000000{number}")
    with pytest.raises(RunFolderError, match=r"(?s)- 0-00000002: state\.pt.*- 0-00000001: state"):
        checkpoints.load(CPU)
    with pytest.raises(RunFolderError, match="damaged ones only"):
        checkpoints.newest()
    assert names(checkpoints) == ["0-00000001", "0-00000002"]


def test_checkpoints_of_another_run_are_refused(tmp_path: Path, state: MakeState) -> None:
    CheckpointStore(tmp_path, run="a").save(state(1))
    with pytest.raises(RunFolderError, match="another run's state in 0-00000001"):
        CheckpointStore(tmp_path, run="b").load(CPU)


def test_files_of_others_are_left_alone(checkpoints: CheckpointStore, state: MakeState) -> None:
    checkpoints.save(state(1))
    (checkpoints.folder / "notes").mkdir()
    (checkpoints.folder / "0-00000007").write_text("a file")
    (checkpoints.folder / "0-00000001" / "thoughts.txt").write_text("good one")
    assert step(checkpoints) == 1
    for number in (2, 3, 4):
        checkpoints.save(state(number))
    assert names(checkpoints)[-2:] == ["0-00000007", "notes"]


def test_saving_a_place_again_replaces_it(checkpoints: CheckpointStore, state: MakeState) -> None:
    checkpoints.save(state(1))
    checkpoints.save(state(1, weight=0.5), score=0.25)
    found = checkpoints.load(CPU)
    assert found is not None
    assert found["model"]["layer.bias"].tolist() == [10.5, 11.5]
    assert names(checkpoints) == ["0-00000001"]
    assert checkpoints.best() == checkpoints.folder / "0-00000001"


def test_what_was_just_saved_stays_also_where_it_is_not_the_newest(
    tmp_path: Path, state: MakeState
) -> None:
    found = CheckpointStore(tmp_path, CheckpointConfig(keep=1))
    found.save(state(5))
    assert found.save(state(3)).is_dir()


def test_nothing_is_removed_when_what_was_saved_cannot_be_read_back(
    tmp_path: Path, state: MakeState, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = CheckpointStore(tmp_path, CheckpointConfig(keep=1))
    found.save(state(1))
    ordinary = store.write_checkpoint

    def spoilt(target: Path, *args: Any, **options: Any) -> None:
        ordinary(target, *args, **options)
        damage(target)

    monkeypatch.setattr(store, "write_checkpoint", spoilt)
    with pytest.warns(DamagedCheckpointWarning, match="0-00000002: state.pt"):
        found.save(state(2))
    with pytest.warns(DamagedCheckpointWarning):
        assert found.newest() == tmp_path / "0-00000001"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, state: MakeState) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(StorageError, match="cannot be made"):
        CheckpointStore(tmp_path / "file").save(state(1))


def saved_twice(found: CheckpointStore, state: MakeState) -> None:
    found.save(state(2, weight=0.5))


def saved_next(found: CheckpointStore, state: MakeState) -> None:
    found.save(state(3))


def set_aside(found: CheckpointStore, state: MakeState) -> None:
    damage(found.folder / "0-00000002")
    found.load(CPU)


def killed_before(operation: int, job: Callable[[], object]) -> bool:
    """Do a job in a process that dies before its n-th operation on files; whether it did."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch has threads; the job starts none
        child = os.fork()
    if child == 0:
        left = operation

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"):
                left -= 1
                if left < 0:
                    os._exit(9)

        try:
            warnings.simplefilter("ignore")
            sys.addaudithook(watch)
            job()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("keep", [1, 2])
@pytest.mark.parametrize("job", [saved_next, saved_twice, set_aside])
def test_a_kill_before_any_operation_on_files_costs_nothing(
    job: Callable[[CheckpointStore, MakeState], None], keep: int, state: MakeState, tmp_path: Path
) -> None:
    outcomes = set()
    for operation in range(200):
        found = CheckpointStore(tmp_path / str(operation), CheckpointConfig(keep=2))
        found.save(state(1))
        found.save(state(2))
        found.config = CheckpointConfig(keep=keep)
        killed = killed_before(operation, lambda found=found: job(found, state))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before = found.load(CPU, set_aside=False)
        found.clear_up()
        assert not list(found.folder.glob(".*"))
        assert not list(found.folder.glob("*.new"))
        for name in names(found) if job is not set_aside else ():
            verify_checkpoint(found.folder / name, Place(0, int(name[2:])))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedCheckpointWarning)
            after = found.load(CPU)
        assert before is not None
        assert after is not None
        assert str(before) == str(after)
        outcomes.add(float(after["model"]["layer.bias"][0]))
        if not killed:
            break
    expected = {saved_next: {20.0, 30.0}, saved_twice: {20.0, 20.5}, set_aside: {20.0, 10.0}}
    assert not killed
    assert operation > 4
    assert outcomes == expected[job]
