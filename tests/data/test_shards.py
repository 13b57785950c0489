import gc
import hashlib
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data import (
    SCALE_MODES,
    SequenceFiles,
    ShardedSet,
    TrainingSet,
    load_shards,
    load_training_set,
    write_shards,
)
from posenet3d.data.shards import ShardedWindows, ShardIndex
from posenet3d.data.shards import shard_files as shard_files_module
from posenet3d.data.shards.read_ahead import ReadAhead
from posenet3d.data.shards.shard_files import ShardFiles
from posenet3d.errors import DataError, ShapeError, StorageError, UnknownNameError
from posenet3d.keypoints import KeypointSequence, write_clips
from posenet3d.training import Trainer, TrainerConfig

LENGTHS = st.lists(st.integers(1, 25), min_size=1, max_size=7).filter(lambda n: max(n) > 10)


def walk(frames=20, *, seed=0, layout="lsp_14", **facts):
    """A person who stands upright, each joint in a motion of its own."""
    joints = {"lsp_14": 14, "h36m_17": 17}[layout]
    up = np.linspace(0, -100, joints)[:, None] * np.array([0.1, 1.0])
    points = up + np.random.default_rng(seed).normal(size=(frames, joints, 2))
    return KeypointSequence(points, layout=layout, fps=50.0, **facts)


def gappy(frames=30, gap=12, seed=0):
    """A sequence that falls into two stretches."""
    index = np.arange(frames) + 5
    index[gap:] += 3
    return walk(frames, seed=seed, frame_index=index)


def walks(lengths):
    return {f"S{n % 3}/clip{n}": walk(length, seed=n) for n, length in enumerate(lengths)}


@pytest.fixture
def shards(tmp_path):
    """Makes a folder of shards of sequences, and what they are in memory."""

    def make(sequences, name="shards", **options):
        folder = tmp_path / name
        write_shards(sequences.items(), folder, **options)
        return load_shards(folder), TrainingSet(sequences)

    return make


def open_files(folder):
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return [link for link in links if os.path.exists(link) and str(folder) in os.readlink(link)]


def reading_threads():
    return [t for t in threading.enumerate() if t.name.startswith("posenet3d-shards")]


@given(
    lengths=LENGTHS,
    per_shard=st.sampled_from([1, 7, 25, 60, 1000]),
    frames=st.integers(1, 9),
    following=st.integers(0, 1),
    seed=st.integers(0, 2**32),
    step=st.integers(0, 10**9),
)
def test_shards_give_the_windows_that_memory_gives(
    tmp_path_factory, lengths, per_shard, frames, following, seed, step
):
    folder = tmp_path_factory.mktemp("sets") / "shards"
    sequences = walks(lengths) | {"gaps": gappy()}
    write_shards(sequences.items(), folder, frames_per_shard=per_shard)
    memory = TrainingSet(sequences).windows(frames, following=following)
    disk = load_shards(folder).windows(frames, following=following)
    assert (len(disk), disk.length) == (len(memory), memory.length)
    assert disk.device == torch.device("cpu")
    assert (disk.names, disk.skipped) == (memory.names, memory.skipped)
    for ahead in range(3):
        drawn = disk.sample(seed, "teacher", step + ahead, 12)
        assert torch.equal(drawn, memory.sample(seed, "teacher", step + ahead, 12))
    on_disk = torch.cat(list(disk.all_windows(13)))
    assert torch.equal(on_disk, torch.cat(list(memory.all_windows())))
    assert on_disk.dtype == torch.float32
    disk.close()


def test_windows_come_in_the_precision_that_is_asked_for(shards):
    disk, memory = shards(walks([20, 30]))
    drawn = disk.windows(dtype=torch.float64).sample(0, "teacher", 0, 8)
    assert drawn.dtype == torch.float64
    assert torch.equal(drawn, memory.windows().sample(0, "teacher", 0, 8).double())


