"""The benchmark on OpenPose's clip: its figures without truth, and that it draws what it has."""

import json
import sys

import numpy as np
import pytest
import torch

from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.evaluation.metrics import root_centred
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import NetworkConfig, PoseNet3D, save_model

MODULES = ("openpose_clip", "openpose_sheet", "detector_noise")


@pytest.fixture
def clip():
    """Pixels of somebody whose left wrist is missing for a while."""
    (seen, *_) = film(synthetic_motion(clips=1, seconds=0.6), "cmu14").sequences.values()
    points = 900 + 900 * seen.to_layout("lsp_14").points
    points[5:25, 11] = np.nan
    return KeypointSequence(points, layout="lsp_14", fps=60.0)


def network(told, student=True):
    torch.manual_seed(0)
    small = {"name": "temporal", "options": {"channels": 8}}
    config = NetworkConfig(backbone=small, discriminator=small, missing_joints=told)
    model = PoseNet3D(config).eval()
    model.metres_per_unit.fill_(0.7 * student)
    return model


def run(benchmark, monkeypatch, clip, folder, model):
    save_model(model, folder / "net")
    monkeypatch.setattr(benchmark.openpose_clip, "read_clip", lambda path: clip)
    words = ["--model", str(folder / "net"), "--data", str(folder), "--results", str(folder)]
    words += ["--beside", str(save_model(network(False), folder / "other"))]
    monkeypatch.setattr(sys, "argv", ["openpose_clip.py", *words, "--frames", "2"])
    benchmark.openpose_clip.main()
    assert (folder / "openpose_clip.png").stat().st_size > 10_000
    page = (folder / "openpose_clip.md").read_text()
    assert str(folder) not in page
    return page, json.loads((folder / "openpose_clip.json").read_text())


@pytest.mark.parametrize("told", [True, False])
def test_a_clip_with_missing_joints_is_lifted_and_drawn(
    benchmark, monkeypatch, clip, tmp_path, told
):
    page, results = run(benchmark, monkeypatch, clip, tmp_path, network(told))
    assert list(results["figures"]) == ["teacher", "student", "mean", "flat depth"]
    assert ("told of them" if told else "given a guess") in page
    assert list(results["beside"]["figures"]) == list(results["figures"])
    assert "| `other`: mean |" in page
    values = [value for head in results["figures"].values() for value in head.values()]
    assert np.isfinite(values).all()
    assert results["missing"] == pytest.approx(20 / clip.confidence.size)
    flat = results["figures"]["flat depth"]
    assert flat["reprojection"] == pytest.approx(0, abs=1e-3)
    assert flat["right_way_round"] == 0
    assert (
        results["figures"]["teacher"]["reprojection"]
        < 0.3 * (results["figures"]["student"]["reprojection"])
    )


def test_a_teacher_alone_is_drawn_without_a_body(benchmark, monkeypatch, clip, tmp_path):
    _, results = run(benchmark, monkeypatch, clip, tmp_path, network(False, student=False))
    assert list(results["figures"]) == ["teacher", "flat depth"]


def test_a_true_skeleton_has_no_fault_but_what_the_2d_has(benchmark):
    clip = synthetic_motion(clips=1, seconds=0.4)[0]
    upright = clip.joints[..., [0, 2, 1]] * (1, -1, 1)  # a camera that looks along y, level
    pose = root_centred(torch.tensor(upright)) / 0.7
    image = benchmark.openpose_clip.image_of(pose, 10.0).numpy()
    seen = benchmark.openpose_clip.Normalized(image, np.full(len(image), 0.01), image[:, 0])
    found = benchmark.openpose_clip.figures(pose, seen, 10.0)
    assert found["bone_spread"] == pytest.approx(0, abs=1e-4)
    assert found["asymmetry"] == pytest.approx(0, abs=1e-4)
    even = pose[:1] + torch.arange(len(pose))[:, None, None]  # all of it, and evenly
    assert benchmark.openpose_clip.figures(even, seen, 10.0)["trembling"] < 1e-9
    assert found["reprojection"] == pytest.approx(0, abs=1e-9)
    assert found["right_way_round"] == 100
    shifted = seen._replace(points=seen.points + np.array([0.003, 0.004]))
    off = benchmark.openpose_clip.figures(pose, shifted, 10.0)
    assert off["reprojection"] == pytest.approx(5.0)  # of a head-to-root length, 0.1
    assert off["reprojection_pixels"] == pytest.approx(0.5)
    still = pose.clone()
    still[1::2] *= 1.2  # everybody grows and shrinks: by 1/11 of the mean
    assert benchmark.openpose_clip.figures(still, seen, 10.0)["bone_spread"] == pytest.approx(
        100 / 11, rel=1e-4
    )


def test_views_turn_about_the_vertical(benchmark):
    for view in benchmark.openpose_sheet.VIEWS:
        right, towards = np.array(view.right), np.array(view.towards)
        assert np.linalg.norm(right) == pytest.approx(1)
        np.testing.assert_allclose(np.cross(towards, right), [0, 1, 0], atol=1e-12)
        assert towards[2] > 0
    right_one = benchmark.openpose_sheet.VIEWS[1]
    assert right_one.towards[0] > 0  # stands at the image's right
