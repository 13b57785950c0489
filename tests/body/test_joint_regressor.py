import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import (
    ConvexJointRegressor,
    FixedJointRegressor,
    JointRegressor,
    LinearBlendBody,
    LinearJointRegressor,
    load_body_model,
    lsp_14_rows,
    mannequin_data,
    project_to_simplex,
)
from posenet3d.errors import ConfigurationError, ShapeError
from posenet3d.geometry import random_rotmat, rotvec_to_rotmat
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.testing.bodies import bodies, convex_rows, shapes_and_poses

KINDS = (ConvexJointRegressor, LinearJointRegressor, FixedJointRegressor)


@pytest.fixture(scope="module")
def mannequin():
    return load_body_model("mannequin")


@pytest.fixture(scope="module")
def poses():
    generator = torch.Generator().manual_seed(0)
    turns = 0.3 * torch.randn(16, 24, 3, generator=generator)
    return 0.5 * torch.randn(16, 10, generator=generator), rotvec_to_rotmat(turns)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryRegressor:
    def test_starts_at_the_bodys_own_joints(self, mannequin, poses, kind):
        expected = mannequin.joint_regressor @ mannequin.vertices(*poses)
        joints = kind(mannequin.joint_regressor).joints(mannequin, *poses)
        torch.testing.assert_close(joints, expected, rtol=0, atol=1e-5)

    def test_gives_the_rows_that_are_asked_for_in_their_order(self, mannequin, poses, kind):
        regressor, rows = kind(mannequin.joint_regressor), lsp_14_rows(mannequin.joint_names)
        chosen = regressor.joints(mannequin, *poses, rows)
        everything = regressor.joints(mannequin, *poses)
        torch.testing.assert_close(chosen, everything[:, list(rows)], rtol=0, atol=1e-6)
        again = regressor.joints(mannequin, *poses, rows[::-1])
        torch.testing.assert_close(again, chosen.flip(-2), rtol=0, atol=1e-6)

    def test_takes_a_window_with_one_shape(self, mannequin, kind):
        betas, rotations = torch.zeros(2, 1, 10), torch.eye(3).expand(2, 9, 24, 3, 3)
        joints = kind(mannequin.joint_regressor).joints(mannequin, betas, rotations)
        assert joints.shape == (2, 9, 24, 3)

    def test_keeps_to_the_interface(self, mannequin, kind):
        regressor = kind(mannequin.joint_regressor)
        assert isinstance(regressor, JointRegressor)
        assert regressor.num_rows == 24
        assert repr(regressor) == f"{kind.__name__}(rows=24, vertices=6890)"

    def test_saves_and_loads(self, mannequin, poses, kind):
        regressor = kind(mannequin.joint_regressor)
        with torch.no_grad():
            for parameter in regressor.parameters():
                parameter.add_(torch.linspace(0, 1e-3, parameter.numel()).reshape(parameter.shape))
        other = kind(mannequin.joint_regressor)
        other.load_state_dict(regressor.state_dict())
        expected = regressor.joints(mannequin, *poses)
        assert torch.equal(other.joints(mannequin, *poses), expected)

    def test_gives_a_gradient_to_each_parameter(self, mannequin, poses, kind):
        regressor = kind(mannequin.joint_regressor)
        betas, rotations = (tensor.clone().requires_grad_() for tensor in poses)
        regressor.joints(mannequin, betas, rotations).square().sum().backward()
        for tensor in (betas, rotations, *regressor.parameters()):
            assert tensor.grad.isfinite().all()
            assert (tensor.grad != 0).any()

    def test_follows_the_precision(self, mannequin, poses, kind):
        regressor = kind(mannequin.joint_regressor)
        single = regressor.joints(mannequin, *poses)
        inputs = (tensor.double() for tensor in poses)
        double = (
            copy.deepcopy(regressor).double().joints(copy.deepcopy(mannequin).double(), *inputs)
        )
        assert double.dtype == torch.float64
        torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-5)

    def test_is_an_advertised_plug_in(self, mannequin, kind):
        name = kind.__name__.removesuffix("JointRegressor").lower()
        built = GROUPS["joint_regressors"].build(
            PluginSpec(name=name), initial=mannequin.joint_regressor
        )
        assert type(built) is kind
        with pytest.raises(ConfigurationError, match="colour"):
            GROUPS["joint_regressors"].build(
                PluginSpec(name=name, options={"colour": 1}), initial=mannequin.joint_regressor
            )

    @pytest.mark.parametrize(
        ("initial", "message"),
        [
            (torch.zeros(2, 3), "sums off by 1"),
            (torch.tensor([[1.5, -0.5]]), "a lowest entry of -0.5"),
            (torch.tensor([[torch.nan, 1.0]]), "NaN"),
        ],
    )
    def test_refuses_rows_that_are_not_convex(self, kind, initial, message):
        with pytest.raises(ShapeError, match=message):
            kind(initial)

    @pytest.mark.parametrize("rows", [(24,), (0, -1)])
    def test_refuses_rows_that_it_does_not_have(self, mannequin, poses, kind, rows):
        with pytest.raises(ShapeError, match="rows: expected indices from 0 to 23"):
            kind(mannequin.joint_regressor).joints(mannequin, *poses, rows)


