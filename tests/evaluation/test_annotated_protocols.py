"""Protocols on datasets that bring their own cameras."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from posenet3d.data import AnnotatedSequence, write_annotated
from posenet3d.data.datasets.filming import annotated_views
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import DataError
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


def _flat_error(annotated: AnnotatedSequence, frames: int) -> float:
    """P-MPJPE of flat depth over the first frames, from the definition."""
    from posenet3d.evaluation.metrics import flat_depth, p_mpjpe
    from posenet3d.evaluation.sequences import annotated_sequence

    sequence = annotated_sequence(annotated)
    flat = flat_depth(torch.as_tensor(sequence.points), distance=10.0)[:frames]
    return p_mpjpe(flat, torch.as_tensor(sequence.truth)[:frames]).mean().item()
