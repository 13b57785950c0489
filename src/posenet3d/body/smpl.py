"""SMPL as its authors compute it: the package ``smplx`` behind this library's interface.

``smplx`` comes with the extra ``smpl`` and has a licence of its own (non-commercial); it is
imported when a body is made, and given arrays that this library has read and checked, never a path.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from posenet3d.body.body_model import BodyModelData
from posenet3d.body.linear_blend import LinearBlendBody
from posenet3d.body.shape_and_pose import check_shape_and_pose, shared_axes
from posenet3d.errors import BodyModelError, MissingExtraError, ShapeError
from posenet3d.typing import Betas, BodyRotations, JointRegression, Points3D, Vertices

JOINTS = 24
"""SMPL's joints; ``smplx`` knows no other number and appends points of the face and hands."""

ROTATION_TOLERANCE = 1e-3
"""How far the entries of R^T R may be from those of the identity."""


class SmplBody(nn.Module):
    """SMPL through ``smplx``: mesh and joints are the ones its ``SMPLLayer`` computes.

    Joints of a regressor take this library's exact way without the mesh
    (:meth:`posenet3d.body.LinearBlendBody.regress`), which is why training with SMPL is no slower
    than with any other body. Rotations that are none are refused; ``smplx`` would take them. As
    of the other bodies, nothing is trained and nothing goes into ``state_dict``: SMPL's numbers
    do not end up in checkpoints. It does not run under ``torch.compile``; ``linear_blend`` on the
    same file does, and gives the same body.

    Args:
        data: the validated body; 24 joints, any mesh.
        dtype: floating type of the buffers and so of the outputs.

    Raises:
        MissingExtraError: ``smplx`` is not installed.
        BodyModelError: The body has another number of joints.

    Example:
        >>> from posenet3d.body import mannequin_data
        >>> body = SmplBody(mannequin_data())  # doctest: +SKIP
        >>> body.joints(torch.zeros(10), torch.eye(3).expand(24, 3, 3)).shape  # doctest: +SKIP
        torch.Size([24, 3])
    """

    def __init__(self, data: BodyModelData, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        if data.num_joints != JOINTS:
            raise BodyModelError(
                f"Expected SMPL's {JOINTS} joints, got {data.num_joints}; load the file as the "
                "body model 'linear_blend', which takes any number."
            )
        self._blend = LinearBlendBody(data, dtype)
        self._layer = _layer(data, dtype)
        self.num_betas = data.num_betas
        self.num_joints = data.num_joints
        self.num_vertices = data.num_vertices
        self.parents = data.parents
        self.joint_names = data.joint_names
        self.family = data.family
        self.sha256 = data.sha256
        self.license = data.license

    @property
    def faces(self) -> Int[Tensor, "faces 3"]:
        """(F, 3) vertex indices, counter-clockwise seen from outside."""
        return self._blend.faces

    @property
    def joint_regressor(self) -> Float[Tensor, "body_joints vertices"]:
        """(24, V) the body's own regressor W, convex rows."""
        return self._blend.joint_regressor

    @property
    def blend_weights(self) -> Float[Tensor, "vertices bones"]:
        """(V, 24) how much each joint carries each vertex along, convex rows."""
        return self._blend.blend_weights

    def joints(self, betas: Betas, rotations: BodyRotations) -> Points3D:
        """Posed joints of the kinematic tree, the points the rotations turn about.

        ``smplx`` makes the mesh for them; where only joints are wanted, :meth:`regress` is faster.

        Args:
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., 24, 3, 3), relative to the parent joint.

        Returns:
            (..., 24, 3), metres, body frame.

        Raises:
            ShapeError: Wrong number of betas or joints, or matrices that are no rotations.
        """
        return self._run(betas, rotations, lambda output: output.joints[:, :JOINTS])

    def vertices(self, betas: Betas, rotations: BodyRotations) -> Vertices:
        """Posed vertices.

        Args:
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., 24, 3, 3), relative to the parent joint.

        Returns:
            (..., V, 3), metres, body frame.

        Raises:
            ShapeError: Wrong number of betas or joints, or matrices that are no rotations.
        """
        return self._run(betas, rotations, lambda output: output.vertices)

    def regress(self, betas: Betas, rotations: BodyRotations, weights: JointRegression) -> Points3D:
        """``weights @ vertices(betas, rotations)``, exactly, mostly without making the mesh.

        Args:
            betas: (..., B); leading axes broadcast against those of the rotations.
            rotations: (..., 24, 3, 3), relative to the parent joint.
            weights: W', (N, V).

        Returns:
            (..., N, 3), metres, body frame.

        Raises:
            ShapeError: Wrong number of betas, joints or vertices, or matrices that are no
                rotations.
        """
        check_shape_and_pose(betas, rotations, self.num_betas, JOINTS)
        check_rotations(rotations)
        return self._blend.regress(betas, rotations, weights)

    def extra_repr(self) -> str:
        """Family and sizes."""
        return self._blend.extra_repr()

    def _run(self, betas: Tensor, rotations: Tensor, pick: Callable[[Any], Tensor]) -> Tensor:
        """``smplx`` knows one leading axis only and expands nothing."""
        check_shape_and_pose(betas, rotations, self.num_betas, JOINTS)
        check_rotations(rotations)
        batch = shared_axes(betas, rotations)
        poses = batch.numel()
        flat = rotations.expand(*batch, JOINTS, 3, 3).reshape(poses, JOINTS, 3, 3)
        output = self._layer(
            betas=betas.expand(*batch, self.num_betas).reshape(poses, self.num_betas),
            global_orient=flat[:, :1],
            body_pose=flat[:, 1:],
        )
        points = pick(output)
        return points.reshape(*batch, points.shape[-2], 3)


@torch.no_grad()
def check_rotations(rotations: BodyRotations) -> None:
    """Refuses matrices that are no rotations.

    Args:
        rotations: (..., K, 3, 3).

    Raises:
        ShapeError: R^T R is further than ``ROTATION_TOLERANCE`` from the identity, the
            determinant is negative, or a number is not finite.

    Example:
        >>> check_rotations(-torch.eye(3).expand(24, 3, 3))
        Traceback (most recent call last):
            ...
        posenet3d.errors.ShapeError: rotations: expected rotation matrices ..., got a reflection...
    """
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    off = (rotations.mT @ rotations - eye).abs().amax((-2, -1))
    first, second, third = rotations.unbind(-1)
    mirrored = (torch.linalg.cross(first, second) * third).sum(-1) < 0
    if bool((off <= ROTATION_TOLERANCE).all()) and not bool(mirrored.any()):
        return
    worst = float(off.max())
    got = "a reflection" if worst <= ROTATION_TOLERANCE else f"R^T R {worst:.3g} off the identity"
    raise ShapeError(
        "rotations",
        expected="rotation matrices (R^T R = I, determinant 1)",
        got=got,
        do="make them by posenet3d.geometry.orthonormalize or rotvec_to_rotmat",
    )


def _layer(data: BodyModelData, dtype: torch.dtype) -> Any:
    """An ``smplx.SMPLLayer`` over the data.

    Its own reading of paths unpickles, so it gets none. It takes 10 or 300 shape directions and
    prints a warning otherwise, unless it is told what the size of the space is; it rounds its
    arrays to float32, so they are put in anew; and it would store them in checkpoints.
    """
    try:
        import smplx
        from smplx.vertex_ids import vertex_ids
    except ImportError as error:
        raise MissingExtraError("smplx", "smpl", "Bodies of the model 'smpl'") from error
    arrays = {
        "v_template": data.v_template,
        "shapedirs": data.shapedirs,
        "posedirs": rearrange(data.posedirs, "v xyz p -> p (v xyz)"),
        "J_regressor": data.joint_regressor,
        "lbs_weights": data.weights,
    }
    struct = SimpleNamespace(
        v_template=data.v_template,
        shapedirs=data.shapedirs,
        posedirs=data.posedirs,
        J_regressor=data.joint_regressor,
        weights=data.weights,
        f=data.faces,
        kintree_table=np.array([data.parents, range(JOINTS)]),
    )
    space = {"SHAPE_SPACE_DIM": data.num_betas}
    layer = type("SMPLLayer", (smplx.SMPLLayer,), space)(
        "",
        data_struct=struct,
        num_betas=data.num_betas,
        vertex_ids=dict.fromkeys(vertex_ids["smplh"], 0),  # its appended points are not used
        dtype=dtype,
    )
    for module in layer.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            kept = torch.tensor(arrays[name], dtype=dtype) if name in arrays else buffer
            module.register_buffer(name, kept, persistent=False)
    return layer
