"""Each metric against examples known by hand, its invariances, and references from definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import TypeCheckError
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation

from posenet3d.errors import ShapeError
from posenet3d.evaluation import metrics
from posenet3d.skeletons.layouts import LSP_14

HIPS = [LSP_14.index("right_hip"), LSP_14.index("left_hip")]
LIMB_NAMES = [
    (f"{side}_{upper}", f"{side}_{lower}")
    for side in ("left", "right")
    for upper, lower in (
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("hip", "knee"),
        ("knee", "ankle"),
    )
]

scales = st.sampled_from([1e-3, 0.1, 1.0, 7.0, 1e3])
angles = st.one_of(
    st.sampled_from([0.0, 1e-7, 1e-4, np.pi - 1e-7, np.pi]), st.floats(-np.pi, np.pi)
)
shifts = st.tuples(*[st.floats(-5000, 5000)] * 3)


def sequences(frames: int = 3) -> st.SearchStrategy[torch.Tensor]:
    """Joints on a grid of a tenth of a millimetre, well away from lying in one plane."""
    scaffold = np.zeros((14, 3))
    scaffold[np.arange(14), np.arange(14) % 3] = 2000.0 + 100.0 * np.arange(14)
    noise = arrays(
        np.float64, (frames, 14, 3), elements=st.integers(-9000, 9000), fill=st.nothing()
    )
    return noise.map(lambda drawn: torch.from_numpy(drawn / 10 + scaffold))


@st.composite
def rotations(draw: st.DrawFn) -> torch.Tensor:
    turn = Rotation.from_euler("zyx", [draw(angles), draw(angles), draw(angles)])
    return torch.from_numpy(turn.as_matrix())


def reference_alignment(prediction, truth, reflection=False):
    """Kabsch and Umeyama as in the textbook, for one pose."""
    x, y = prediction - prediction.mean(0), truth - truth.mean(0)
    u, s, vt = np.linalg.svd(y.T @ x)
    signs = np.ones(3)
    if not reflection and np.linalg.det(u @ vt) < 0:
        signs[2] = -1
    rotation = u @ np.diag(signs) @ vt
    return (s * signs).sum() / (x * x).sum() * x @ rotation.T + truth.mean(0)


def reference_p_mpjpe(prediction, truth, reflection=False):
    moved = reference_alignment(prediction, truth, reflection)
    return np.mean([np.sqrt(((m - t) ** 2).sum()) for m, t in zip(moved, truth, strict=True)])


def centre(pose):
    return pose - pose[HIPS].mean(0)


def reference_n_mpjpe(prediction, truth):
    x, y = centre(prediction), centre(truth)
    return np.mean(np.sqrt((((x * y).sum() / (x * x).sum() * x - y) ** 2).sum(1)))


def reference_mpjve(prediction, truth):
    moved = [reference_alignment(p, t) for p, t in zip(prediction, truth, strict=True)]
    errors = []
    for now in range(len(truth) - 1):
        for joint in range(14):
            step = moved[now + 1][joint] - moved[now][joint]
            errors.append(np.linalg.norm(step - (truth[now + 1][joint] - truth[now][joint])))
    return np.mean(errors)


def reference_mblstd(prediction, truth):
    x = np.stack([centre(pose) for pose in prediction])
    y = np.stack([centre(pose) for pose in truth])
    scaled = (x * y).sum() / (x * x).sum() * prediction
    deviations = []
    for upper, lower in LIMB_NAMES:
        ends = scaled[:, LSP_14.index(upper)] - scaled[:, LSP_14.index(lower)]
        lengths = [np.sqrt((end**2).sum()) for end in ends]
        deviations.append(np.sqrt(np.mean((lengths - np.mean(lengths)) ** 2)))
    return np.mean(deviations)


def reference_auc(prediction, truth):
    errors = np.sqrt(((prediction - truth) ** 2).sum(-1))
    return np.mean([100 * np.mean(errors < threshold) for threshold in range(0, 151, 5)])


@given(sequences(), sequences())
def test_the_pose_errors_agree_with_references_written_from_the_definitions(prediction, truth):
    pairs = list(zip(prediction.numpy(), truth.numpy(), strict=True))
    mirrored = [reference_p_mpjpe(p, t, reflection=True) for p, t in pairs]
    np.testing.assert_allclose(
        metrics.p_mpjpe(prediction, truth), [reference_p_mpjpe(p, t) for p, t in pairs], atol=1e-6
    )
    np.testing.assert_allclose(
        metrics.p_mpjpe(prediction, truth, reflection="allowed"), mirrored, atol=1e-6
    )
    np.testing.assert_allclose(
        metrics.n_mpjpe(prediction, truth), [reference_n_mpjpe(p, t) for p, t in pairs], atol=1e-6
    )
    np.testing.assert_allclose(
        metrics.mpjpe(prediction, truth),
        [np.linalg.norm(centre(p) - centre(t), axis=1).mean() for p, t in pairs],
        atol=1e-6,
    )
    np.testing.assert_allclose(
        metrics.auc(prediction / 10, truth / 10),
        [reference_auc(p / 10, t / 10) for p, t in pairs],
        atol=1e-6,
    )


@given(sequences(), sequences())
def test_the_motion_errors_agree_with_references_written_from_the_definitions(prediction, truth):
    p, t = prediction.numpy(), truth.numpy()
    assert abs(metrics.mpjve_paper(prediction, truth) - reference_mpjve(p, t)) < 1e-6
    assert abs(metrics.mblstd(prediction, truth) - reference_mblstd(p, t)) < 1e-6
    unaligned = np.linalg.norm(np.diff(p, axis=0) - np.diff(t, axis=0), axis=-1).mean()
    assert abs(metrics.mpjve_videopose3d(prediction, truth) - unaligned) < 1e-6


@given(sequences(frames=1), sequences(frames=1))
def test_the_reflected_error_is_the_one_that_scipys_procrustes_minimises(prediction, truth):
    p, t = prediction[0].numpy(), truth[0].numpy()
    _, moved, _ = scipy_procrustes(t, p)  # both centred, the truth's size divided out
    expected = np.linalg.norm(t - t.mean(0)) * moved + t.mean(0)
    found = metrics.aligned(prediction, truth, reflection="allowed")[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(sequences(), sequences(), rotations(), scales, shifts)
def test_p_mpjpe_does_not_see_a_similarity(prediction, truth, rotation, scale, shift):
    moved = scale * prediction @ rotation.T + torch.tensor(shift, dtype=torch.float64)
    before, after = metrics.p_mpjpe(prediction, truth), metrics.p_mpjpe(moved, truth)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=0)
    torch.testing.assert_close(metrics.p_mpjpe(moved, prediction), torch.zeros(3).double(),
                               atol=1e-4, rtol=0)  # fmt: skip


@given(sequences(), sequences(), scales, shifts)
def test_n_mpjpe_sees_neither_scale_nor_place(prediction, truth, scale, shift):
    moved = scale * prediction + torch.tensor(shift, dtype=torch.float64)
    torch.testing.assert_close(
        metrics.n_mpjpe(moved, truth), metrics.n_mpjpe(prediction, truth), atol=1e-4, rtol=0
    )


@given(sequences(), sequences(), shifts)
def test_mpjpe_sees_the_scale_but_not_the_place(prediction, truth, shift):
    moved = prediction + torch.tensor(shift, dtype=torch.float64)
    torch.testing.assert_close(metrics.mpjpe(moved, truth), metrics.mpjpe(prediction, truth))
    doubled = metrics.mpjpe(2 * truth, truth)
    torch.testing.assert_close(doubled, metrics.root_centred(truth).norm(dim=-1).mean(-1))


@given(sequences())
def test_only_the_reflected_figure_forgives_a_mirror(truth):
    mirrored = metrics.depth_negated(truth)
    assert (metrics.p_mpjpe(mirrored, truth) > 1.0).all()
    assert (metrics.p_mpjpe(mirrored, truth, reflection="allowed") < 1e-6).all()


@given(sequences(), sequences())
def test_negating_depth_twice_changes_nothing(prediction, truth):
    twice = metrics.depth_negated(metrics.depth_negated(prediction))
    assert torch.equal(metrics.p_mpjpe(twice, truth), metrics.p_mpjpe(prediction, truth))


@given(sequences(), sequences())
def test_no_reflection_can_be_better_than_all_of_them(prediction, truth):
    flipped = metrics.p_mpjpe(metrics.depth_negated(prediction), truth)
    both = torch.stack([metrics.p_mpjpe(prediction, truth), flipped])
    reflected = metrics.p_mpjpe(prediction, truth, reflection="allowed")
    # The better mirror by least squares is one of the two, though not always the smaller mean.
    assert torch.isclose(both, reflected, atol=1e-6).any(dim=0).all()


@given(sequences(frames=1), st.integers(2, 6), rotations(), scales)
def test_velocity_errors_of_a_still_body_are_zero(pose, frames, rotation, scale):
    still = pose.expand(frames, 14, 3)
    assert metrics.mpjve_paper(scale * still @ rotation.T, still) < 1e-6
    assert metrics.mpjve_videopose3d(still + 10.0, still) < 1e-6


@given(sequences(frames=1), st.lists(st.tuples(rotations(), shifts), min_size=1, max_size=4))
def test_mblstd_of_a_rigid_body_is_zero(pose, motions):
    moved = torch.stack([pose[0] @ r.T + torch.tensor(s, dtype=torch.float64) for r, s in motions])
    assert metrics.mblstd(moved / 700, moved) < 1e-6


def test_mblstd_of_one_bone_that_breathes_is_known_by_hand():
    truth = torch.zeros(2, 14, 3, dtype=torch.float64)
    truth[:, LSP_14.index("left_elbow"), 0] = 100.0
    wrist = LSP_14.index("left_wrist")
    truth[:, wrist, 0] = 300.0
    truth[1, wrist, 0] = 332.0  # the left forearm: 200 mm, then 232 mm: deviation 16 mm
    # Over eight bones, the other seven of which keep their length.
    torch.testing.assert_close(metrics.mblstd(truth, truth), torch.tensor(2.0).double())
    torch.testing.assert_close(metrics.mblstd(truth / 500, truth), torch.tensor(2.0).double())


def test_mpjve_of_a_flickering_joint_is_known_by_hand():
    truth = torch.zeros(3, 14, 3, dtype=torch.float64)
    flicker = truth.clone()
    flicker[1, 6, 2] = 28.0  # away and back: 28 mm in each of two steps, on one of 14 joints
    torch.testing.assert_close(
        metrics.mpjve_videopose3d(flicker, truth), torch.tensor(2.0).double()
    )


def test_pck_is_strict_at_its_threshold():
    truth = torch.zeros(4, 3)
    off = torch.tensor([[0.0, 0, 0], [0, 149.99, 0], [0, 0, 150.0], [90.0, 120.0, 0]])
    assert metrics.pck(off, truth).item() == 50.0
    assert metrics.pck(off, truth, threshold=151.0).item() == 100.0


@pytest.mark.parametrize(
    ("distance", "thresholds_above"),
    [(0.0, 30), (4.9, 30), (5.0, 29), (5.1, 29), (149.9, 1), (150.0, 0), (1e6, 0)],
)
def test_auc_counts_the_thresholds_strictly_above_an_error(distance, thresholds_above):
    off = torch.zeros(14, 3, dtype=torch.float64)
    off[:, 0] = distance
    expected = 100 * thresholds_above / 31
    assert metrics.auc(off, torch.zeros(14, 3).double()).item() == pytest.approx(expected)


def test_flat_depth_puts_every_joint_at_the_depth_of_the_root():
    points = torch.tensor([[[0.1, -0.2]] * 14] * 2, dtype=torch.float64)
    flat = metrics.flat_depth(points, distance=10.0)
    torch.testing.assert_close(flat, torch.tensor([1.0, -2.0, 0.0]).double().expand(2, 14, 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_leading_axes_and_precision_are_kept(dtype):
    generator = torch.Generator().manual_seed(0)
    prediction, truth = torch.randn(2, 2, 5, 4, 14, 3, generator=generator, dtype=dtype)
    pose_errors = metrics.mpjpe, metrics.p_mpjpe, metrics.n_mpjpe, metrics.pck, metrics.auc
    for metric in pose_errors:
        errors = metric(prediction, truth)
        assert errors.shape == (2, 5, 4)
        assert errors.dtype == dtype
        torch.testing.assert_close(errors[1, 2], metric(prediction[1, 2], truth[1, 2]))
    for metric in (metrics.mpjve_paper, metrics.mpjve_videopose3d, metrics.mblstd):
        errors = metric(prediction, truth)
        assert errors.shape == (2, 5)
        assert errors.dtype == dtype
        torch.testing.assert_close(errors[1, 2], metric(prediction[1, 2], truth[1, 2]))


def test_no_metric_changes_its_input():
    prediction, truth = torch.randn(2, 3, 14, 3, generator=torch.Generator().manual_seed(1))
    before = prediction.clone(), truth.clone()
    for metric in (metrics.p_mpjpe, metrics.n_mpjpe, metrics.mblstd, metrics.mpjve_paper):
        metric(prediction, truth)
    assert torch.equal(prediction, before[0])
    assert torch.equal(truth, before[1])


def test_a_collapsed_prediction_still_has_an_error():
    truth = torch.randn(14, 3, generator=torch.Generator().manual_seed(1)).double()
    spread = (truth - truth.mean(0)).norm(dim=-1).mean()
    torch.testing.assert_close(metrics.p_mpjpe(torch.ones(14, 3).double(), truth), spread)
    assert metrics.n_mpjpe(torch.zeros(14, 3).double(), truth).isfinite()


@pytest.mark.parametrize(
    "metric", [metrics.mpjpe, metrics.p_mpjpe, metrics.n_mpjpe, metrics.pck, metrics.auc]
)
def test_poses_of_different_shapes_cannot_be_compared(metric):
    # Where the suite runs with type checks, they see it first.
    with pytest.raises((ShapeError, TypeCheckError), match=r"expected the shape of|Type-check"):
        metric(torch.zeros(2, 14, 3), torch.zeros(3, 14, 3))


@pytest.mark.parametrize("metric", [metrics.mpjve_paper, metrics.mpjve_videopose3d])
def test_one_frame_has_no_velocity(metric):
    with pytest.raises(ShapeError, match="two or more frames"):
        metric(torch.zeros(1, 14, 3), torch.zeros(1, 14, 3))
