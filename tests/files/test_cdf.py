"""CDF files of any content; Human3.6M's are in tests/data/datasets/test_human36m_cdf_files.py."""

import os
import signal
import sys

import numpy as np
import pytest

from posenet3d.errors import DataError, MissingExtraError, StorageError
from posenet3d.files import cdf, reader_process
from posenet3d.files.cdf import read_cdf

cdfwrite = pytest.importorskip("cdflib.cdfwrite")

KINDS = {"CDF_REAL4": "f4", "CDF_DOUBLE": "f8", "CDF_INT2": "i2", "CDF_UINT2": "u2"}


def write(path, checksum=False, **variables):
    made = cdfwrite.CDF(path, cdf_spec={"Compressed": 0, "Checksum": checksum}, delete=True)
    for name, (kind, values) in variables.items():
        made.write_var(
            {
                "Variable": name,
                "Data_Type": getattr(cdfwrite.CDF, kind),
                "Num_Elements": 4 if kind == "CDF_CHAR" else 1,
                "Rec_Vary": True,
                "Var_Type": "zVariable",
                "Dim_Sizes": list(np.shape(values)[1:]),
                "Compress": 0,
            },
            var_data=values,
        )
    made.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_variable_is_read_as_it_was_written(kind, tmp_path):
    values = np.arange(30).reshape(2, 3, 5).astype(KINDS[kind])
    write(tmp_path / "a.cdf", other=("CDF_REAL4", np.ones((1, 2), "f4")), wanted=(kind, values))
    found = read_cdf(tmp_path / "a.cdf", "wanted")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype


def test_a_variable_that_is_not_there_or_holds_texts_is_an_error(tmp_path):
    write(tmp_path / "a.cdf", texts=("CDF_CHAR", np.array([["hips"]])))
    with pytest.raises(DataError, match=r"a\.cdf: expected a CDF file with the variable 'Pose'"):
        read_cdf(tmp_path / "a.cdf", "Pose")
    with pytest.raises(DataError, match="'texts' holds no numbers"):
        read_cdf(tmp_path / "a.cdf", "texts")


def test_a_checksum_in_the_file_is_compared(tmp_path):
    path = tmp_path / "a.cdf"
    write(path, checksum=True, wanted=("CDF_REAL4", np.ones((1, 500), "f4")))
    assert read_cdf(path, "wanted").shape == (1, 500)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="md5 checksum"):
        read_cdf(path, "wanted")


def test_numbers_without_end_are_refused_before_they_are_made(tmp_path):
    path = tmp_path / "a.cdf"
    write(path, wanted=("CDF_REAL4", np.ones((1, 3_123_456), "f4")))
    content = path.read_bytes()
    size = (3_123_456).to_bytes(4, "big")
    assert content.count(size) == 1
    path.write_bytes(content.replace(size, (2**31 - 1).to_bytes(4, "big")))
    with pytest.raises(DataError, match=r"'wanted' would be \(1, 2147483647\)"):
        read_cdf(path, "wanted")


def test_what_is_no_file_too_long_or_lacks_its_reader_is_told(tmp_path, monkeypatch):
    with pytest.raises(StorageError, match="cannot be read"):
        read_cdf(tmp_path, "wanted")
    path = tmp_path / "a.cdf"
    path.write_bytes(b"other")
    with pytest.raises(DataError, match=r"a\.cdf: expected a CDF file"):
        read_cdf(path, "wanted")
    monkeypatch.setattr(cdf, "MAX_BYTES", 4)
    with pytest.raises(DataError, match="expected at most 4 bytes, got 5"):
        read_cdf(path, "wanted")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "cdflib", None)
    monkeypatch.setattr(cdf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="cdflib"):
        read_cdf(path, "wanted")


def test_a_worker_that_never_answers_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    path = tmp_path / "a.cdf"
    write(path, wanted=("CDF_REAL4", np.ones((1, 5), "f4")))
    assert read_cdf(path, "wanted").shape == (1, 5)
    os.kill(cdf._READER.pid, signal.SIGSTOP)
    monkeypatch.setattr(reader_process, "_SECONDS", 0.2)
    with pytest.raises(DataError, match=r"a\.cdf: .*cdflib does not get to its end"):
        read_cdf(path, "wanted")
    monkeypatch.undo()
    assert read_cdf(path, "wanted").shape == (1, 5)
