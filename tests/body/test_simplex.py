import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.body import project_straight_through, project_to_simplex
from posenet3d.testing.bodies import convex_rows
from posenet3d.testing.strategies import tensors

rows = tensors(6, low=-3.0, high=3.0, dtype=torch.float64)
row = tensors(6, low=-3.0, high=3.0, batch=(), dtype=torch.float64)


@given(tensors(6, low=-1e3, high=1e3))
def test_the_projection_lies_on_the_simplex(values):
    projected = project_to_simplex(values)
    assert projected.shape == values.shape
    assert (projected >= 0).all()
    assert ((projected.sum(-1) - 1).abs() <= 1e-6).all()


@given(rows)
def test_projecting_twice_is_projecting_once_to_the_bit(values):
    projected = project_to_simplex(values)
    assert torch.equal(project_to_simplex(projected), projected)


@given(convex_rows(3, 5))
def test_a_convex_row_stays_as_it_is(weights):
    values = torch.from_numpy(weights)
    assert torch.equal(project_to_simplex(values), values)


@given(row, convex_rows(1, 6))
def test_no_point_of_the_simplex_is_nearer(values, other):
    projected = project_to_simplex(values)
    nearest, elsewhere = (values - projected).norm(), (values - torch.from_numpy(other[0])).norm()
    assert nearest <= elsewhere + 1e-12


@given(row, row)
def test_the_projection_brings_no_two_points_apart(first, second):
    apart = (project_to_simplex(first) - project_to_simplex(second)).norm()
    assert apart <= (first - second).norm() + 1e-12


@given(rows, st.floats(-100, 100))
def test_adding_a_constant_changes_nothing(values, constant):
    shifted = project_to_simplex(values + constant)
    torch.testing.assert_close(shifted, project_to_simplex(values), rtol=0, atol=1e-12)


@given(row, st.permutations(range(6)))
def test_the_projection_knows_no_order(values, order):
    order = list(order)
    projected = project_to_simplex(values)
    torch.testing.assert_close(project_to_simplex(values[order]), projected[order])


@given(row, row)
def test_the_gradient_passes_straight_through(values, pull):
    values = values.requires_grad_()
    projected = project_straight_through(values)
    projected.backward(pull)
    assert torch.equal(projected.detach(), project_to_simplex(values.detach()))
    assert torch.equal(values.grad, pull)


def test_one_entry_projects_to_one():
    assert project_to_simplex(torch.tensor([-7.0])).tolist() == [1.0]
