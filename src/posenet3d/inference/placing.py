"""From the network's units to metres: the body's joints, its stature, and where it stands."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.body import lsp_14_rows
from posenet3d.networks import PoseNet3D, limb_length
from posenet3d.reconstruction.reconstruction import BODY_TO_CAMERA
from posenet3d.skeletons.anatomy import middle_of_hips

_CHUNK = 4096  # frames


class BodyJoints(NamedTuple):
    """The body's ``lsp_14`` joints, camera axes, in the body model's metres.

    Attributes:
        joints: (frames, 14, 3) about the hips' middle, float32.
        hips: (frames, 3), the hips' middle from the body's origin.
    """

    joints: Float[np.ndarray, "frames 14 3"]
    hips: Float[np.ndarray, "frames 3"]


@torch.no_grad()
def body_joints(
    model: PoseNet3D, betas: Float[Tensor, " betas"], rotations: Float[Tensor, "frames bones 3 3"]
) -> BodyJoints:
    """The joints of a body in motion by the trained joint regressor, without its mesh.

    Args:
        model: the network with its body and joint regressor.
        betas: one shape for all frames.
        rotations: local joint rotations.
    """
    frames = len(rotations)
    joints, hips = torch.empty(frames, 42), torch.empty(frames, 3)
    place = model.metres_per_unit.device
    shape, axes = betas.to(place), torch.from_numpy(BODY_TO_CAMERA).float().to(place)
    for start in range(0, frames, _CHUNK):
        chosen = slice(start, start + _CHUNK)
        turned = rotations[chosen].to(place)
        found = model.joint_regressor.joints(model.body, shape, turned, model.rows)
        middle = middle_of_hips(found)
        joints[chosen] = ((found - middle) * axes).flatten(1)
        hips[chosen] = middle[:, 0] * axes
    return BodyJoints(joints.reshape(frames, 14, 3).numpy(), hips.double().numpy())


@torch.no_grad()
def rest_height(model: PoseNet3D, betas: Float[Tensor, " betas"] | None = None) -> float:
    """How tall the body stands at rest, sole to crown, in its model's metres.

    Args:
        model: the network with its body.
        betas: the shape; the mean one if ``None``.
    """
    like = model.body.joint_regressor
    shape = like.new_zeros(model.body.num_betas) if betas is None else betas.to(like)
    eye = torch.eye(3).to(like).expand(model.body.num_joints, 3, 3)
    up = model.body.vertices(shape, eye)[..., 1]
    return float(up.max() - up.min())


@torch.no_grad()
def metres_per_unit(model: PoseNet3D, teacher: Float[Tensor, "frames 14 3"]) -> float:
    """Metres of the body model to a head-to-root unit of the teacher.

    What was measured in training; for a network without a trained student, the ratio of the
    limbs' lengths on the mean body at rest and on these skeletons.

    Args:
        model: the network.
        teacher: its teacher's skeletons, head-to-root units.
    """
    if model.has_student:
        return float(model.metres_per_unit)
    like = model.body.joint_regressor
    eye = torch.eye(3).to(like).expand(model.body.num_joints, 3, 3)
    at_rest = model.body.joints(like.new_zeros(model.body.num_betas), eye)
    rest = at_rest[list(lsp_14_rows(model.body.joint_names))]  # as regressed from the mesh
    return float(limb_length(rest) / limb_length(teacher).mean().to(like))
