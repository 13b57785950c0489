"""Whole files that are no longer than expected."""

import pytest

from posenet3d.errors import DataError, StorageError
from posenet3d.files import read_capped


def test_a_file_of_the_greatest_length_is_read_and_a_longer_one_refused(tmp_path):
    path = tmp_path / "note"
    path.write_bytes(b"12345")
    assert read_capped(path, 5) == b"12345"
    with pytest.raises(DataError, match="note: expected at most 4 bytes, got more"):
        read_capped(path, 4)


def test_what_is_no_file_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be read: No such file"):
        read_capped(tmp_path / "none", 1)
    with pytest.raises(StorageError, match="cannot be read"):
        read_capped(tmp_path, 1)
