import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import LinearBlendBody, mannequin_data
from posenet3d.body.joints_only import JointTable, JointTables, SparseJointTable
from posenet3d.body.linear_blend import MESH_PATH_POSES
from posenet3d.geometry import random_rotmat
from posenet3d.testing.bodies import bodies, convex_rows, shapes_and_poses

MANY = MESH_PATH_POSES


def drawn_case(draw, batch=(MANY,), **sizes):
    data = draw.draw(bodies(**sizes))
    betas, rotations = draw.draw(shapes_and_poses(data, batch=batch))
    weights = torch.from_numpy(draw.draw(convex_rows(2, data.num_vertices)))
    return LinearBlendBody(data, torch.float64), betas, rotations, weights


@settings(max_examples=30)
@given(st.data())
def test_joints_without_the_mesh_are_those_of_the_mesh(draw):
    body, betas, rotations, weights = drawn_case(draw)
    expected = weights @ body.vertices(betas, rotations)
    for given_weights in (weights, weights.clone().requires_grad_()):
        regressed = body.regress(betas, rotations, given_weights)
        torch.testing.assert_close(regressed, expected, rtol=0, atol=1e-12)


@settings(max_examples=10)
@given(st.data())
def test_a_few_poses_with_learnt_weights_go_through_the_mesh(draw):
    body, betas, rotations, weights = drawn_case(draw, batch=(MANY - 1,))
    through_table = body.regress(betas, rotations, weights)
    through_mesh = body.regress(betas, rotations, weights.requires_grad_())
    torch.testing.assert_close(through_mesh, through_table, rtol=0, atol=1e-12)


@settings(max_examples=20)
@given(st.data())
def test_gradients_without_the_mesh_are_those_of_the_mesh(draw):
    body, *inputs = drawn_case(draw)
    betas, rotations, weights = (tensor.requires_grad_() for tensor in inputs)
    mesh = (weights @ body.vertices(betas, rotations)).square().sum()
    table = body.regress(betas, rotations, weights).square().sum()
    wanted = torch.autograd.grad(mesh, (betas, rotations, weights))
    found = torch.autograd.grad(table, (betas, rotations, weights))
    for gradient, expected in zip(found, wanted, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-11)


@settings(max_examples=3)
@given(st.data())
def test_joints_have_the_gradient_of_their_differences(draw):
    body, *inputs = drawn_case(draw, vertices=3, joints=2, betas=1)
    inputs = [tensor.requires_grad_() for tensor in inputs]
    assert torch.autograd.gradcheck(body.regress, tuple(inputs))


@pytest.fixture(scope="module")
def mannequin():
    return LinearBlendBody(mannequin_data(), torch.float64)


@pytest.mark.parametrize("learnt", [False, True])
def test_the_mannequin_loses_nothing_without_its_mesh(mannequin, learnt):
    generator = torch.Generator().manual_seed(0)
    betas = torch.randn(10, 1, 10, generator=generator, dtype=torch.float64)
    rotations = random_rotmat(10, 1, 24, generator=generator, dtype=torch.float64)
    weights = torch.rand(3, 6890, generator=generator, dtype=torch.float64)
    weights = (weights / weights.sum(-1, keepdim=True)).requires_grad_(learnt)
    inputs = [betas.requires_grad_(), rotations.requires_grad_(), *([weights] if learnt else [])]
    expected = weights @ mannequin.vertices(betas, rotations)
    found = mannequin.regress(betas, rotations, weights)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    pull = torch.linspace(-1, 1, found.numel(), dtype=torch.float64).reshape(found.shape)
    wanted = torch.autograd.grad((expected * pull).sum(), inputs)
    for gradient, want in zip(
        torch.autograd.grad((found * pull).sum(), inputs), wanted, strict=True
    ):
        torch.testing.assert_close(gradient, want, rtol=1e-11, atol=1e-12)


class TestTheKeptTable:
    def case(self, mannequin):
        rotations = torch.eye(3, dtype=torch.float64).expand(24, 3, 3)
        return torch.zeros(10, dtype=torch.float64), rotations

    def test_is_reused_while_the_weights_rest(self, mannequin):
        tables, weights = mannequin._tables, mannequin.joint_regressor[:2].clone()
        assert tables(weights) is tables(weights)

    def test_is_made_anew_when_the_weights_change_in_place(self, mannequin):
        weights = mannequin.joint_regressor[:2].clone()
        before = mannequin.regress(*self.case(mannequin), weights)
        weights.copy_(mannequin.joint_regressor[2:4])
        after = mannequin.regress(*self.case(mannequin), weights)
        assert (before - after).abs().max() > 0.01
        torch.testing.assert_close(after, weights @ mannequin.template, rtol=0, atol=1e-12)

    def test_is_made_anew_for_other_weights(self, mannequin):
        first, second = (mannequin.joint_regressor[rows].clone() for rows in ([0], [1]))
        assert mannequin._tables(first) is not mannequin._tables(second)

    def test_leaves_out_the_zeros(self, mannequin):
        table = mannequin._tables(mannequin.joint_regressor)
        assert isinstance(table, SparseJointTable)
        assert len(table.bones) < 24 * 24 / 4

    def test_made_in_inference_mode_serves_training(self, mannequin):
        weights = mannequin.joint_regressor[:2].clone()
        with torch.inference_mode():
            mannequin.regress(*self.case(mannequin), weights)
        betas, rotations = self.case(mannequin)
        mannequin.regress(betas.requires_grad_(), rotations, weights).sum().backward()
        assert betas.grad is not None

    def test_is_not_kept_for_inference_tensors(self, mannequin):
        with torch.inference_mode():
            weights = mannequin.joint_regressor[:2].clone()
            joints = mannequin.regress(*self.case(mannequin), weights)
        assert mannequin._tables._kept is None
        assert joints.shape == (2, 3)

    def test_is_not_made_for_weights_that_are_learnt(self, mannequin):
        weights = mannequin.joint_regressor[:2].clone().requires_grad_()
        assert isinstance(mannequin._tables(weights), JointTable)
        with torch.no_grad():
            assert isinstance(mannequin._tables(weights), SparseJointTable)

    def test_is_not_kept_once_its_weights_may_learn(self, mannequin):
        weights = mannequin.joint_regressor[:2].clone()
        kept = mannequin._tables(weights)
        with torch.no_grad():
            mannequin._tables(weights.requires_grad_())
        assert mannequin._tables(weights.requires_grad_(False)) is not kept


def test_a_bone_without_vertices_adds_nothing():
    blend = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    tables = JointTables(blend, torch.ones(2, 2, 3))
    table = tables.build(torch.tensor([[0.5, 0.5]]))
    assert table.moments.tolist() == [[1.0, 0.0]]
    assert table.directions[:, :, 1].abs().sum() == 0
