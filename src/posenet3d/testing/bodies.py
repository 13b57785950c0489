"""Hypothesis strategies for bodies: small ones of any tree, and their shapes and poses."""

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torch import Tensor

from posenet3d.body import BodyModelData
from posenet3d.testing.strategies import Batch, Draw, rotation_matrices, tensors


@st.composite
def bodies(
    draw: Draw,
    *,
    vertices: int | None = None,
    joints: int | None = None,
    betas: int | None = None,
) -> BodyModelData:
    """Bodies of a few vertices on any tree, in float64, with zeros among the blend weights.

    Args:
        draw: given by Hypothesis.
        vertices: their number; 3 to 8 by default.
        joints: their number; 1 to 5 by default.
        betas: number of shape directions; 1 to 3 by default.

    Returns:
        Validated data of the family ``drawn``.

    Example:
        >>> from hypothesis import find
        >>> find(bodies(vertices=4, joints=2, betas=1), lambda body: True)
        BodyModelData(family='drawn', vertices=4, joints=2, betas=1)
    """
    count = draw(st.integers(3, 8)) if vertices is None else vertices
    bones = draw(st.integers(1, 5)) if joints is None else joints
    directions = draw(st.integers(1, 3)) if betas is None else betas
    metres = st.floats(-1, 1, allow_subnormal=False, width=16)
    return BodyModelData(
        v_template=draw(npst.arrays(np.float64, (count, 3), elements=metres)),
        shapedirs=draw(npst.arrays(np.float64, (count, 3, directions), elements=metres)),
        posedirs=draw(npst.arrays(np.float64, (count, 3, 9 * (bones - 1)), elements=metres)),
        joint_regressor=draw(convex_rows(bones, count)),
        weights=draw(convex_rows(count, bones)),
        faces=np.array([[0, 1, 2]]),
        parents=(-1, *(draw(st.integers(0, joint - 1)) for joint in range(1, bones))),
        joint_names=tuple(f"joint_{index}" for index in range(bones)),
        family="drawn",
    )


@st.composite
def convex_rows(draw: Draw, rows: int, columns: int) -> np.ndarray:
    """Matrices whose rows are non-negative and sum to 1, many entries being zero.

    Args:
        draw: given by Hypothesis.
        rows: their number.
        columns: their number.

    Returns:
        ``(rows, columns)``, float64.

    Example:
        >>> from hypothesis import find
        >>> find(convex_rows(2, 3), lambda weights: True).sum(1).tolist()
        [1.0, 1.0]
    """
    shares = draw(npst.arrays(np.float64, (rows, columns), elements=st.integers(0, 3)))
    first = draw(st.lists(st.integers(0, columns - 1), min_size=rows, max_size=rows))
    shares[np.arange(rows), first] += 1
    weights: np.ndarray = shares / shares.sum(1, keepdims=True)
    return weights


@st.composite
def shapes_and_poses(
    draw: Draw, body: BodyModelData, *, batch: Batch = ()
) -> tuple[Tensor, Tensor]:
    """Betas and rotations for a body, in float64; critical angles among the rotations.

    Args:
        draw: given by Hypothesis.
        body: the body.
        batch: the leading axes.

    Returns:
        ``(*batch, B)`` and ``(*batch, K, 3, 3)``.

    Example:
        >>> from hypothesis import find
        >>> from posenet3d.body import mannequin_data
        >>> find(shapes_and_poses(mannequin_data()), lambda drawn: True)[0].shape
        torch.Size([10])
    """
    betas = draw(tensors(body.num_betas, batch=batch, dtype=torch.float64))
    rotations = draw(rotation_matrices(batch=(*batch, body.num_joints), dtype=torch.float64))
    return betas, rotations
