"""Files appear whole or not at all, also when the disk is full or the process is killed."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import DataError, StorageError
from posenet3d.files import atomic
from posenet3d.files.atomic import (
    atomic_folder,
    atomic_remove,
    atomic_write,
    make_folder,
    remove_partials,
)

OLD, NEW = b"old and whole", b"new and whole"


def names(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


def write_new(path):
    with atomic_write(path) as file:
        file.write(NEW)


def need_limits(as_root):
    """Skips what needs, or cannot be shown to, a process with all rights."""
    if os.name != "posix" or (os.geteuid() == 0) != as_root:
        pytest.skip("needs root to mount a small disk" if as_root else "root may write anywhere")


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system with 64 KiB in all."""
    need_limits(as_root=True)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@given(content=st.binary(max_size=200))
def test_what_is_written_is_what_is_read(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("written")
    with atomic_write(folder / "file") as file:
        file.write(content)
    assert (folder / "file").read_bytes() == content
    assert names(folder) == ["file"]


def test_the_old_file_stays_until_the_block_ends(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    with atomic_write(path) as file:
        file.write(NEW)
        file.flush()
        assert path.read_bytes() == OLD
    assert path.read_bytes() == NEW


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt, ZeroDivisionError, DataError("clip", "bad")]
)
def test_a_failure_in_the_block_passes_through_and_changes_nothing(tmp_path, failure):
    path = tmp_path / "file"
    path.write_bytes(OLD)

    def fail():
        with atomic_write(path) as file:
            file.write(NEW)
            raise failure

    with pytest.raises(failure if isinstance(failure, type) else type(failure)):
        fail()
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["file"]


def test_a_storage_error_from_within_keeps_its_own_path(tmp_path):
    def fail():
        with atomic_write(tmp_path / "file"):
            raise StorageError("elsewhere", "is full.")

    with pytest.raises(StorageError, match=r"^elsewhere: is full\.$"):
        fail()


