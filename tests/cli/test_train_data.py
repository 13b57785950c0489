import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from posenet3d.cli import main
from posenet3d.cli.train_data import parse_options, training_data
from posenet3d.data import TrainingSet, film
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import ConfigurationError
from posenet3d.keypoints import load_people, write_clips, write_csv
from posenet3d.skeletons import convert, layout

TINY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "network.student.options.blocks=0",
    "batch_size=4",
    *(f"stages.{name}.steps=2" for name in ("teacher", "distillation", "sja", "joint")),
]
READ = ["--layout", "body_25", "--fps", "30"]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    return left.value.code


def train(run_dir: Path, *arguments: object) -> object:
    changes = [part for change in TINY for part in ("--set", change)]
    return run("train", "--run", run_dir, "--device", "cpu", *changes, *arguments)


def read(path: Path, **reading: object) -> TrainingSet:
    found = training_data(path, None, [], reading, missing_joints=False)
    assert isinstance(found, TrainingSet)
    return found


@cache
def seen() -> np.ndarray:
    """(frames, 25, 3) of BODY_25, as OpenPose has them: 0, 0, 0 is unknown."""
    clip = synthetic_motion(clips=1, seconds=1.0, fps=30.0)
    exact = next(iter(film(clip, "cmu14").sequences.values())).points * 960 + (960, 540)
    made = convert(exact, "lsp_14", "body_25").points
    head = exact[:, layout("lsp_14").index("head_top")]
    made[:, layout("body_25").index("nose")] = head + np.array([0.0, 20.0])
    known = np.isfinite(made).all(-1, keepdims=True)
    return np.concatenate([np.where(known, made, 0.0), 0.9 * known], -1)


def openpose(folder: Path, joints: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for frame, person in enumerate(joints):
        people = [{"person_id": [-1], "pose_keypoints_2d": person.ravel().tolist()}]
        text = json.dumps({"version": 1.3, "people": people})
        (folder / f"cam_{frame:06d}_keypoints.json").write_text(text)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    openpose(tmp_path / "clips" / "anna" / "walk", seen())
    return tmp_path / "clips"


def test_openpose_folders_train_end_to_end(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert train(folder, "--data", clips, *READ) == 0
    shown = capsys.readouterr()
    assert "Read: 1 sequence" in shown.err
    assert f"Next: posenet3d lift CLIP --weights {folder} --out clip.glb" in shown.out
    assert (folder / "model.safetensors").is_file()


def test_one_file_of_a_detector_is_read_too(clips: Path, tmp_path: Path) -> None:
    (person,) = load_people(clips / "anna" / "walk", layout="body_25", fps=30.0)
    write_csv(tmp_path / "walk.csv", [person])
    assert read(tmp_path / "walk.csv").frames == 30


def test_our_own_files_are_left_to_the_trainer_unless_more_is_said(
    clips: Path, tmp_path: Path
) -> None:
    (person,) = load_people(clips / "anna" / "walk", layout="body_25", fps=30.0)
    path = tmp_path / "clips.npz"
    write_clips(path, {"anna/walk": person})
    assert training_data(path, None, [], {}, missing_joints=False) == path
    assert {each.fps for each in read(path, fps=50.0).sequences.values()} == {50.0}


def test_missing_joints_are_told_with_what_can_be_done(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holes = seen().copy()
    holes[4:6, layout("body_25").index("right_wrist")] = 0.0
    openpose(clips / "ben" / "walk", holes)
    assert train(tmp_path / "run", "--data", clips, *READ) == 2
    told = capsys.readouterr().err
    assert "got 2 missing (0.24%), first 'right_wrist' of 'ben/walk' in frame 4" in told
    for way in ("--longest-gap 0.2", "--drop-incomplete", "--set network.missing_joints=true"):
        assert way in told
    told_of = {"layout": "body_25", "fps": 30.0}
    assert read(clips, **told_of, longest_gap=0.2).frames == 60
    assert "invented 2 of 1500 joints" in capsys.readouterr().err
    assert read(clips, **told_of, drop_incomplete=True).frames == 58
    whole = training_data(clips, None, [], told_of, missing_joints=True)
    assert isinstance(whole, TrainingSet)
    assert whole.frames == 60


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "clips"], "say --layout body_25 or --layout body_25b"),
        (["--data", "clips", "--layout", "body_25"], "say --fps"),
        (["--data", "clips", *READ, "--format", "mmpose"], "expected a list of frames"),
        (["--data", "clips", "--layout", "body_26"], "did you mean 'body_25'?"),
        (["--data", "clips", *READ, "--image-size", "big"], "expected WIDTHxHEIGHT"),
        (["--data", "clips", *READ, "--protocol", "cmu14"], "leave the protocol away"),
        (["--data", "clips/anna/walk/video.mp4"], "nothing there"),
        (["--data", "empty"], "without"),
        ([], "expected a file or folder, got none; or name a --dataset"),
        (["--data", "clips", "--option", "fps=30"], "goes with --dataset"),
        (["--dataset", "synthetic", "--fps", "30"], "for keypoint files, not for dataset"),
        (["--dataset", "sinthetic"], "did you mean 'synthetic'?"),
        (["--dataset", "synthetic", "--option", "clip=3"], "did you mean 'clips'?"),
        (["--dataset", "synthetic", "--option", "clips"], "expected key=value"),
        (["--dataset", "keypoint_folder"], "expected the folder of its files"),
    ],
)
def test_what_is_wrong_with_the_data_is_one_message(
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert train(tmp_path / "run", *arguments) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "run").exists()


def test_a_frame_rate_of_zero_is_refused_and_not_ignored(clips: Path) -> None:
    with pytest.raises(ConfigurationError, match="fps"):
        read(clips, layout="body_25", fps=0.0)


def test_a_test_file_is_not_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = {"a/b/c:points": np.ones((20, 14, 2)), "a/b/c:joints": np.ones((20, 14, 3))}
    np.savez(tmp_path / "test.npz", layout="lsp_14", fps=25, **arrays)
    assert train(tmp_path / "run", "--data", tmp_path / "test.npz") == 2
    assert "which is for `posenet3d evaluate`" in capsys.readouterr().err


def test_options_are_json_or_text() -> None:
    assert parse_options(["a=1", "b=[1, 2]", "c=gt", "d=true", "e=x=y"]) == {
        "a": 1, "b": [1, 2], "c": "gt", "d": True, "e": "x=y"
    }  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        parse_options(["a=1", "a=2", "=3"])
    assert len(caught.value.faults) == 2
