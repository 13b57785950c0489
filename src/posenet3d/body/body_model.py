"""What a body model is: its data, validated once, and the interface the networks use.

The format is SMPL's (Loper et al. 2015): a template mesh, linear shape and pose directions, a
linear joint regressor, blend weights and a kinematic tree. Lengths are metres; the template stands
y up and faces +z.
"""

from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from torch import Tensor

from posenet3d.errors import BodyModelError
from posenet3d.typing import Betas, BodyRotations, JointRegression, Points3D, Vertices

CONVEXITY_TOLERANCE = 1e-4
"""How far the rows of weights and of the joint regressor may be from non-negative and sum 1."""


@dataclass(frozen=True, eq=False, repr=False)
class BodyModelData:
    """The numbers of a body model, checked once and read-only from then on.

    Arrays are copied and frozen. Axes: V vertices, K joints, B shape directions.

    Attributes:
        v_template: (V, 3) vertices of the mean shape at rest, metres, y up, facing +z.
        shapedirs: (V, 3, B) vertex offsets a unit of each shape coefficient, metres.
        posedirs: (V, 3, 9 (K - 1)) vertex offsets an entry of vec(R_2 - I, ..., R_K - I), metres;
            all zero where the model has no pose-dependent shape.
        joint_regressor: (K, V) convex rows: the rest joints as means of rest vertices.
        weights: (V, K) blend weights; each row is convex.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        parents: K parent indices; -1 for the root, which comes first.
        joint_names: K names.
        family: which shape space, joints and vertex order this is; weights of a network are tied
            to it.
        license: the licence of the data, as a short statement.
        sha256: digest of the file the data came from; empty where there is none.

    Raises:
        BodyModelError: An array has the wrong shape, is not finite, a row is not convex, or the
            parents are no tree in order.

    Example:
        >>> from posenet3d.body import mannequin_data
        >>> mannequin_data()
        BodyModelData(family='makehuman-cc0', vertices=6890, joints=24, betas=10)
    """

    v_template: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    joint_regressor: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    parents: tuple[int, ...]
    joint_names: tuple[str, ...]
    family: str
    license: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type is np.ndarray:
                object.__setattr__(self, field.name, _frozen(field.name, getattr(self, field.name)))
        object.__setattr__(self, "parents", tuple(int(parent) for parent in self.parents))
        object.__setattr__(self, "joint_names", tuple(str(name) for name in self.joint_names))
        _check_shapes(self)
        _check_tree(self)
        _check_faces(self)
        _check_convex("weights", self.weights)
        _check_convex("joint_regressor", self.joint_regressor)

    @property
    def num_vertices(self) -> int:
        """V."""
        return int(self.v_template.shape[0])

    @property
    def num_joints(self) -> int:
        """K."""
        return len(self.parents)

    @property
    def num_betas(self) -> int:
        """B."""
        return int(self.shapedirs.shape[-1])

    def __repr__(self) -> str:
        return (
            f"BodyModelData(family={self.family!r}, vertices={self.num_vertices}, "
            f"joints={self.num_joints}, betas={self.num_betas})"
        )


@runtime_checkable
class BodyModel(Protocol):
    """A differentiable body: shape and joint rotations in, vertices and joints out.

    ``betas`` has shape (..., B) and ``rotations`` (..., K, 3, 3), each relative to the parent
    joint; the root's turns the whole body in the body frame (y up, facing +z). The leading axes
    broadcast against each other: one shape for all frames of a window is ``betas[:, None]``.
    Outputs are metres in the body frame. A plug-in is an ``nn.Module`` with these members;
    :func:`posenet3d.testing.check_body_model` checks one.

    Example:
        >>> import torch
        >>> from posenet3d.body import load_body_model
        >>> body = load_body_model("mannequin")
        >>> at_rest = torch.eye(3).expand(body.num_joints, 3, 3)
        >>> body.vertices(torch.zeros(body.num_betas), at_rest).shape
        torch.Size([6890, 3])
    """

    @property
    def num_betas(self) -> int:
        """Number of shape coefficients B."""
        ...

    @property
    def num_joints(self) -> int:
        """Number of joints K of the kinematic tree."""
        ...

    @property
    def num_vertices(self) -> int:
        """Number of vertices V."""
        ...

    @property
    def faces(self) -> Tensor:
        """(F, 3) vertex indices, int64."""
        ...

    @property
    def parents(self) -> tuple[int, ...]:
        """Parent of each joint; -1 for the root, which comes first."""
        ...

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Name of each joint."""
        ...

    @property
    def family(self) -> str:
        """Which shape space, joints and vertex order this is."""
        ...

    @property
    def joint_regressor(self) -> Float[Tensor, "body_joints vertices"]:
        """(K, V) the model's own regressor W, with convex rows."""
        ...

    def vertices(self, betas: Betas, rotations: BodyRotations) -> Vertices:
        """Posed vertices (..., V, 3)."""
        ...

    def joints(self, betas: Betas, rotations: BodyRotations) -> Points3D:
        """Posed joints of the kinematic tree (..., K, 3): the points the rotations turn about."""
        ...

    def regress(self, betas: Betas, rotations: BodyRotations, weights: JointRegression) -> Points3D:
        """Linear regression from the posed mesh, ``weights @ vertices``: (..., N, 3).

        The plain way is that product itself; a model may know a faster exact one.
        """
        ...


