"""``posenet3d detect`` and ``posenet3d lift VIDEO``; a stand-in finds the people."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from posenet3d.cli.app import app
from posenet3d.data import camera_rig, observe
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import ConfigurationError, DataError, StorageError
from posenet3d.integrations import mediapipe_video
from posenet3d.integrations.mediapipe_video import FoundInVideo
from posenet3d.keypoints import KeypointSequence, load_people
from posenet3d.reconstruction import load_reconstruction
from posenet3d.skeletons import layout

SIZE = (1920, 1080)


def walk(frames: int = 30) -> KeypointSequence:
    """A synthetic walk with MediaPipe's joints; those that it lacks are unknown."""
    clip = synthetic_motion(clips=1, seconds=1.0, seed=3)[0]
    seen = observe(clip, camera_rig("cmu14-wild", "test").cameras(clip)[0]).to_layout("lsp_14")
    points = seen.points[:frames] * 960 + np.array([960.0, 540.0])
    found = np.full((frames, 33, 2), np.nan)
    theirs, ours = layout("mediapipe_33"), layout("lsp_14")
    for joint in set(ours.joint_names) & set(theirs.joint_names):
        found[:, theirs.index(joint)] = points[:, ours.index(joint)]
    found[:, theirs.index("nose")] = points[:, ours.index("head_top")] + [0.0, 20.0]
    index = np.arange(frames) + 3
    return KeypointSequence(
        found, layout="mediapipe_33", fps=50.0, image_size=SIZE, frame_index=index, source="walk"
    )


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Whoever looks at a video finds the walk; what was asked is noted."""
    asked: list[dict[str, Any]] = []

    def found(video: Path, **options: Any) -> FoundInVideo:
        asked.append({"video": video} | options)
        if not Path(video).exists():
            raise StorageError(video, "nothing there")
        options["on_progress"](40, None)
        return FoundInVideo((walk(),), 40, 30, 50.0, SIZE, ("It is odd.",))

    monkeypatch.setattr(mediapipe_video, "detect_people", found)
    return asked


@pytest.fixture
def video(tmp_path: Path) -> Path:
    (tmp_path / "walk.mp4").touch()
    return tmp_path / "walk.mp4"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None:
        raise result.exception
    return result


@pytest.mark.parametrize("suffix", ["npz", "csv", "json"])
def test_what_is_found_is_kept_in_a_file_that_loads_again(
    detector: list[dict[str, Any]], video: Path, suffix: str
) -> None:
    out = video.with_suffix(f".{suffix}")
    told = run("detect", video, "--out", out, "--fps", "50", "--detector-python", "other/python")
    assert detector[0]["fps"] == 50
    assert detector[0]["python"] == Path("other/python")
    assert "30 of 40 frames" in told.stdout
    assert "one person a frame" in told.stdout
    assert "It is odd." in told.stdout
    (kept,) = load_people(out)
    assert (kept.layout, kept.fps, kept.image_size) == ("mediapipe_33", 50.0, SIZE)
    np.testing.assert_array_equal(kept.frame_index, walk().frame_index)
    np.testing.assert_allclose(kept.points, walk().points, atol=1e-3, rtol=0)
    np.testing.assert_array_equal(kept.confidence, walk().confidence)


def test_json_tells_what_was_found(detector: list[dict[str, Any]], video: Path) -> None:
    told = json.loads(run("detect", video, "-o", video.with_suffix(".npz"), "--json").stdout)
    assert told["people"] == [{"track": None, "frames": 30, "first": 3}]
    assert (told["frames"], told["frames_with_someone"], told["fps"]) == (40, 30, 50.0)
    assert "Apache-2.0" in told["detector"]


def test_several_tracks_are_several_clips_of_one_file(
    detector: list[dict[str, Any]], video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [walk().cut(0, 20), walk().cut(22, 30)]
    tracks = [
        KeypointSequence(
            each.points, layout=each.layout, fps=50, image_size=SIZE, track_id=number,
            frame_index=each.frame_index, source="walk",
        )
        for number, each in enumerate(parts)
    ]  # fmt: skip
    found = FoundInVideo(tuple(tracks), 40, 28, 50.0, SIZE)
    monkeypatch.setattr(mediapipe_video, "detect_people", lambda *_, **options: found)
    told = run("detect", video, "--out", video.with_suffix(".npz"))
    assert "2 tracks, of 20, 8 frames" in told.stdout
    assert [len(each) for each in load_people(video.with_suffix(".npz"))] == [20, 8]


def test_what_cannot_be_written_is_told_before_minutes_of_looking(
    detector: list[dict[str, Any]], video: Path
) -> None:
    for out, words in (
        (video.with_suffix(".xml"), ".npz"),
        (video.parent / "gone" / "a.npz", "no folder"),
        (video, "is there already"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            run("detect", video, "--out", out)
    assert not detector


def test_a_video_is_lifted_as_its_keypoints_would_be(
    detector: list[dict[str, Any]], video: Path
) -> None:
    out = video.with_suffix(".npz")
    told = run("lift", video, "--out", out, "--device", "cpu", "--json")
    facts = json.loads(told.stdout)
    assert (facts["source"], facts["layout"], facts["frames"]) == ("walk", "mediapipe_33", 30)
    assert "30 of 40 frames" in told.stderr
    lifted = load_reconstruction(out)
    assert lifted.joints3d.shape == (30, 14, 3)
    np.testing.assert_array_equal(lifted.keypoints.points, walk().points)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layout", "body_25"], "--layout: not with a video"),
        (["--image-size", "640x480"], "--image-size: not with a video"),
    ],
)
def test_what_a_video_tells_itself_is_not_to_be_told(
    detector: list[dict[str, Any]], video: Path, arguments: list[str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        run("lift", video, "--out", video.with_suffix(".npz"), "--device", "cpu", *arguments)
    assert not detector


def test_a_video_with_many_is_refused(detector: list[dict[str, Any]], video: Path) -> None:
    with pytest.raises(ConfigurationError, match="without --many"):
        run("lift", video, "--many", "--out", video.parent / "lifted")
    assert not detector


def test_landmarks_of_nobody_or_of_other_joints_are_not_written(tmp_path: Path) -> None:
    from posenet3d.integrations.landmarks_json import write_landmarks_json

    other = KeypointSequence(np.ones((3, 17, 2)), layout="coco_17", fps=25)
    for people in ([], [other]):
        with pytest.raises(DataError):
            write_landmarks_json(tmp_path / "a.json", people, 3)
    assert not list(tmp_path.iterdir())
