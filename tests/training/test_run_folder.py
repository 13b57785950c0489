"""The run folder: whose run it is, what damage does, and where nothing can be written."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.errors import DamagedCheckpointWarning, RunFolderError, StorageError
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import PoseNet3D, load_model
from posenet3d.networks.weights import describe_model
from posenet3d.training import Record, RunFolder, Trainer
from posenet3d.training.run_folder import environment

MakeTrainer = Callable[..., Trainer]
CPU = torch.device("cpu")
NOBODY = 65534
WHOLE_BODY = {"network.body_model": {"name": "mannequin", "options": {}}}
"""For who may read no other user's files: the package's body."""


@pytest.fixture
def run(whole_run: Path, tmp_path: Path) -> Path:
    """A copy of a finished run's folder, to be damaged."""
    return Path(shutil.copytree(whole_run, tmp_path / "run"))


def newest(run: Path) -> Path:
    """The newest checkpoint, which must be good."""
    found = RunFolder(run, read_only=True).newest()
    assert found is not None
    return found


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_folder_holds_everything(whole_run: Path) -> None:
    names = {str(path.relative_to(whole_run)) for path in whole_run.rglob("*") if path.is_file()}
    stages = ("teacher", "distillation", "sja", "joint")
    checkpoints = ("3-00000000", "3-00000003", "4-00000000")
    model = ("model.json", "model.safetensors")
    assert names == {
        "config.json", "environment.json", "metrics.csv", "report.json", ".lock", *model,
        *(f"stages/{stage}/{file}" for stage in stages for file in model),
        *(f"checkpoints/{name}/{file}" for name in checkpoints
          for file in ("manifest.json", "state.pt", *model)),
    }  # fmt: skip
    lines = (whole_run / "metrics.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        [stage, step] for stage in stages for step in ("4", "6")
    ]
    assert {load_model(path.parent).fps for path in whole_run.rglob("model.json")} == {30.0}
    assert "run_dir" not in json.loads((whole_run / "report.json").read_text())


def test_report_json_holds_each_stages_losses_at_its_start_and_end(
    whole_run: Path, trainer: MakeTrainer, tmp_path: Path
) -> None:
    records: list[Record] = []
    report = trainer(run_dir=tmp_path).fit(records.append)
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == report.to_dict() | {"stages": list(report.to_dict()["stages"])}
    for stage in written["stages"]:
        own = [record.values for record in records if record.stage == stage["name"]]
        assert (stage["start"], stage["end"]) == (own[0], own[-1])
        assert stage["start"] != stage["end"]
        assert stage["steps"] == 6
        assert stage["seconds"] >= stage["end"]["seconds"]
    losses = set(written["stages"][3]["start"])
    assert {"self_supervision", "knowledge_distillation", "student_adversarial"} <= losses
    assert written["metres_per_unit"] == report.metres_per_unit > 0


def test_the_trained_network_loads_from_the_folder(whole_run: Path, trainer: MakeTrainer) -> None:
    report = trainer(run_dir=whole_run).report()
    assert load_model(whole_run).has_student
    assert report.run_dir == whole_run


def test_the_state_loads_with_weights_only(whole_run: Path) -> None:
    state = torch.load(newest(whole_run) / "state.pt", weights_only=True)
    assert state["stages_done"] == 4
    assert state["stage"] is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 1}, r"trainer\.seed: 0 before, 1 now"),
        ({"stages.sja.steps": 7}, r"trainer\.stages\.2\.steps: 6 before, 7 now"),
        ({"network.views": "uniform"}, r"trainer\.network\.views\.name: 'learned' before"),
    ],
)
def test_another_configuration_is_refused_and_the_difference_told(
    changes: dict[str, Any], told: str, trainer: MakeTrainer, run: Path
) -> None:
    before = snapshot(run)
    with pytest.raises(RunFolderError, match=told):
        trainer(changes, run_dir=run)
    assert snapshot(run) == before


@pytest.mark.parametrize(
    "changes",
    [{"engine.threads": 1}, {"loggers": []}, {"checkpoints": {"every": 5, "keep": 9}}],
    ids=["engine", "loggers", "checkpoints"],
)
def test_how_a_run_is_done_may_change_on_the_way(
    changes: dict[str, Any], trainer: MakeTrainer, run: Path, whole_run: Path, outcome: Any
) -> None:
    shutil.rmtree(run / "checkpoints" / "4-00000000")
    threads = torch.get_num_threads()
    try:
        trainer(changes, run_dir=run).fit()
    finally:
        torch.set_num_threads(threads)
    assert outcome(run)["weights"] == outcome(whole_run)["weights"]


