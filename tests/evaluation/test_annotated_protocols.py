"""Protocols on datasets that bring their own cameras."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from posenet3d.data import AnnotatedSequence, write_annotated
from posenet3d.data.datasets.filming import annotated_views
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.evaluation import H36M, Protocol, evaluate
from posenet3d.evaluation.report import caption

ALL = Protocol("all", stride=5)


@pytest.fixture(scope="module")
def clip():
    return synthetic_motion(clips=1, seconds=0.5)[0]


@pytest.fixture(scope="module")
def views(clip):
    return list(annotated_views(clip, "cmu14"))


def test_own_cameras_give_what_the_rig_s_give(clip, views, tmp_path):
    filmed = evaluate(None, [clip], "cmu14")["flat"]
    write_annotated(tmp_path / "test.npz", views)
    for data in (views, tmp_path / "test.npz"):
        report = evaluate(None, data, ALL)
        assert (report.clips, report.views, report.fps) == (1, 4, 50.0)
        assert report["flat"].p_mpjpe == pytest.approx(filmed.p_mpjpe)
        assert report["flat"].mpjve == pytest.approx(filmed.mpjve)
        assert report["flat"].mblstd == pytest.approx(filmed.mblstd)
        assert report["flat"].frames == filmed.frames


def test_only_the_protocols_cameras_count(views):
    report = evaluate(None, views, Protocol("front", cameras=("view2",)))
    assert report.views == 1
    assert report["flat"].p_mpjpe == pytest.approx(evaluate(None, [views[2]], ALL)["flat"].p_mpjpe)
    with pytest.raises(DataError, match="expected a camera of protocol 'front', view9, got view0"):
        evaluate(None, views, Protocol("front", cameras=("view9",)))


def test_frames_that_do_not_count_change_nothing(views):
    whole = views[0]
    counted = np.arange(len(whole)) < 12
    joints = np.where(counted[:, None, None], whole.joints, np.nan)
    part = AnnotatedSequence(
        whole.key, whole.camera, whole.keypoints, joints, whole.joints_layout, counted
    )
    flat = evaluate(None, [part], Protocol("all", stride=1))["flat"]
    wanted = evaluate(None, [whole], Protocol("all", stride=1))["flat"]
    assert flat.frames == 12
    assert flat.p_mpjpe != pytest.approx(wanted.p_mpjpe)
    assert flat.p_mpjpe == pytest.approx(_flat_error(whole, 12), rel=1e-6)


def test_no_velocity_is_taken_over_frames_that_are_missing(views):
    whole = views[0]
    every_other = np.arange(len(whole)) % 2 == 0
    part = AnnotatedSequence(
        whole.key, whole.camera, whole.keypoints, whole.joints, whole.joints_layout, every_other
    )
    assert np.isnan(evaluate(None, [part], ALL)["flat"].mpjve)


def test_a_protocol_without_velocities_takes_sequences_of_any_frame_rate(views):
    slow = AnnotatedSequence(
        "other/clip",
        "front",
        replace(views[0].keypoints, fps=25.0),
        views[0].joints,
        views[0].joints_layout,
    )
    report = evaluate(None, [views[0], slow], Protocol("stills", stride=1, velocities=False))
    flat = report["flat"]
    assert np.isnan([report.fps, flat.mpjve, flat.mpjve_videopose3d]).all()
    assert "MPJVE is not taken." in caption(report)
    alone = evaluate(None, [views[0]], Protocol("all", stride=1))
    assert flat.p_mpjpe == pytest.approx(alone["flat"].p_mpjpe)
    assert flat.mblstd == pytest.approx(alone["flat"].mblstd)
    assert "50 Hz" in caption(alone)
    with pytest.raises(DataError, match="expected clips of one frame rate"):
        evaluate(None, [views[0], slow], ALL)


def test_motion_and_annotated_sequences_are_not_confused(clip, views):
    with pytest.raises(DataError, match="expected annotated sequences for protocol 'h36m'"):
        evaluate(None, [clip], H36M)
    with pytest.raises(DataError, match="expected 3D motion for protocol 'cmu14'"):
        evaluate(None, views, "cmu14")


def test_a_file_is_measured_by_the_protocol_that_it_names(clip, views, tmp_path):
    path = tmp_path / "test.npz"
    write_annotated(path, views, ["cmu14"])
    report = evaluate(None, path)
    assert report.protocol == "cmu14"
    assert report["flat"] == evaluate(None, [clip], "cmu14")["flat"]
    with pytest.raises(DataError, match=r"expected protocol 'cmu14', .*got 'h36m'; leave"):
        evaluate(None, path, "h36m")
    assert evaluate(None, path, ALL).protocol == "all"  # rules of one's own
    write_annotated(path, views, ["h36m", "h36m-frontal"])
    assert evaluate(None, path).protocol == "h36m"
    with pytest.raises(
        DataError, match=r"expected protocol 'h36m' or 'h36m-frontal', .*got 'cmu14'"
    ):
        evaluate(None, path, "cmu14")
    write_annotated(path, views, ["mine"])
    with pytest.raises(UnknownNameError, match="mine"):
        evaluate(None, path)


def test_every_sequence_counts_once_where_a_protocol_says_so(views):
    keys = ("A/long", "A/short", "B/short")
    lengths = (25, 10, 5)
    parts = [
        renamed(seen, key, np.arange(len(seen)) < frames)
        for key, frames, seen in zip(keys, lengths, views, strict=False)
    ]
    own = [evaluate(None, [part], Protocol("all", stride=1))["flat"] for part in parts]
    report = evaluate(None, parts, Protocol("mean", stride=1, mean_over="sequences"))
    flat = report["flat"]
    for name in ("p_mpjpe", "n_mpjpe", "mpjve", "mblstd", "pck_150"):
        one, two, three = (getattr(each, name) for each in own)
        assert getattr(flat, name) == pytest.approx((one + two + three) / 3)
        assert getattr(flat.by_subject["A"], name) == pytest.approx((one + two) / 2)
        assert getattr(flat.subject_mean, name) == pytest.approx(((one + two) / 2 + three) / 2)
    assert (flat.frames, flat.by_subject["B"].frames) == (40, 5)
    assert flat.p_mpjpe != pytest.approx(evaluate(None, parts, ALL)["flat"].p_mpjpe, rel=1e-3)
    assert "mean, mean over sequences" in str(report)
    assert report.to_dict()["mean_over"] == "sequences"


def test_only_the_protocols_clips_count(views):
    two = [renamed(views[0], "S9/Walking 1"), renamed(views[0], "S9/Walking")]
    report = evaluate(None, two, Protocol("first", clips=("S9/Walking 1", "S9/Photo 1")))
    assert (report.clips, report.views) == (1, 1)
    with pytest.raises(DataError, match="expected a clip of protocol 'first', S9/Photo, got S9/Wa"):
        evaluate(None, two, Protocol("first", clips=("S9/Photo",)))


def renamed(seen: AnnotatedSequence, key: str, counted: np.ndarray | None = None):
    return AnnotatedSequence(key, "front", seen.keypoints, seen.joints, seen.joints_layout, counted)


def _flat_error(annotated: AnnotatedSequence, frames: int) -> float:
    """P-MPJPE of flat depth over the first frames, from the definition."""
    from posenet3d.evaluation.metrics import flat_depth, p_mpjpe
    from posenet3d.evaluation.sequences import annotated_sequence

    sequence = annotated_sequence(annotated)
    flat = flat_depth(torch.as_tensor(sequence.points), distance=10.0)[:frames]
    return p_mpjpe(flat, torch.as_tensor(sequence.truth)[:frames]).mean().item()
