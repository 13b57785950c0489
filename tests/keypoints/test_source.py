"""Files and folders of keypoints, whatever lies there."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import KeypointFormatError, StorageError, UnknownNameError
from posenet3d.keypoints import KeypointSource, load_keypoints, source
from posenet3d.keypoints.source import by_number, read_capped


def test_members_come_by_their_numbers(tmp_path):
    for name in ("a10.json", "a9.json", "a1.JSON", "b.txt", ".a3.json", "._a9.json"):
        (tmp_path / name).touch()
    (tmp_path / "a4.json").mkdir()
    (tmp_path / "a5.json").mkdir()
    found = KeypointSource(tmp_path).members(".json")
    assert [path.name for path in found] == ["a1.JSON", "a9.json", "a10.json"]


def test_a_file_has_no_members(tmp_path):
    path = tmp_path / "a.json"
    path.touch()
    assert KeypointSource(path).members(".json") == ()


def test_a_link_back_to_the_folder_is_not_followed(tmp_path):
    (tmp_path / "a1.json").write_text("{}")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "loop.json").symlink_to(tmp_path, target_is_directory=True)
    assert [path.name for path in KeypointSource(tmp_path).members(".json")] == ["a1.json"]


def test_a_link_to_itself_is_told(tmp_path):
    path = tmp_path / "a1.json"
    path.symlink_to(path)
    with pytest.raises(StorageError, match="symbolic links"):
        load_keypoints(path)
    with pytest.raises(StorageError, match="symbolic links"):
        KeypointSource(tmp_path).members(".json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this platform")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    path = tmp_path / "a.json"
    os.mkfifo(path)
    with pytest.raises(StorageError, match="pipe or device"):
        load_keypoints(path)
    with pytest.raises(StorageError, match="a pipe or a device"):
        read_capped(path)
    assert KeypointSource(tmp_path).members(".json") == ()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no devices on this platform")
def test_a_device_is_refused():
    with pytest.raises(StorageError, match="pipe or device"):
        load_keypoints("/dev/zero")


@pytest.mark.parametrize("name", ["absent.json", "x" * 300 + ".json", "a\0b.json", "a/b/c.json"])
def test_what_is_not_there_is_told(tmp_path, name):
    with pytest.raises(StorageError):
        load_keypoints(tmp_path / name)
    with pytest.raises(StorageError):
        read_capped(tmp_path / name)
    assert not KeypointSource(tmp_path / name).is_folder


def test_a_file_that_may_not_be_read_is_told(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("{}")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(StorageError, match="Permission denied"):
        read_capped(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(StorageError, match="expected a file, got a folder"):
        read_capped(tmp_path)


def test_too_large_a_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_bytes(b"[]" + b" " * 98)
    monkeypatch.setattr(source, "MAX_JSON_BYTES", 99)
    with pytest.raises(KeypointFormatError, match="at most 99 bytes, got 100; split the file"):
        _ = KeypointSource(path).json
    monkeypatch.setattr(source, "MAX_JSON_BYTES", 100)
    assert KeypointSource(path).json == []


def test_a_huge_file_takes_no_memory(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(KeypointFormatError, match=f"got {2**40}"):
        load_keypoints(path, format="openpose")


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    for number in range(4):
        (tmp_path / f"{number}.json").touch()
    monkeypatch.setattr(source, "MAX_FILES", 3)
    with pytest.raises(KeypointFormatError, match="at most 3, got 4; split the folder"):
        KeypointSource(tmp_path).members(".json")


def test_a_fault_in_a_folders_file_names_that_file(tmp_path):
    (tmp_path / "a7.json").write_text('{"people": [')
    with pytest.raises(KeypointFormatError, match=r"a7\.json: expected a whole JSON") as caught:
        KeypointSource(tmp_path).json_of(tmp_path / "a7.json")
    assert "a7.json: a7.json" not in str(caught.value)


def test_a_layout_must_have_as_many_joints(tmp_path):
    file = KeypointSource(tmp_path / "a.json")
    assert file.check_layout("coco_17", 17) == "coco_17"
    with pytest.raises(KeypointFormatError, match="expected 25 a person"):
        file.check_layout("body_25", 17)
    with pytest.raises(UnknownNameError, match="body_26"):
        file.check_layout("body_26", 17)


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_names_are_sorted_always_the_same(names):
    backwards = names[::-1]
    assert sorted(names, key=by_number) == sorted(backwards, key=by_number)


@given(st.lists(st.integers(0, 10**30), max_size=8))
def test_numbers_in_names_are_sorted_as_numbers(numbers):
    names = [f"cam²1.{number}.json" for number in numbers]
    assert sorted(names, key=by_number) == [f"cam²1.{number}.json" for number in sorted(numbers)]


def test_a_number_of_any_length_is_sorted():
    assert sorted(["9" * 9000, "8" * 9000, "7"], key=by_number)[0] == "7"