def test_other_data_are_refused(
    trainer: MakeTrainer, other_clips: dict[str, KeypointSequence], run: Path
) -> None:
    with pytest.raises(RunFolderError, match=r"data\.sha256"):
        trainer(run_dir=run, data=other_clips)


def test_more_differences_than_fit_are_counted(trainer: MakeTrainer, run: Path) -> None:
    path = run / "config.json"
    path.write_text(json.dumps({"data": {}, "trainer": {}}))
    with pytest.raises(RunFolderError, match=r"nothing before(.|\n)*and \d+ more"):
        trainer(run_dir=run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_damaged_configuration_is_told(content: bytes, trainer: MakeTrainer, run: Path) -> None:
    (run / "config.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"config\.json"):
        trainer(run_dir=run)


@settings(max_examples=25)
@given(data=st.data())
def test_a_changed_byte_in_the_configuration_is_told_or_means_nothing(
    data: st.DataObject, whole_run: Path, tmp_path_factory: pytest.TempPathFactory, tiny: Any
) -> None:
    content = bytearray((whole_run / "config.json").read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    source = json.loads((whole_run / "config.json").read_text())
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "config.json").write_bytes(bytes(content))
    try:
        RunFolder(folder).begin(tiny(), source["data"], CPU)
    except RunFolderError:
        return
    changed = json.loads(content)
    assert changed.keys() == source.keys()
    for how in ("checkpoints", "engine", "loggers"):  # how a run is done may change
        changed["trainer"].pop(how, None)
        source["trainer"].pop(how, None)
    assert changed == source


@pytest.mark.parametrize("left", [0, 1, 100, -100, -1])
def test_after_a_truncated_state_the_run_goes_on_from_the_one_before_it(
    left: int, trainer: MakeTrainer, run: Path, whole_run: Path, outcome: Any
) -> None:
    path = newest(run) / "state.pt"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.warns(DamagedCheckpointWarning, match=r"4-00000000: state\.pt: expected \d+ bytes"):
        trainer(run_dir=run).fit()
    assert outcome(run) == outcome(whole_run)
    assert newest(run).name == "4-00000000"
    assert (run / "checkpoints" / "4-00000000.damaged").is_dir()


def test_where_every_checkpoint_is_damaged_each_is_named_and_none_is_lost(
    trainer: MakeTrainer, run: Path
) -> None:
    for checkpoint in (run / "checkpoints").iterdir():
        (checkpoint / "model.safetensors").unlink()
    before = snapshot(run)
    for _ in range(2):
        with pytest.raises(RunFolderError, match="damaged ones only") as caught:
            trainer(run_dir=run).fit()
        for name in ("3-00000000", "3-00000003", "4-00000000"):
            assert f"{name}: model.safetensors: expected a file" in str(caught.value)
    assert snapshot(run).keys() == before.keys()


def test_the_state_of_another_run_is_refused(trainer: MakeTrainer, run: Path) -> None:
    other = trainer({"seed": 1}, run_dir=run.parent / "other")
    shutil.copytree(run / "checkpoints", run.parent / "other" / "checkpoints")
    with pytest.raises(RunFolderError, match="another run's state"):
        other.fit()


def test_a_state_without_its_configuration_is_this_runs_or_none(
    trainer: MakeTrainer, run: Path
) -> None:
    (run / "config.json").unlink()
    with pytest.raises(RunFolderError, match="another run's state"):
        trainer({"seed": 1}, run_dir=run).fit()
    (run / "config.json").unlink()
    assert len(trainer(run_dir=run).fit().stages) == 4


def test_a_folder_opened_to_read_only_stays_as_it_is(tiny: Any, run: Path, tmp_path: Path) -> None:
    (run / ".0a.partial").write_bytes(b"half")
    (run / "checkpoints" / "4-00000000" / "state.pt").unlink()
    before = snapshot(run)
    folder = RunFolder(run, read_only=True)
    folder.begin(tiny(), folder.read_json("config.json")["data"], CPU)
    with folder.locked(), pytest.warns(DamagedCheckpointWarning, match="3-00000003 is used"):
        state = folder.load_state(CPU)
    assert state is not None
    assert state["stage"]["done"] == 3
    for write in (lambda: folder.save_state(state), lambda: folder.write_json("a.json", {})):
        with pytest.raises(RunFolderError, match="opened to read only"):
            write()
    assert snapshot(run) == before
    with pytest.raises(RunFolderError, match="expected a run's folder, got none"):
        RunFolder(tmp_path / "absent", read_only=True)
    assert not (tmp_path / "absent").exists()


def test_the_best_and_the_newest_checkpoint_load_as_networks(
    model: PoseNet3D, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    assert folder.best() is None
    for step, score in ((1, 0.5), (2, 0.25), (3, 0.75), (4, None), (5, float("nan"))):
        model.metres_per_unit.fill_(step)
        folder.save_state(
            {
                "stages_done": 0,
                "stage": {"done": step},
                "model": model.state_dict(),
                "description": describe_model(model),
            },
            score=score,
        )
    best, last = folder.best(), folder.newest()
    assert best is not None
    assert last is not None
    assert (best.name, last.name) == ("0-00000002", "0-00000005")
    assert float(load_model(best).metres_per_unit) == 2
    assert float(load_model(last).metres_per_unit) == 5


def test_what_a_killed_process_left_half_written_is_cleared_away(
    trainer: MakeTrainer, run: Path
) -> None:
    left = [run / ".0a.partial", run / "stages" / "sja" / ".0b.partial"]
    for path in left:
        path.write_bytes(b"half")
    left.append(run / "checkpoints" / ".0c.partial")
    left[-1].mkdir()
    (left[-1] / "state.pt").write_bytes(b"half")
    trainer(run_dir=run)
    assert not any(path.exists() for path in left)


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody may enter, in a process that is not the superuser."""
    if not hasattr(os, "geteuid"):
        pytest.skip("no users on this system")
    if os.geteuid() != 0:
        yield tmp_path
        return
    folder = Path("/var/tmp") / f"posenet3d-{os.getpid()}"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(0)
        shutil.rmtree(folder)


def test_a_read_only_folder_is_told_and_stays_as_it_is(
    trainer: MakeTrainer, unprivileged: Path
) -> None:
    run = unprivileged / "run"
    run.mkdir(mode=0o555)
    with pytest.raises(
        StorageError, match="expected a folder to write to, got 'Permission denied'"
    ):
        trainer(WHOLE_BODY, run_dir=run)
    assert not list(run.iterdir())
    run.chmod(0o755)


def test_a_parent_that_may_not_be_written_to_is_told(
    trainer: MakeTrainer, unprivileged: Path
) -> None:
    parent = unprivileged / "parent"
    parent.mkdir(mode=0o555)
    with pytest.raises(StorageError, match="Permission denied"):
        trainer(WHOLE_BODY, run_dir=parent / "runs" / "a")
    parent.chmod(0o755)


def test_a_folder_that_becomes_read_only_keeps_its_state(
    trainer: MakeTrainer, unprivileged: Path
) -> None:
    made = trainer(WHOLE_BODY, run_dir=unprivileged / "run")

    def lock(record: Record) -> None:
        (unprivileged / "run").chmod(0o555)

    with pytest.raises(StorageError, match="cannot be"):
        made.fit(lock)
    (unprivileged / "run").chmod(0o755)
    state = torch.load(newest(unprivileged / "run") / "state.pt", weights_only=True)
    assert state["stage"]["done"] == 3
    assert len(made.fit().stages) == 4


def test_a_file_in_the_folders_place_is_told(trainer: MakeTrainer, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(StorageError, match="File exists"):
        trainer(run_dir=tmp_path / "run")
    with pytest.raises(StorageError, match="Not a directory"):
        trainer(run_dir=tmp_path / "run" / "a")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB; skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small file system can be mounted here: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_last_state_stays_whole(
    trainer: MakeTrainer, small_disk: Path, tmp_path: Path, whole_run: Path, outcome: Any
) -> None:
    made = trainer(run_dir=small_disk / "run")
    filler = small_disk / "filler"

    def fill(record: Record) -> None:
        if not filler.exists():
            filler.write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 4096))

    with pytest.raises(StorageError, match="No space left on device"):
        made.fit(fill)
    state = torch.load(newest(small_disk / "run") / "state.pt", weights_only=True)
    assert state["stage"]["done"] == 3
    assert not list((small_disk / "run").rglob("*.partial"))
    filler.unlink()
    run = Path(shutil.copytree(small_disk / "run", tmp_path / "moved"))
    trainer(run_dir=run).fit()
    assert outcome(run) == outcome(whole_run)


def test_the_environment_is_told(whole_run: Path) -> None:
    told = environment(CPU)
    assert told["packages"]["torch"] == metadata.version("torch")
    noted = json.loads((whole_run / "environment.json").read_text())
    assert noted.keys() - {"engine", "data"} == told.keys()  # these two once it trains


def test_a_state_that_does_not_fit_the_network_is_told(trainer: MakeTrainer, run: Path) -> None:
    made = trainer(run_dir=run)
    made.model.student.parameters_layer = torch.nn.Linear(8, 3)
    with pytest.raises(RunFolderError, match="expected the saved state of this network"):
        made.fit()
