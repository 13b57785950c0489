import dataclasses

import numpy as np
import pytest
import torch

from posenet3d.body import (
    LSP_14_TO_BODY,
    LinearBlendBody,
    head_top_weights,
    load_body_model,
    lsp_14_regressor,
    lsp_14_rows,
    mannequin_data,
)
from posenet3d.errors import BodyModelError, UnknownNameError
from posenet3d.skeletons import LSP_14


@pytest.fixture(scope="module")
def mannequin():
    return load_body_model("mannequin")


def test_the_map_has_the_joints_of_the_skeleton_in_its_order():
    assert tuple(LSP_14_TO_BODY) == LSP_14.joint_names


def test_the_rows_are_the_bodys_own(mannequin):
    rows = lsp_14_rows(mannequin.joint_names)
    assert rows == (8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20, 12, 15)
    assert torch.equal(lsp_14_regressor(mannequin), mannequin.joint_regressor[list(rows)])


def test_the_head_top_can_start_at_the_crown(mannequin):
    weights = lsp_14_regressor(mannequin, head_top="vertex")
    assert torch.equal(weights[:-1], lsp_14_regressor(mannequin)[:-1])
    joints = weights @ mannequin.template
    hips = joints[[LSP_14.index("right_hip"), LSP_14.index("left_hip")]].mean(0)
    assert 0.79 < (joints[-1] - hips).norm() < 0.82
    assert mannequin.template[:, 1].max() - joints[-1, 1] < 0.005
    assert joints[-1, 0].abs() < 1e-4


def test_the_head_tops_weights_are_convex_and_lie_on_the_head(mannequin):
    weights = head_top_weights(mannequin)
    assert (weights >= 0).all()
    assert weights.sum().item() == pytest.approx(1, abs=1e-6)
    head = mannequin.joint_names.index("head")
    assert (mannequin.blend_weights[weights > 0, head] > 0.99).all()


def test_a_body_without_a_joint_is_refused():
    with pytest.raises(UnknownNameError, match="Unknown joint of the body 'right_ankle'"):
        lsp_14_rows(("pelvis", "head"))


def test_another_head_top_is_refused(mannequin):
    with pytest.raises(UnknownNameError, match="'hat'"):
        unwrapped(lsp_14_regressor)(mannequin, "hat")


def test_a_body_without_height_has_no_head_top():
    data = mannequin_data()
    flat = dataclasses.replace(data, v_template=np.zeros_like(data.v_template))
    with pytest.raises(BodyModelError, match="a template that stands y up in metres"):
        head_top_weights(LinearBlendBody(flat))


def unwrapped(function):
    """The function itself, where the test session checks annotated types before it runs."""
    return getattr(function, "__wrapped__", function)
