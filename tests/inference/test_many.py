"""Batches: resumed, whole or not at all, and not stopped by a bad file."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from posenet3d.errors import (
    ConfigurationError,
    DataError,
    ShapeError,
    StorageError,
    UnknownNameError,
    UnknownPluginError,
)
from posenet3d.inference.batch import Plan
from posenet3d.inference.batch_inputs import find_inputs, name_inputs
from posenet3d.inference.lift_input import MANIFESTS, STAGE
from posenet3d.inference.manifest import Manifest, checksum_of
from posenet3d.inference.many import LOCK, REPORT, predict_many
from posenet3d.reconstruction import Reconstruction

SMALL = {"panels": ["front"], "height": 64}


class Flat:
    """Lifts to flat skeletons, and counts."""

    def __init__(self, weights="flat", fails=None, waits=0.0):
        self.provenance, self.lifted = {"weights": weights}, []
        self.fails, self.waits = fails, waits

    def predict(self, sequence, /, **options):
        self.lifted.append(sequence.source)
        time.sleep(self.waits)
        if self.fails:
            raise self.fails
        joints = np.nan_to_num(sequence.to_layout("lsp_14").points)
        joints = np.concatenate([joints, np.zeros_like(joints[..., :1])], -1)
        return Reconstruction(joints, np.ones((len(joints), 3)), sequence)


def write(path, frames=9, shift=0.0):
    points = np.random.default_rng(0).random((frames, 17, 2)) + shift
    np.savez(path, fps=50, layout="coco_17", points=points)
    return path


@pytest.fixture
def folder(tmp_path):
    inputs = tmp_path / "in"
    inputs.mkdir()
    for name in ("a", "b", "c"):
        write(inputs / f"{name}.npz")
    (inputs / "notes.md").write_text("no keypoints")
    (inputs / ".hidden.npz").write_bytes(b"")
    return inputs


NPZ = Plan(("npz",))


def test_every_input_gives_a_file_a_format_and_a_second_run_skips_them(folder, tmp_path):
    told = []
    flat, out = Flat(), tmp_path / "out"
    plan = Plan(("npz", "json"))
    report = predict_many(flat, folder, out, plan, on_outcome=lambda *each: told.append(each))
    assert [each.files for each in report.outcomes] == [
        (f"{name}.json", f"{name}.npz") for name in "abc"
    ]
    assert [(done, total, each.status) for done, total, each in told] == [
        (1, 3, "done"), (2, 3, "done"), (3, 3, "done"),
    ]  # fmt: skip
    assert sum(each.frames for each in report.outcomes) == 27
    again = predict_many(flat, folder, out, plan)
    assert len(again.of("skipped")) == 3
    assert len(flat.lifted) == 3
    assert again.outcomes[0].files == report.outcomes[0].files
    assert json.loads((out / REPORT).read_text())["skipped"] == 3


@pytest.mark.parametrize("change", ["input", "option", "network", "file gone", "record damaged"])
def test_what_changed_is_lifted_anew(folder, tmp_path, change):
    out, flat, plan = tmp_path / "out", Flat(), NPZ
    predict_many(flat, folder, out, plan)
    if change == "input":
        write(folder / "b.npz", shift=1.0)
    elif change == "option":
        plan = Plan(("npz",), predicting={"height_m": 1.7})
    elif change == "network":
        flat.provenance = {"weights": "other"}
    elif change == "file gone":
        (out / "b.npz").unlink()
    else:
        (out / MANIFESTS / "b.json").write_text('{"checksum": 3}')
    report = predict_many(flat, folder, out, plan)
    expected = 3 if change in ("option", "network") else 1
    assert len(report.of("done")) == expected
    assert "b.npz" in {file for each in report.of("done") for file in each.files}


def test_a_bad_file_is_told_and_does_not_stop_the_rest(folder, tmp_path):
    (folder / "b.npz").write_bytes(b"PK no zip")
    report = predict_many(Flat(), folder, tmp_path / "out", NPZ)
    assert [each.status for each in report.outcomes] == ["done", "failed", "done"]
    assert report.exit_code == 2
    assert "b.npz" in report.outcomes[1].error
    assert not (tmp_path / "out" / "b.npz").exists()
    write(folder / "b.npz")
    mended = predict_many(Flat(), folder, tmp_path / "out", NPZ)
    assert [each.status for each in mended.outcomes] == ["skipped", "done", "skipped"]
    assert mended.exit_code == 0


def test_a_defect_is_told_apart_from_a_bad_input(folder, tmp_path):
    report = predict_many(Flat(fails=ZeroDivisionError("oh")), folder, tmp_path / "out", NPZ)
    assert report.exit_code == 1
    assert report.outcomes[0].error == "ZeroDivisionError: oh"
    assert not list((tmp_path / "out").glob(f"{STAGE}*"))


def test_what_can_never_be_is_told_before_the_first_input(folder, tmp_path, monkeypatch):
    flat, out = Flat(), tmp_path / "out"
    with pytest.raises(UnknownPluginError, match="glb"):
        predict_many(flat, folder, out, Plan(("gbl",)))
    with pytest.raises(ConfigurationError, match="twice"):
        predict_many(flat, [folder / "a.npz", folder / "a.npz"], out, NPZ)
    with pytest.raises(ConfigurationError, match="another folder"):
        predict_many(flat, folder, folder, NPZ)
    with pytest.raises(ConfigurationError, match="none"):
        predict_many(flat, [], out, NPZ)
    with pytest.raises(ConfigurationError, match="not among"):
        predict_many(flat, folder, out, Plan(("npz",), exporting={"glb": {}}))
    with pytest.raises(ConfigurationError, match="nothing at"):
        predict_many(flat, folder / "nowhere", out, NPZ)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "ezc3d", None)
        with pytest.raises(ConfigurationError, match="ezc3d"):
            predict_many(flat, folder, out, Plan(("c3d",)))
    with pytest.raises(ShapeError, match="fps"):
        predict_many(flat, folder, out, Plan(("npz",), reading={"fps": -1}))
    with pytest.raises(UnknownNameError, match="filter"):
        predict_many(flat, folder, out, Plan(("npz",), repairing={"smooth": "kalman"}))
    assert not flat.lifted
    assert not out.exists()


def two_people(path):
    frames = [
        {"frame_id": i, "instances": [
            {"keypoints": (np.random.default_rng(n).uniform(0, 50, (17, 2)) + 400 * n).tolist(),
             "keypoint_scores": [1.0] * 17,
             "bbox": [[400 * n, 400 * n, 400 * n + 50, 400 * n + 50]],
             "bbox_score": 1.0} for n in (0, 1)]}
        for i in range(12)
    ]  # fmt: skip
    path.write_text(json.dumps({"meta_info": {}, "instance_info": frames}))
    return path


def test_each_of_several_people_has_a_file(tmp_path):
    source = two_people(tmp_path / "duo.json")
    plan = Plan(("npz",), reading={"format": "mmpose", "layout": "coco_17", "fps": 25.0})
    report = predict_many(Flat(), [source], tmp_path / "out", plan)
    assert report.outcomes[0].people == 2, report.outcomes[0].error
    assert all("duo_person" in file for file in report.outcomes[0].files)
    assert len(report.outcomes[0].files) == 2


def test_who_cannot_be_lifted_does_not_take_the_others_along(tmp_path):
    class Once(Flat):
        def predict(self, sequence, /, **options):
            if self.lifted:
                raise DataError("duo", "hips are never seen")
            return super().predict(sequence, **options)

    source = two_people(tmp_path / "duo.json")
    plan = Plan(("npz",), reading={"format": "mmpose", "layout": "coco_17", "fps": 25.0})
    (outcome,) = predict_many(Once(), [source], tmp_path / "out", plan).outcomes
    assert (outcome.status, outcome.people) == ("done", 1)
    assert "hips are never seen" in outcome.error


def test_what_a_format_cannot_hold_is_told_before_that_input_is_lifted(folder, tmp_path):
    write(folder / "b.npz", frames=1000)
    flat, plan = Flat(), Plan(("npz", "gif"), reading={"fps": 25.0}, exporting={"gif": SMALL})
    report = predict_many(flat, folder, tmp_path / "out", plan)
    first, long, last = report.outcomes
    assert (first.status, long.status, last.status) == ("done", "failed", "done")
    assert "b.npz: gif: expected at most 600 pictures, got 1000; say start= and" in long.error
    assert report.exit_code == 2
    assert flat.lifted == ["a", "c"]


def test_the_limit_is_asked_of_what_repairing_leaves(tmp_path):
    """The frame to write is one that filling a gap makes."""
    points = np.random.default_rng(0).random((9, 17, 2))
    np.savez(
        tmp_path / "a.npz", fps=50, layout="coco_17", points=points,
        frame_index=[0, 1, 2, 3, 4, 6, 7, 8, 9],
    )  # fmt: skip
    plan = Plan(("obj",), repairing={"longest_gap": 1.0}, exporting={"obj": {"only": 9}})
    flat = Flat()
    predict_many(flat, [tmp_path / "a.npz"], tmp_path / "out", plan)
    assert flat.lifted
    flat = Flat()
    unrepaired = Plan(("obj",), exporting=plan.exporting)
    (outcome,) = predict_many(flat, [tmp_path / "a.npz"], tmp_path / "out", unrepaired).outcomes
    assert "only" in outcome.error
    assert not flat.lifted


def test_outputs_in_the_folder_of_inputs_are_no_inputs(folder):
    predict_many(Flat(), folder, folder / "out", NPZ)
    again = predict_many(Flat(), folder, folder / "out", NPZ)
    assert len(again.of("skipped")) == 3 == len(again.outcomes)


def test_one_process_at_a_time_writes(folder, tmp_path):
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / LOCK), pytest.raises(StorageError, match="another process"):
        predict_many(Flat(), folder, tmp_path / "out", NPZ)


def test_names_keep_folders_and_tell_inputs_apart(tmp_path):
    (tmp_path / "clip.v2").mkdir()
    paths = [
        tmp_path / "clip.v2",
        tmp_path / "x.json",
        tmp_path / "x.npz",
        tmp_path / "s" / "y.npz",
    ]
    assert [name for _, name in name_inputs(paths)] == ["clip.v2", "x.json", "x.npz", "s/y"]


def test_a_folder_is_gone_through_by_number(tmp_path):
    for name in ("a10.npz", "a9.npz", "film.mp4"):
        (tmp_path / name).touch()
    assert [each.name for each in find_inputs(tmp_path)] == ["a9.npz", "a10.npz"]


def test_a_folders_checksum_tells_names_and_bytes_apart(tmp_path):
    sums = set()
    for names in (["a", "b"], ["ab"], ["a"]):
        folder = tmp_path / "-".join(names)
        folder.mkdir()
        for name in names:
            (folder / name).write_text("x")
        sums.add(checksum_of(folder))
    assert len(sums) == 3
    with pytest.raises(StorageError):
        checksum_of(tmp_path / "nothing")


def test_a_record_comes_back_as_it_was(tmp_path):
    made = Manifest("ab", {"formats": ["glb"]}, {"a.glb": 3}, 1, 9)
    made.write(tmp_path / "a.json")
    assert Manifest.read(tmp_path / "a.json") == made


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("many_tests", {file!r})
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
from posenet3d.inference.many import predict_many
predict_many(module.Flat(waits=0.05), Path({inputs!r}), Path({out!r}), module.Plan(("npz", "json")))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a process as POSIX has it")
def test_a_killed_process_leaves_nothing_by_half_and_the_next_one_goes_on(tmp_path):
    inputs, out = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    for number in range(40):
        write(inputs / f"{number:02d}.npz", frames=2000)
    code = KILLED.format(
        tests=str(Path(__file__).parent), file=__file__, inputs=str(inputs), out=str(out)
    )
    for finished in (2, 6, 11):
        process = subprocess.Popen([sys.executable, "-c", code])
        give_up = time.monotonic() + 120
        while len(list((out / MANIFESTS).glob("*.json"))) < finished and process.poll() is None:
            assert time.monotonic() < give_up
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        for path in out.glob("[0-9]*.npz"):
            with np.load(path) as whole:
                assert all(whole[name] is not None for name in whole.files)
        for path in out.glob("[0-9]*.json"):
            json.loads(path.read_text())
    flat = Flat()
    report = predict_many(flat, inputs, out, Plan(("npz", "json")))
    assert len(report.of("skipped")) >= 11
    assert len(report.of("skipped")) + len(flat.lifted) == 40
    assert report.exit_code == 0
    assert not list(out.glob(f"{STAGE}*"))
    assert len(list(out.glob("*.npz"))) == 40
