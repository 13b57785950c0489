"""Running sums add up to the same scores as the whole."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.evaluation import metrics
from posenet3d.evaluation.scores import FIGURES, Tally, average, right_way_round


def pose_sequences(frames: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    truth = 300 * torch.randn(frames, 14, 3, generator=generator, dtype=torch.float64)
    return truth / 500 + torch.randn(truth.shape, generator=generator).double() / 5, truth


@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 99))
def test_the_scores_of_one_sequence_are_the_metrics_of_that_sequence(frames, stride, seed):
    prediction, truth = pose_sequences(frames, seed)
    scores = Tally.of_sequence(prediction, truth, stride=stride).scores()
    some = prediction[::stride], truth[::stride]
    aligned, scaled = metrics.aligned(*some), metrics.frame_scaled(*some)
    flipped = metrics.depth_negated(some[0])
    expected = {
        "p_mpjpe": metrics.p_mpjpe(*some),
        "p_mpjpe_reflected": metrics.p_mpjpe(*some, reflection="allowed"),
        "p_mpjpe_depth_flipped": metrics.p_mpjpe(flipped, some[1]),
        "n_mpjpe": metrics.n_mpjpe(*some),
        "pck_150": metrics.pck(aligned, some[1]),
        "auc": metrics.auc(aligned, some[1]),
        "n_pck_150": metrics.pck(*scaled),
        "n_auc": metrics.auc(*scaled),
        "mpjve": metrics.mpjve_paper(prediction, truth),
        "mpjve_videopose3d": metrics.mpjve_videopose3d(*metrics.sequence_scaled(prediction, truth)),
        "mblstd": metrics.mblstd(prediction, truth),
    }
    assert set(expected) == set(FIGURES)
    for name, values in expected.items():
        assert getattr(scores, name) == pytest.approx(values.mean().item(), abs=1e-6), name
    assert sum(scores.per_joint) / 14 == pytest.approx(scores.p_mpjpe)
    assert scores.frames == math.ceil(frames / stride)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4))
def test_tallies_add_frames_to_frames_steps_to_steps_and_sequences_to_sequences(lengths):
    pairs = [pose_sequences(length, seed) for seed, length in enumerate(lengths)]
    parts = [Tally.of_sequence(*pair) for pair in pairs]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    scores = total.scores()
    frames = torch.cat([metrics.p_mpjpe(*pair) for pair in pairs])
    sequences = torch.stack([metrics.mblstd(*pair) for pair in pairs])
    assert scores.p_mpjpe == pytest.approx(frames.mean().item())
    assert scores.mblstd == pytest.approx(sequences.mean().item())
    moving = [pair for pair in pairs if len(pair[1]) > 1]
    steps = sum(len(truth) - 1 for _, truth in moving)
    if not moving:
        assert math.isnan(scores.mpjve)
        return
    total_error = sum(metrics.mpjve_paper(*pair) * (len(pair[1]) - 1) for pair in moving)
    assert scores.mpjve == pytest.approx((total_error / steps).item())


def test_the_average_counts_each_subject_once():
    long, short = (Tally.of_sequence(*pose_sequences(n, n)).scores() for n in (40, 2))
    mean = average([long, short])
    assert mean.frames == 42
    for name in FIGURES:
        halves = (getattr(long, name) + getattr(short, name)) / 2
        assert getattr(mean, name) == pytest.approx(halves)
    assert mean.per_joint[3] == pytest.approx((long.per_joint[3] + short.per_joint[3]) / 2)


def test_a_body_is_the_right_way_round_its_mirror_is_not_and_a_flat_one_is_neither():
    prediction, truth = pose_sequences(20, 7)
    assert Tally.of_sequence(prediction, truth).scores().right_way_round is True
    mirrored = metrics.depth_negated(prediction)
    assert Tally.of_sequence(mirrored, truth).scores().right_way_round is False
    flat = prediction * torch.tensor([1.0, 1.0, 0.0]).double()
    assert Tally.of_sequence(flat, truth).scores().right_way_round is None
    assert right_way_round(float("nan"), float("nan")) is None
