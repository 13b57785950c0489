"""A detector without the detector: our own worker over modules that stand in for two packages.

The real ones (MediaPipe, OpenCV and what they bring) are a gigabyte and have no wheels for each
Python that the tests run with, so they are not installed for the tests. The fakes have their
interface as far as the worker uses it. The worker, its process and all that is said between the
two are the real ones; tests/benchmarks/test_video.py runs the real detector where there is one.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CV2 = '''
"""Stands in for OpenCV: a video is JSON, an image as many bytes as it is pixels wide and high."""
import json, os, sys, time

CAP_FFMPEG, CAP_PROP_FRAME_COUNT, CAP_PROP_FPS, CAP_PROP_POS_MSEC = 1900, 7, 5, 0
IMREAD_COLOR, COLOR_BGR2RGB = 1, 4

class error(Exception):
    pass

class Picture:
    def __init__(self, shape, content):
        self.shape, self.content = (*shape, 3), content

class VideoCapture:
    def __init__(self, path, backend):
        try:
            with open(path) as file:
                self.told = json.load(file)
        except ValueError:
            self.told = {"frames": []}
        self.place = -1

    def read(self):
        self.place += 1
        if self.place >= len(self.told["frames"]):
            return False, None
        return True, Picture(self.told["size"], self.told["frames"][self.place])

    def get(self, what):
        if what == CAP_PROP_POS_MSEC:
            return self.told.get("ms", [0.0] * 10**4)[self.place]
        return self.told["fps"] if what == CAP_PROP_FPS else self.told["promised"]

def imdecode(content, how):
    side = len(content)
    return Picture((side, side), "person") if bytes(content) == b"i" * side else None

def cvtColor(picture, how):
    return picture
'''

MEDIAPIPE = '''
"""Stands in for MediaPipe: a frame says what is to be found in it."""
import os, sys, time
from types import SimpleNamespace

class Pose:
    def __init__(self, model_complexity, smooth_landmarks):
        assert (model_complexity, smooth_landmarks) == (1, False)
        self.count = 0

    def __enter__(self):
        print("native libraries print on standard output")
        print("and complain", file=sys.stderr, flush=True)
        return self

    def __exit__(self, *error):
        return None

    def process(self, picture):
        self.count += 1
        asked = picture.content
        if asked == "hang":
            time.sleep(600)
        if asked == "crash":
            print("Check failed: out of luck", file=sys.stderr, flush=True)
            os.kill(os.getpid(), 11)
        if asked == "raise":
            raise RuntimeError("the graph has errors")
        if asked == "nobody":
            return SimpleNamespace(pose_landmarks=None)
        x = 0.25 if asked == "person" else float(asked)
        joints = [
            SimpleNamespace(x=x + j / 100, y=j / 40, z=0.0, visibility=0.9) for j in range(33)
        ]
        return SimpleNamespace(pose_landmarks=SimpleNamespace(landmark=joints))

solutions = SimpleNamespace(pose=SimpleNamespace(Pose=Pose))
'''

Film = Callable[..., Path]


@pytest.fixture
def fake_detector(tmp_path: Path) -> Path:
    """A command that runs Python with the stand-ins; ``version`` beside it tells MediaPipe's."""
    if os.name == "nt":
        pytest.skip("the stand-in for a Python is a shell script")
    packages = tmp_path / "packages"
    (packages / "mediapipe-0.10.14.dist-info").mkdir(parents=True)
    told = "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.14\n"
    (packages / "mediapipe-0.10.14.dist-info" / "METADATA").write_text(told)
    (packages / "cv2.py").write_text(CV2)
    (packages / "mediapipe.py").write_text(MEDIAPIPE)
    command = tmp_path / "python with mediapipe"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{packages}" exec "{sys.executable}" "$@"\n')
    command.chmod(0o755)
    return command


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Makes a video that the stand-ins read: what is in each frame."""

    def made(
        frames: list[Any], fps: float = 25.0, promised: int | None = None, **more: Any
    ) -> Path:
        path = tmp_path / "walk.mp4"
        facts = {"size": [480, 640], "fps": fps, "frames": frames} | more
        facts["promised"] = len(frames) if promised is None else promised
        facts.setdefault("ms", [1000 * each / fps for each in np.arange(len(frames))] if fps else
                         [0.0] * len(frames))  # fmt: skip
        path.write_text(json.dumps(facts))
        return path

    return made