@given(workers=st.sampled_from([1, 2, 3, 4, 6]), step=st.integers(0, 10**6))
def test_any_number_of_workers_sees_the_same_batch(tmp_path_factory, workers, step):
    folder = tmp_path_factory.mktemp("sets") / "shards"
    write_shards(walks([30, 40]).items(), folder, frames_per_shard=30)
    windows = load_shards(folder).windows()
    whole = windows.sample(3, "joint", step, 12)
    for rank in range(workers):
        part = windows.sample(3, "joint", step, 12, rank=rank, world_size=workers)
        assert torch.equal(part, whole[rank::workers])
    windows.close()


@pytest.mark.parametrize("mode", SCALE_MODES)
def test_each_scale_mode_is_that_of_memory(shards, mode):
    sequences = walks([20, 30]) | {"gaps": gappy(), "h36m": walk(layout="h36m_17")}
    disk, memory = shards(sequences, mode=mode, distance=8.0, frames_per_shard=40)
    length = disk.mean_head_to_root() if mode == "dataset" else None
    assert length is None or length == memory.mean_head_to_root()
    options = {"mode": mode, "distance": 8.0, "length": length}
    there, here = disk.windows(**options), memory.windows(**options)
    assert torch.equal(next(there.all_windows()), next(here.all_windows()))


def test_a_sharded_set_tells_what_the_set_in_memory_tells(shards):
    sequences = walks([20, 30, 12, 5]) | {"S1/gaps": gappy()}
    disk, memory = shards(sequences)
    assert (len(disk), disk.frames, disk.subjects) == (len(memory), memory.frames, memory.subjects)
    assert disk.fps == memory.fps == 50.0
    assert disk.hours == pytest.approx(memory.frames / 50 / 3600)
    assert "5 sequences of 3 subjects, 97 frames in 1 shards" in repr(disk)
    assert "skipped" in repr(disk.windows())


def test_subjects_are_held_out_as_in_memory(shards):
    sequences = walks([20, 30, 12, 25]) | {"S1/gaps": gappy(), "S10/a": walk()}
    disk, memory = shards(sequences, frames_per_shard=30)
    for subjects in (["S1"], ["S0", "S2"], ["S1/gaps"]):
        for there, here in zip(disk.hold_out(*subjects), memory.hold_out(*subjects), strict=True):
            assert (len(there), there.frames) == (len(here), here.frames)
            assert there.subjects == here.subjects
            drawn = there.windows().sample(1, "sja", 2, 50)
            assert torch.equal(drawn, here.windows().sample(1, "sja", 2, 50))
            assert there.fingerprint() != disk.fingerprint()
    with pytest.raises(UnknownNameError, match="S7"):
        disk.hold_out("S7")
    with pytest.raises(DataError, match="the name of a subject"):
        disk.hold_out()
    with pytest.raises(DataError, match="at least one subject"):
        disk.hold_out("S0", "S1", "S2", "S10")


def test_a_shard_holds_whole_stretches_and_as_many_frames_as_told(shards):
    disk, _ = shards(walks([20, 30, 12, 100, 9, 9]), frames_per_shard=50)
    assert [shard.frames for shard in disk.index.shards] == [50, 12, 100, 18]


