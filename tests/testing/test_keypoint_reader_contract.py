"""The contract of keypoint readers is kept by one that keeps its promises; breaches are named."""

import io
import json
import time
import warnings
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from posenet3d.errors import DataError
from posenet3d.files.npz import parse_npz
from posenet3d.keypoints import KeypointSequence
from posenet3d.testing import check_keypoint_reader, check_malformed
from posenet3d.testing.contracts import keypoint_readers
from posenet3d.testing.malformed import damaged


class Lines:
    """A stranger's format: a line a frame, the 30 coordinates of OpenPose's MPI order."""

    def sniff(self, source):
        return source.suffix == ".lines" and source.path.stat().st_size > 100

    def read(self, source, told):
        try:
            lines = source.read_bytes().decode("ascii").split("\n")
            points = np.array([[float(word) for word in line.split(" ")] for line in lines])
            if points.shape[1:] != (30,) or not np.isfinite(points).all():
                raise ValueError(f"lines of {points.shape}")
        except ValueError as error:
            raise source.error("lines", "30 numbers each", str(error)[:80]) from None
        return (
            KeypointSequence(
                points.reshape(-1, 15, 2),
                layout=told.layout_of(source, 15, "mpi_15"),
                fps=told.fps_of(source, 25.0, len(points)),
                image_size=told.image_size,
                source=source.name,
            ),
        )


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "walk.lines"
    rows = np.arange(120.0).reshape(4, 30)
    path.write_text("\n".join(" ".join(map(str, row)) for row in rows.tolist()))
    return path


def test_a_strangers_reader_keeps_the_contract(sample, tmp_path):
    check_keypoint_reader(Lines(), sample)
    check_malformed(Lines(), sample, tmp_path, count=300)
    assert [path.name for path in tmp_path.iterdir()] == ["walk.lines"]


def breach(name, method):
    return type("Breach", (Lines,), {name: method})()


def recognises_everything(self, source):
    return True


def recognises_nothing(self, source):
    return False


def raises_in_sniff(self, source):
    return source.path.read_bytes()[0] > 0


def gives_a_list(self, source, told):
    return list(Lines.read(self, source, told))


def gives_nobody(self, source, told):
    return ()


def knows_better(self, source, told):
    return Lines.read(self, source, replace(told, fps=25.0))


def forgets_the_size(self, source, told):
    return Lines.read(self, source, replace(told, image_size=None))


def ignores_the_layout(self, source, told):
    return Lines.read(self, source, replace(told, layout=None))


def draws_random_numbers(self, source, told):
    np.random.random()
    return Lines.read(self, source, told)


def differs_each_time(self, source, told):
    (read,) = Lines.read(self, source, told)
    shift = time.perf_counter_ns() % 1000
    return (KeypointSequence(read.points + shift, layout=read.layout, fps=read.fps),)


def writes_to_the_file(self, source, told):
    read = Lines.read(self, source, told)
    source.path.write_bytes(source.path.read_bytes() + b"0")
    return read


def gives_one_track_twice(self, source, told):
    (read,) = Lines.read(self, source, told)
    return (KeypointSequence(read.points, layout=read.layout, fps=read.fps, track_id=1),) * 2


def reads_what_is_missing(self, source, told):
    return Lines.read(self, source, told) if source.path.exists() else ()


@pytest.mark.parametrize(
    ("name", "method", "promise"),
    [
        ("sniff", None, "methods sniff and read"),
        ("sniff", recognises_everything, "is not recognised"),
        ("sniff", recognises_nothing, "sniff of its sample is True"),
        ("read", gives_a_list, "tuple of KeypointSequence"),
        ("read", gives_nobody, "StorageError"),
        ("read", knows_better, "fps is as told"),
        ("read", forgets_the_size, "image_size is as told"),
        ("read", ignores_the_layout, "unknown layout"),
        ("read", draws_random_numbers, "random state"),
        ("read", differs_each_time, "reading twice gives the same"),
        ("read", writes_to_the_file, "file is left as it is"),
        ("read", gives_one_track_twice, "track of their own"),
        ("read", reads_what_is_missing, "missing file"),
    ],
)
def test_a_breach_is_named(sample, name, method, promise):
    reader = breach(name, method)
    if method is None:
        reader = object()
    with pytest.raises(AssertionError, match=promise):
        check_keypoint_reader(reader, sample)


def lets_errors_through(self, source, told):
    return Lines.read(self, source, told) if len(source.read_bytes()) else [][0]


def warns(self, source, told):
    warnings.warn("odd", stacklevel=1)
    return Lines.read(self, source, told)


def hoards(self, source, told):
    np.ones(2**27)
    return Lines.read(self, source, told)


def dawdles(self, source, told):
    started = time.process_time()
    while time.process_time() - started < 0.3:
        pass
    return Lines.read(self, source, told)


def hangs(self, source, told):
    try:
        time.sleep(60)
    except Exception:
        return ()


@pytest.mark.parametrize(
    ("name", "method", "promise"),
    [
        ("sniff", raises_in_sniff, "IndexError"),
        ("read", lets_errors_through, "IndexError"),
        ("read", warns, "UserWarning"),
        ("read", hoards, "MemoryError"),
        ("read", dawdles, "it takes under|expected an end"),
        ("read", hangs, "expected an end"),
        ("read", gives_a_list, "tuple of KeypointSequence"),
    ],
)
def test_a_reader_that_stumbles_over_damage_is_told(
    sample, tmp_path, monkeypatch, name, method, promise
):
    def empty_too(content, count, seed):
        yield from (content, b"", b"\0")

    monkeypatch.setattr(keypoint_readers, "SECONDS", 0.25)
    with pytest.raises(AssertionError, match=promise):
        check_malformed(breach(name, method), sample, tmp_path, damage=empty_too)
    assert (tmp_path / "damaged.lines").exists()


def test_an_unknown_plug_in_is_named(sample):
    with pytest.raises(LookupError, match="openpos"):
        check_keypoint_reader("openpos", sample)


GOOD = json.dumps({"people": [{"id": 3, "joints": [1.5, 2.5, 0.5] * 6}] * 2}).encode()


def test_damaged_copies_are_the_same_each_time_and_of_many_kinds():
    copies = list(damaged(GOOD, 400))
    assert copies == list(damaged(GOOD, 400))
    assert copies != list(damaged(GOOD, 400, seed=1))
    assert sum(copy == GOOD for copy in copies) < 20
    parsed = []
    for copy in copies:
        try:
            parsed.append(json.loads(copy))
        except (ValueError, RecursionError):
            continue
    assert 150 < len(parsed) < 350  # some are no JSON any more, some are JSON of another shape
    assert any(isinstance(value, list) for value in parsed)
    assert any(isinstance(value, dict) and value.get("people") == [] for value in parsed) or any(
        isinstance(value, dict) and "people" not in value for value in parsed
    )


@pytest.mark.parametrize("content", [b"", b"\n", b"0", b"[]", b"{}", b"null", b"a,b\n1,2\n"])
def test_anything_can_be_damaged(content):
    assert len(list(damaged(content, 200))) == 200


def test_arrays_of_an_archive_are_damaged_too():
    file = io.BytesIO()
    np.savez(file, points=np.ones((3, 4, 2)), fps=25.0)
    seen = set()
    for copy in damaged(file.getvalue(), 150):
        with suppress(DataError):
            arrays = parse_npz(copy, "a.npz")
            seen |= {(array.shape, array.dtype.kind) for array in arrays.values()}
    assert len({shape for shape, _ in seen}) > 3
    assert len({kind for _, kind in seen}) > 2
