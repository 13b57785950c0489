import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import BodyModelData, LinearBlendBody
from posenet3d.body.lbs import (
    forward_kinematics,
    kinematic_levels,
    pose_features,
    relative_translations,
    skin,
)
from posenet3d.testing.bodies import bodies, shapes_and_poses
from posenet3d.testing.strategies import rotation_matrices


def smpl_by_the_book(data: BodyModelData, betas: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Eq. 2-9 of SMPL, one vertex, one joint and one sum at a time."""
    shaped = data.v_template + np.einsum("vxb,b->vx", data.shapedirs, betas)
    joints = np.array(
        [sum(w * v for w, v in zip(r, shaped, strict=True)) for r in data.joint_regressor]
    )
    transforms = []
    for joint, parent in enumerate(data.parents):
        local = np.eye(4)
        local[:3, :3] = turns[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if joint else 0)
        transforms.append(local if parent < 0 else transforms[parent] @ local)
    feature = np.concatenate([(turn - np.eye(3)).ravel() for turn in turns[1:]] or [np.zeros(0)])
    posed = np.zeros_like(shaped)
    for vertex, rest in enumerate(shaped + data.posedirs @ feature):
        for joint, transform in enumerate(transforms):
            away = np.eye(4)
            away[:3, 3] = -joints[joint]
            moved = transform @ away @ np.append(rest, 1)
            posed[vertex] += data.weights[vertex, joint] * moved[:3]
    return posed


@settings(max_examples=30)
@given(st.data())
def test_vertices_are_those_of_smpls_formulas_written_as_loops(draw):
    data = draw.draw(bodies())
    betas, rotations = draw.draw(shapes_and_poses(data))
    vertices = LinearBlendBody(data, torch.float64).vertices(betas, rotations)
    expected = smpl_by_the_book(data, betas.numpy(), rotations.numpy())
    np.testing.assert_allclose(vertices.numpy(), expected, atol=1e-12)


def test_a_bent_elbow_lies_where_it_is_known_to():
    joints = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    rotations = torch.stack([torch.eye(3), quarter, torch.eye(3)])
    turned, posed = forward_kinematics(rotations, joints, (-1, 0, 1))
    assert torch.equal(posed, torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0]]))
    assert torch.equal(turned, torch.stack([torch.eye(3), quarter, quarter]))


def test_levels_hold_every_joint_but_the_root_after_its_parent():
    parents = (-1, 0, 0, 1, 2, 4, 0)
    levels = kinematic_levels(parents)
    assert levels == ((1, 2, 6), (3, 4), (5,))
    assert kinematic_levels((-1,)) == ()


def test_a_root_alone_is_a_body():
    turned, posed = forward_kinematics(torch.eye(3)[None], torch.ones(1, 3), (-1,))
    assert torch.equal(turned, torch.eye(3)[None])
    assert torch.equal(posed, torch.ones(1, 3))


@given(rotation_matrices(batch=(3,), dtype=torch.float64))
def test_pose_features_leave_out_the_root_and_run_row_by_row(rotations):
    features = pose_features(rotations)
    expected = [
        rotations[k, i, j] - float(i == j) for k in (1, 2) for i in range(3) for j in range(3)
    ]
    assert torch.equal(features, torch.stack(expected))


@given(rotation_matrices(batch=(2, 4), dtype=torch.float64))
def test_kinematics_take_one_rest_pose_for_a_batch_of_rotations(rotations):
    rest = torch.arange(12, dtype=torch.float64).reshape(4, 3)
    parents = (-1, 0, 1, 0)
    together = forward_kinematics(rotations, rest, parents)[1]
    apart = torch.stack([forward_kinematics(turns, rest, parents)[1] for turns in rotations])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-12)


@settings(max_examples=8)
@given(st.data())
def test_skinning_has_the_gradient_of_its_differences(draw):
    data = draw.draw(bodies(vertices=3, joints=3, betas=1))
    _, rotations = draw.draw(shapes_and_poses(data))
    rest = torch.from_numpy(data.joint_regressor @ data.v_template)
    weights = torch.tensor(data.weights)

    def posed(rotations, rest, vertices):
        turned, joints = forward_kinematics(rotations, rest, data.parents)
        assert relative_translations(turned, rest, joints).shape == (3, 3)
        return skin(vertices, weights, turned, rest, joints)

    inputs = (rotations, rest, torch.tensor(data.v_template))
    assert torch.autograd.gradcheck(posed, tuple(x.clone().requires_grad_() for x in inputs))
