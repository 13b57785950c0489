"""A reconstruction comes back from its file exactly, and no file can do harm."""

import json
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.errors import DataError, PoseNet3DError, StorageError
from posenet3d.export import write_npz
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import (
    AssumedCamera,
    Reconstruction,
    load_reconstruction,
    reconstruction_arrays,
)
from posenet3d.testing.contracts.exporters import moving_body


def assert_same(first, second, where="reconstruction"):
    """Equal in every field, type and bit."""
    assert type(first) is type(second), where
    if isinstance(first, np.ndarray):
        assert first.dtype == second.dtype, where
        assert first.shape == second.shape, where
        assert first.tobytes() == second.tobytes(), where
    elif is_dataclass(first):
        for field in fields(first):
            name = field.name
            assert_same(getattr(first, name), getattr(second, name), f"{where}.{name}")
    elif isinstance(first, dict):
        assert list(first) == list(second), where
        for name in first:
            assert_same(first[name], second[name], f"{where}[{name!r}]")
    else:
        assert first == second, where


def full():
    """Every field other than its default, with the types that an estimator gives."""
    lifted = moving_body()
    body = replace(
        lifted.body, rotations=lifted.body.rotations.astype("f4"), scale=1.1, family="other"
    )
    seen = KeypointSequence(
        lifted.keypoints.points, np.full((6, 14), 0.7), layout="lsp_14", fps=30000 / 1001,
        unit="normalized", image_size=(640, 480), frame_index=[0, 1, 2, 5, 6, 10**12], track_id=7,
        source="sübway\n'7'.json", synthesized=np.arange(14) == 12,
    )  # fmt: skip
    return replace(
        lifted, joints3d=lifted.joints3d.astype("f4"), keypoints=seen, body=body,
        invented=np.arange(84).reshape(6, 14) % 5 == 0, height_m=1.7123456789,
        camera=AssumedCamera(1 / 3, (0.1, 0.2), True), up_from="given",
        provenance={"weights": "a\u2028b", "": "nothing"},
    )  # fmt: skip


def without_body():
    seen = KeypointSequence(np.full((2, 17, 2), np.nan), layout="coco_17", fps=50.0)
    return Reconstruction(np.zeros((2, 14, 3)), np.ones((2, 3)), seen)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("make", [full, without_body, moving_body])
def test_everything_comes_back_bit_for_bit(tmp_path, make, compress):
    lifted = make()
    write_npz(path=tmp_path / "a.npz", reconstruction=lifted, compress=compress)
    back = load_reconstruction(tmp_path / "a.npz")
    assert_same(lifted, back)
    assert len(back.cut(0, 1)) == 1


def test_no_array_needs_pickle(tmp_path):
    full().save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fiubU" for name in arrays)
        header = json.loads(str(arrays["posenet3d"]))
    assert header["facts"]["Axes"] == "x right, y down, z forward, from the camera (right-handed)"
    assert "CC0" in header["facts"]["Body licence"]


def saved(path, **changed):
    arrays = reconstruction_arrays(moving_body())
    arrays |= changed
    np.savez(path, **{name: each for name, each in arrays.items() if each is not None})
    return path


def header(**changed):
    read = json.loads(str(reconstruction_arrays(moving_body())["posenet3d"]))
    for name, value in changed.items():
        part, _, key = name.rpartition("__")
        (read[part] if part else read)[key] = value
    return np.array(json.dumps(read))


FAULTS = {
    "no key of ours": ({"posenet3d": None}, "a key 'posenet3d'"),
    "a later version": ({"posenet3d": header(version=2)}, "expected version 1 of the file, got 2"),
    "no JSON": ({"posenet3d": np.array("{")}, "expected a whole JSON file"),
    "a list": ({"posenet3d": np.array("[]")}, "key 'posenet3d'"),
    "numbers for JSON": ({"posenet3d": np.zeros(3)}, "a key 'posenet3d'"),
    "an unknown field": ({"posenet3d": header(evil=1)}, "evil: Extra inputs"),
    "an unknown layout": ({"posenet3d": header(keypoints__layout="x")}, "layout 'x'"),
    "a rate of zero": ({"posenet3d": header(keypoints__fps=0.0)}, "fps: expected a positive"),
    "many branches": ({"posenet3d": header(branches=["teacher"] * 17)}, "branches"),
    "a branch that is absent": ({"joints3d_teacher": None}, "'joints3d_teacher', got none"),
    "too few joints": ({"joints3d": np.zeros((6, 13, 3))}, "joints3d: expected"),
    "other frames": ({"root": np.zeros((5, 3))}, "root: expected"),
    "no axes": ({"joints3d": np.float64(3.0)}, "joints3d: expected"),
    "no frames": ({"joints3d": np.zeros((0, 14, 3))}, "do not fit"),
    "whole numbers": ({"joints3d": np.zeros((6, 14, 3), "i8")}, "float32 or float64, got int64"),
    "half floats of 16 bytes": ({"up": np.zeros(3, "c16")}, "float32 or float64"),
    "NaN": ({"up": np.full(3, np.nan)}, "up: expected finite numbers"),
    "flat rotations": ({"body_rotations": np.zeros((6, 24, 9))}, "body_rotations: expected"),
    "a betas table": ({"body_betas": np.zeros((6, 10))}, "body_betas: expected"),
    "wrong truth values": ({"invented": np.zeros(4)}, "invented: expected truth values"),
    "2D of other frames": ({"keypoints_points": np.ones((5, 14, 2))}, "do not fit"),
    "falling frame numbers": ({"keypoints_frame_index": np.arange(6)[::-1]}, "numbers from 0 up"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), FAULTS.values(), ids=FAULTS)
def test_what_does_not_fit_is_told_with_the_file(tmp_path, changed, message):
    path = saved(tmp_path / "a.npz", **changed)
    with pytest.raises(DataError, match=message) as caught:
        load_reconstruction(path)
    assert caught.value.source == str(path)


def test_truth_values_of_another_shape_are_refused(tmp_path):
    path = saved(tmp_path / "a.npz", invented=np.zeros((5, 14), dtype=bool))
    with pytest.raises(DataError, match="invented: expected"):
        load_reconstruction(path)


def test_a_missing_file_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot be read"):
        load_reconstruction(tmp_path / "absent.npz")


def test_what_is_not_finite_is_not_written(tmp_path):
    with pytest.raises(DataError, match="joints3d: expected finite numbers"):
        write_npz(path=tmp_path / "a.npz", reconstruction=moving_body(finite=False))
    with pytest.raises(DataError, match="height_m"):
        write_npz(
            path=tmp_path / "a.npz", reconstruction=replace(moving_body(), height_m=float("inf"))
        )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "a.npz"
    moving_body().save(path, amass="none", compress=True)
    return path.read_bytes()


bites = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8)


@given(keep=st.floats(0.0, 1.0), bites=bites)
def test_a_damaged_file_ends_in_our_error(tmp_path_factory, content, keep, bites):
    path = tmp_path_factory.mktemp("damaged") / "a.npz"
    mangled = bytearray(content[: max(1, round(len(content) * keep))])
    for place, byte in bites:
        mangled[place % len(mangled)] = byte
    path.write_bytes(mangled)
    with suppress(PoseNet3DError):
        load_reconstruction(path)
