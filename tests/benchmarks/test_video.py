"""The real detector on a drawn person, where there is one."""

import importlib.util
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from posenet3d.cli.app import app
from posenet3d.errors import DataError
from posenet3d.integrations.detector_python import VARIABLE
from posenet3d.integrations.mediapipe_video import detect_people
from posenet3d.reconstruction import load_reconstruction

MODULES = ("video",)

needs_detector = pytest.mark.skipif(
    not os.environ.get(VARIABLE) and importlib.util.find_spec("mediapipe") is None,
    reason=f"no 2D detector: {VARIABLE} does not name a Python that has mediapipe==0.10.14",
)


def test_a_drawn_person_stands_in_the_picture_where_the_joints_say(
    benchmark: SimpleNamespace,
) -> None:
    made = benchmark.video.film("squat", -20.0, seconds=2 / 30)
    assert made.joints.shape == (2, 14, 2)
    picture = made.pictures[0].astype(int)
    skin = picture[..., 0] - picture[..., 2] > 40
    for column, row in made.joints[0, :12].round().astype(int):
        assert skin[row - 4 : row + 5, column - 4 : column + 5].mean() > 0.5
    assert not skin[:, :100].any()


@needs_detector
def test_the_real_detector_finds_a_drawn_person_and_the_video_is_lifted(
    benchmark: SimpleNamespace, tmp_path
) -> None:
    made = benchmark.video.film("squat", -20.0, seconds=10 / 30)
    video = tmp_path / "squat.mp4"
    benchmark.video.write_video(video, made.pictures)
    facts = benchmark.video.measured("squat", video, made, None)
    assert (facts["frames"], facts["found"], facts["sides_swapped"]) == (10, 10, 0)
    assert facts["percent"] < 4
    words = ["lift", video, "--out", tmp_path / "squat.npz", "--device", "cpu", "--json"]
    result = CliRunner().invoke(app, [str(each) for each in words])
    assert result.exception is None
    assert json.loads(result.stdout)["frames"] == 10
    assert np.isfinite(load_reconstruction(tmp_path / "squat.npz").joints3d).all()


@needs_detector
def test_the_real_detector_finds_nobody_in_an_empty_room_and_no_video_in_a_text(
    benchmark: SimpleNamespace, tmp_path
) -> None:
    benchmark.video.write_video(tmp_path / "room.mp4", [np.full((480, 640, 3), 180, np.uint8)] * 3)
    with pytest.raises(DataError, match="found nobody in 3 frames"):
        detect_people(tmp_path / "room.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(DataError, match="expected a video"):
        detect_people(tmp_path / "text.mp4")
