"""A body whose annotated hips lie 5 cm outwards of the model's: Fig. 2 and 3 of the paper."""

import pytest
import torch

from posenet3d.body import ConvexJointRegressor, LinearJointRegressor, load_body_model
from posenet3d.geometry import random_rotmat, rotation_about_y, rotvec_to_rotmat, winding_number

HIPS = (1, 2)
OUTWARDS = torch.tensor([[0.05, 0.0, 0.0], [-0.05, 0.0, 0.0]])
BEND = 0.2


@pytest.fixture(scope="module")
def body():
    return load_body_model("mannequin")


def drawn(count, seed):
    """Shapes and poses that face the camera within half a radian, as those of a training set do."""
    generator = torch.Generator().manual_seed(seed)
    betas = 0.5 * torch.randn(count, 10, generator=generator)
    rotations = rotvec_to_rotmat(BEND * torch.randn(count, 24, 3, generator=generator))
    azimuths = torch.rand(count, generator=generator) - 0.5
    facing = rotation_about_y(azimuths)[:, None] @ rotations[:, :1]
    return betas, torch.cat([facing, rotations[:, 1:]], 1)


def turned(count, seed):
    """Shapes and poses whose root is turned at random."""
    betas, rotations = drawn(count, seed)
    roots = random_rotmat(count, 1, generator=torch.Generator().manual_seed(seed))
    return betas, torch.cat([roots, rotations[:, 1:]], 1)


def annotated(body, betas, rotations):
    """The hips as annotated: 5 cm outwards of the body's, in the frame of the pelvis."""
    own = body.regress(betas, rotations, body.joint_regressor[list(HIPS)])
    return own + OUTWARDS @ rotations[:, 0].mT


def learnt(regressor, body, lr, steps):
    case = drawn(16, seed=0)
    target = annotated(body, *case)
    optimizer = torch.optim.Adam(regressor.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        joints = regressor.joints(body, *case, HIPS)
        (joints - target).square().sum(-1).mean().backward()
        optimizer.step()
    return regressor


@torch.no_grad()
def inside(regressor, body, betas, rotations):
    """Whether each joint is inside the mesh, (poses, 24)."""
    joints, meshes = regressor.joints(body, betas, rotations), body.vertices(betas, rotations)
    numbers = [
        winding_number(points, mesh, body.faces)
        for points, mesh in zip(joints, meshes.expand(len(joints), -1, -1), strict=True)
    ]
    return torch.stack(numbers) > 0.5


@torch.no_grad()
def miss(regressor, body, betas, rotations):
    joints = regressor.joints(body, betas, rotations, HIPS)
    return (joints - annotated(body, betas, rotations)).norm(dim=-1).mean()


def test_convex_sja_finds_the_hips_inside_the_body_and_linear_sja_leaves_it(body):
    rest = torch.zeros(1, 10), torch.eye(3).expand(1, 24, 3, 3)
    convex = learnt(ConvexJointRegressor(body.joint_regressor), body, lr=1e-2, steps=250)
    linear = learnt(LinearJointRegressor(body.joint_regressor), body, lr=1e-2, steps=250)
    for unseen in (drawn(6, seed=1), turned(10, seed=2)):
        assert miss(convex, body, *unseen) < 0.01
        assert inside(convex, body, *unseen).all()
    assert miss(convex, body, *rest) < 0.01
    assert inside(convex, body, *rest).all()
    assert miss(linear, body, *drawn(16, seed=0)) < 0.01
    outside = ~inside(linear, body, *turned(10, seed=2))
    assert outside[:, list(HIPS)].float().mean() > 0.05
    gained = convex.weight[list(HIPS)][body.joint_regressor[list(HIPS)] == 0].sum() / 2
    assert gained > 0.2
