"""Archives are read as NumPy wrote them, and what is not one is refused before memory is spent."""

import itertools
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import DataError, StorageError
from posenet3d.files.npz import load_npz, open_npz

DTYPES = ["<f4", "<f8", ">f4", "<i8", "|u1", "|b1", "<c16", "<U5", "|S3", "<f2"]


def npy(descr="'<f8'", shape="(2,)", order="False", data=bytes(16), version=(1, 0), header=None):
    """The bytes of a .npy entry, any part of which may be a lie."""
    text = (
        header or f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    )
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


@pytest.fixture
def archive(tmp_path):
    """Writes entries into an archive and gives its path."""

    def write(entries, method=zipfile.ZIP_STORED):
        with zipfile.ZipFile(tmp_path / "file.npz", "w", method) as file:
            for name, content in entries:
                file.writestr(name, content)
        return tmp_path / "file.npz"

    return write


@st.composite
def arrays(draw):
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    count = int(np.prod(shape))
    numbers = np.array(draw(st.lists(st.integers(0, 100), min_size=count, max_size=count)))
    array = numbers.reshape(shape).astype(draw(st.sampled_from(DTYPES)))
    return np.asfortranarray(array) if draw(st.booleans()) else array


@given(
    drawn=st.dictionaries(st.text("abc/0 é", min_size=1, max_size=8), arrays(), max_size=3),
    save=st.sampled_from([np.savez, np.savez_compressed]),
)
def test_what_numpy_saved_comes_back_and_may_be_written_to(tmp_path_factory, drawn, save):
    path = tmp_path_factory.mktemp("saved") / "file.npz"
    save(path, **drawn)
    loaded = load_npz(path)
    assert list(loaded) == list(drawn)
    for name, array in drawn.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].flags.writeable
        np.testing.assert_array_equal(loaded[name], array, strict=True)


def test_arrays_of_several_chunks_come_back(tmp_path):
    array = np.arange(400_000, dtype=np.float64)
    np.savez_compressed(tmp_path / "file.npz", array=array)
    np.testing.assert_array_equal(load_npz(str(tmp_path / "file.npz"))["array"], array)


@pytest.mark.parametrize("version", [(2, 0), (3, 0)])
def test_newer_headers_are_read(archive, version):
    assert load_npz(archive([("a.npy", npy(version=version))]))["a"].tolist() == [0.0, 0.0]


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(StorageError, match=r"absent\.npz: cannot be read: No such file"):
        load_npz(tmp_path / "absent.npz")
    with pytest.raises(StorageError, match=r"Is a directory|Permission denied"):
        load_npz(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"not an archive", npy()])
