"""Body models: shape and joint rotations in, mesh and joints out; and the joint regressors."""

from posenet3d.body.body_files import SMPL_JOINT_NAMES, read_body_file
from posenet3d.body.body_model import BodyModel, BodyModelData
from posenet3d.body.body_plugins import (
    load_body_model,
    load_linear_blend,
    load_mannequin,
    load_smpl,
)
from posenet3d.body.joint_regressor import (
    ConvexJointRegressor,
    FixedJointRegressor,
    JointRegressor,
    LinearJointRegressor,
)
from posenet3d.body.linear_blend import LinearBlendBody
from posenet3d.body.lsp_14 import (
    LSP_14_TO_BODY,
    head_top_weights,
    lsp_14_regressor,
    lsp_14_rows,
)
from posenet3d.body.mannequin import mannequin_data
from posenet3d.body.simplex import project_straight_through, project_to_simplex
from posenet3d.body.smpl import SmplBody
from posenet3d.body.smpl_files import read_smpl_file, write_body_file
from posenet3d.body.tabulated_joints import TabulatedJoints

__all__ = [
    "LSP_14_TO_BODY",
    "SMPL_JOINT_NAMES",
    "BodyModel",
    "BodyModelData",
    "ConvexJointRegressor",
    "FixedJointRegressor",
    "JointRegressor",
    "LinearBlendBody",
    "LinearJointRegressor",
    "SmplBody",
    "TabulatedJoints",
    "head_top_weights",
    "load_body_model",
    "load_linear_blend",
    "load_mannequin",
    "load_smpl",
    "lsp_14_regressor",
    "lsp_14_rows",
    "mannequin_data",
    "project_straight_through",
    "project_to_simplex",
    "read_body_file",
    "read_smpl_file",
    "write_body_file",
]
