"""Evaluation as a whole: lifters whose errors are known, and the baseline on real motion."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from posenet3d.data.motion import MotionClip, load_motion
from posenet3d.errors import (
    ConfigurationError,
    DataError,
    ShapeError,
    StorageError,
    UnknownNameError,
)
from posenet3d.evaluation import CMU_14, CMU_14_WILD, Protocol, evaluate, find_protocol
from posenet3d.evaluation.lifting import lift_frames
from posenet3d.evaluation.metrics import flat_depth
from posenet3d.evaluation.sequences import (
    TestSequence,
    camera_frame,
    centred_windows,
    sequences_of,
)


def walk(key: str = "S1/walk", frames: int = 23, fps: float = 50.0) -> MotionClip:
    """A made-up person of constant proportions whose limbs swing."""
    rest = np.array(
        [
            [-0.1, 0, 0.1], [-0.1, 0.05, 0.5], [-0.1, 0, 0.9],
            [0.1, 0, 0.9], [0.1, 0.05, 0.5], [0.1, 0, 0.1],
            [-0.3, 0.05, 0.8], [-0.25, 0, 1.1], [-0.2, 0, 1.4],
            [0.2, 0, 1.4], [0.25, 0, 1.1], [0.3, 0.05, 0.8],
            [0, 0, 1.45], [0, 0.05, 1.7],
        ]
    )  # fmt: skip
    phase = np.arange(frames)[:, None] / 7 + np.arange(14)
    swing = np.stack([np.zeros_like(phase), 0.2 * np.sin(phase), 0.05 * np.cos(phase)], axis=-1)
    return MotionClip(key, rest + swing, "lsp_14", fps)


class Oracle:
    """Knows the answer to every window by its centre frame; the best of all lifters."""

    def __init__(self, clips, rig="cmu14", frames=9):
        self.known = {}
        for clip in clips:
            for sequence in sequences_of(clip, rig):
                points = torch.from_numpy(sequence.points).float()
                for place, window in enumerate(centred_windows(points, frames)):
                    self.known[window.numpy().tobytes()] = torch.from_numpy(sequence.truth[place])

    def __call__(self, windows):
        truth = torch.stack([self.known[window.numpy().tobytes()] for window in windows])
        exact = truth[:, None].expand(*windows.shape[:-1], 3)
        return {
            "exact": exact,
            "half": 0.5 * exact + 3,
            "mirrored": exact * torch.tensor([1.0, 1.0, -1.0]).double(),
        }


def test_a_lifter_that_knows_the_truth_has_no_error():
    clips = [walk("S1/a"), walk("S2/b", frames=12)]
    report = evaluate(Oracle(clips), clips, batch_size=7)
    for head in ("exact", "half"):
        scores = report[head]
        for error in (scores.p_mpjpe, scores.p_mpjpe_reflected, scores.n_mpjpe, scores.mpjve):
            assert error < 1e-6
        assert scores.mpjve_videopose3d < 1e-6
        assert scores.pck_150 == scores.n_pck_150 == 100.0
        assert scores.auc == pytest.approx(100 * 30 / 31)
        assert scores.right_way_round is True
        assert scores.p_mpjpe_depth_flipped > 10.0
        # The bones of this body are not rigid: the truth's own MBLSTD.
        assert scores.mblstd == pytest.approx(report["exact"].mblstd)
    assert report["mirrored"].right_way_round is False
    assert report["mirrored"].p_mpjpe > 10.0
    assert report["mirrored"].p_mpjpe_reflected < 1e-6


def test_frames_views_and_subjects_are_counted():
    clips = [walk("S1/a"), walk("S1/b", frames=2), walk("S2/c", frames=11)]
    report = evaluate(None, clips, frames=9, seed=3, command="posenet3d evaluate x")
    assert (report.clips, report.views, report.frames) == (3, 4, 4 * (23 + 2 + 11))
    assert report["flat"].frames == 4 * (5 + 1 + 3)  # every fifth frame, from the first
    assert {name: s.frames for name, s in report["flat"].by_subject.items()} == {"S1": 24, "S2": 12}
    by_subject = report["flat"].by_subject.values()
    mean = sum(scores.p_mpjpe for scores in by_subject) / 2
    assert report["flat"].subject_mean.p_mpjpe == pytest.approx(mean)
    weighted = sum(scores.p_mpjpe * scores.frames for scores in by_subject) / 36
    assert report["flat"].p_mpjpe == pytest.approx(weighted)
    assert (report.seed, report.command) == (3, "posenet3d evaluate x")
    assert set(report.versions) == {"python", "posenet3d", "torch", "numpy"}


def test_the_flat_baseline_is_what_a_flat_lifter_scores():
    report = evaluate(lambda windows: {"mine": flat_depth(windows)}, [walk()], "cmu14-wild")
    assert report["mine"].p_mpjpe == pytest.approx(report["flat"].p_mpjpe, abs=1e-3)
    assert report["mine"].mblstd == pytest.approx(report["flat"].mblstd, abs=1e-3)
    assert report.ratio_to_flat("mine") == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("batch_size", [1, 5, 4096])
def test_the_batch_size_does_not_change_the_report(batch_size):
    clips = [walk()]
    whole = evaluate(Oracle(clips), clips)
    parts = evaluate(Oracle(clips), clips, batch_size=batch_size)
    assert parts.to_dict() == whole.to_dict()


def test_windows_repeat_the_edge_frames():
    points = torch.arange(4.0).reshape(4, 1, 1).expand(4, 14, 2)
    windows = centred_windows(points, 5)[:, :, 3, 1]
    assert windows.tolist() == [
        [0, 0, 0, 1, 2],
        [0, 0, 1, 2, 3],
        [0, 1, 2, 3, 3],
        [1, 2, 3, 3, 3],
    ]
    assert torch.equal(centred_windows(points, 1)[:, 0], points)


def test_each_views_input_is_the_projection_of_its_truth():
    for sequence in sequences_of(walk(), "cmu14"):
        pelvis = sequence.truth[:, 2:4].mean(axis=1)
        assert (sequence.truth[..., 2] >= 1000).all()
        image = sequence.truth[..., :2] / sequence.truth[..., 2:]
        centred = image - image[:, 2:4].mean(axis=1, keepdims=True)
        factor = (centred * sequence.points).sum() / (centred**2).sum()
        np.testing.assert_allclose(sequence.points, factor * centred, atol=1e-9)
        assert np.linalg.norm(sequence.points[:, 13], axis=-1).mean() == pytest.approx(0.1)
        assert np.abs(pelvis[..., :2]).max() < 2000


def test_a_detector_spoils_the_input_and_leaves_the_truth():
    def raised_wrist(seen):
        points = seen.points.copy()
        points[:, 11] -= 0.05
        return replace(seen, points=points)

    clip = walk()
    for exact, spoilt in zip(
        sequences_of(clip, "cmu14"),
        sequences_of(clip, "cmu14", detector=raised_wrist),
        strict=True,
    ):
        assert np.array_equal(exact.truth, spoilt.truth)
        moved = np.abs(exact.points - spoilt.points).max(axis=(0, 2)) > 1e-9
        assert moved.nonzero()[0].tolist() == [11]
    flat = evaluate(None, [clip], detector=raised_wrist)["flat"]
    assert flat.p_mpjpe != evaluate(None, [clip])["flat"].p_mpjpe


def test_truth_is_in_millimetres_and_the_camera_keeps_lengths():
    clip = walk()
    sequence = next(sequences_of(clip, "cmu14"))
    there = np.linalg.norm(sequence.truth[:, 0] - sequence.truth[:, 13], axis=-1)
    here = np.linalg.norm(clip.joints[:, 0] - clip.joints[:, 13], axis=-1)
    np.testing.assert_allclose(there, 1000 * here)


@pytest.mark.parametrize("training", [True, False])
def test_a_module_runs_in_eval_mode_without_gradients_and_gets_its_mode_back(training):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)
            self.frozen = nn.BatchNorm1d(3).eval()
            self.seen = set()

        def lift(self, windows):
            self.seen.add((self.training, self.frozen.training, torch.is_grad_enabled()))
            return {"net": self.layer(windows)}

    net = Net().train(training)
    net.frozen.eval()
    report = evaluate(net.lift, [walk()])
    assert net.seen == {(False, False, False)}
    assert (net.training, net.frozen.training) == (training, False)
    assert list(report.heads) == ["flat", "net"]


def test_progress_is_told_after_each_clip():
    told = []
    clips = [walk("S1/a"), walk("S2/b")]
    evaluate(None, clips, on_progress=lambda *news: told.append(news))
    assert told == [(1, 2, "S1/a"), (2, 2, "S2/b")]


def test_samples_are_evenly_spaced_over_clips_and_change_their_view():
    clips = [walk("S1/a", frames=30), walk("S2/b", frames=10)]
    samples = evaluate(None, clips, samples=4).samples
    assert [(s.key, s.frame) for s in samples] == [
        ("S1/a", 5), ("S1/a", 15), ("S1/a", 25), ("S2/b", 5),
    ]  # fmt: skip
    assert [sample.view for sample in samples] == [0, 1, 2, 3]
    first = samples[0]
    truth = camera_frame(clips[0], _camera(clips[0], first.view))[first.frame]
    np.testing.assert_allclose(first.truth, truth - truth[2:4].mean(axis=0))
    assert first.predictions["flat"].shape == (14, 3)
    assert evaluate(None, clips, samples=0).samples == ()


def _camera(clip, view):
    from posenet3d.data.rigs import camera_rig

    return camera_rig("cmu14", split="test").cameras(clip)[view]


def test_protocols_are_found_by_name_and_a_wrong_name_gets_a_hint():
    assert find_protocol("cmu14") is CMU_14
    assert find_protocol("cmu14-wild") is CMU_14_WILD
    with pytest.raises(UnknownNameError, match="did you mean 'cmu14-wild'"):
        evaluate(None, [walk()], "cmu14-wlid")


def test_a_protocol_of_ones_own_can_look_at_every_frame():
    report = evaluate(None, [walk()], Protocol("all", rig="cmu14", stride=1))
    assert (report.protocol, report["flat"].frames) == ("all", 4 * 23)


def test_all_faults_of_the_options_are_told_at_once():
    with pytest.raises(ConfigurationError) as caught:
        evaluate(None, [walk()], frames=8, batch_size=0, samples=-1)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "expected one clip or more"),
        ([walk("S1/a"), walk("S2/b", fps=25.0)], "expected clips of one frame rate"),
    ],
)
def test_clips_that_cannot_be_averaged_are_refused(clips, message):
    with pytest.raises(DataError, match=message):
        evaluate(None, clips)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises((DataError, StorageError), match=r"nowhere\.npz"):
        evaluate(None, tmp_path / "nowhere.npz")


def test_a_dataset_scale_needs_its_length():
    with pytest.raises(ShapeError, match="length"):
        evaluate(None, [walk()], normalization="dataset")
    given = evaluate(None, [walk()], normalization="dataset", length=0.4)
    default = evaluate(None, [walk()])
    assert given["flat"].p_mpjpe == pytest.approx(default["flat"].p_mpjpe)


@pytest.mark.parametrize(
    ("lifter", "message"),
    [
        (lambda w: {"bad": flat_depth(w) * float("nan")}, "finite pose .* from head 'bad'"),
        (lambda w: {"bad": flat_depth(w)[:, 0]}, "shape .* from head 'bad'"),
        (lambda w: {"bad": flat_depth(w)[:, :, :13]}, "shape .* from head 'bad'"),
    ],
)
def test_a_lifter_that_gives_no_poses_is_named_with_the_clip(lifter, message):
    with pytest.raises(DataError, match=message) as caught:
        evaluate(lifter, [walk()])
    assert caught.value.source == "S1/walk (view 0)"


def test_a_head_that_skips_a_batch_is_refused():
    heads = iter(["one", "two"])
    with pytest.raises(DataError, match="too few"):
        lift_frames(lambda w: {next(heads): flat_depth(w)}, torch.zeros(4, 14, 2), 1, 2, "walk")


@pytest.mark.parametrize("name", ["flat", "protocol", "seed"])
def test_a_head_may_not_take_the_name_of_something_else_in_the_report(name):
    with pytest.raises(ConfigurationError, match=f"may not be called '{name}'"):
        evaluate(lambda windows: {name: flat_depth(windows)}, [walk()])


def test_a_test_sequence_knows_its_name_and_length():
    sequence = TestSequence("S1/a", "S1", 2, 4, np.zeros((5, 14, 3)), np.zeros((5, 14, 2)))
    assert (sequence.name, len(sequence)) == ("S1/a (view 2)", 5)


def test_one_real_clip_gives_the_flat_error_that_plain_numpy_gives(data_folder):
    clip = next(c for c in load_motion(data_folder / "cmu_test.npz") if c.subject == "S35")
    report = evaluate(None, [clip])
    cameras = np.load(data_folder / "cameras_test_cmu14.npz")
    names = "RAnkle RKnee RHip LHip LKnee LAnkle RWrist RElbow RShoulder LShoulder LElbow LWrist"
    with np.load(data_folder / "cmu_test.npz") as archive:
        known = [str(name) for name in archive["joint_names"]]
        joints = archive[clip.key].astype(float)
    joints = joints[:, [known.index(name) for name in (*names.split(), "Thorax", "Head")]]
    errors = []
    for extrinsics in cameras[f"{clip.key}:extrinsics"]:
        truth = 1000 * (joints @ extrinsics[:, :3].T + extrinsics[:, 3])[::5]
        flat = truth / truth[..., 2:] * [1, 1, 0]
        errors += [_aligned_error(*pair) for pair in zip(flat, truth, strict=True)]
    assert report["flat"].p_mpjpe == pytest.approx(np.mean(errors), abs=1e-6)


def _aligned_error(prediction, truth):
    x, y = prediction - prediction.mean(0), truth - truth.mean(0)
    u, s, vt = np.linalg.svd(y.T @ x)  # flat: its least singular value is 0, either sign will do
    return np.linalg.norm(s.sum() / (x**2).sum() * x @ (u @ vt).T - y, axis=1).mean()


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "p_mpjpe"), [("cmu14", 120.39), ("cmu14-wild", 125.81)])
def test_the_flat_baseline_on_all_test_clips(data_folder, protocol, p_mpjpe):
    report = evaluate(None, data_folder / "cmu_test.npz", protocol)
    assert (report.clips, report.views, report.frames) == (35, 4, 4 * 22_567)
    assert report["flat"].p_mpjpe == pytest.approx(p_mpjpe, abs=0.01)
    assert set(report["flat"].by_subject) == {"S08", "S14", "S35"}


def test_the_hardest_frames_are_those_with_the_largest_errors(tmp_path):
    clips = [walk("S1/a", frames=11), walk("S2/b", frames=16)]
    oracle = Oracle(clips)

    class FailsLater:
        """Right at the start of a clip, and worse from frame to frame."""

        def __init__(self):
            self.seen = 0

        def __call__(self, windows):
            exact = oracle(windows)["exact"]
            bent = exact.clone()
            bent[..., 5, 2] += 40.0 * torch.arange(len(windows))[:, None]
            return {"exact": exact, "mean": bent}

    report = evaluate(FailsLater(), clips, hardest=3)
    assert len(report.hardest) == 3
    assert {sample.key for sample in report.hardest} == {"S2/b"}
    assert {sample.frame for sample in report.hardest} == {15}
    report.write_sheet(tmp_path / "hardest.png", "hardest")
    assert (tmp_path / "hardest.png").stat().st_size > 10_000


def test_a_report_without_hardest_frames_draws_none(tmp_path):
    report = evaluate(None, [walk()])
    with pytest.raises(ConfigurationError, match="evaluate with hardest=4"):
        report.write_sheet(tmp_path / "hardest.png", "hardest")
    with pytest.raises(ConfigurationError, match="hardest: must be 0 or more"):
        evaluate(None, [walk()], hardest=-1)