class TestConvex:
    def test_starts_at_w_to_the_bit(self, mannequin):
        weight = ConvexJointRegressor(mannequin.joint_regressor).weight
        assert torch.equal(weight, mannequin.joint_regressor)

    @settings(max_examples=20)
    @given(st.data())
    def test_has_convex_rows_whatever_the_steps(self, draw):
        initial = torch.from_numpy(draw.draw(convex_rows(3, 6)))
        regressor = ConvexJointRegressor(initial)
        optimizer = torch.optim.Adam(regressor.parameters(), lr=draw.draw(st.floats(1e-4, 10)))
        pull = torch.from_numpy(draw.draw(convex_rows(3, 6))) - 0.2
        for _ in range(5):
            optimizer.zero_grad()
            (regressor.weight * pull).sum().backward()
            optimizer.step()
            weight = regressor.weight
            assert (weight >= 0).all()
            assert ((weight.sum(-1) - 1).abs() <= 1e-6).all()

    def test_moves_weight_to_vertices_where_w_is_zero(self):
        """The target's hips lie 5 cm outwards of the body's (Fig. 3 of the paper)."""
        body = LinearBlendBody(mannequin_data())
        hips = tuple(body.joint_names.index(f"{side}_hip") for side in ("left", "right"))
        generator = torch.Generator().manual_seed(0)
        turns = 0.4 * torch.randn(64, 24, 3, generator=generator)
        rotations, betas = rotvec_to_rotmat(turns), torch.zeros(64, 10)
        outwards = torch.tensor([[0.05, 0, 0], [-0.05, 0, 0]])
        planted = planted_regressor(body, hips, outwards)
        target = planted @ body.vertices(betas, rotations)
        regressor = ConvexJointRegressor(body.joint_regressor)
        errors = train(regressor, body, betas, rotations, hips, target)
        assert errors[0] > 0.045
        assert errors[-1] < 0.02
        gained = regressor.weight[list(hips)][body.joint_regressor[list(hips)] == 0].sum() / 2
        assert gained > 0.2
        others = [row for row in range(24) if row not in hips]
        assert torch.equal(regressor.weight[others], body.joint_regressor[others])

    def test_stays_where_it_is_when_the_targets_only_scatter(self, mannequin, poses):
        rows = lsp_14_rows(mannequin.joint_names)
        regressor = ConvexJointRegressor(mannequin.joint_regressor)
        optimizer = torch.optim.Adam(regressor.parameters(), lr=1e-3)
        generator = torch.Generator().manual_seed(0)
        own = FixedJointRegressor(mannequin.joint_regressor).joints(mannequin, *poses, rows)
        for _ in range(100):
            optimizer.zero_grad()
            scatter = 0.03 * torch.randn(own.shape, generator=generator)
            joints = regressor.joints(mannequin, *poses, rows)
            (joints - own - scatter).square().sum(-1).mean().backward()
            optimizer.step()
        apart = (regressor.joints(mannequin, *poses, rows) - own).norm(dim=-1)
        assert apart.mean() < 0.006

    @pytest.mark.parametrize("copies", [False, True])
    def test_adam_keeps_the_proportions_of_a_rows_gradient(self, copies):
        regressor = ConvexJointRegressor(torch.tensor([[0.25, 0.25, 0.25, 0.25]]))
        regressor = copy.deepcopy(regressor) if copies else regressor
        optimizer = torch.optim.Adam(regressor.parameters(), lr=1e-3)
        for _ in range(100):
            optimizer.zero_grad()
            (regressor.weight * torch.tensor([0.0, 1.0, 2.0, 3.0])).sum().backward()
            optimizer.step()
        moved = (regressor.weight - 0.25).detach()[0]
        torch.testing.assert_close(
            moved / moved[0], torch.tensor([1, 1 / 3, -1 / 3, -1]), atol=0.1, rtol=0
        )

    def test_what_is_added_to_the_gradient_does_not_change_plain_descent(self):
        initial, pull = torch.tensor([[0.5, 0.3, 0.2, 0.0]]), torch.tensor([3.0, 1.0, 2.0, 0.0])
        regressor = ConvexJointRegressor(initial)
        theta = initial.clone()
        for _ in range(4):
            regressor.zero_grad()
            (regressor.weight * pull).sum().backward()
            with torch.no_grad():
                regressor.theta -= 0.01 * regressor.theta.grad
            theta -= 0.01 * pull
        torch.testing.assert_close(regressor.weight, project_to_simplex(theta), rtol=0, atol=1e-6)

    def test_a_row_that_is_not_used_is_left_alone(self, mannequin, poses):
        regressor = ConvexJointRegressor(mannequin.joint_regressor)
        regressor.joints(mannequin, *poses, (1, 2)).square().sum().backward()
        assert (regressor.theta.grad[3:] == 0).all()

    def test_keeps_its_weights_while_nothing_is_learnt(self, mannequin):
        regressor = ConvexJointRegressor(mannequin.joint_regressor)
        regressor.requires_grad_(False)
        with torch.no_grad():
            first = regressor._frozen_weight((1, 2))
            assert regressor._frozen_weight((1, 2)) is first
            regressor.theta[1, 0] += 1
            assert not torch.equal(regressor._frozen_weight((1, 2)), first)

    @pytest.mark.parametrize("fused", [False, True])
    def test_gives_the_learnt_joints_after_a_step_of_adam(self, mannequin, poses, fused):
        regressor = ConvexJointRegressor(mannequin.joint_regressor)
        regressor.requires_grad_(False)
        before = regressor.joints(mannequin, *poses, (3, 4))
        for _ in range(2):
            regressor.requires_grad_(True)
            adam = torch.optim.Adam(regressor.parameters(), lr=0.01, fused=fused)
            for _ in range(4):  # the first is all dither
                adam.zero_grad()
                regressor.joints(mannequin, *poses, (3, 4)).square().sum().backward()
                adam.step()
            learnt = regressor.joints(mannequin, *poses, (3, 4)).detach()
            with torch.no_grad():
                looked_at = regressor.joints(mannequin, *poses, (3, 4))
            regressor.requires_grad_(False)
            frozen = regressor.joints(mannequin, *poses, (3, 4))
            assert (learnt - before).norm(dim=-1).max() > 1e-3
            torch.testing.assert_close(looked_at, learnt, rtol=0, atol=1e-6)
            torch.testing.assert_close(frozen, learnt, rtol=0, atol=1e-6)

    def test_gives_the_same_joints_with_and_without_gradients(self, mannequin, poses):
        regressor = ConvexJointRegressor(mannequin.joint_regressor)
        learnt = regressor.joints(mannequin, *poses, (3, 4))
        for mode in (torch.no_grad(), torch.inference_mode()):
            with mode:
                torch.testing.assert_close(
                    regressor.joints(mannequin, *poses, (3, 4)), learnt.detach(), rtol=0, atol=1e-6
                )