def test_shards_are_plain_arrays_and_checksums_those_of_the_files(shards):
    disk, memory = shards(walks([20, 30]), frames_per_shard=20)
    mapped = [np.load(disk.folder / shard.file, mmap_mode="r") for shard in disk.index.shards]
    assert [array.dtype for array in mapped] == [np.dtype("<f4")] * 2
    np.testing.assert_array_equal(np.concatenate(mapped), memory.windows(frames=1).points)
    for shard in disk.index.shards:
        content = (disk.folder / shard.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == shard.sha256
    disk.check()


def test_files_and_folders_of_files_are_read_one_after_another(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write_clips(tmp_path / "in" / "b.npz", {"S1/a": walk(seed=1), "S1/b": walk(seed=2)})
    write_clips(tmp_path / "in" / "deep" / "a.npz", {"S2/a": walk(seed=3)})
    write_clips(tmp_path / "last.npz", {"S3/a": walk(seed=4)})
    files = SequenceFiles([tmp_path / "last.npz", tmp_path / "in"])
    assert [name for name, _ in files] == ["S3/a", "S1/a", "S1/b", "S2/a"]
    write_shards(files, tmp_path / "shards", mode="dataset")
    assert load_shards(tmp_path / "shards").subjects == ("S3", "S1", "S2")


@pytest.mark.parametrize(("protocol", "views"), [("cmu14", 4), ("cmu14-wild", 8)])
def test_motion_is_filmed_as_for_a_set_in_memory(tmp_path, protocol, views):
    joints = np.random.default_rng(0).normal(size=(20, 14, 3))
    np.savez(tmp_path / "motion.npz", fps=50.0, layout="lsp_14", **{"S1/a": joints, "S2/b": joints})
    write_shards(SequenceFiles([tmp_path], protocol), tmp_path / "shards")
    disk = load_training_set(tmp_path / "shards")
    memory = load_training_set(tmp_path / "motion.npz", protocol)
    assert isinstance(disk, ShardedSet)
    assert len(disk) == len(memory) == 2 * views
    assert torch.equal(*(next(each.windows().all_windows()) for each in (disk, memory)))


def test_a_folder_of_shards_is_a_training_set(shards):
    disk, _ = shards(walks([20, 30, 40]))
    assert load_training_set(str(disk.folder)).fingerprint() == disk.fingerprint()
    assert load_training_set(disk) is disk
    assert load_training_set(disk.folder, hold_out=["S1"]).subjects == ("S0", "S2")
    with pytest.raises(DataError, match="leave the protocol away"):
        load_training_set(disk.folder, "cmu14")


def test_a_folder_without_shards_is_told(tmp_path):
    with pytest.raises(DataError, match=r"without index\.json; write one with 'posenet3d data sh"):
        load_training_set(tmp_path)


def test_shards_of_another_normalisation_are_refused(shards):
    disk, _ = shards(walks([20]))
    for options in ({"mode": "dataset", "length": 3.0}, {"distance": 9.0}, {"length": 3.0}):
        with pytest.raises(DataError, match=r"expected shards normalised with .* write the shards"):
            disk.windows(**options)
    with pytest.raises(DataError, match=r"with mode 'dataset', got shards with 'sequence'"):
        disk.mean_head_to_root()
    scaled, _ = shards(walks([20]), name="scaled", mode="dataset")
    with pytest.raises(DataError, match="length"):
        scaled.windows(mode="dataset", length=1.0)


def test_fingerprints_tell_names_points_and_normalisation_apart(shards):
    base, _ = shards(walks([20, 30]), name="base")
    again, _ = shards(walks([20, 30]), name="again")
    others = [
        shards({"a": walk(20, seed=0), "b": walk(30, seed=1)}, name="names")[0],
        shards(walks([30, 20]), name="points")[0],
        shards(walks([20, 30]), name="distance", distance=5.0)[0],
    ]
    prints = {base.fingerprint(), *(other.fingerprint() for other in others)}
    assert again.fingerprint() == base.fingerprint()
    assert len(prints) == 4


def test_the_errors_are_those_of_memory(tmp_path):
    hole = walk().points.copy()
    hole[3, 2] = np.nan
    faults = [
        ({"a": walk(), "S1/b": KeypointSequence(hole, layout="lsp_14", fps=50)}, {}),
        ({"flat": KeypointSequence(np.ones((12, 14, 2)), layout="lsp_14", fps=50)}, {}),
        ({"a": walk(), "b": walk(unit="normalized")}, {"mode": "dataset"}),
        ({"a": walk()}, {"mode": "sequences"}),
    ]
    for number, (sequences, options) in enumerate(faults):
        with pytest.raises((DataError, UnknownNameError)) as memory:
            TrainingSet(sequences).windows(**options)
        with pytest.raises(type(memory.value)) as disk:
            write_shards(sequences.items(), tmp_path / str(number), **options)
        assert str(disk.value) == str(memory.value)
    assert list(tmp_path.iterdir()) == []


def test_only_short_sequences_are_the_same_error_as_in_memory(shards):
    disk, memory = shards(walks([3, 9, 1, 1, 1, 1, 1]))
    with pytest.raises(DataError) as there:
        disk.windows(frames=9)
    with pytest.raises(DataError) as here:
        memory.windows(frames=9)
    assert str(there.value) == str(here.value)


def test_nothing_at_all_and_two_of_one_name_are_errors(tmp_path):
    with pytest.raises(DataError, match="at least one sequence, got none"):
        write_shards([], tmp_path / "shards")
    with pytest.raises(DataError, match="one sequence of this name, got two"):
        write_shards([("a", walk()), ("a", walk())], tmp_path / "shards")
    with pytest.raises(DataError, match="folder with npz files, got one without any"):
        SequenceFiles([tmp_path])
    with pytest.raises(StorageError, match="no such file or folder"):
        SequenceFiles([tmp_path / "absent.npz"])
    with pytest.raises(DataError, match="at least one npz file"):
        SequenceFiles([])
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(shards, tmp_path):
    disk, _ = shards(walks([20]))
    before = disk.fingerprint()
    with pytest.raises(StorageError, match="already there"):
        write_shards(walks([30]).items(), disk.folder)
    assert load_shards(disk.folder).fingerprint() == before


def test_an_interrupted_writing_leaves_nothing(tmp_path):
    def interrupted():
        yield "a", walk()
        yield "b", walk()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(interrupted(), tmp_path / "shards", frames_per_shard=1)
    assert list(tmp_path.iterdir()) == []


def test_a_sets_length_cannot_be_measured_on_what_can_be_read_once(tmp_path):
    with pytest.raises(ShapeError, match="twice"):
        write_shards(iter(walks([20]).items()), tmp_path / "shards", mode="dataset")


def test_wrong_sizes_are_errors(shards, tmp_path):
    with pytest.raises(ShapeError, match="frames_per_shard"):
        write_shards(walks([20]).items(), tmp_path / "other", frames_per_shard=0)
    disk, _ = shards(walks([20]))
    with pytest.raises(ShapeError, match="frames"):
        disk.windows(frames=0)
    windows = disk.windows()
    for options in ({"batch_size": 0}, {"batch_size": 3, "world_size": 2},
                    {"batch_size": 4, "rank": 2, "world_size": 2}):  # fmt: skip
        with pytest.raises(ShapeError, match="batch_size"):
            windows.sample(0, "teacher", 0, **options)
    with pytest.raises(ShapeError, match="batch_size"):
        next(windows.all_windows(0))
    for number in (-1, len(windows)):
        with pytest.raises(ShapeError, match="numbers from 0 to 10"):
            windows.gather(torch.tensor([0, number]))
    assert windows.gather(torch.tensor([], dtype=torch.long)).shape == (0, 10, 14, 2)


def edited(folder, **changes):
    index = json.loads((folder / "index.json").read_text()) | changes
    (folder / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": 2}, "version"),
        ({"format": "other"}, "format"),
        ({"surplus": 1}, "surplus"),
        ({"frames": 49}, "add up"),
        ({"lengths": [20, 29]}, "add up"),
        ({"lengths": [25, 25]}, "whole stretches"),
        ({"lengths": [20, 10**30]}, "lengths"),
        ({"lengths": [20]}, "one length"),
        ({"lengths": [50, 0]}, "lengths"),
        ({"length": 3.0}, "length"),
        ({"mode": "dataset"}, "length"),
        ({"shards": []}, "add up"),
        ({"shards": [{"file": "../0.npy", "frames": 50, "sha256": "0" * 64}]}, "file"),
        ({"sequences": []}, "sequences"),
    ],
)
def test_an_index_that_contradicts_itself_is_refused(shards, changes, told):
    disk, _ = shards(walks([20, 30]), frames_per_shard=20)
    edited(disk.folder, **changes)
    with pytest.raises(DataError, match=rf"index\.json: expected an index.*{told}"):
        load_shards(disk.folder)


def test_a_damaged_index_is_told(shards):
    disk, _ = shards(walks([20]))
    (disk.folder / "index.json").write_bytes(b"{\xff")
    with pytest.raises(DataError, match="expected an index of shards"):
        load_shards(disk.folder)


def test_a_changed_byte_in_any_shard_is_found_and_named(shards):
    disk, _ = shards(walks([20, 30]), frames_per_shard=20)
    for shard in disk.index.shards:
        path = disk.folder / shard.file
        content = bytearray(path.read_bytes())
        content[-7] ^= 1
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{shard.file}.*the file changed"):
            disk.check()
        content[-7] ^= 1
        path.write_bytes(content)
    disk.check()


def test_missing_small_and_foreign_shards_are_told(shards):
    disk, _ = shards(walks([20, 30]), frames_per_shard=20)
    path = disk.folder / "00001.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-200])
    with pytest.raises(DataError, match=r"00001\.npy.*too small"):
        disk.windows()
    np.save(path, np.zeros((30, 14, 2)))
    with pytest.raises(DataError, match=r"00001\.npy.*got float64"):
        next(disk.windows().all_windows())
    path.write_bytes(b"?" * len(content))
    with pytest.raises(DataError, match=r"00001\.npy.*\.npy file of version 1"):
        next(disk.windows().all_windows())
    path.unlink()
    with pytest.raises(DataError, match=r"00001\.npy.*no such file"):
        disk.windows()
    with pytest.raises(DataError, match=r"00001\.npy.*no such file"):
        disk.check()


def test_a_shard_cut_off_during_a_run_is_an_error_and_not_the_end_of_the_process(shards):
    disk, _ = shards(walks([200]))
    windows = disk.windows()
    windows.sample(0, "teacher", 0, 8)
    os.truncate(disk.folder / "00000.npy", 1000)
    with pytest.raises(DataError, match=r"00000\.npy: was cut off"):
        [windows.sample(0, "teacher", step, 64) for step in range(1, 4)]
    windows.close()


def test_an_error_of_the_reading_thread_is_raised_at_its_step(shards):
    disk, _ = shards(walks([20, 200]), frames_per_shard=20)
    windows = disk.windows()
    ahead = windows._ahead
    windows.sample(0, "teacher", 0, 1)
    ahead._ahead[1].result()
    windows.close()
    (disk.folder / "00001.npy").unlink()
    (disk.folder / "00001.npy").symlink_to(disk.folder)
    windows.gather(torch.tensor([0]))
    with pytest.raises(StorageError, match=r"00001\.npy: cannot be read"):
        windows.sample(0, "teacher", 0, 64)


def test_reads_that_come_in_parts_are_put_together(shards, monkeypatch):
    disk, memory = shards(walks([40]))
    whole = shard_files_module._read_at

    def at_most_100_bytes(file, target, offset):
        return whole(file, target[:100], offset)

    monkeypatch.setattr(shard_files_module, "_read_at", at_most_100_bytes)
    drawn = disk.windows().sample(0, "teacher", 0, 16)
    assert torch.equal(drawn, memory.windows().sample(0, "teacher", 0, 16))


def test_more_shards_than_files_may_be_open_are_read_too(shards, monkeypatch):
    monkeypatch.setattr(shard_files_module, "MOST_OPEN", 2)
    disk, memory = shards(walks([20] * 6), frames_per_shard=1)
    windows = disk.windows()
    for step in range(2):
        drawn = windows.sample(0, "teacher", step, 64)
        assert torch.equal(drawn, memory.windows().sample(0, "teacher", step, 64))
    windows.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts files in /proc")
def test_closing_ends_the_thread_and_the_files_and_may_be_undone(shards):
    disk, _ = shards(walks([20, 30]), frames_per_shard=20)
    windows = disk.windows()
    before = windows.sample(0, "teacher", 1, 32)
    assert reading_threads()
    assert open_files(disk.folder)
    windows.close()
    windows.close()
    assert not reading_threads()
    assert not open_files(disk.folder)
    assert torch.equal(windows.sample(0, "teacher", 1, 32), before)
    del windows
    gc.collect()
    for thread in reading_threads():
        thread.join(10)
    assert not reading_threads()
    assert not open_files(disk.folder)


def test_the_next_step_is_read_while_this_one_runs():
    asked, main = [], threading.get_ident()
    reader = ReadAhead(lambda key: asked.append((key, threading.get_ident() == main)) or key)
    assert reader.get(1, then=2) == 1
    assert reader.get(2, then=3) == 2
    assert reader.get(9, then=10) == 9
    reader.close()
    assert (1, True) in asked
    assert (9, True) in asked
    assert (2, False) in asked
    assert (2, True) not in asked


def test_an_error_ahead_waits_until_its_key_is_asked_for():
    def read(key):
        if key == 2:
            raise OSError("broken")
        return key

    reader = ReadAhead(read)
    assert reader.get(1, then=2) == 1
    with pytest.raises(OSError, match="broken"):
        reader.get(2, then=3)
    assert reader.get(1, then=2) == 1
    assert reader.get(3, then=4) == 3
    reader.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_reads_on_its_own(shards):
    disk, memory = shards(walks([20, 30]), frames_per_shard=20)
    windows = disk.windows()
    windows.sample(0, "teacher", 0, 32)
    expected = [memory.windows().sample(0, "teacher", step, 32) for step in (1, 2)]
    child = os.fork()
    if child == 0:
        same = all(
            torch.equal(windows.sample(0, "teacher", step, 32), wanted)
            for step, wanted in zip((1, 2), expected, strict=True)
        )
        windows.close()
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert torch.equal(windows.sample(0, "teacher", 1, 32), expected[0])
    windows.close()


def test_reading_leaves_torchs_generator_alone(shards):
    disk, _ = shards(walks([20]))
    before = torch.random.get_rng_state()
    windows = disk.windows()
    windows.sample(0, "teacher", 0, 8)
    windows.close()
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_thousand_million_frames_need_little_memory():
    """The numbers of windows in 10^9 frames of 100,000 sequences; no shard is touched."""
    count, frames = 100_000, 10_000
    index = ShardIndex(
        mode="sequence", distance=10.0, sequences=("S1/walk",) * count,
        first_frames=(None,) * count, lengths=(frames,) * count, fps=(50.0,) * count,
        frames=count * frames,
        shards=({"file": "00000.npy", "frames": count * frames, "sha256": "0" * 64},),
    )  # fmt: skip

    class Unopened(ShardedWindows):
        def _open(self):
            self._process = os.getpid()

    windows = Unopened("nowhere", index)
    assert len(windows) == count * (frames - 9)
    held = sum(value.nbytes for value in vars(windows).values() if isinstance(value, np.ndarray))
    assert held < 4 * 8 * count + 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_gpu_gets_the_windows_that_the_cpu_gets(shards):
    disk, memory = shards(walks([200, 300]), frames_per_shard=200)
    windows = disk.windows(device="cuda")
    assert windows.device == torch.device("cuda", torch.cuda.current_device())
    for step in range(4):
        drawn = windows.sample(0, "joint", step, 64)
        assert drawn.is_cuda
        assert torch.equal(drawn.cpu(), memory.windows().sample(0, "joint", step, 64))
    assert windows._read(torch.tensor([0])).is_pinned()
    windows.close()


def test_frames_are_read_in_any_order(tmp_path):
    frames = np.arange(40 * 28, dtype="<f4").reshape(40, 14, 2)
    facts = []
    for number, (begin, end) in enumerate([(0, 10), (10, 11), (11, 40)]):
        np.save(tmp_path / f"{number:05d}.npy", frames[begin:end])
        facts.append({"file": f"{number:05d}.npy", "frames": end - begin, "sha256": "0" * 64})
    index = ShardIndex(
        mode="sequence", distance=10.0, sequences=("a", "b", "c"), first_frames=(None,) * 3,
        lengths=(10, 1, 29), fps=(50.0,) * 3, frames=40, shards=tuple(facts),
    )  # fmt: skip
    files = ShardFiles(tmp_path, index.shards)
    starts = np.array([39, 0, 10, 25, 0, 9, 11])
    read = np.empty((len(starts), 1, 14, 2), dtype="<f4")
    files.read(starts, read)
    np.testing.assert_array_equal(read[:, 0], frames[starts])
    files.close()


@pytest.mark.parametrize("mode", ["sequence", "dataset"])
def test_training_from_shards_gives_the_weights_that_memory_gives(shards, tmp_path, mode):
    narrow = {"name": "temporal", "options": {"channels": 8}}
    student = {"name": "student", "options": {"blocks": 0}}
    network = {"backbone": narrow, "discriminator": narrow, "student": student}
    config = TrainerConfig.preset("quick", batch_size=8, network={**network, "normalization": mode})
    short = {"steps": 2, "batch_size": 8}
    config = config.override(
        {f"stages.{stage.name}.{name}": short[name] for stage in config.stages for name in short}
        | {"validation.windows": 16, "validation.picture": False}
    )
    disk, memory = shards(walks([40, 60, 30, 5]), mode=mode, frames_per_shard=50)
    runs = {"memory": memory, "disk": disk.folder}
    for name, data in runs.items():
        options = {"run_dir": tmp_path / name, "device": "cpu", "progress": False}
        Trainer(config, train_data=data, **options).fit()
    weights = {name: (tmp_path / name / "model.safetensors").read_bytes() for name in runs}
    assert weights["disk"] == weights["memory"]
    told = json.loads((tmp_path / "disk" / "config.json").read_text())["data"]
    assert told == {"sequences": 4, "frames": 135, "sha256": disk.fingerprint()}
    other = config.override({"network.distance": 9.0})
    with pytest.raises(DataError, match=r"normalised with distance 9\.0"):
        Trainer(other, train_data=disk.folder, device="cpu", progress=False)


OVER_MEMORY = """
import resource, sys
import numpy as np, torch
import lightning_fabric
from posenet3d.cli import main
from posenet3d.data import load_training_set
from posenet3d.training import Trainer, TrainerConfig

source, shards = sys.argv[1:3]
torch.set_num_threads(1)
narrow = {"name": "temporal", "options": {"channels": 8}}
config = TrainerConfig.preset("quick", batch_size=64, network={
    "backbone": narrow, "discriminator": narrow,
    "student": {"name": "student", "options": {"blocks": 0}}})
short = {"steps": 2, "batch_size": 8}
config = config.override(
    {f"stages.{stage.name}.{name}": short[name] for stage in config.stages for name in short}
    | {"validation.windows": 16, "validation.picture": False}
)
from posenet3d.data.synthetic import synthetic_training_set
Trainer(config, train_data=synthetic_training_set(clips=1, seconds=2.0), progress=False,
        device="cpu").fit()  # whatever is loaded late is loaded before the cap
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
room = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (now + room, now + room))
try:
    load_training_set(source)
    print("in memory: loaded")
except MemoryError:
    print("in memory: MemoryError")
try:
    main(["data", "shard", source, "--out", shards, "--frames-per-shard", "200000"])
except SystemExit as left:
    print("sharded:", left.code)
data = load_training_set(shards)
windows = data.windows(9)
batches = [windows.sample(0, "teacher", step, 512) for step in range(20)]
print("sampled:", len(batches), data.frames * 112 > room)
windows.close()
report = Trainer(config, train_data=shards, progress=False, device="cpu").fit()
print("trained:", len(report.stages))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="caps the address space by RLIMIT")
def test_a_set_larger_than_the_address_space_is_sharded_and_trained_on(tmp_path):
    room = 200 * 2**20
    up = np.linspace(0, -100, 14, dtype=np.float32)[:, None] * np.array([0.1, 1.0], np.float32)
    sway = np.sin(np.arange(20_000, dtype=np.float32) / 9)[:, None, None]
    points = up + sway * np.linspace(1, 2, 28, dtype=np.float32).reshape(14, 2)
    clips = {f"S{n}/sway:points": points for n in range(120)}  # 2.4 million frames, 269 MB
    np.savez(tmp_path / "clips.npz", layout="lsp_14", fps=50, **clips)
    done = subprocess.run(
        [sys.executable, "-c", OVER_MEMORY, tmp_path / "clips.npz", tmp_path / "shards", str(room)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert "in memory: MemoryError" in done.stdout, done.stderr[-3000:]
    assert "sharded: 0" in done.stdout or "sharded: None" in done.stdout, done.stderr[-3000:]
    assert "sampled: 20 True" in done.stdout, done.stderr[-3000:]
    assert "trained: 4" in done.stdout, done.stderr[-3000:]
