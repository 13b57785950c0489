import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import (
    LinearBlendBody,
    load_body_model,
    mannequin_data,
)
from posenet3d.body.lsp_14 import lsp_14_regressor
from posenet3d.errors import ShapeError
from posenet3d.geometry import random_rotmat
from posenet3d.testing.bodies import bodies, convex_rows, shapes_and_poses


@pytest.fixture(scope="module")
def body():
    return load_body_model("mannequin")


def case(batch=2):
    generator = torch.Generator().manual_seed(0)
    betas = torch.randn(batch, 1, 10, generator=generator)
    return betas, random_rotmat(batch, 9, 24, generator=generator)


@settings(max_examples=20)
@given(st.data())
def test_the_tabulated_joints_and_their_gradients_are_those_of_the_mesh(draw):
    data = draw.draw(bodies())
    inputs = draw.draw(shapes_and_poses(data, batch=(3,)))
    weights = torch.from_numpy(draw.draw(convex_rows(2, data.num_vertices)))
    model = LinearBlendBody(data, torch.float64)
    betas, rotations = (tensor.requires_grad_() for tensor in inputs)
    expected = weights @ model.vertices(betas, rotations)
    found = model.tabulate(weights)(betas, rotations)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    wanted = torch.autograd.grad(expected.square().sum(), (betas, rotations))
    gradients = torch.autograd.grad(found.square().sum(), (betas, rotations))
    for gradient, want in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(gradient, want, rtol=1e-10, atol=1e-11)


def test_each_gradient_on_the_mannequin_is_the_meshs_within_1e_12_of_its_size():
    exact = LinearBlendBody(mannequin_data(), torch.float64)
    weights = exact.joint_regressor[:4].clone().requires_grad_()
    betas, rotations = (tensor.double().requires_grad_() for tensor in case())
    inputs = (betas, rotations, weights)
    mesh = weights @ exact.vertices(betas, rotations)
    wanted = torch.autograd.grad(mesh.square().sum(), inputs)
    joints = exact.regress(betas, rotations, weights)
    for gradient, want in zip(
        torch.autograd.grad(joints.square().sum(), inputs), wanted, strict=True
    ):
        assert (gradient - want).abs().max() <= 1e-12 * want.abs().max()


def test_later_changes_of_the_weights_are_not_seen(body):
    weights = body.joint_regressor.clone()
    joints = body.tabulate(weights)
    before = joints(*case())
    weights.zero_()
    assert torch.equal(joints(*case()), before)


def test_holds_no_mesh_and_saves_nothing_of_the_body(body):
    joints = body.tabulate(lsp_14_regressor(body))
    assert sum(buffer.nbytes for buffer in joints.buffers()) < 300_000
    assert not joints.state_dict()
    assert repr(joints) == f"TabulatedJoints(joints=14, pairs={len(joints.bones)})"


def test_follows_the_precision(body):
    joints = body.tabulate(body.joint_regressor)
    double = copy.deepcopy(joints).double()(*(tensor.double() for tensor in case()))
    torch.testing.assert_close(joints(*case()).double(), double, rtol=0, atol=1e-5)


def test_refuses_what_the_body_refuses(body):
    with pytest.raises(ShapeError, match="weights"):
        body.tabulate(torch.ones(2, 7))
    joints = body.tabulate(body.joint_regressor)
    with pytest.raises(ShapeError, match="betas"):
        joints(torch.zeros(9), torch.eye(3).expand(24, 3, 3))


@pytest.mark.slow
def test_joints_compile_into_one_graph_and_export():
    """In a process of its own: no compiler follows the checks of shapes that a test run adds."""
    program = Path(__file__).with_name("compiled_joints.py")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": the same") == 13
