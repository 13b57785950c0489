import zipfile

import numpy as np
import pytest

from posenet3d.errors import DataError, StorageError
from posenet3d.files import object_npz
from posenet3d.files.object_npz import load_object_npz, npz_names


def test_objects_come_out_as_plain_values(tmp_path):
    path = tmp_path / "a.npz"
    value = {"a": [np.arange(3), 1.5, None, True], "b": {"c": "text"}, "d": (1, 2)}
    nested = np.empty((2, 2), dtype=object)
    nested[:] = [[[], np.ones(2)], [[], []]]
    np.savez(path, value=np.array(value, dtype=object), nested=nested, plain=np.eye(2), text="x")
    read = load_object_npz(path, "value", "nested", "plain", "text", "nothing")
    assert list(read) == ["value", "nested", "plain", "text"]
    np.testing.assert_array_equal(read["value"]["a"][0], [0, 1, 2])
    assert read["value"]["a"][1:] == [1.5, None, True]
    assert (read["value"]["b"], read["value"]["d"]) == ({"c": "text"}, [1, 2])
    assert read["nested"][1] == [[], []]
    assert read["nested"][0][1].tolist() == [1, 1]
    np.testing.assert_array_equal(read["plain"], np.eye(2))
    assert read["text"] == "x"
    assert npz_names(path) == {"value", "nested", "plain", "text"}


def test_what_unpacks_to_much_more_than_the_file_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(2**24))
    with pytest.raises(DataError, match="expected at most"):
        load_object_npz(path, "a")


def test_one_array_that_is_named_a_thousand_times_is_refused(tmp_path):
    shared = np.zeros(1000)
    np.savez(tmp_path / "a.npz", a=np.array({"a": [shared] * 1000}, dtype=object))
    with pytest.raises(DataError, match="more numbers than the file"):
        load_object_npz(tmp_path / "a.npz", "a")


def test_lists_in_lists_in_lists_are_refused(tmp_path):
    value = []
    for _ in range(40):
        value = [value, value]
    np.savez(tmp_path / "a.npz", a=np.array({"a": value}, dtype=object))
    with pytest.raises(DataError, match="nested too deeply"):
        load_object_npz(tmp_path / "a.npz", "a")


def test_instructions_are_counted(tmp_path, monkeypatch):
    value = np.array({"a": [[] for _ in range(2000)]}, dtype=object)
    np.savez_compressed(tmp_path / "a.npz", a=value)
    assert len(load_object_npz(tmp_path / "a.npz", "a")["a"]["a"]) == 2000
    monkeypatch.setattr(object_npz, "MAX_STEPS", 1000)
    with pytest.raises(DataError, match="instructions"):
        load_object_npz(tmp_path / "a.npz", "a")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"no archive"])
def test_what_is_no_archive_is_an_error(content, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    assert npz_names(path) == frozenset()
    with pytest.raises(DataError, match=r"expected an \.npz archive"):
        load_object_npz(path, "a")


def test_an_array_whose_header_lies_is_an_error(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(DataError, match="64 bytes for float64"):
        load_object_npz(tmp_path / "a.npz", "a")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(StorageError):
        load_object_npz(tmp_path / "a.npz", "a")
