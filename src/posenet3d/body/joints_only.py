"""Joints of a linear regressor without the mesh, exactly.

A skinned vertex is V_v = sum_k w_vk (G_k s_v + g_k) with s_v = (T + S beta + P psi)_v, so

    J'_i = sum_v W'_iv V_v = sum_k [ G_k a_ik + m_ik g_k ],
    m_ik = sum_v W'_iv w_vk,    a_ik = sum_v W'_iv w_vk (T + S beta + P psi)_v.

All that depends on the vertices is one table Z = (W' * w) [1 | T | S | P] of shape (N, K, 1 + 3 C),
C = 1 + B + 9 (K - 1). It is built bone by bone, so that w_vk = 0 costs nothing, and is
differentiable in W'. While W' is frozen the table is kept, less its zero entries.
"""

import weakref
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from posenet3d.typing import Betas, BodyRotations, JointRegression, Points3D


@dataclass(frozen=True, eq=False)
class JointTable:
    """Z, split up: what a linear regressor needs to know of a body.

    Attributes:
        moments: m, (N, K).
        directions: the coefficients of a in [1 | beta | psi], (C, N, K, 3), metres.
    """

    moments: Float[Tensor, "regressed bones"]
    directions: Float[Tensor, "terms regressed bones 3"]

    def joints(
        self,
        betas: Betas,
        features: Float[Tensor, "*#batch features"],
        rotations: BodyRotations,
        shift: Float[Tensor, "*#batch bones 3"],
    ) -> Points3D:
        """J' for one shape and pose each.

        Args:
            betas: (..., B).
            features: psi, (..., 9 (K - 1)).
            rotations: G, (..., K, 3, 3), global.
            shift: g, (..., K, 3), metres.

        Returns:
            (..., N, 3), metres, body frame.
        """
        anchors = _anchors(betas, features, rearrange(self.directions, "c n k x -> c (n k x)"))
        anchors = rearrange(anchors, "... (n k x) -> ... n (k x)", n=len(self.moments), x=3)
        turned = anchors @ rearrange(rotations, "... k i j -> ... (k j) i")
        return turned + self.moments @ shift


@dataclass(frozen=True, eq=False)
class SparseJointTable:
    """Z less the (regressed joint, bone) pairs that are zero; for a W' that stays as it is.

    Attributes:
        bones: bone of each of the P pairs that are not zero, (P,), rising.
        membership: 1 where a pair belongs to a regressed joint, (N, P).
        moments: m of the pairs, (P,).
        directions: (C, P, 3), metres.
    """

    bones: Int[Tensor, " pairs"]
    membership: Float[Tensor, "regressed pairs"]
    moments: Float[Tensor, " pairs"]
    directions: Float[Tensor, "terms pairs 3"]

    @classmethod
    def of(cls, table: JointTable) -> "SparseJointTable":
        """The same table without its zero pairs."""
        used = (table.moments != 0) | (table.directions != 0).any(-1).any(0)
        bones, regressed = used.T.nonzero(as_tuple=True)
        rows = torch.arange(len(table.moments), device=bones.device)
        return cls(
            bones=bones,
            membership=(regressed == rows[:, None]).to(table.moments.dtype),
            moments=table.moments[regressed, bones],
            directions=table.directions[:, regressed, bones].contiguous(),
        )

    def joints(
        self,
        betas: Betas,
        features: Float[Tensor, "*#batch features"],
        rotations: BodyRotations,
        shift: Float[Tensor, "*#batch bones 3"],
    ) -> Points3D:
        """J', (..., N, 3), as :meth:`JointTable.joints` gives it."""
        anchors = _anchors(betas, features, rearrange(self.directions, "c p x -> c (p x)"))
        x, y, z = rearrange(anchors, "... (p x) -> ... p 1 x", x=3).unbind(-1)
        first, second, third = rotations.index_select(-3, self.bones).unbind(-1)
        turned = first * x + second * y + third * z  # several times as fast as a sum over x, y, z
        moved = turned + self.moments[:, None] * shift.index_select(-2, self.bones)
        return (moved.mT @ self.membership.T).mT