def planted_regressor(body, joints, shift):
    """Convex rows that lie 5 cm from the body's, towards skin where the body's rows are zero."""
    rows = body.joint_regressor[list(joints)].clone()
    for row, away in zip(rows, shift, strict=True):
        place = row @ body.template
        skin = (body.template - (place + 2 * away)).norm(dim=-1).masked_fill(row > 0, 10)
        patch = torch.zeros_like(row).scatter(0, skin.topk(20, largest=False).indices, 1 / 20)
        share = away.norm() / (patch @ body.template - place).norm()
        row.lerp_(patch, share)
    return rows


def train(regressor, body, betas, rotations, rows, target):
    """Mean distance to the target, metres, before and after the training."""
    optimizer = torch.optim.Adam(regressor.parameters(), lr=1e-3)
    errors = []
    for _ in range(150):
        joints = regressor.joints(body, betas, rotations, rows)
        errors.append((joints - target).norm(dim=-1).mean().item())
        optimizer.zero_grad()
        (joints - target).square().sum(-1).mean().backward()
        optimizer.step()
    return errors


class TestLinear:
    @settings(max_examples=10)
    @given(st.data())
    def test_is_equation_6(self, draw):
        data = draw.draw(bodies(joints=3))
        betas, rotations = draw.draw(shapes_and_poses(data, batch=(2,)))
        body = LinearBlendBody(data, torch.float64)
        regressor = LinearJointRegressor(body.joint_regressor)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in regressor.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        joints = body.joint_regressor @ body.vertices(betas, rotations)
        for index in range(2):
            stacked = torch.cat(list(joints[index]))
            expected = (regressor.matrix @ stacked + regressor.offset).reshape(3, 3)
            found = regressor.joints(body, betas, rotations)[index]
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-11)

    def test_has_the_papers_size(self, mannequin):
        regressor = LinearJointRegressor(mannequin.joint_regressor)
        assert regressor.matrix.shape == (72, 72)
        assert regressor.offset.shape == (72,)