def test_permissions_of_the_file_replaced_are_kept(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o640)
    write_new(path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_permissions_that_any_new_file_has(tmp_path):
    (tmp_path / "plain").touch()
    write_new(tmp_path / "file")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_symbolic_link_stays_a_link(tmp_path):
    (tmp_path / "target").write_bytes(OLD)
    (tmp_path / "link").symlink_to("target")
    write_new(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == NEW


def test_the_longest_name_a_file_system_allows_can_be_written(tmp_path):
    write_new(tmp_path / ("n" * 255))
    assert (tmp_path / ("n" * 255)).read_bytes() == NEW


def test_a_path_may_be_a_string(tmp_path):
    write_new(str(tmp_path / "file"))
    assert names(tmp_path) == ["file"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StorageError, match="No such file or directory") as caught:
        write_new(tmp_path / "absent" / "file")
    assert caught.value.path == str(tmp_path / "absent" / "file")
    assert names(tmp_path) == []


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(StorageError, match="directory"):
        write_new(tmp_path / "file")
    assert names(tmp_path) == ["file"]


def test_a_read_only_folder_is_refused(tmp_path):
    need_limits(as_root=False)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="Permission denied"):
            write_new(tmp_path / "file")
    finally:
        tmp_path.chmod(0o700)
    assert names(tmp_path) == []


def test_a_read_only_disk_is_refused_even_for_root(tiny_disk):
    (tiny_disk / "file").write_bytes(OLD)
    remount = ["mount", "-o", "remount,ro", str(tiny_disk)]
    subprocess.run(remount, check=True)
    with pytest.raises(StorageError, match="Read-only file system"):
        write_new(tiny_disk / "file")
    assert (tiny_disk / "file").read_bytes() == OLD


@pytest.mark.parametrize("size", [65_000, 1_000_000])
def test_a_full_disk_leaves_the_old_file_and_no_half(tiny_disk, size):
    (tiny_disk / "file").write_bytes(OLD)

    def fill():
        with atomic_write(tiny_disk / "file") as file:
            file.write(b"x" * size)

    with pytest.raises(StorageError, match="No space left on device"):
        fill()
    assert (tiny_disk / "file").read_bytes() == OLD
    assert names(tiny_disk) == ["file"]


def test_a_full_disk_leaves_no_half_folder(tiny_disk):
    def fill():
        with atomic_folder(tiny_disk / "folder") as folder:
            (folder / "small").write_bytes(OLD)
            (folder / "large").write_bytes(b"x" * 1_000_000)

    with pytest.raises(StorageError, match="No space left on device"):
        fill()
    assert names(tiny_disk) == []


def test_a_folder_appears_with_all_its_files(tmp_path):
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_bytes(NEW)
        assert not (tmp_path / "folder").exists()
    assert (tmp_path / "folder" / "inner" / "file").read_bytes() == NEW
    assert names(tmp_path) == ["folder"]


def test_a_folder_that_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(OLD)

    def replace():
        with atomic_folder(tmp_path / "folder") as folder:
            (folder / "file").write_bytes(NEW)

    with pytest.raises(StorageError, match=r"not empty|exists"):
        replace()
    assert (tmp_path / "folder" / "file").read_bytes() == OLD
    assert names(tmp_path) == ["folder"]


WRITER = """
    import sys
    from posenet3d.files.atomic import atomic_write

    print("ready", flush=True)
    while True:
        for letter in (b"a", b"b"):
            with atomic_write(sys.argv[1]) as file:
                for _ in range(64):
                    file.write(letter * 65536)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX signal")
def test_a_process_killed_while_it_writes_leaves_no_half_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a" * 4_194_304)
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    died_writing = 0
    for attempt in range(6):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "ready\n"
            time.sleep(0.01 + 0.013 * attempt)
            writer.send_signal(signal.SIGKILL)
            assert writer.wait(timeout=30) == -signal.SIGKILL
        content = path.read_bytes()
        assert len(content) == 4_194_304
        assert len(set(content)) == 1
        died_writing += len(remove_partials(tmp_path))
        assert names(tmp_path) == ["file"]
    assert died_writing > 0  # or the signals came too late to show anything


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX signal")
def test_a_process_killed_in_the_middle_of_a_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    halfway = """
        import os, signal, sys
        from posenet3d.files.atomic import atomic_write

        with atomic_write(sys.argv[1]) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(halfway), str(path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == OLD
    (left,) = remove_partials(tmp_path)
    assert left.name.endswith(".partial")
    assert names(tmp_path) == ["file"]


def test_left_overs_of_both_kinds_are_cleared_and_nothing_else(tmp_path):
    (tmp_path / ".0a.partial").mkdir()
    (tmp_path / ".0a.partial" / "file").touch()
    (tmp_path / ".0b.partial").touch()
    (tmp_path / "mine.partial").touch()
    assert [path.name for path in remove_partials(tmp_path)] == [".0a.partial", ".0b.partial"]
    assert names(tmp_path) == ["mine.partial"]
    assert remove_partials(tmp_path / "absent") == ()


def test_a_left_over_that_cannot_be_removed_is_named(tiny_disk):
    (tiny_disk / ".0a.partial").touch()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(StorageError, match="cannot be removed: Read-only"):
        remove_partials(tiny_disk)


def test_what_is_removed_is_gone_and_nothing_else(tmp_path):
    (tmp_path / "kept").write_bytes(OLD)
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "inner" / "file").write_bytes(OLD)
    for name in ("link", "folder"):
        atomic_remove(tmp_path / name)
    assert names(tmp_path) == ["kept"]


def test_a_removal_that_stops_half_way_leaves_nothing_under_the_old_name(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(OLD)

    def stop(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(atomic, "_remove", stop)
    with pytest.raises(StorageError, match="folder: cannot be removed: Input/output error"):
        atomic_remove(tmp_path / "folder")
    monkeypatch.undo()
    assert not (tmp_path / "folder").exists()
    assert len(remove_partials(tmp_path)) == 1
    assert names(tmp_path) == []


def test_removing_what_is_not_there_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be removed: No such file"):
        atomic_remove(tmp_path / "absent")


class Disk:
    """What is told to the disk, in order: contents and folders to keep, and new names."""

    def __init__(self, monkeypatch):
        self.told, replace, rename = [], os.replace, os.rename
        monkeypatch.setattr(os, "fsync", self.sync)
        monkeypatch.setattr(os, "replace", lambda old, new: self.name(replace, old, new))
        monkeypatch.setattr(os, "rename", lambda old, new: self.name(rename, old, new))

    def sync(self, handle):
        found = os.fstat(handle)
        size = found.st_size if stat.S_ISREG(found.st_mode) else "folder"
        self.told.append(("keep", found.st_ino, size))

    def name(self, how, old, new):
        self.told.append(("name", os.stat(old).st_ino, Path(new).suffix))
        how(old, new)


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_the_name_is(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    write_new(tmp_path / "file.a")
    file = (tmp_path / "file.a").stat().st_ino
    folder = ("keep", tmp_path.stat().st_ino, "folder")
    assert disk.told == [("keep", file, len(NEW)), ("name", file, ".a"), folder]


def test_a_folder_is_on_the_disk_with_all_files_before_it_has_its_name(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    with atomic_folder(tmp_path / "made.a") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_bytes(NEW)
        (folder / "other").write_bytes(OLD)
    made = tmp_path / "made.a"
    files = {(made / "inner" / "file", len(NEW)), (made / "other", len(OLD))}
    folders = {(made, "folder"), (made / "inner", "folder")}
    assert {*disk.told[:4]} == {
        ("keep", path.stat().st_ino, what) for path, what in files | folders
    }
    folder = ("keep", tmp_path.stat().st_ino, "folder")
    assert disk.told[4:] == [("name", made.stat().st_ino, ".a"), folder]


def test_a_removed_folder_s_name_is_off_the_disk_before_its_files_are(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    was = (tmp_path / "folder").stat().st_ino
    disk, left = Disk(monkeypatch), []
    remove = atomic._remove
    monkeypatch.setattr(atomic, "_remove", lambda path: left.append(len(disk.told)) or remove(path))
    atomic_remove(tmp_path / "folder")
    folder = ("keep", tmp_path.stat().st_ino, "folder")
    assert disk.told == [("name", was, ".partial"), folder]
    assert left == [2]


def test_a_folder_is_made_with_those_above_it_and_may_be_there(tmp_path):
    folder = tmp_path / "a" / "b"
    for _ in range(2):
        make_folder(folder)
    assert folder.is_dir()
    (folder / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        make_folder(folder / "file")
