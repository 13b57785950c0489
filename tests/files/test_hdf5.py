import os
import signal

import numpy as np
import pytest

from posenet3d.errors import DataError, StorageError
from posenet3d.files import hdf5, reader_process
from posenet3d.files.hdf5 import is_hdf5, read_hdf5

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(6, dtype=np.int16).reshape(2, 3)
        file["group/halves"] = np.array([0.5, 1.5], dtype=np.float32)
        file["group/deep/lost"] = np.ones(2)
        file["texts"] = np.array(["ä", "bc"], dtype=h5py.string_dtype())
        file["names"] = np.array([b"d", b"ef"])
        file["table"] = np.array([(1, 2.0)], dtype=[("frame", "i4"), ("x", "f8")])
        file["numbers"].attrs["dims"] = "ab"
        file["group"].attrs["kind"] = np.bytes_(b"frame")
    return path


def test_what_is_asked_for_is_read(path):
    found = read_hdf5(path, "numbers", "group/*", "texts", "names", "table", "nothing")
    assert sorted(found.arrays) == ["group/halves", "names", "numbers", "table:frame", "table:x"]
    assert found.arrays["numbers"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.arrays["group/halves"].dtype == np.float64
    assert (found.strings("texts"), found.strings("names")) == (["ä", "bc"], ["d", "ef"])
    assert found.strings("numbers") is None
    assert found.attributes["numbers"] == {"dims": "ab"}
    assert found.attributes["group"] == {"kind": "frame"}
    assert not read_hdf5(path).arrays


def test_what_is_no_hdf5_file_is_an_error(tmp_path):
    other = tmp_path / "a.h5"
    other.write_bytes(b"other")
    assert not is_hdf5(other)
    with pytest.raises(DataError, match="expected an HDF5 file"):
        read_hdf5(other)
    with pytest.raises(StorageError):
        read_hdf5(tmp_path / "nothing.h5")


def test_a_file_that_is_cut_off_is_an_error(path):
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match="damaged"):
        read_hdf5(path, "numbers")


def test_a_reader_that_crashes_or_hangs_is_an_error_and_the_next_file_is_read(path, monkeypatch):
    read_hdf5(path)
    os.kill(hdf5._READER.pid, signal.SIGSTOP)  # as if the library went round in a circle
    monkeypatch.setattr(reader_process, "_SECONDS", 0.2)
    with pytest.raises(DataError, match="does not get to its end"):
        read_hdf5(path, "numbers")
    monkeypatch.undo()
    assert read_hdf5(path, "numbers").arrays["numbers"].shape == (2, 3)
    os.kill(hdf5._READER.pid, signal.SIGKILL)
    os.waitid(os.P_PID, hdf5._READER.pid, os.WEXITED | os.WNOWAIT)
    assert read_hdf5(path, "numbers").arrays["numbers"].shape == (2, 3)
