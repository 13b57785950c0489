import json
import os
from pathlib import Path

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError, StorageError
from posenet3d.keypoints.clip_folders import find_clips


def person(joints: int = 18) -> dict[str, object]:
    return {"person_id": [-1], "pose_keypoints_2d": [100.0, 50.0, 0.9] * joints}


def openpose(folder: Path, frames: int = 3, joints: int = 18, empty: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in range(frames):
        people = [] if frame < empty else [person(joints)]
        text = json.dumps({"version": 1.3, "people": people})
        (folder / f"cam_{frame:06d}_keypoints.json").write_text(text)


def mmpose(path: Path, frames: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    instance = {"keypoints": [[5.0, 6.0]] * 17, "keypoint_scores": [0.9] * 17}
    value = [{"frame_id": frame, "instances": [instance]} for frame in range(frames)]
    path.write_text(json.dumps(value))


def names(root: Path, **reading: object) -> list[str]:
    return [name for name, _ in find_clips(root, **reading)]


def test_a_folder_of_a_file_a_frame_is_one_clip_at_any_depth(tmp_path: Path) -> None:
    openpose(tmp_path / "anna" / "walk")
    openpose(tmp_path / "anna" / "gym" / "squat")
    openpose(tmp_path / "jump")
    (tmp_path / "jump" / "LICENSE").touch()
    assert names(tmp_path) == ["anna/gym/squat", "anna/walk", "jump"]


def test_a_file_a_video_is_a_clip_of_its_own_though_its_names_count(tmp_path: Path) -> None:
    mmpose(tmp_path / "anna" / "video_1.json")
    mmpose(tmp_path / "anna" / "video_2.json")
    assert names(tmp_path, layout="coco_17") == ["anna/video_1", "anna/video_2"]


def test_frames_without_anybody_are_passed_over(tmp_path: Path) -> None:
    openpose(tmp_path / "walk", frames=30, empty=25)
    assert names(tmp_path) == ["walk"]


def test_formats_may_be_mixed_and_suffixes_tell_files_of_one_name_apart(tmp_path: Path) -> None:
    openpose(tmp_path / "walk")
    np.savez(tmp_path / "run.npz", fps=50, layout="coco_17", points=np.ones((9, 17, 2)))
    (tmp_path / "run.csv").write_text("frame,right_knee_x,right_knee_y\n0,1,2\n")
    for beside in ("run.mp4", "notes.md", ".hidden.json", "LICENSE"):
        (tmp_path / beside).touch()
    assert names(tmp_path) == ["run.csv", "run.npz", "walk"]


def test_a_clip_itself_gives_its_own_name(tmp_path: Path) -> None:
    openpose(tmp_path / "walk")
    assert names(tmp_path / "walk") == ["walk"]
    mmpose(tmp_path / "run.json")
    assert names(tmp_path / "run.json") == ["run"]


def test_a_clip_may_lie_in_a_clip(tmp_path: Path) -> None:
    openpose(tmp_path / "walk")
    openpose(tmp_path / "walk" / "again")
    assert names(tmp_path / "walk") == ["walk", "again"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    openpose(tmp_path / "store" / "walk")
    root = tmp_path / "clips"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "store")
    (root / "circle").symlink_to(root)
    assert names(root) == ["linked/walk"]


def test_what_the_caller_must_say_is_asked_for(tmp_path: Path) -> None:
    openpose(tmp_path / "walk", joints=25)
    with pytest.raises(KeypointFormatError, match=r"000000_keypoints.json.*layout='body_25'"):
        names(tmp_path)
    assert names(tmp_path, layout="body_25") == ["walk"]


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nothing there"):
        names(tmp_path / "absent")
    assert names(tmp_path) == []
