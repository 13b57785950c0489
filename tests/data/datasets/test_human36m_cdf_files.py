"""Damaged copies of a pose file of Human3.6M's release."""

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posenet3d.data.datasets.human36m.cdf_files import read_pose
from posenet3d.errors import DataError
from posenet3d.files import reader_process

PROGRAM = Path(__file__).with_name("human36m_files.py")
SPEC = importlib.util.spec_from_file_location("human36m_files", PROGRAM)
files = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(files)

HEADS = 1400
"""The first bytes of the files here: all but the numbers, which have a checksum of their own."""
COUNTS = (365, 377, 773)
"""Bytes of counts; where they are large, cdflib goes round in circles."""
HURRY = 0.5

damage = st.lists(
    st.tuples(
        st.integers(0, HEADS - 1) | st.integers(0, 8000),
        st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def world():
    return files.world()["S1", "Walking"] * files.MILLIMETRES


@pytest.fixture(scope="module")
def content(world, tmp_path_factory):
    path = tmp_path_factory.mktemp("poses") / "Walking.cdf"
    files.write_pose(path, world)
    return path.read_bytes()


@pytest.fixture
def hurry(monkeypatch):
    """Less time for a file: of a thousand damaged ones seven send cdflib in circles."""
    monkeypatch.setattr(reader_process, "_SECONDS", HURRY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def changed(content, places):
    made = bytearray(content)
    for place, value in places:
        made[place] = value
    return bytes(made)


def pose_or_error(path):
    try:
        return read_pose(path, 3)
    except DataError as error:
        return error


def check(damaged, world, folder):
    """It is an error that names the file, or gives its frames as they were written."""
    path = folder / "Walking 1.cdf"
    path.write_bytes(damaged)
    start = time.monotonic()
    found = pose_or_error(path)
    if isinstance(found, DataError):
        assert str(found).startswith(f"{path}: ")
    else:
        assert len(found) <= len(world)
        np.testing.assert_array_equal(found, world.astype(np.float32)[: len(found)])
    assert time.monotonic() - start < HURRY + 10.0


@pytest.mark.parametrize("place", COUNTS)
def test_a_file_that_sends_cdflib_in_circles_is_an_error(place, content, tmp_path, monkeypatch):
    path = tmp_path / "Walking 1.cdf"
    path.write_bytes(changed(content, [(place, 255)]))
    with monkeypatch.context() as patch:
        patch.setattr(reader_process, "_SECONDS", HURRY)
        with pytest.raises(DataError, match=r"Walking 1\.cdf: .*cdflib does not get to its end"):
            read_pose(path, 3)
    path.write_bytes(content)
    assert read_pose(path, 3).shape == (files.FRAMES, 32, 3)


@pytest.mark.usefixtures("hurry")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(places=damage)
def test_damage_is_an_error_or_harmless(places, content, world, folder):
    check(changed(content, places), world, folder)


@pytest.mark.slow
@pytest.mark.usefixtures("hurry")
@settings(max_examples=1000, suppress_health_check=[*HealthCheck])
@given(places=damage)
def test_a_thousand_kinds_of_damage_are_errors_or_harmless(places, content, world, folder):
    check(changed(content, places), world, folder)


@pytest.mark.slow
@pytest.mark.usefixtures("hurry")
def test_each_byte_of_the_heads_may_be_damaged(content, world, tmp_path):
    for place in range(HEADS):
        for value in (0, 255, content[place] ^ 1):
            check(changed(content, [(place, value)]), world, tmp_path)


def test_what_no_person_does_is_damage(world, tmp_path):
    path = tmp_path / "Walking.cdf"
    jumping = world.copy()
    jumping[::2] += 2000
    lost = world.copy()
    lost[7] = 0
    faults = {
        "numbers up to 1.6": world * 1e6,
        "numbers up to nan": np.where(world == world[3, 3, 1], np.nan, world),
        "only zeros in frame 7": lost,
        "joints that jump": jumping,
    }
    for told, poses in faults.items():
        files.write_pose(path, poses)
        with pytest.raises(DataError, match=f"Walking.cdf: Pose: expected a person, got {told}"):
            read_pose(path, 3)
    files.write_pose(path, world[:1])
    assert read_pose(path, 3).shape == (1, 32, 3)
