"""Missing joints in windows: NaN in the points, a mask to a network, and a guess where one must be.

A joint is missing where its points are NaN. Nothing else is said of it, so nothing that a network
answers can depend on where it is.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from posenet3d.errors import ShapeError
from posenet3d.skeletons import LSP_14
from posenet3d.typing import Windows2D

_HEIGHTS = {
    "hip": 0.0, "knee": 0.051, "ankle": 0.1, "shoulder": -0.068, "elbow": -0.036, "wrist": -0.023,
    "neck": -0.072, "head_top": -0.096,
}  # fmt: skip
"""Mean heights (y down) of the training mocap's 2D under wild cameras, in normalised units."""
_STANDING = tuple(
    _HEIGHTS[name.removeprefix("left_").removeprefix("right_")] for name in LSP_14.joint_names
)

VISIBLE = 0.1
"""What tells a network that a joint is there."""


def visible_joints(windows: Windows2D) -> Bool[Tensor, "batch frames joints"]:
    """Where joints are known.

    Example:
        >>> visible_joints(torch.tensor([[[[0.0, 0.0], [torch.nan, torch.nan]]]])).tolist()
        [[[True, False]]]
    """
    return windows.isfinite().all(-1)


def with_visibility(windows: Windows2D) -> Float[Tensor, "batch frames joints 3"]:
    """Points for a network that is told which are missing: (x, y, v), or (0, 0, 0) if missing.

    v is :data:`VISIBLE`, as large as normalised points are: a first layer that saw numbers twenty
    times as large as its points would learn little of these.

    Example:
        >>> with_visibility(torch.tensor([[[[0.5, 0.1], [torch.nan, torch.nan]]]]))
        tensor([[[[0.5000, 0.1000, 0.1000],
                  [0.0000, 0.0000, 0.0000]]]])
    """
    visible = visible_joints(windows)[..., None]
    told = VISIBLE * visible.to(windows.dtype)
    return torch.cat([torch.where(visible, windows, 0.0), told], dim=-1)


def with_guesses(windows: Windows2D) -> Float[Tensor, "batch frames joints 3"]:
    """As :func:`with_visibility`, with the guess of :func:`fill_windows` for what is missing.

    v tells the guess from what was seen: :data:`VISIBLE`, or 0 with a guess.

    Example:
        >>> half = torch.tensor([[[[0.5, 0.1]], [[torch.nan, torch.nan]]]])
        >>> with_guesses(half)[0, :, 0]
        tensor([[0.5000, 0.1000, 0.1000],
                [0.5000, 0.1000, 0.0000]])
    """
    told = VISIBLE * visible_joints(windows)[..., None].to(windows.dtype)
    return torch.cat([fill_windows(windows), told], dim=-1)


def fill_windows(windows: Windows2D) -> Windows2D:
    """Windows with a guess for what is missing, made of the same joint's other frames.

    The mean of the frames that know the joint, weighted by one over the square of the distance in
    time; where no frame does, the joint's mean height on people (for the 14 joints of ``lsp_14``
    in normalised units; else 0).

    Args:
        windows: (batch, frames, joints, 2), root-centred, NaN where missing.

    Returns:
        Finite windows of the same shape; what is known is as it was.

    Example:
        >>> fill_windows(
        ...     torch.tensor([1.0, torch.nan, 2.0]).reshape(1, 3, 1, 1).expand(1, 3, 1, 2)
        ... )[0, :, 0, 0]
        tensor([1.0000, 1.5000, 2.0000])
    """
    visible = visible_joints(windows)
    known = torch.where(visible[..., None], windows, 0.0)
    time = torch.arange(windows.shape[1], device=windows.device, dtype=windows.dtype)
    weight = 1 / (time[:, None] - time).square().clamp(min=1.0)
    total = torch.einsum("ts,bsj->btj", weight, visible.to(windows.dtype))[..., None]
    guess = torch.einsum("ts,bsjd->btjd", weight, known) / total.clamp(min=1e-12)
    guess = torch.where(total > 0, guess, _standing(windows))
    return torch.where(visible[..., None], windows, guess)


def hide(windows: Windows2D, hidden: Bool[Tensor, "..."]) -> Windows2D:
    """Windows in which more joints are missing.

    Raises:
        ShapeError: the mask is of other windows.

    Example:
        >>> bool(hide(torch.zeros(1, 1, 2, 2), torch.tensor([[[True, False]]])).isnan()[0, 0, 0, 0])
        True
    """
    if hidden.shape != windows.shape[:-1]:
        raise ShapeError(
            "hidden", expected=f"{tuple(windows.shape[:-1])}", got=f"{tuple(hidden.shape)}"
        )
    return windows.masked_fill(hidden[..., None], torch.nan)


def _standing(windows: Windows2D) -> Float[Tensor, "joints 2"]:
    joints = windows.shape[2]
    heights = windows.new_tensor(_STANDING if joints == len(LSP_14) else (0.0,) * joints)
    return torch.stack([torch.zeros_like(heights), heights], dim=-1)