def test_something_else_is_not_an_archive(tmp_path, content):
    (tmp_path / "file.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"expected an \.npz archive"):
        load_npz(tmp_path / "file.npz")


def test_object_arrays_are_refused_and_nothing_in_them_runs(tmp_path):
    np.savez(tmp_path / "file.npz", a=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(DataError, match=r"array 'a'.*object and structured arrays are not read"):
        load_npz(tmp_path / "file.npz")


def test_structured_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "file.npz", a=np.zeros(3, dtype=[("x", "f4")]))
    with pytest.raises(DataError, match="structured"):
        load_npz(tmp_path / "file.npz")


@pytest.mark.parametrize(
    "entry",
    ids=itertools.count(),
    argvalues=[
        npy(shape="(-2,)"),
        npy(shape="(True,)"),
        npy(shape="[2]"),
        npy(shape="(" + "1," * 33 + ")"),
        npy(order="0"),
        npy(descr="'<f3'"),
        npy(descr="'<U0'"),
        npy(descr="'<U99999999999999999999'"),
        npy(descr="'<M8'"),
        npy(header=b"__import__('os').abort()"),
        npy(header=b"[]"),
        npy(header=b"{'descr': '<f8'}"),
        npy(header=b"{[]: 1}"),
        npy(header=b"\xff\xfe"),
        npy(header=b"(" * 9000),
        npy(header=b"-" * 9000 + b"1"),
    ],
)
def test_lying_headers_are_refused(archive, entry):
    with pytest.raises(DataError, match="array 'a'"):
        load_npz(archive([("a.npy", entry)]))


@pytest.mark.parametrize(
    ("entry", "message"),
    ids=itertools.count(),
    argvalues=[
        (b"\x93NUMPX\x01\x00", "version 1 to 3"),
        (npy(version=(4, 0)), "version 1 to 3"),
        (npy(header=b" " * 20_000), "header of at most"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "header of at most"),
        (b"\x93NUMPY\x01\x00", "damaged, cut off"),
        (npy(data=bytes(15)), "asks for 16 bytes of data, the archive has 15"),
        (npy(data=bytes(17)), "asks for 16 bytes of data, the archive has 17"),
        (npy(shape=f"({10**30}, 0)", data=b""), "damaged, cut off"),
    ],
)
def test_a_header_must_fit_its_data(archive, entry, message):
    with pytest.raises(DataError, match=message):
        load_npz(archive([("a.npy", entry)]))


def refused_cheaply(path, message, **options):
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            load_npz(path, **options)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_header_bomb_is_refused_before_memory_is_set_aside(archive):
    refused_cheaply(archive([("a.npy", npy(shape="(1000000000,)"))]), "asks for")


def test_a_directory_that_promises_too_much_is_refused(archive):
    path = archive([("a.npy", npy())])
    content = path.read_bytes()
    length = len(npy())
    at = content.rindex(struct.pack("<II", length, length))
    for sizes in (struct.pack("<II", length, 2**30), struct.pack("<II", 2**30, 2**30)):
        path.write_bytes(content[:at] + sizes + content[at + 8 :])
        refused_cheaply(path, "promises more than the file can hold")


def test_a_deflate_bomb_beyond_the_cap_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "file.npz", a=np.zeros(10**6), b=np.zeros(10**6))
    refused_cheaply(tmp_path / "file.npz", "at most 15000000 bytes", max_bytes=15_000_000)
    assert load_npz(tmp_path / "file.npz", max_bytes=17_000_000)["b"].shape == (10**6,)


def test_entries_that_are_no_arrays_and_names_given_twice_are_refused(archive):
    with pytest.raises(DataError, match=r"got the entry 'readme\.txt'"):
        load_npz(archive([("readme.txt", b"")]))
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive([("a.npy", npy()), ("a.npy", npy())])
    with pytest.raises(DataError, match="same name twice"):
        load_npz(path)


def test_encrypted_entries_are_refused(archive):
    path = archive([("a.npy", npy())])
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="as NumPy writes it"):
        load_npz(path)


@given(data=st.data())
def test_any_damage_is_either_harmless_or_named(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "file.npz"
    np.savez_compressed(path, walk=np.arange(60.0).reshape(20, 3), names=np.array(["hip", "knee"]))
    content = bytearray(path.read_bytes())
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[:cut])
    try:
        loaded = load_npz(path)
    except DataError:
        return
    assert all(array.nbytes < 10_000 for array in loaded.values())


def test_an_open_archive_reads_only_what_is_asked_for(archive):
    path = archive([("good.npy", npy()), ("bad.npy", b"?"), ("huge.npy", npy(shape="(3,)"))])
    with open_npz(path) as arrays:
        assert (list(arrays), len(arrays), "good" in arrays) == (["good", "bad", "huge"], 3, True)
        np.testing.assert_array_equal(arrays["good"], np.zeros(2))
        for damaged in ("bad", "huge"):
            with pytest.raises(DataError, match=r"file\.npz"):
                arrays[damaged]
        with pytest.raises(KeyError):
            arrays["absent"]


def test_the_cap_of_an_open_archive_is_on_one_array(tmp_path):
    path = tmp_path / "file.npz"
    np.savez(path, **{str(number): np.zeros(100) for number in range(10)})
    with open_npz(path, max_bytes=2000) as arrays:
        assert sum(len(array) for array in arrays.values()) == 1000
    with pytest.raises(DataError, match="at most 500 bytes"), open_npz(path, max_bytes=500):
        pass


def test_what_cannot_be_opened_is_named(tmp_path):
    with (
        pytest.raises(StorageError, match=r"none\.npz: cannot be read"),
        open_npz(tmp_path / "none.npz"),
    ):
        pass
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(DataError, match=r"text\.npz: expected"), open_npz(tmp_path / "text.npz"):
        pass


def test_the_callers_own_errors_pass_an_open_archive_unchanged(archive):
    path = archive([("good.npy", npy())])
    with pytest.raises(ValueError, match=r"^mine$"), open_npz(path):
        raise ValueError("mine")
