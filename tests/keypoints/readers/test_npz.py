import numpy as np
import pytest

from posenet3d.keypoints import KeypointSequence, write_clips
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed


def one_clip(path):
    """As people write it by hand: keys without a clip's name, frames that jump."""
    rng = np.random.default_rng(0)
    np.savez(
        path, points=rng.random((4, 17, 2)), confidence=rng.random((4, 17)), fps=25.0,
        layout="coco_17", frame_index=[0, 2, 3, 9], unit="pixels", image_size=[640, 480],
    )  # fmt: skip


def two_clips(path):
    """As `write_clips` writes it."""
    points = np.random.default_rng(1).random((3, 17, 2))
    walk = KeypointSequence(points, layout="coco_17", fps=25.0, image_size=(640, 480))
    write_clips(path, {"a/b": walk, "c": walk})


@pytest.mark.parametrize("make", [one_clip, two_clips])
def test_the_reader_keeps_the_contract(make, tmp_path):
    make(tmp_path / "walk.npz")
    check_keypoint_reader("npz", tmp_path / "walk.npz")


@pytest.mark.parametrize("make", [one_clip, two_clips])
def test_damaged_files_end_in_errors_of_the_format(make, tmp_path):
    make(tmp_path / "walk.npz")
    check_malformed("npz", tmp_path / "walk.npz", tmp_path, count=1000)
