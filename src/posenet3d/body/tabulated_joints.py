"""The joints of one frozen linear regressor as a module of a few hundred kilobytes."""

from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.body.joints_only import SparseJointTable
from posenet3d.body.lbs import combine, forward_kinematics, pose_features, relative_translations
from posenet3d.body.shape_and_pose import check_shape_and_pose
from posenet3d.typing import Betas, BodyRotations, Points3D


class TabulatedJoints(nn.Module):
    """``weights @ vertices(betas, rotations)`` for weights that do not change, without vertices.

    The joints-only path of :mod:`posenet3d.body.joints_only` with its table made once: what
    :meth:`LinearBlendBody.tabulate <posenet3d.body.LinearBlendBody.tabulate>` gives. It holds
    tensors only, so it compiles into one graph (``torch.compile(..., fullgraph=True)``), exports
    (``torch.export``), and follows ``.to()``; its numbers are differentiable in betas and
    rotations. The buffers are not part of ``state_dict``: they are the body's.

    Args:
        table: the table of the weights.
        rest_template: (K, 3) joints of the mean shape at rest, metres.
        rest_directions: (B, K, 3) their offsets a unit of each shape coefficient, metres.
        parents: parent of each joint; -1 for the root, which comes first.

    Example:
        >>> import torch
        >>> from posenet3d.body import load_body_model, lsp_14_regressor
        >>> body = load_body_model("mannequin")
        >>> joints = body.tabulate(lsp_14_regressor(body))
        >>> joints(torch.zeros(10), torch.eye(3).expand(24, 3, 3)).shape
        torch.Size([14, 3])
    """

    bones: Tensor
    membership: Tensor
    moments: Tensor
    directions: Tensor
    rest_template: Tensor
    rest_directions: Tensor

    def __init__(
        self,
        table: SparseJointTable,
        rest_template: Float[Tensor, "bones 3"],
        rest_directions: Float[Tensor, "betas bones 3"],
        parents: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.parents = parents
        for name in ("bones", "membership", "moments", "directions"):
            self.register_buffer(name, getattr(table, name), persistent=False)
        self.register_buffer("rest_template", rest_template.clone(), persistent=False)
        self.register_buffer("rest_directions", rest_directions.clone(), persistent=False)

    def forward(self, betas: Betas, rotations: BodyRotations) -> Points3D:
        """The regressed joints.

        Args:
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., K, 3, 3), relative to the parent joint.

        Returns:
            (..., N, 3), metres, body frame.

        Raises:
            ShapeError: Wrong number of betas or joints.
        """
        check_shape_and_pose(betas, rotations, len(self.rest_directions), len(self.parents))
        rest = self.rest_template + combine(betas, self.rest_directions)
        turned, posed = forward_kinematics(rotations, rest, self.parents)
        shift = relative_translations(turned, rest, posed)
        table = SparseJointTable(self.bones, self.membership, self.moments, self.directions)
        return table.joints(betas, pose_features(rotations), turned, shift)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"joints={len(self.membership)}, pairs={len(self.bones)}"
