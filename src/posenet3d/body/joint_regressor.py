"""Joint regressors: where on the body a network's joints lie (semantic joint adaptation, SJA).

Three interchangeable modules, Sect. 3.3.1 of PoseNet3D: ``ConvexJointRegressor`` (SJA itself),
``LinearJointRegressor`` (Eq. 6, the ablation) and ``FixedJointRegressor`` (no SJA). Each has
``joints(body, betas, rotations, rows)``; ``rows`` is the paper's map I(i).
"""

from typing import Protocol, runtime_checkable

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.body.body_model import BodyModel
from posenet3d.body.simplex import project_straight_through, project_to_simplex
from posenet3d.errors import ShapeError
from posenet3d.typing import Betas, BodyRotations, JointRegression, Points3D

Rows = tuple[int, ...] | None

DITHER = 4.0
"""The constant added to a row's gradient, in units of the row's root mean square."""


@runtime_checkable
class JointRegressor(Protocol):
    """Joints of a posed body; a plug-in of the group ``posenet3d.joint_regressors``.

    Example:
        >>> from posenet3d.body import load_body_model, lsp_14_regressor
        >>> body = load_body_model("mannequin")
        >>> regressor = FixedJointRegressor(lsp_14_regressor(body))
        >>> regressor.joints(body, torch.zeros(10), torch.eye(3).expand(24, 3, 3)).shape
        torch.Size([14, 3])
    """

    @property
    def num_rows(self) -> int:
        """Number of joints when no rows are chosen."""
        ...

    def joints(
        self, body: BodyModel, betas: Betas, rotations: BodyRotations, rows: Rows = None
    ) -> Points3D:
        """The chosen joints (..., N, 3), metres, body frame; all of them if ``rows`` is None."""
        ...


