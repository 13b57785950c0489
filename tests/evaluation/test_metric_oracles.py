"""Second opinions on each metric: SciPy's alignments, optimality, the MATLAB script's conventions.

What the definitions say in NumPy is in `test_metrics.py`; here nobody's formulas are ours. The
script is ``mpii_compute_3d_pck.m`` of MPI-INF-3DHP's test set: thresholds ``0:5:150``, a joint
counts if its error is ``<`` the threshold, and AUC is the mean of the curve.
"""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import lstsq, orthogonal_procrustes
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation

from posenet3d.data import AnnotatedSequence
from posenet3d.evaluation import Protocol, evaluate, metrics
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons.layouts import LIMBS, LSP_14

HIPS = LSP_14.indices("right_hip", "left_hip")


def poses(frames: int = 2) -> st.SearchStrategy[np.ndarray]:
    """Poses in mm, well away from lying in one plane, where a rotation would not be unique."""
    scaffold = np.zeros((14, 3))
    scaffold[np.arange(14), np.arange(14) % 3] = 300.0 + 40.0 * np.arange(14)
    shape = (frames, 14, 3)
    noise = arrays(np.float64, shape, elements=st.integers(-2000, 2000), fill=st.nothing())
    return noise.map(lambda drawn: drawn / 10 + scaffold)


def similarity_of(source: np.ndarray, target: np.ndarray, mirror: bool) -> np.ndarray:
    """The source laid over the target by SciPy: `Rotation` turns, `orthogonal_procrustes` mirrors.

    With the rotation known, the scale is one number's least-squares problem.
    """
    x, y = source - source.mean(0), target - target.mean(0)
    if mirror:
        turned = x @ orthogonal_procrustes(x, y)[0]
    else:
        turned = Rotation.align_vectors(y, x)[0].apply(x)
    scale = lstsq(turned.reshape(-1, 1), y.reshape(-1))[0][0]
    return scale * turned + target.mean(0)


def unique(source: np.ndarray, target: np.ndarray) -> bool:
    """Whether the best rotation, and the choice of mirroring, are clear enough to compare."""
    x, y = source - source.mean(0), target - target.mean(0)
    values = np.linalg.svd(x.T @ y, compute_uv=False)
    return bool(values[1] > 1.02 * values[2] and values[2] > 1e-3 * values[0])


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((one - other) ** 2).sum(-1))


def rooted(sequence: np.ndarray) -> np.ndarray:
    return sequence - sequence[..., list(HIPS), :].mean(-2, keepdims=True)


