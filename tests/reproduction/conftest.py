"""Two synthetic people, one to train on and one to measure."""

from pathlib import Path

import numpy as np
import pytest

from posenet3d.data import MotionClip
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.reproduction import EXACT, Material


@pytest.fixture(scope="session")
def people() -> tuple[MotionClip, MotionClip]:
    one, other = synthetic_motion(clips=2, seconds=0.6)
    return (
        MotionClip("S1/one", one.joints, one.layout, one.fps),
        MotionClip("S2/other", other.joints, other.layout, other.fps),
    )


@pytest.fixture(scope="session")
def material(people: tuple[MotionClip, MotionClip]) -> Material:
    train, test = {EXACT: people[:1]}, {EXACT: people[1:]}
    return Material(train, test, "cmu14", rig="cmu14", noise="gentle")


@pytest.fixture(scope="session")
def motion(people: tuple[MotionClip, MotionClip], tmp_path_factory) -> Path:
    """Both people as a motion file."""
    path = tmp_path_factory.mktemp("data") / "motion.npz"
    joints = {clip.key: clip.joints for clip in people}
    np.savez(path, fps=people[0].fps, layout=people[0].layout, **joints)
    return path
