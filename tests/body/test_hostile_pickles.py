"""Every loader of bodies is given files made to run something by hostile_pickles.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("hostile_pickles.py")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """In a process of its own, since an audit hook stays for good."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path_factory.mktemp("hostile"))],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_there_are_at_least_forty_of_them_and_six_loaders(told):
    assert len(told["raised"]) >= 2 * 100  # as a pickle, and as an object array in an npz
    assert all(len(by_loader) == 6 for by_loader in told["raised"].values())


def test_nothing_in_them_is_executed(told):
    assert told["heard"] == []
    assert told["left"] == []


def test_each_ends_in_the_error_of_a_body_file_in_every_loader(told):
    others = {
        (file, loader): error
        for file, by_loader in told["raised"].items()
        for loader, error in by_loader.items()
        if error != "BodyModelFileError"
    }
    assert others == {}


def test_the_canary_hears_what_pythons_own_reader_runs(told):
    assert any("os.system" in event for event in told["control"])
