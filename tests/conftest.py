"""Settings and fixtures that every test shares."""

import gc
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

REPOSITORY = Path(__file__).resolve().parents[1]
MEASURED = ("geometry", "losses", "skeletons", "plugins")
"""The parts whose coverage is gated: GATED of the Makefile."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leaves what is imported to no garbage collector: it is not garbage, and there is much of it.

    Importing takes a quarter less time, and later collections look at the tests' objects only.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measures coverage in the gated parts' own tests and examples only: it takes a fifth."""
    for item in items:
        words = item.path.relative_to(REPOSITORY).with_suffix("").parts
        if not any({part, f"test_{part}"} & {*words} for part in MEASURED):
            item.add_marker("no_cover")


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Files are written but not waited for: no test cuts the power, and the wait takes a minute.

    tests/files/test_atomic.py tells that they are waited for, and when.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the motion capture and its cameras; skips where it is absent."""
    named = os.environ.get("POSENET3D_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (folder / "cmu_test.npz").is_file():
        pytest.skip(f"no motion capture in {folder}; set POSENET3D_DATA to the folder that has it")
    return folder


@pytest.fixture(scope="session")
def small_body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a mannequin with one vertex in twenty, for what is not about the body.

    Of a small training with the whole one, half the time goes into the tables of 6890 vertices.
    """
    from posenet3d.body import mannequin_data, write_body_file

    whole = mannequin_data()
    near = whole.joint_regressor.argsort(1)[:, -4:].ravel()  # what each joint hangs on most
    kept = np.union1d(near, np.arange(0, whole.num_vertices, 20))
    regressor = whole.joint_regressor[:, kept]
    thinned = replace(
        whole,
        v_template=whole.v_template[kept],
        shapedirs=whole.shapedirs[kept],
        posedirs=whole.posedirs[kept],
        joint_regressor=regressor / regressor.sum(1, keepdims=True),
        weights=whole.weights[kept],
        faces=np.arange(3)[None],
        family="thinned",
    )
    path = tmp_path_factory.mktemp("body") / "thinned.npz"
    write_body_file(path, thinned)
    return path


@pytest.fixture(scope="session")
def is_running() -> Callable[[int], bool]:
    """Whether a process is there, and not only because nobody has waited for it."""

    def look(process: int) -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        state = Path(f"/proc/{process}/stat")
        try:
            return state.read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return not Path("/proc/self").exists()

    return look


@pytest.fixture(scope="session")
def check_it_ends(is_running: Callable[[int], bool]) -> Callable[[int, float], None]:
    """Waits for a process that is not a child; one that goes on for longer is killed and told."""

    def wait(process: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        while is_running(process):
            if time.monotonic() > until:
                os.kill(process, signal.SIGKILL)
                pytest.fail(f"process {process} outlived whoever asked it by {seconds} seconds")
            time.sleep(0.05)

    return wait
