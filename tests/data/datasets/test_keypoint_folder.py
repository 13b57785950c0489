import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from posenet3d.data import film
from posenet3d.data.datasets import load_dataset, training_set
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import ConfigurationError, DataError, KeypointFormatError
from posenet3d.keypoints import KeypointSequence, write_clips
from posenet3d.skeletons import convert, layout
from posenet3d.testing import check_dataset

TOLD = {"layout": "body_25b", "fps": 30.0}


@cache
def seen(frames: int = 30, seed: int = 0) -> np.ndarray:
    """(frames, 25, 3) of BODY_25B, as OpenPose has them: 0, 0, 0 is unknown."""
    clip = synthetic_motion(clips=1, seconds=frames / 30, seed=seed, fps=30.0)
    points = next(iter(film(clip, "cmu14").sequences.values())).points[:frames]
    made = convert(points * 960 + (960, 540), "lsp_14", "body_25b").points
    known = np.isfinite(made).all(-1, keepdims=True)
    return np.concatenate([np.where(known, made, 0.0), 0.9 * known], -1)


def openpose(folder: Path, *people: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in range(max(map(len, people))):
        found = [
            {"person_id": [-1], "pose_keypoints_2d": each[frame].ravel().tolist()}
            for each in people
            if frame < len(each)
        ]
        text = json.dumps({"version": 1.3, "people": found})
        (folder / f"cam_{frame:06d}_keypoints.json").write_text(text)
    return folder


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    openpose(tmp_path / "anna" / "walk", seen())
    openpose(tmp_path / "ben" / "run", seen(seed=1))
    return tmp_path


def test_a_folder_keeps_the_contract(clips: Path) -> None:
    check_dataset("keypoint_folder", clips, **TOLD)


def test_the_first_folder_is_the_subject(clips: Path) -> None:
    found = training_set(load_dataset("keypoint_folder", clips, **TOLD))
    assert list(found.sequences) == ["anna/walk", "ben/run"]
    assert found.subjects == ("anna", "ben")
    assert found.sequences["anna/walk"].fps == 30.0


def test_each_of_several_people_is_a_sequence(tmp_path: Path) -> None:
    other = seen(seed=1) + np.array([900.0, 0.0, 0.0])
    openpose(tmp_path / "duo", seen(), np.where(other[..., 2:] > 0, other, 0.0))
    names = [name for name, _ in load_dataset("keypoint_folder", tmp_path, **TOLD).training()]
    assert sorted(names) == ["duo/person0", "duo/person1"]


def test_ghosts_are_left_out_and_told(tmp_path: Path) -> None:
    ghost = seen(2, seed=1) + np.array([900.0, 0.0, 0.0])
    openpose(tmp_path / "walk", seen(60), np.where(ghost[..., 2:] > 0, ghost, 0.0))
    dataset = load_dataset("keypoint_folder", tmp_path, **TOLD)
    assert [name for name, _ in dataset.training()] == ["walk"]
    assert str(dataset.report) == "1 sequence; left out 1 track too short to be of a person"


def test_clips_that_have_names_keep_them_after_the_folder(tmp_path: Path) -> None:
    walk = KeypointSequence(np.ones((9, 17, 2)), layout="coco_17", fps=25.0)
    (tmp_path / "day1").mkdir()
    write_clips(tmp_path / "day1" / "clips.npz", {"anna/walk": walk, "ben/walk": walk})
    write_clips(tmp_path / "more.npz", {"carl/run": walk})
    dataset = load_dataset("keypoint_folder", tmp_path, fps=50.0)
    found = dict(dataset.training())
    assert list(found) == ["day1/anna/walk", "day1/ben/walk", "carl/run"]
    assert {each.fps for each in found.values()} == {50.0}


def test_repair_is_asked_for_and_reported(tmp_path: Path) -> None:
    holes, joint = seen(40).copy(), layout("body_25b").index
    holes[5:8, joint("right_wrist")] = 0.0  # for 0.1 s
    holes[20:32, joint("right_elbow")] = 0.0  # for 0.4 s
    openpose(tmp_path / "walk", holes)
    (_, plain), *_ = load_dataset("keypoint_folder", tmp_path, **TOLD).training()
    lost = np.isnan(plain.to_layout("lsp_14").points[..., 0]).any(axis=1)
    assert lost.sum() == 15
    dataset = load_dataset(
        "keypoint_folder", tmp_path, longest_gap=0.2, drop_incomplete=True, **TOLD
    )
    ((name, mended),) = dataset.training()
    assert (name, len(mended), len(mended.unbroken())) == ("walk", 28, 2)
    assert np.isfinite(mended.to_layout("lsp_14").points).all()
    assert "invented 3 of 1000 joints; left out 12 incomplete frames" in str(dataset.report)


def test_one_file_is_a_dataset_too(tmp_path: Path) -> None:
    (tmp_path / "walk.csv").write_text(
        "frame,right_knee_x,right_knee_y\n" + "".join(f"{n},{n},2\n" for n in range(9))
    )
    dataset = load_dataset("keypoint_folder", tmp_path / "walk.csv", layout="lsp_14", fps=25.0)
    assert [(name, len(person)) for name, person in dataset.training()] == [("walk", 9)]


def test_a_damaged_file_is_named(clips: Path) -> None:
    cut_off = clips / "ben" / "run" / "cam_000007_keypoints.json"
    cut_off.write_text(cut_off.read_text()[:50])
    with pytest.raises(KeypointFormatError, match=r"cam_000007_keypoints\.json"):
        list(load_dataset("keypoint_folder", clips, **TOLD).training())


def test_faults_of_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected the folder of"):
        load_dataset("keypoint_folder")
    (tmp_path / "video.mp4").touch()
    with pytest.raises(DataError, match="got a folder without any"):
        load_dataset("keypoint_folder", tmp_path)
    with pytest.raises(ConfigurationError, match="longest_gap"):
        load_dataset("keypoint_folder", tmp_path, longest_gap=-1.0)
    with pytest.raises(ConfigurationError, match="one_euro"):
        load_dataset("keypoint_folder", tmp_path, smooth="median")
