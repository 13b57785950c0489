"""What the tests of inference share: the shipped network, and a person who walks and turns."""

import numpy as np
import pytest

from posenet3d.data import camera_rig, observe
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.inference import Estimator
from posenet3d.keypoints import KeypointSequence


@pytest.fixture(scope="session")
def estimator() -> Estimator:
    """The network that ships, on the CPU."""
    return Estimator.from_pretrained(device="cpu")


@pytest.fixture(scope="session")
def walk() -> KeypointSequence:
    """Sixty exact frames of a synthetic person, in pixels of a full-HD image."""
    clip = synthetic_motion(clips=1, seconds=1.2, seed=3)[0]
    seen = observe(clip, camera_rig("cmu14-wild", "test").cameras(clip)[0])
    pixels = seen.points * 960 + np.array([960.0, 540.0])
    return KeypointSequence(
        pixels, layout=seen.layout, fps=seen.fps, image_size=(1920, 1080), source="walk"
    )