@pytest.mark.parametrize("mirror", [False, True])
@settings(max_examples=20)
@given(prediction=poses(), truth=poses(), flip=st.booleans())
def test_p_mpjpe_is_that_of_scipys_alignment(mirror, prediction, truth, flip):
    if flip:  # the best orthogonal map is then a mirror: det = +1 makes a difference
        prediction = prediction * [1.0, 1.0, -1.0]
    assume(all(unique(p, t) for p, t in zip(prediction, truth, strict=True)))
    pairs = zip(prediction, truth, strict=True)
    expected = [distances(similarity_of(p, t, mirror), t).mean() for p, t in pairs]
    found = metrics.p_mpjpe(
        torch.from_numpy(prediction),
        torch.from_numpy(truth),
        reflection="allowed" if mirror else "forbidden",
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


@settings(max_examples=20)
@given(
    poses(frames=1),
    poses(frames=1),
    st.tuples(*[st.floats(-0.3, 0.3)] * 3),
    st.floats(0.8, 1.25),
    st.tuples(*[st.floats(-50, 50)] * 3),
)
def test_no_other_similarity_comes_closer(prediction, truth, turn, scale, shift):
    best = metrics.aligned(torch.from_numpy(prediction), torch.from_numpy(truth))[0].numpy()
    middle = best.mean(0)
    other = Rotation.from_rotvec(turn).apply(scale * (best - middle)) + middle + np.array(shift)
    least, more = (distances(each, truth[0]) ** 2 for each in (best, other))
    assert least.sum() <= more.sum() + 1e-6


@settings(max_examples=15)
@given(poses(frames=1), poses(frames=1))
def test_n_mpjpe_has_the_scale_that_a_search_finds(prediction, truth):
    x, y = rooted(prediction)[0], rooted(truth)[0]
    found = minimize_scalar(lambda s: ((s * x - y) ** 2).sum(), bracket=(0, 1), tol=1e-12).x
    exact = lstsq(x.reshape(-1, 1), y.reshape(-1))[0][0]
    assert found == pytest.approx(exact, abs=1e-6)
    expected = distances(exact * x, y).mean()
    error = metrics.n_mpjpe(torch.from_numpy(prediction), torch.from_numpy(truth))
    assert error.item() == pytest.approx(expected, abs=1e-6)


@settings(max_examples=15)
@given(poses(frames=3), poses(frames=3))
def test_the_velocity_error_is_that_of_sequences_that_scipy_aligned(prediction, truth):
    assume(all(unique(p, t) for p, t in zip(prediction, truth, strict=True)))
    pairs = zip(prediction, truth, strict=True)
    aligned = np.stack([similarity_of(p, t, mirror=False) for p, t in pairs])
    expected = distances(np.diff(aligned, axis=0), np.diff(truth, axis=0)).mean()
    found = metrics.mpjve_paper(torch.from_numpy(prediction), torch.from_numpy(truth))
    assert found.item() == pytest.approx(expected, abs=1e-6)


def off_by(millimetres: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Joints that are so far from the truth, to the bit: along one axis of whole numbers."""
    errors = torch.tensor(millimetres, dtype=torch.float64)
    prediction = torch.zeros(*errors.shape, 3, dtype=torch.float64)
    prediction[..., 1] = errors
    return prediction, torch.zeros_like(prediction)


# One frame of 14 joints. Below 150 are all but those at 150, 151 and 1000 mm: 11 of 14. A joint
# off by d is below the thresholds d < t: 30 - floor(d / 5) of the 31, none below 0.
WORKED = [0, 1, 4, 5, 6, 10, 50, 99, 100, 145, 149, 150, 151, 1000]
REACHED = [30, 30, 30, 29, 29, 28, 20, 11, 10, 1, 1, 0, 0, 0]


def test_pck_and_auc_of_the_worked_example():
    prediction, truth = off_by([WORKED])
    assert metrics.pck(prediction, truth).item() == pytest.approx(100 * 11 / 14, abs=1e-9)
    expected = 100 * sum(REACHED) / (14 * 31)
    assert metrics.auc(prediction, truth).item() == pytest.approx(expected, abs=1e-9)
    assert expected == pytest.approx(50.460829, abs=1e-6)


@pytest.mark.parametrize(
    ("errors", "pck", "auc"),
    [
        (0, 100.0, 100 * 30 / 31),  # the threshold 0 is one of them, and 0 < 0 is false
        (5, 100.0, 100 * 29 / 31),
        (149, 100.0, 100 * 1 / 31),
        (150, 0.0, 0.0),
    ],
)
def test_pck_and_auc_of_equal_errors(errors, pck, auc):
    prediction, truth = off_by([[errors] * 14])
    assert metrics.pck(prediction, truth).item() == pytest.approx(pck, abs=1e-9)
    assert metrics.auc(prediction, truth).item() == pytest.approx(auc, abs=1e-9)


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(0, 160), min_size=14, max_size=14), min_size=1, max_size=3))
def test_pck_and_auc_follow_the_matlab_script(errors):
    prediction, truth = off_by(errors)
    frames = len(errors)
    curve = []  # the script's: over all joints and frames at once
    for threshold in range(0, 151, 5):
        below = sum(1 for frame in errors for error in frame if error < threshold)
        curve.append(below / (14 * frames))
    assert len(curve) == 31
    pck, auc = (metric(prediction, truth).mean().item() for metric in (metrics.pck, metrics.auc))
    assert pck == pytest.approx(100 * curve[-1], abs=1e-6)
    assert auc == pytest.approx(100 * sum(curve) / len(curve), abs=1e-6)


def expected_scores(clips: list[tuple[np.ndarray, np.ndarray]], stride: int) -> dict[str, float]:
    """A report's figures from the definitions: poses over frames, steps over steps, and so on."""
    errors, steps, bones, joints, scaled = [], [], [], [], []
    for prediction, truth in clips:
        pairs = list(zip(prediction, truth, strict=True))
        aligned = np.stack([similarity_of(p, t, mirror=False) for p, t in pairs])
        joints.append(distances(aligned, truth)[::stride])
        steps.append(distances(np.diff(aligned, axis=0), np.diff(truth, axis=0)).mean(-1))
        for p, t in pairs[::stride]:
            errors.append(distances(similarity_of(p, t, mirror=True), t).mean())
            x, y = rooted(p), rooted(t)
            scaled.append(distances(lstsq(x.reshape(-1, 1), y.reshape(-1))[0][0] * x, y).mean())
        x, y = rooted(prediction), rooted(truth)
        whole = lstsq(x.reshape(-1, 1), y.reshape(-1))[0][0] * prediction
        ends = [[whole[:, LSP_14.index(each)] for each in bone] for bone in LIMBS]
        bones.append(np.mean([distances(*both).std() for both in ends]))
    every = np.concatenate(joints)
    return {
        "p_mpjpe": every.mean(),
        "p_mpjpe_reflected": np.mean(errors),
        "n_mpjpe": np.mean(scaled),
        "pck_150": 100 * np.mean(every < 150),
        "auc": 100 * np.mean([np.mean(every < threshold) for threshold in range(0, 151, 5)]),
        "mpjve": np.concatenate(steps).mean(),
        "mblstd": np.mean(bones),
    }


@settings(max_examples=10)
@given(st.lists(st.integers(2, 7), min_size=1, max_size=3), st.integers(1, 3), st.integers(0, 99))
def test_a_report_s_figures_are_those_of_the_definitions(lengths, stride, seed):
    """Clips of several lengths go through the whole evaluation: its averages are the metrics'."""
    random = np.random.default_rng(seed)
    sequences, clips = [], []
    for number, frames in enumerate(lengths):
        joints = random.normal(size=(frames, 14, 3)) * 0.4 + [0, 0, 5]
        seen = KeypointSequence(joints[..., :2] / joints[..., 2:], layout="lsp_14", fps=50.0)
        sequences.append(AnnotatedSequence(f"S{number}/walk", "left", seen, joints, "lsp_14"))
        clips.append((random.normal(size=(frames, 14, 3)) + joints, 1000 * joints))
    answers = iter([torch.from_numpy(prediction) for prediction, _ in clips])

    def lift(windows):  # one batch a clip; the prediction of each window's centre
        return {"guess": next(answers)[:, None].expand(-1, 9, -1, -1)}

    rules = Protocol("every", stride=stride)
    found = evaluate(lift, sequences, rules, samples=0)["guess"]
    for name, expected in expected_scores(clips, stride).items():
        assert getattr(found, name) == pytest.approx(expected, abs=1e-6), name