def _frozen(name: str, array: np.ndarray) -> np.ndarray:
    kind = np.int64 if name == "faces" else np.float64
    try:
        copy = np.array(array, dtype=kind if name == "faces" else None, order="C")
        if name != "faces" and copy.dtype not in (np.float32, np.float64):
            copy = copy.astype(np.float32 if copy.dtype == np.float16 else np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _fault(name, "an array of numbers", repr(type(array).__name__)) from error
    if not np.isfinite(copy).all():
        raise _fault(name, "finite numbers", "NaN or infinity")
    copy.flags.writeable = False
    return copy


def _fault(name: str, expected: str, got: str) -> BodyModelError:
    return BodyModelError(f"Body model field {name}: expected {expected}, got {got}.")


def _check_shapes(data: BodyModelData) -> None:
    joints = len(data.parents)
    if data.v_template.ndim != 2 or data.v_template.shape[-1] != 3 or not len(data.v_template):
        raise _fault("v_template", "shape (V, 3) with V > 0", str(data.v_template.shape))
    vertices = len(data.v_template)
    if data.shapedirs.ndim != 3 or data.shapedirs.shape[:2] != (vertices, 3):
        raise _fault("shapedirs", f"shape ({vertices}, 3, B)", str(data.shapedirs.shape))
    expected = {
        "posedirs": (vertices, 3, 9 * (joints - 1)),
        "joint_regressor": (joints, vertices),
        "weights": (vertices, joints),
    }
    for name, shape in expected.items():
        if getattr(data, name).shape != shape:
            got = getattr(data, name).shape
            raise _fault(
                name, f"shape {shape} for {vertices} vertices and {joints} joints", f"{got}"
            )
    if len(data.joint_names) != joints or len(set(data.joint_names)) != joints:
        raise _fault("joint_names", f"{joints} distinct names", str(data.joint_names))
    if not data.family:
        raise _fault("family", "a name", "an empty text")


def _check_tree(data: BodyModelData) -> None:
    if not data.parents or data.parents[0] != -1:
        raise _fault("parents", "the root first, marked by -1", str(data.parents[:1]))
    for joint, parent in enumerate(data.parents[1:], start=1):
        if not 0 <= parent < joint:
            name = data.joint_names[joint]
            raise _fault("parents", f"the parent of joint {joint} ({name}) before it", str(parent))


def _check_faces(data: BodyModelData) -> None:
    if data.faces.ndim != 2 or data.faces.shape[-1] != 3:
        raise _fault("faces", "shape (F, 3)", str(data.faces.shape))
    if data.faces.size and not 0 <= data.faces.min() <= data.faces.max() < data.num_vertices:
        got = f"{data.faces.min()} to {data.faces.max()}"
        raise _fault("faces", f"vertex indices from 0 to {data.num_vertices - 1}", got)


def _check_convex(name: str, rows: np.ndarray) -> None:
    if rows.min() < -CONVEXITY_TOLERANCE:
        raise _fault(name, "non-negative entries", f"{rows.min():.3g}")
    sums = rows.sum(-1, dtype=np.float64)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > CONVEXITY_TOLERANCE:
        raise _fault(name, "rows that sum to 1", f"{sums[worst]:.6g} in row {worst}")
