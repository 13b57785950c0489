"""Procrustes analysis recovers, is optimal, is invariant, and mirrors only when it may."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.autograd import gradcheck

from posenet3d import geometry as geo
from posenet3d.errors import ShapeError
from posenet3d.testing.strategies import points, regular_matrices, rotation_matrices, tensors

DOUBLE = torch.float64
MIRROR = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=DOUBLE))


def spread(skeleton: Tensor) -> Tensor:
    """Singular values of the centred points: a zero is a plane, two are a line."""
    return torch.linalg.svdvals(skeleton - skeleton.mean(-2, keepdim=True))


@st.composite
def bodies(draw, joints: int = 6) -> Tensor:
    """Two skeletons that fill space."""
    skeleton = draw(points(joints, batch=(2,), dtype=DOUBLE))
    skeleton = skeleton + torch.linspace(0, 3, joints, dtype=DOUBLE)[:, None] ** torch.tensor(
        [1.0, 2.0, 3.0], dtype=DOUBLE
    )
    values = spread(skeleton)
    assume(bool((values[..., 2] > 0.3).all()))
    return skeleton


@st.composite
def similarities(draw) -> geo.Similarity:
    rotation = draw(rotation_matrices(batch=(2,), dtype=DOUBLE))
    scale = draw(tensors(low=0.2, high=5, batch=(2,), dtype=DOUBLE))
    return geo.Similarity(scale, rotation, draw(tensors(3, batch=(2,), dtype=DOUBLE)))


def squared_error(similarity: geo.Similarity, source: Tensor, target: Tensor) -> Tensor:
    return (similarity.apply(source) - target).square().sum((-2, -1))


def assert_near(got: Tensor, wanted: Tensor, atol: float = 1e-10) -> None:
    torch.testing.assert_close(got, wanted, rtol=0, atol=atol)


@given(bodies(), similarities())
def test_a_planted_similarity_is_recovered(source: Tensor, planted: geo.Similarity) -> None:
    found = geo.procrustes(source, planted.apply(source))
    assert_near(found.scale, planted.scale)
    assert_near(found.rotation, planted.rotation)
    assert_near(found.translation, planted.translation)


@given(bodies(), similarities())
def test_float32_recovers_a_planted_similarity_too(source: Tensor, planted) -> None:
    target = planted.apply(source).float()
    aligned = geo.procrustes(source.float(), target).apply(source.float())
    torch.testing.assert_close(aligned, target, rtol=0, atol=2e-3)
    assert aligned.dtype == torch.float32


@given(bodies(), bodies(), similarities())
def test_the_aligned_source_does_not_depend_on_where_it_came_from(source, target, moved) -> None:
    plain = geo.procrustes(source, target)
    again = geo.procrustes(moved.apply(source), target)
    cost = squared_error(plain, source, target)
    moved_cost = squared_error(again, moved.apply(source), target)
    torch.testing.assert_close(moved_cost, cost, rtol=1e-9, atol=1e-9)


@given(bodies(), bodies(), similarities())
def test_no_other_similarity_fits_better(source, target, other: geo.Similarity) -> None:
    best = squared_error(geo.procrustes(source, target), source, target)
    assert (best <= squared_error(other, source, target) + 1e-9).all()


@given(bodies(), bodies(), tensors(7, low=-0.05, high=0.05, batch=(2,), dtype=DOUBLE))
def test_no_small_change_of_the_similarity_fits_better(source, target, change) -> None:
    found = geo.procrustes(source, target)
    near = geo.Similarity(
        found.scale * (1 + change[:, 0]),
        geo.rotvec_to_rotmat(change[:, 1:4]) @ found.rotation,
        found.translation + change[:, 4:],
    )
    best = squared_error(found, source, target)
    assert (best <= squared_error(near, source, target) + 1e-9).all()


@given(bodies(), bodies())
def test_the_rotation_is_scipy_s(source: Tensor, target: Tensor) -> None:
    found = geo.procrustes(source, target, scale=False)
    for sample in range(2):
        x = (source[sample] - source[sample].mean(0)).numpy()
        y = (target[sample] - target[sample].mean(0)).numpy()
        turn, rssd = Rotation.align_vectors(y, x)
        cost = squared_error(found, source, target)[sample].sqrt().item()
        assert cost == pytest.approx(rssd, rel=1e-6, abs=1e-6)
        values = np.linalg.svd(y.T @ x)[1]
        if values[1] - values[2] > 1e-3:  # else the best rotation is not unique
            np.testing.assert_allclose(found.rotation[sample], turn.as_matrix(), atol=1e-6)


@given(bodies(), bodies())
def test_with_reflections_the_result_is_scipy_s_orthogonal_procrustes(source, target) -> None:
    found = geo.procrustes(source, target, reflection=True)
    for sample in range(2):
        x = (source[sample] - source[sample].mean(0)).numpy()
        y = (target[sample] - target[sample].mean(0)).numpy()
        assert np.trace(found.rotation[sample].numpy() @ x.T @ y) == pytest.approx(
            orthogonal_procrustes(x, y)[1], rel=1e-9
        )
        disparity = scipy_procrustes(y, x)[2]
        cost = squared_error(found, source, target)[sample].item() / np.square(y).sum()
        assert cost == pytest.approx(disparity, rel=1e-6, abs=1e-9)


@given(points(4, dtype=DOUBLE, batch=(3,)), points(4, dtype=DOUBLE, batch=(3,)))
def test_it_never_mirrors_unless_it_may(source: Tensor, target: Tensor) -> None:
    rotation = geo.procrustes(source, target).rotation
    assert_near(torch.linalg.det(rotation), torch.ones(3, dtype=DOUBLE))
    assert_near(rotation @ rotation.mT, torch.eye(3, dtype=DOUBLE).expand(3, 3, 3))
    free = geo.procrustes(source, target, reflection=True).rotation
    assert_near(torch.linalg.det(free).abs(), torch.ones(3, dtype=DOUBLE))


@given(bodies())
def test_a_mirrored_body_fits_exactly_only_where_reflections_are_allowed(source: Tensor) -> None:
    target = source @ MIRROR
    forbidden = geo.procrustes(source, target)
    allowed = geo.procrustes(source, target, reflection=True)
    assert_near(allowed.apply(source), target)
    assert_near(torch.linalg.det(allowed.rotation), -torch.ones(2, dtype=DOUBLE))
    assert (squared_error(forbidden, source, target) > 1e-3).all()


@given(bodies(), bodies())
def test_aligning_again_changes_nothing(source: Tensor, target: Tensor) -> None:
    aligned = geo.procrustes(source, target).apply(source)
    assume(bool((spread(aligned)[..., 0] > 0.1).all()))
    again = geo.procrustes(aligned, target)
    torch.testing.assert_close(again.apply(aligned), aligned, rtol=0, atol=1e-7)


@given(bodies(), bodies())
def test_without_scale_the_size_stays(source: Tensor, target: Tensor) -> None:
    found = geo.procrustes(source, target, scale=False)
    assert torch.equal(found.scale, torch.ones(2, dtype=DOUBLE))
    assert_near(spread(found.apply(source)), spread(source))


@given(bodies(), bodies())
def test_a_batch_is_aligned_entry_by_entry(source: Tensor, target: Tensor) -> None:
    together = geo.procrustes(source[:, None], target[:, None])
    assert together.rotation.shape == (2, 1, 3, 3)
    for sample in range(2):
        alone = geo.procrustes(source[sample], target[sample])
        assert_near(together.apply(source[:, None])[sample, 0], alone.apply(source[sample]))


@given(tensors(4, 1, batch=(), dtype=DOUBLE), tensors(1, 3, batch=(), dtype=DOUBLE), similarities())
def test_points_on_a_line_are_aligned_by_some_best_rotation(along, direction, planted) -> None:
    assume(bool(direction.norm() > 0.1))
    assume(bool((along - along.mean()).abs().max() > 0.01))
    line = (along * direction).expand(2, 4, 3)
    found = geo.procrustes(line, planted.apply(line))
    assert_near(torch.linalg.det(found.rotation), torch.ones(2, dtype=DOUBLE))
    assert_near(found.apply(line), planted.apply(line))


@given(tensors(1, 3, batch=(2,), dtype=DOUBLE), bodies())
def test_points_in_one_place_go_to_the_middle_of_the_target(place: Tensor, target) -> None:
    found = geo.procrustes(place.expand(2, 6, 3), target)
    assert torch.equal(found.scale, torch.ones(2, dtype=DOUBLE))
    middle = target.mean(-2, keepdim=True)
    assert_near(found.apply(place), middle)
    onto = geo.procrustes(target, place.expand(2, 6, 3))
    assert_near(onto.scale, torch.zeros(2, dtype=DOUBLE))
    assert_near(onto.apply(target), place.expand(2, 6, 3))


def test_a_single_point_is_moved_onto_the_other() -> None:
    source, target = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[-4.0, 0.0, 7.0]])
    assert torch.equal(geo.procrustes(source, target).apply(source), target)


@pytest.mark.parametrize("reflection", [False, True])
@settings(max_examples=5)
@given(matrix=regular_matrices(batch=(2,), dtype=DOUBLE))
def test_the_derivative_is_right(reflection: bool, matrix: Tensor) -> None:
    axes = torch.eye(3, dtype=DOUBLE)
    source = (torch.cat([axes, -axes]) + 0.5).repeat(2, 1, 1)
    target = source @ matrix.mT

    def aligned(x: Tensor, y: Tensor) -> Tensor:
        return geo.procrustes(x, y, reflection=reflection).apply(x)

    assert gradcheck(aligned, (source.requires_grad_(), target.requires_grad_()))


@given(points(4, batch=(2,)), st.sampled_from(["coincident", "collinear", "planar", "itself"]))
def test_the_gradient_is_finite_for_degenerate_points(target: Tensor, kind: str) -> None:
    kept = {"coincident": 0, "collinear": 1, "planar": 2, "itself": 3}[kind]
    axes = torch.arange(3) < kept
    source = (target.detach() * axes).requires_grad_()
    target = target.requires_grad_()
    error = geo.procrustes(source, target).apply(source).sum()
    for gradient in torch.autograd.grad(error, (source, target)):
        assert gradient.isfinite().all()


@given(bodies(), st.floats(-5, 5))
def test_the_least_squares_scale_recovers_a_factor(source: Tensor, factor: float) -> None:
    scale = geo.least_squares_scale(source, factor * source)
    assert_near(scale, torch.full((2,), factor, dtype=DOUBLE))


@given(bodies(), bodies(), st.floats(-5, 5))
def test_no_other_factor_fits_better_than_the_least_squares_scale(source, target, other) -> None:
    scale = geo.least_squares_scale(source, target)[:, None, None]
    best = (scale * source - target).square().sum((-2, -1))
    assert (best <= (other * source - target).square().sum((-2, -1)) + 1e-9).all()


def test_the_scale_of_nothing_is_one_with_gradient_zero() -> None:
    nothing = torch.zeros(2, 5, 3, requires_grad=True)
    scale = geo.least_squares_scale(nothing, torch.ones(2, 5, 3))
    (gradient,) = torch.autograd.grad(scale.sum(), nothing)
    assert torch.equal(scale, torch.ones(2))
    assert not gradient.any()


@pytest.mark.parametrize("function", [geo.procrustes, geo.least_squares_scale])
@pytest.mark.parametrize(
    ("source", "target", "name"),
    [
        ((5, 2), (5, 2), "source"),
        ((5, 3), (4, 3), "source|target"),
        ((2, 5, 3), (5, 3), "source|target"),
        ((0, 3), (0, 3), "at least one point"),
    ],
)
def test_what_cannot_be_compared_is_refused(function, source, target, name) -> None:
    with pytest.raises((ShapeError, TypeCheckError), match=name):
        function(torch.zeros(source), torch.zeros(target))


def test_an_empty_batch_is_aligned_to_an_empty_batch() -> None:
    found = geo.procrustes(torch.zeros(0, 5, 3), torch.zeros(0, 5, 3))
    assert found.apply(torch.zeros(0, 5, 3)).shape == (0, 5, 3)