class JointTables(nn.Module):
    """Builds the tables of one body and keeps the last one whose weights were frozen.

    Args:
        blend_weights: w, (V, K).
        basis: [T | S | P], (C, V, 3), metres.
    """

    pair_vertices: Tensor
    pair_basis: Tensor

    def __init__(
        self,
        blend_weights: Float[Tensor, "vertices bones"],
        basis: Float[Tensor, "terms vertices 3"],
    ) -> None:
        super().__init__()
        bones, vertices = blend_weights.T.nonzero(as_tuple=True)
        self._bone_sizes = tuple(torch.bincount(bones, minlength=blend_weights.shape[1]).tolist())
        columns = rearrange(basis, "c v x -> v (c x)")
        columns = torch.cat([torch.ones_like(columns[:, :1]), columns], 1)
        pair_basis = blend_weights[vertices, bones][:, None] * columns[vertices]
        self.register_buffer("pair_vertices", vertices, persistent=False)
        self.register_buffer("pair_basis", pair_basis, persistent=False)
        self._kept: _KeptTable | None = None

    def forward(self, weights: JointRegression) -> JointTable | SparseJointTable:
        """The table of ``weights``: differentiable where they are, else sparse.

        It is kept while the weights are frozen. Those that may learn get a new one each time: the
        fused Adam changes them without raising their version. A compiled or exported graph keeps
        nothing between calls either.
        """
        learnt = weights.requires_grad and torch.is_grad_enabled()
        if learnt or torch.compiler.is_compiling():
            return self.build(weights)
        if weights.requires_grad:
            self._kept = None
            return self.tabulate(weights)
        return self._look_up(weights)

    def build(self, weights: JointRegression) -> JointTable:
        """Z of the N rows of ``weights``, differentiable in them."""
        gathered = weights.index_select(1, self.pair_vertices).split_with_sizes(self._bone_sizes, 1)
        groups = self.pair_basis.split_with_sizes(self._bone_sizes, 0)
        table = torch.stack([rows @ group for rows, group in zip(gathered, groups, strict=True)], 1)
        directions = rearrange(table[..., 1:], "n k (c x) -> c n k x", x=3)
        return JointTable(table[..., 0], directions)

    def tabulate(self, weights: JointRegression) -> SparseJointTable:
        """The table of ``weights`` as they are now, less its zeros; nothing of it is learnt."""
        with torch.inference_mode(False), torch.no_grad():
            return SparseJointTable.of(self.build(weights))

    def _look_up(self, weights: Tensor) -> SparseJointTable:
        if self._kept is not None and self._kept.fits(weights, self.pair_basis):
            return self._kept.table
        table = self.tabulate(weights)
        self._kept = None if weights.is_inference() else _KeptTable.of(weights, table)
        return table

    def __getstate__(self) -> dict[str, object]:
        """Everything but the kept table, which hangs on one tensor of this process."""
        return {**self.__dict__, "_kept": None}


@dataclass(frozen=True, eq=False)
class _KeptTable:
    """A table with the tensor, and that tensor's version, which it was built from."""

    weights: "weakref.ref[Tensor]"
    version: int
    table: SparseJointTable

    @classmethod
    def of(cls, weights: Tensor, table: SparseJointTable) -> "_KeptTable":
        return cls(weakref.ref(weights), weights._version, table)

    def fits(self, weights: Tensor, basis: Tensor) -> bool:
        kept = self.table.moments
        return (
            self.weights() is weights
            and self.version == weights._version
            and (kept.dtype, kept.device) == (basis.dtype, basis.device)
        )


def _anchors(
    betas: Betas,
    features: Float[Tensor, "*#batch features"],
    directions: Float[Tensor, "terms out"],
) -> Float[Tensor, "*batch out"]:
    """[1 | beta | psi] @ directions, without joining the three."""
    count = betas.shape[-1]
    constant, shape, pose = directions[:1], directions[1 : 1 + count], directions[1 + count :]
    return constant[0] + betas @ shape + features @ pose
