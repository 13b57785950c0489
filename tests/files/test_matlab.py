import contextlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from posenet3d.errors import DataError, StorageError
from posenet3d.files.hdf5 import is_hdf5
from posenet3d.files.matlab import read_matlab

h5py = pytest.importorskip("h5py")
savemat = pytest.importorskip("scipy.io").savemat

HEAD_73 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(116)


def cell(*parts):
    """A column of a MATLAB cell."""
    made = np.empty((len(parts), 1), dtype=object)
    for at, part in enumerate(parts):
        made[at, 0] = part
    return made


def write_v73(path, cells, **variables):
    """A file as MATLAB's save -v7.3 makes it: a head of 512 bytes, axes reversed, references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            file[name] = np.asarray(value).T
            file[name].attrs["MATLAB_class"] = np.bytes_(str(np.asarray(value).dtype))
        for name, parts in cells.items():
            places = file.create_dataset(name, (1, len(parts)), dtype=h5py.ref_dtype)
            places.attrs["MATLAB_class"] = np.bytes_("cell")
            for at, part in enumerate(parts):
                stored = f"#refs#/{name}{len(parts) - at:02d}"  # not in the order of their names
                file[stored] = np.asarray(part).T
                places[0, at] = file[stored].ref
    with open(path, "r+b") as file:
        file.write(HEAD_73 + bytes(8) + b"\x00\x02IM")


@pytest.mark.parametrize("packed", [False, True])
def test_variables_and_cells_are_read_as_scipy_wrote_them(tmp_path, packed):
    path = tmp_path / "a.mat"
    parts = [np.arange(6.0).reshape(2, 3) * at for at in range(3)]
    savemat(
        path,
        {
            "cells": cell(*parts),
            "whole": np.arange(24.0).reshape(2, 3, 4),
            "small": np.float32([[0.5]]),
            "counts": np.array([[1, 2], [3, 300]], dtype=np.uint16),
            "yes": np.array([[True, False]]),
            "text": "left alone",
        },
        do_compression=packed,
    )
    found = read_matlab(path, "yes", "cells", "whole", "small", "counts", "nothing")
    assert sorted(found) == ["cells", "counts", "small", "whole", "yes"]
    assert all((a == b).all() for a, b in zip(found["cells"], parts, strict=True))
    np.testing.assert_array_equal(found["whole"], np.arange(24.0).reshape(2, 3, 4))
    assert (found["small"].dtype, found["small"].item()) == (np.float32, 0.5)
    assert found["counts"].tolist() == [[1, 2], [3, 300]]
    assert found["yes"].tolist() == [[1, 0]]


@settings(max_examples=25)
@given(
    numbers=arrays(
        st.sampled_from([np.float64, np.float32, np.int16, np.uint8, np.int64]),
        array_shapes(min_dims=2, max_dims=4, max_side=4),
    ),
    packed=st.booleans(),
)
def test_numbers_of_any_type_and_shape_come_back(tmp_path_factory, numbers, packed):
    path = tmp_path_factory.getbasetemp() / "numbers.mat"
    savemat(path, {"x": numbers}, do_compression=packed)
    found = read_matlab(path, "x")["x"]
    assert found.dtype == numbers.dtype
    np.testing.assert_array_equal(found, numbers)


def test_version_7_3_looks_like_version_5(tmp_path):
    parts = [np.full((2, 3), float(at)) for at in range(12)]
    whole = np.arange(24.0).reshape(2, 3, 4)
    write_v73(tmp_path / "new.mat", {"cells": parts}, whole=whole)
    savemat(tmp_path / "old.mat", {"cells": cell(*parts), "whole": whole})
    new, old = (read_matlab(tmp_path / f"{age}.mat", "cells", "whole") for age in ("new", "old"))
    assert is_hdf5(tmp_path / "new.mat")
    assert not is_hdf5(tmp_path / "old.mat")
    np.testing.assert_array_equal(new["whole"], old["whole"])
    assert [each.tolist() for each in new["cells"]] == [each.tolist() for each in old["cells"]]


def test_a_file_of_the_other_byte_order_is_read(tmp_path):
    def piece(kind, content):
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    matrix = piece(6, struct.pack(">II", 6, 0)) + piece(5, struct.pack(">ii", 1, 2))
    matrix += piece(1, b"name") + piece(9, struct.pack(">dd", 1.5, -2.0))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "big.mat").write_bytes(head + piece(14, matrix))
    assert read_matlab(tmp_path / "big.mat", "name")["name"].tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize("value", ["text", {"field": 1.0}, np.array([[1j]])])
def test_what_is_no_numbers_is_an_error_only_if_it_is_asked_for(tmp_path, value):
    savemat(tmp_path / "a.mat", {"x": value, "fine": 1.0})
    assert read_matlab(tmp_path / "a.mat", "fine")["fine"].item() == 1.0
    with pytest.raises(DataError, match=r"a\.mat: expected a MATLAB file, got .* where numbers"):
        read_matlab(tmp_path / "a.mat", "x")


def test_other_files_are_errors_that_name_them(tmp_path):
    for content in (b"", b"MATLAB 5.0", b"{}" * 200, bytes(300)):
        (tmp_path / "a.mat").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.mat: expected a MATLAB file"):
            read_matlab(tmp_path / "a.mat", "x")
    with pytest.raises(StorageError):
        read_matlab(tmp_path / "none.mat", "x")


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_cut_off_is_an_error(tmp_path, packed):
    path = tmp_path / "a.mat"
    savemat(path, {"x": np.ones((50, 50))}, do_compression=packed)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"missing at the end|damaged"):
        read_matlab(path, "x")


def test_cells_in_cells_are_refused_however_deep(tmp_path):
    inside = struct.pack("<IIII", 6, 8, 1, 0) + struct.pack("<IIii", 5, 8, 1, 1)
    inside += struct.pack("<HHI", 1, 1, ord("x"))
    matrix = b""
    for _ in range(500):  # of 200 000 scipy's reader ends the program
        matrix = struct.pack("<II", 14, len(inside) + len(matrix)) + inside + matrix
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "deep.mat").write_bytes(head + matrix)
    with pytest.raises(DataError, match=r"deep\.mat: expected a MATLAB file"):
        read_matlab(tmp_path / "deep.mat", "x")


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path):
    path = tmp_path / "bomb.mat"
    savemat(path, {"x": np.zeros((3000, 3000))}, do_compression=True)
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match="more than may be read"):
        read_matlab(path, "x")


FILE = io.BytesIO()
savemat(FILE, {"x": cell(np.ones((3, 4)), np.arange(3)), "y": np.ones(3)})
PACKED = io.BytesIO()
savemat(PACKED, {"x": cell(np.ones((3, 4)), np.arange(3))}, do_compression=True)


@given(data=st.data(), packed=st.booleans())
def test_a_damaged_file_is_read_or_is_an_error(tmp_path_factory, data, packed):
    content = bytearray((PACKED if packed else FILE).getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.mat"
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        read_matlab(path, "x", "y")
