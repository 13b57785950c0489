"""Lifting at another frame rate: the answer is of the footage's own frames."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data import MotionClip, camera_rig, corrupt, observe
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.geometry import geodesic_distance, random_rotmat
from posenet3d.inference import Estimator
from posenet3d.inference.resampling import lifting_rate, stitched_at
from posenet3d.inference.stitching import Stitched
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import Reconstruction


def filmed(fps: float) -> KeypointSequence:
    """A second of one and the same motion, at a frame rate."""
    clip = synthetic_motion(clips=1, seconds=1.2, seed=3)[0]
    camera = camera_rig("cmu14-wild", "test").cameras(clip)[0]
    own, wanted = np.arange(len(clip.joints)) / clip.fps, np.arange(math.ceil(fps)) / fps
    flat = clip.joints.reshape(len(own), -1)
    joints = np.stack([np.interp(wanted, own, column) for column in flat.T], axis=1)
    return observe(MotionClip(clip.key, joints.reshape(-1, 14, 3), clip.layout, fps), camera)


def numbers_of(lifted: Reconstruction) -> list[np.ndarray]:
    assert lifted.body is not None
    body = lifted.body.betas, lifted.body.rotations, lifted.body.translation
    return [lifted.joints3d, lifted.root, lifted.up, *body]


@pytest.mark.parametrize(
    ("resample", "own", "learnt", "expected"),
    [
        ("auto", 120.0, 50.0, 50.0),
        ("auto", 50.0, 50.0, 50.0),
        ("auto", 25.0, 50.0, 25.0),
        ("auto", 120.0, None, 120.0),
        ("none", 120.0, 50.0, 120.0),
        (30, 120.0, 50.0, 30.0),
        (100.0, 25.0, None, 100.0),
    ],
)
def test_footage_that_is_faster_than_the_networks_is_slowed_and_no_other(
    resample: str | float | int, own: float, learnt: float | None, expected: float
) -> None:
    assert lifting_rate(resample, own, learnt) == expected


@pytest.mark.parametrize("rate", [0, -50.0, math.nan, math.inf, 1e6, True])
def test_a_rate_that_cannot_be_is_an_error(rate: float) -> None:
    with pytest.raises(ShapeError, match="resample: expected 'auto', 'none' or 1 to 1000 frames"):
        lifting_rate(rate, 50.0, 50.0)


def test_a_word_that_is_none_of_them_is_an_error(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'auto'"):
        estimator.predict(walk, resample="atuo")


@given(seed=st.integers(0, 2**31), share=st.floats(0.0, 1.0))
def test_rotations_between_two_frames_lie_on_the_shortest_way(seed: int, share: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    turns = random_rotmat(2, 3, generator=generator, dtype=torch.float64)
    teacher = torch.randn(2, 14, 3, generator=generator)
    answer = Stitched(teacher, torch.ones(10), turns.float())
    made = stitched_at(answer, np.array([0.0, share, 1.0]))
    assert made.rotations is not None
    torch.testing.assert_close(made.rotations[[0, 2]], turns.float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.teacher[1], teacher[0].lerp(teacher[1], share))
    whole = geodesic_distance(turns[0], turns[1])
    part = geodesic_distance(turns[0], made.rotations[1].double())
    if bool((whole < 3.1).all()):  # of half a turn there are two shortest ways
        torch.testing.assert_close(part, share * whole, atol=2e-3, rtol=0)
    assert made.betas is answer.betas


@pytest.mark.parametrize("resample", ["auto", 50, 50.0])
def test_at_the_networks_own_rate_nothing_changes(
    estimator: Estimator, walk: KeypointSequence, resample: str | float | int
) -> None:
    assert walk.fps == estimator.model.fps == 50
    plain, same = (
        estimator.predict(walk, resample="none"),
        estimator.predict(walk, resample=resample),
    )
    for one, other in zip(numbers_of(plain), numbers_of(same), strict=True):
        np.testing.assert_array_equal(one, other)
    assert plain.provenance == same.provenance
    assert same.provenance["resample"] == "none"


def test_a_motion_at_120_comes_out_as_at_the_networks_50(estimator: Estimator) -> None:
    fast, slow = estimator.predict(filmed(120.0)), estimator.predict(filmed(50.0))
    assert fast.provenance["resample"] == "to 50 frames a second"
    assert (len(fast), fast.fps, len(slow)) == (120, 120.0, 50)
    common = slice(0, 110, 12), slice(0, 50, 5)  # tenths of a second
    apart = np.linalg.norm(fast.joints3d[common[0]] - slow.joints3d[common[1]][:10], axis=-1)
    assert apart[1:-1].max() < 0.01
    plain = estimator.predict(filmed(120.0), resample="none")
    off = np.linalg.norm(plain.joints3d[common[0]] - slow.joints3d[common[1]][:10], axis=-1)
    assert apart[1:-1].mean() < 0.2 * off[1:-1].mean()


def test_bodies_between_frames_are_bodies(estimator: Estimator) -> None:
    lifted = estimator.predict(filmed(120.0))
    assert lifted.body is not None
    turned = torch.from_numpy(lifted.body.rotations)
    eye = torch.eye(3).expand_as(turned)
    torch.testing.assert_close(turned @ turned.mT, eye, atol=1e-5, rtol=0)
    with torch.no_grad():
        joints = lifted.body_model.joints(torch.tensor(lifted.body.betas).float(), turned)
    shins = (joints[:, 7] - joints[:, 4]).norm(dim=-1)
    torch.testing.assert_close(shins, shins[:1].expand_as(shins), atol=1e-5, rtol=0)


def test_shaking_of_a_detector_is_less(estimator: Estimator) -> None:
    seen = corrupt(filmed(120.0), "openpose", seed=1)
    plain, slowed = estimator.predict(seen, resample="none"), estimator.predict(seen)
    shaking = [np.abs(np.diff(each.joints3d, 2, axis=0)).mean() for each in (plain, slowed)]
    assert shaking[1] < 0.7 * shaking[0]


def test_gaps_and_what_nobody_saw_stay_the_footages(estimator: Estimator) -> None:
    seen = filmed(120.0)
    points, numbers = seen.points.copy(), np.arange(120)
    points[50:58, 6] = np.nan
    told = replace(seen, points=points, frame_index=np.where(numbers < 70, numbers, numbers + 300))
    lifted = estimator.predict(told)
    np.testing.assert_array_equal(lifted.keypoints.frame_index, told.frame_index)
    np.testing.assert_array_equal(lifted.keypoints.points, points)
    assert lifted.invented is not None
    assert np.argwhere(lifted.invented).tolist() == [[frame, 6] for frame in range(50, 58)]


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("resample", ["auto", 240])
def test_a_few_frames_come_back_as_many(
    estimator: Estimator, frames: int, resample: str | int
) -> None:
    lifted = estimator.predict(filmed(120.0).cut(0, frames), resample=resample)
    assert len(lifted) == frames
    assert all(np.isfinite(each).all() for each in numbers_of(lifted))