class ConvexJointRegressor(nn.Module):
    """SJA: J' = W' V with a learnt W' whose rows are convex at all times.

    W' is the projection of the parameter ``theta`` onto the simplex, row by row, with the gradient
    passed straight through (:func:`posenet3d.body.simplex.project_straight_through`). So W' = W
    exactly at the start, and weight can move to vertices where W is zero, which is what SJA is
    for (Fig. 3 of PoseNet3D). The paper does not say how it keeps the rows convex; a softmax that
    starts at W has next to no gradient where W is zero.

    Adam divides each entry's step by that entry's own gradient size, so all of the thousands of
    vertices would grow at one speed, near or far, and the row would stay where it is (0.5 mm of a
    planted 50 mm in 200 steps). Therefore each row's gradient gets a constant added, ``DITHER``
    times its root mean square, of alternating sign. A constant along a row does not change its
    projection, so the descent is the same; but it is the larger part of Adam's second moment and,
    by its changing sign, none of the first, so that a row's entries are divided by one number and
    keep their proportions. The paper does not tell how its W' is optimised.

    Args:
        initial: W, (rows, V), convex rows; ``body.joint_regressor`` or
            :func:`posenet3d.body.lsp_14_regressor`.
        gain: weight per unit of the parameter, a factor on the learning rate; a power of two, so
            that W' = W exactly.

    Attributes:
        finishes_by_itself: whether the constant is added within each backward pass. A loop that
            shares gradients between processes, or compiles, sets it to ``False`` and calls
            :meth:`finish_gradients` once the gradients are whole.

    Raises:
        ShapeError: ``initial`` is not a matrix of convex rows.

    Example:
        >>> regressor = ConvexJointRegressor(torch.tensor([[0.5, 0.5, 0.0]]))
        >>> regressor.weight
        tensor([[0.5000, 0.5000, 0.0000]], grad_fn=<_StraightThroughBackward>)
    """

    sign: Tensor

    def __init__(self, initial: JointRegression, gain: float = 1.0) -> None:
        super().__init__()
        _check_convex(initial)
        self.gain = gain
        self.theta = nn.Parameter(project_to_simplex(initial.detach()) / gain)
        self.register_buffer("sign", torch.ones_like(self.theta.detach()[0, 0]))
        self.finishes_by_itself = True
        self._rows: tuple[tuple[int, ...], Tensor] | None = None
        self._hooked: int | None = None
        self._kept: tuple[tuple[Rows, int, torch.dtype, torch.device], Tensor] | None = None

    @property
    def num_rows(self) -> int:
        """Number of joints."""
        return int(self.theta.shape[0])

    @property
    def weight(self) -> JointRegression:
        """W', (rows, V): non-negative, each row sums to 1 within 1e-6."""
        return project_straight_through(self._chosen(None))

    def joints(
        self, body: BodyModel, betas: Betas, rotations: BodyRotations, rows: Rows = None
    ) -> Points3D:
        """J'_i = W'_I(i) M(beta, R), the joints of Eq. 7 of PoseNet3D.

        Args:
            body: the body model.
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., K, 3, 3).
            rows: I, the rows to compute; all by default.

        Returns:
            (..., N, 3), metres, body frame.
        """
        _check_rows(rows, self.num_rows)
        if torch.is_grad_enabled() and self.theta.requires_grad:
            return body.regress(betas, rotations, project_straight_through(self._chosen(rows)))
        return body.regress(betas, rotations, self._frozen_weight(rows))

    def extra_repr(self) -> str:
        """Sizes."""
        return f"rows={self.theta.shape[0]}, vertices={self.theta.shape[1]}"

    def _chosen(self, rows: Rows) -> Tensor:
        """What is projected: the chosen rows of gain * theta."""
        if self.finishes_by_itself and self.theta.requires_grad:
            self._hook()
        return self.gain * (
            self.theta if rows is None else self.theta.index_select(0, self._index(rows))
        )

    def _index(self, rows: tuple[int, ...]) -> Tensor:
        """The rows beside theta; kept, since a copy from the host makes a step wait."""
        if self._rows is None or self._rows[0] != rows or self._rows[1].device != self.theta.device:
            self._rows = (rows, torch.tensor(rows, device=self.theta.device))
        return self._rows[1]

    @torch.no_grad()
    def finish_gradients(self) -> None:
        """Add the constant to the gradient that is there, where ``finishes_by_itself`` is off."""
        if self.theta.grad is not None:
            self.theta.grad = self._dithered(self.theta.grad)

    def _hook(self) -> None:
        if self._hooked != id(self.theta):  # copies lose their hooks
            self.theta.register_hook(self._hooked_gradient)  # type: ignore[no-untyped-call]
            self._hooked = id(self.theta)

    def _hooked_gradient(self, gradient: Tensor) -> Tensor:
        return self._dithered(gradient) if self.finishes_by_itself else gradient

    def _dithered(self, gradient: Tensor) -> Tensor:
        """The gradient's part along the simplex and a constant a row, its sign changing each time.

        Once for each backward pass, whatever the number of uses, and without leaving the device.
        """
        self._kept = None
        along = gradient - gradient.mean(-1, keepdim=True)
        self.sign.neg_()
        size = along.square().mean(-1, keepdim=True).sqrt()
        return along + DITHER * self.sign * size

    def _frozen_weight(self, rows: Rows) -> Tensor:
        """W' kept as one tensor while theta rests, so that the body can keep its table.

        Theta's version tells of most changes, but not of a step of the fused Adam, so that
        nothing is kept while theta may learn, nor after a gradient has come.
        """
        if torch.compiler.is_compiling() or self.theta.requires_grad or self.theta.is_inference():
            return project_to_simplex(self._chosen(rows))
        key = (rows, self.theta._version, self.theta.dtype, self.theta.device)
        if self._kept is None or self._kept[0] != key:
            with torch.inference_mode(False), torch.no_grad():
                self._kept = (key, project_to_simplex(self._chosen(rows)))
        return self._kept[1]


