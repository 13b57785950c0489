"""What is compared of a frame: its window's centre, or the mean of all windows that hold it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data.normalization import normalize
from posenet3d.data.rigs import camera_rig, observe
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.evaluation import evaluate, evaluate_network, metrics
from posenet3d.evaluation.lifting import StitchingNetwork, lift_frames
from posenet3d.evaluation.sequences import camera_frame
from posenet3d.inference import STITCHES, Estimator
from posenet3d.inference.windows import lifting_scale
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import NetworkConfig, PoseNet3D

SMALL = {"name": "temporal", "options": {"channels": 8}}
STUDENTS = ("student", "canonical")


def network(student: str) -> PoseNet3D:
    """A small network with a student that has learnt nothing, but moves."""
    torch.manual_seed(0)
    config = NetworkConfig(backbone=SMALL, discriminator=SMALL, student={"name": student})
    model = PoseNet3D(config).eval()
    model.metres_per_unit.fill_(0.8)
    with torch.no_grad():
        for parameter in model.student.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def mixing(windows: torch.Tensor) -> dict[str, torch.Tensor]:
    """A head that tells of each frame something else in every window."""
    time = torch.arange(windows.shape[1], dtype=windows.dtype)
    told = windows.cumsum(1) + time[:, None, None] * windows[:, :1]
    return {"mixed": torch.cat([told, told[..., :1] ** 2], -1)}


def overlap_mean(points: np.ndarray, times: np.ndarray, window: int) -> np.ndarray:
    """The definition, frame by frame: no window reaches over a gap, edges are repeated."""
    half, found = window // 2, []
    for frame, time in enumerate(times):
        told = []
        for middle in range(len(times)):
            if abs(middle - frame) > half or abs(times[middle] - time) != abs(middle - frame):
                continue
            run = [i for i in range(len(times)) if times[i] - i == times[middle] - middle]
            inside = np.clip(np.arange(middle - half, middle + half + 1), run[0], run[-1])
            answer = mixing(torch.from_numpy(points[inside][None]))["mixed"][0]
            told.append(answer[frame - middle + half].numpy())
        found.append(np.mean(told, axis=0))
    return np.array(found)


@given(
    steps=st.lists(st.sampled_from([1, 1, 1, 5]), min_size=0, max_size=14),
    half=st.integers(0, 4),
    batch_size=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_the_average_is_the_mean_over_the_windows_that_hold_a_frame(steps, half, batch_size, seed):
    times = np.cumsum([0, *steps])
    points = np.random.default_rng(seed).normal(size=(len(times), 14, 2)).astype(np.float32)
    found = lift_frames(
        mixing, torch.from_numpy(points), 2 * half + 1, batch_size, "walk", "average", times
    )
    expected = overlap_mean(points, times, 2 * half + 1)
    np.testing.assert_allclose(found["mixed"].numpy(), expected, rtol=1e-4, atol=1e-3)


def test_the_centre_frame_is_another_answer_and_knows_no_gaps():
    points = torch.arange(6.0).reshape(6, 1, 1).expand(6, 14, 2)
    centre = lift_frames(mixing, points, 3, 4, "walk", "centre")["mixed"]
    gap = np.array([0, 1, 2, 9, 10, 11])
    assert torch.equal(centre, lift_frames(mixing, points, 3, 4, "walk", "centre", gap)["mixed"])
    assert not torch.allclose(centre, lift_frames(mixing, points, 3, 4, "walk", "average")["mixed"])


def test_a_lifter_of_one_frame_has_one_answer():
    clips = synthetic_motion(clips=1, seconds=0.5)
    ways = {way: evaluate(mixing, clips, frames=1, stitch=way, samples=0) for way in STITCHES}
    assert ways["centre"]["mixed"] == ways["average"]["mixed"]


def test_the_report_says_how_frames_were_made():
    clips = synthetic_motion(clips=1, seconds=0.2)
    for way, told in {"centre": "the centre of its", "average": "the mean of all"}.items():
        report = evaluate(None, clips, stitch=way, samples=0)
        assert report.to_dict()["stitch"] == way
        assert f"A frame is {told} window" in str(report)


def test_the_protocols_centre_frame_is_the_default():
    clips = synthetic_motion(clips=1, seconds=0.2)
    model = network("student")
    assert evaluate(None, clips, samples=0).stitch == "centre"
    assert evaluate_network(model, clips, samples=0).stitch == "centre"


def test_an_unknown_stitching_is_refused_before_anything_is_read():
    with pytest.raises(UnknownNameError, match=r"'averag'.*'average'"):
        evaluate(None, "absent.npz", stitch="averag")


@pytest.mark.parametrize("student", STUDENTS)
def test_an_averaged_network_is_measured_as_the_estimator_lifts(student):
    model, (clip,) = network(student), synthetic_motion(clips=1, seconds=0.6)
    report = evaluate_network(model, [clip], stitch="average", samples=0)
    estimator = Estimator(model)
    found = {"teacher": [], "student": [], "mean": []}
    for camera in camera_rig("cmu14", split="test").cameras(clip):
        truth = torch.from_numpy(camera_frame(clip, camera))
        lifted = estimator.predict(observe(clip, camera))
        for head, joints in {**lifted.branches, "mean": lifted.joints3d}.items():
            answer = torch.from_numpy(joints).double()
            found[head].append(metrics.p_mpjpe(answer, truth)[::5])
    for head, errors in found.items():
        assert report[head].p_mpjpe == pytest.approx(float(torch.cat(errors).mean()), rel=1e-5)


@pytest.mark.parametrize("student", STUDENTS)
def test_a_networks_joints_are_the_estimators_up_to_their_unit(student):
    model = network(student)
    points = np.random.default_rng(0).normal(size=(20, 14, 2))
    times = np.array([*range(12), *range(30, 38)])
    scaled = normalize(points, lifting_scale(model), model.config.distance).points
    heads = lift_frames(
        StitchingNetwork(model), torch.from_numpy(scaled), 9, 7, "walk", "average", times
    )
    walk = KeypointSequence(points, layout="lsp_14", fps=50.0, frame_index=times)
    lifted = Estimator(model).predict(walk)
    for head, joints in {**lifted.branches, "mean": lifted.joints3d}.items():
        np.testing.assert_allclose(0.8 * heads[head].numpy(), joints, atol=1e-5)


@pytest.mark.parametrize("student", STUDENTS)
def test_the_teacher_is_the_plain_mean_over_windows_and_the_student_is_one_body(student):
    model, (clip,) = network(student), synthetic_motion(clips=1, seconds=0.6)
    whole = evaluate_network(model, [clip], stitch="average", samples=0)
    scale = lifting_scale(model)
    blind = evaluate(model.lift, [clip], stitch="average", normalization=scale, samples=0)
    assert whole["teacher"].mpjve == pytest.approx(blind["teacher"].mpjve, rel=1e-4)
    assert whole["student"].mblstd < blind["student"].mblstd


def test_a_network_without_a_student_has_its_teacher_alone():
    model = network("student")
    model.metres_per_unit.zero_()
    report = evaluate_network(
        model, synthetic_motion(clips=1, seconds=0.2), stitch="average", samples=0
    )
    assert list(report.heads) == ["flat", "teacher"]


def test_a_window_that_is_not_finite_is_told_of():
    def lost(windows):
        return {"lost": mixing(windows)["mixed"].log()}

    with pytest.raises(DataError, match=r"finite pose .* from head 'lost'"):
        lift_frames(lost, -torch.ones(5, 14, 2), 3, 2, "walk", "average")