class TestFixed:
    def test_has_nothing_to_learn_or_save(self, mannequin):
        regressor = FixedJointRegressor(mannequin.joint_regressor)
        assert not list(regressor.parameters())
        assert not regressor.state_dict()

    def test_lets_the_body_keep_its_table(self, poses):
        body = load_body_model("mannequin")
        regressor = FixedJointRegressor(body.joint_regressor)
        regressor.joints(body, *poses, (3, 4))
        kept = body._tables._kept
        regressor.joints(body, *poses, (3, 4))
        assert kept is not None
        assert body._tables._kept is kept


def test_the_convex_joints_turn_with_the_body_and_the_linear_ones_do_not(mannequin, poses):
    betas, rotations = poses
    turn = random_rotmat(generator=torch.Generator().manual_seed(3))
    turned = torch.cat([turn @ rotations[:, :1], rotations[:, 1:]], 1)
    root = mannequin.joints(betas, rotations)[:, :1]
    misses = []
    for kind in (ConvexJointRegressor, LinearJointRegressor):
        regressor = kind(mannequin.joint_regressor)
        with torch.no_grad():
            for parameter in regressor.parameters():
                parameter.add_(torch.linspace(0, 1e-3, parameter.numel()).reshape(parameter.shape))
        wanted = (regressor.joints(mannequin, betas, rotations) - root) @ turn.T + root
        misses.append((regressor.joints(mannequin, betas, turned) - wanted).abs().max())
    assert misses[0] < 1e-5
    assert misses[1] > 1e-3