class LinearJointRegressor(nn.Module):
    """Linear SJA: J' = A J + b on the stacked joint coordinates; Eq. 6 of PoseNet3D.

    J = W V are the joints of the given regressor. A starts at I and b at 0. The joints are free to
    leave the body, and a turned body does not give turned joints: the ablation shows why SJA is
    convex.

    Args:
        initial: W, (rows, V), convex rows; 24 rows give the paper's A of 72 x 72.

    Raises:
        ShapeError: ``initial`` is not a matrix of convex rows.

    Example:
        >>> LinearJointRegressor(torch.eye(24, 100))
        LinearJointRegressor(rows=24, vertices=100)
    """

    weight: Tensor

    def __init__(self, initial: JointRegression) -> None:
        super().__init__()
        _check_convex(initial)
        size = 3 * initial.shape[0]
        self.register_buffer("weight", initial.detach().clone(), persistent=False)
        self.matrix = nn.Parameter(torch.eye(size, dtype=initial.dtype, device=initial.device))
        self.offset = nn.Parameter(initial.new_zeros(size))

    @property
    def num_rows(self) -> int:
        """Number of joints."""
        return int(self.weight.shape[0])

    def joints(
        self, body: BodyModel, betas: Betas, rotations: BodyRotations, rows: Rows = None
    ) -> Points3D:
        """J' = A J + b; the same arguments as :meth:`ConvexJointRegressor.joints`."""
        _check_rows(rows, self.num_rows)
        joints = body.regress(betas, rotations, self.weight)
        flat = rearrange(joints, "... joints xyz -> ... (joints xyz)")
        matrix, offset = self._chosen(rows)
        return rearrange(flat @ matrix.T + offset, "... (n xyz) -> ... n xyz", xyz=3)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"rows={self.weight.shape[0]}, vertices={self.weight.shape[1]}"

    def _chosen(self, rows: Rows) -> tuple[Tensor, Tensor]:
        if rows is None:
            return self.matrix, self.offset
        coordinates = [3 * row + axis for row in rows for axis in range(3)]
        return self.matrix[coordinates], self.offset[coordinates]


class FixedJointRegressor(nn.Module):
    """No SJA: J = W V with the W it was given.

    Args:
        initial: W, (rows, V). Not part of ``state_dict``: it is the body's.

    Raises:
        ShapeError: ``initial`` is not a matrix of convex rows.

    Example:
        >>> FixedJointRegressor(torch.eye(24, 100))
        FixedJointRegressor(rows=24, vertices=100)
    """

    weight: Tensor

    def __init__(self, initial: JointRegression) -> None:
        super().__init__()
        _check_convex(initial)
        self.register_buffer("weight", initial.detach().clone(), persistent=False)
        self._kept: tuple[Tensor, Rows, Tensor] | None = None

    @property
    def num_rows(self) -> int:
        """Number of joints."""
        return int(self.weight.shape[0])

    def joints(
        self, body: BodyModel, betas: Betas, rotations: BodyRotations, rows: Rows = None
    ) -> Points3D:
        """J_i = W_I(i) M(beta, R); the same arguments as :meth:`ConvexJointRegressor.joints`."""
        _check_rows(rows, self.num_rows)
        return body.regress(betas, rotations, self._chosen(rows))

    def extra_repr(self) -> str:
        """Sizes."""
        return f"rows={self.weight.shape[0]}, vertices={self.weight.shape[1]}"

    def _chosen(self, rows: Rows) -> Tensor:
        """The rows as one lasting tensor, so that the body can keep its table."""
        if rows is None:
            return self.weight
        if self._kept is None or self._kept[0] is not self.weight or self._kept[1] != rows:
            self._kept = (self.weight, rows, self.weight[list(rows)])
        return self._kept[2]


def _check_convex(weights: Float[Tensor, "..."]) -> None:
    expected = "(rows, V) with non-negative rows that sum to 1"
    if weights.ndim != 2:
        raise ShapeError("initial", expected=expected, got=f"shape {tuple(weights.shape)}")
    if not torch.isfinite(weights).all():
        raise ShapeError("initial", expected=expected, got="NaN or infinity")
    lowest, apart = weights.min(), (weights.sum(-1) - 1).abs().max()
    if lowest < -1e-4 or apart > 1e-4:
        got = f"a lowest entry of {lowest:.3g} and sums off by {apart:.3g}"
        raise ShapeError("initial", expected=expected, got=got)


def _check_rows(rows: Rows, count: int) -> None:
    if rows is not None and not all(0 <= row < count for row in rows):
        raise ShapeError("rows", expected=f"indices from 0 to {count - 1}", got=str(rows))
