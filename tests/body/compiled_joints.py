"""Compile and export everything that gives joints; a program that a test runs.

The backend ``aot_eager`` traces forward and backward as all others do, and needs no C++ compiler.
"""

import torch

from posenet3d.body import (
    ConvexJointRegressor,
    FixedJointRegressor,
    LinearJointRegressor,
    load_body_model,
)
from posenet3d.geometry import random_rotmat

KINDS = (ConvexJointRegressor, LinearJointRegressor, FixedJointRegressor)
BODY = load_body_model("mannequin")


def case(batch=2):
    generator = torch.Generator().manual_seed(0)
    betas = torch.randn(batch, 1, 10, generator=generator)
    return betas, random_rotmat(batch, 9, 24, generator=generator)


def same(name, found, expected, tolerance=1e-5):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
    print(f"{name}: the same")


def in_one_graph(function):
    torch.compiler.reset()
    return torch.compile(function, backend="aot_eager", fullgraph=True)


def joints_of(regressor):
    return lambda *inputs: regressor.joints(BODY, *inputs, (1, 2))


def compile_all():
    tabulated = BODY.tabulate(BODY.joint_regressor)
    same("tabulated", in_one_graph(tabulated)(*case()), tabulated(*case()))
    for learnt in (False, True):
        weights = BODY.joint_regressor.clone().requires_grad_(learnt)
        regressed = in_one_graph(BODY.regress)(*case(), weights)
        same(f"regress, learnt {learnt}", regressed, BODY.regress(*case(), weights))
        for kind in KINDS:
            joints = joints_of(kind(BODY.joint_regressor))
            with torch.set_grad_enabled(learnt):
                found, expected = in_one_graph(joints)(*case()), joints(*case())
            same(f"{kind.__name__}, learnt {learnt}", found, expected)


def compile_gradients():
    for kind in (ConvexJointRegressor, LinearJointRegressor):
        gradients = []
        for wrap in (lambda function: function, in_one_graph):
            regressor = kind(BODY.joint_regressor)
            wrap(joints_of(regressor))(*case()).square().sum().backward()
            gradients.append([parameter.grad for parameter in regressor.parameters()])
        same(f"gradients of {kind.__name__}", gradients[1], gradients[0], tolerance=1e-4)


class Regressing(torch.nn.Module):
    """A model that holds a body."""

    def __init__(self):
        super().__init__()
        self.body = BODY

    def forward(self, betas, rotations):
        return self.body.regress(betas, rotations, self.body.joint_regressor)


def export_both():
    joints = BODY.tabulate(BODY.joint_regressor)
    batch = torch.export.Dim("batch", min=2)
    shapes = ({0: batch}, {0: batch})
    program = torch.export.export(joints, case(batch=4), dynamic_shapes=shapes)
    same("exported, another batch", program.module()(*case(2)), joints(*case(2)))
    program = torch.export.export(Regressing(), case())
    same("exported regress", program.module()(*case()), joints(*case()))


if __name__ == "__main__":
    compile_all()
    compile_gradients()
    export_both()
