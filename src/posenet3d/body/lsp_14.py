"""The 14 joints of the canonical skeleton on a body: the map I(i) of Eq. 7, by joint name."""

from typing import Literal

import torch

from posenet3d.body.body_model import BodyModel
from posenet3d.errors import BodyModelError, UnknownNameError
from posenet3d.typing import JointRegression

LSP_14_TO_BODY = {
    "right_ankle": "right_ankle",
    "right_knee": "right_knee",
    "right_hip": "right_hip",
    "left_hip": "left_hip",
    "left_knee": "left_knee",
    "left_ankle": "left_ankle",
    "right_wrist": "right_wrist",
    "right_elbow": "right_elbow",
    "right_shoulder": "right_shoulder",
    "left_shoulder": "left_shoulder",
    "left_elbow": "left_elbow",
    "left_wrist": "left_wrist",
    "neck": "neck",
    "head_top": "head",
}
"""Joint of ``lsp_14``, in its order, to joint of the body. The body has no head top."""

HEAD_TOP_BAND = 0.01
"""Head vertices within this height of the highest one make the head top, metres."""

HeadTop = Literal["head", "vertex"]


def lsp_14_rows(joint_names: tuple[str, ...]) -> tuple[int, ...]:
    """I(i): the body's joint for each of the 14, by name; the head top is the body's head joint.

    Args:
        joint_names: the body's joints.

    Returns:
        14 indices into ``joint_names``.

    Raises:
        UnknownNameError: The body lacks one of the joints.

    Example:
        >>> from posenet3d.body import SMPL_JOINT_NAMES
        >>> lsp_14_rows(SMPL_JOINT_NAMES)
        (8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20, 12, 15)
    """
    for name in LSP_14_TO_BODY.values():
        if name not in joint_names:
            raise UnknownNameError("joint of the body", name, joint_names)
    return tuple(joint_names.index(name) for name in LSP_14_TO_BODY.values())


def lsp_14_regressor(body: BodyModel, head_top: HeadTop = "head") -> JointRegression:
    """Regressor of the 14 joints: the rows I(i) of the body's own W.

    The body has no head-top joint. ``"head"`` takes the head joint's row as it is and leaves the
    rest to SJA, as PoseNet3D does; ``"vertex"`` starts at the highest vertices of the template's
    head, which is where the head top of a 2D detector lies: the scale of the skeleton hangs on it.

    Args:
        body: the body model.
        head_top: where the head top starts.

    Returns:
        W_I, (14, V), convex rows.

    Raises:
        UnknownNameError: The body lacks one of the joints, or ``head_top`` is unknown.

    Example:
        >>> from posenet3d.body import load_body_model
        >>> lsp_14_regressor(load_body_model("mannequin"), head_top="vertex").shape
        torch.Size([14, 6890])
    """
    if head_top not in ("head", "vertex"):
        raise UnknownNameError("head top", head_top, ("head", "vertex"))
    rows = body.joint_regressor[list(lsp_14_rows(body.joint_names))].clone()
    if head_top == "vertex":
        rows[-1] = head_top_weights(body)
    return rows


@torch.no_grad()
def head_top_weights(body: BodyModel) -> torch.Tensor:
    """A convex combination of the highest vertices of the template's head, (V,).

    Each vertex within ``HEAD_TOP_BAND`` of the highest one of the shape beta = 0 at rest weighs as
    much as it stands above the band's lower edge.

    Args:
        body: a body whose template stands y up, head uppermost.

    Returns:
        (V,) non-negative, sum 1.

    Raises:
        BodyModelError: The template has no height.

    Example:
        >>> from posenet3d.body import load_body_model
        >>> bool((head_top_weights(load_body_model("mannequin")) > 0).sum() > 3)
        True
    """
    like = body.joint_regressor
    eye = torch.eye(3, dtype=like.dtype, device=like.device)
    height = body.vertices(like.new_zeros(body.num_betas), eye.expand(body.num_joints, 3, 3))[:, 1]
    if height.max() - height.min() <= HEAD_TOP_BAND:
        raise BodyModelError(
            f"Expected a template that stands y up in metres, got a height of "
            f"{float(height.max() - height.min()):.3g}; rescale or turn the body file."
        )
    above = (height - height.max() + HEAD_TOP_BAND).clamp_min(0)
    return above / above.sum()
