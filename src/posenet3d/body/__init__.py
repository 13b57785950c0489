"""Body models: shape and joint rotations in, mesh and joints out; and the joint regressors."""

from typing import Any

from posenet3d.body.body_files import SMPL_JOINT_NAMES, read_body_file
from posenet3d.body.body_model import BodyModel, BodyModelData
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
from posenet3d.plugins import GROUPS, PluginSpec

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
    "head_top_weights",
    "load_body_model",
    "load_mannequin",
    "lsp_14_regressor",
    "lsp_14_rows",
    "mannequin_data",
    "project_straight_through",
    "project_to_simplex",
    "read_body_file",
]


def load_mannequin() -> LinearBlendBody:
    """The packaged mannequin as a body model: the plug-in ``mannequin``.

    Raises:
        BodyModelFileError: the installed file is missing or damaged.

    Example:
        >>> load_mannequin().family
        'makehuman-cc0'
    """
    return LinearBlendBody(mannequin_data())


def load_body_model(name: str = "mannequin", **options: Any) -> BodyModel:
    """The body model called ``name``: the library's own, or one of any installed plug-in.

    Args:
        name: a plug-in of the group ``posenet3d.body_models``.
        **options: what that plug-in takes, as JSON values.

    Raises:
        BodyModelFileError: a file of the body is missing or damaged.
        ConfigurationError: the options do not fit; every fault is listed.
        UnknownPluginError: no installed package advertises ``name``; the nearest is suggested.
        PluginLoadError: the plug-in cannot be imported or built.

    Example:
        >>> load_body_model("mannequin").num_joints
        24
    """
    body: BodyModel = GROUPS["body_models"].build(PluginSpec(name=name, options=options))
    return body
