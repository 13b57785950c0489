r"""Errors of 3D poses, each in the flavour its name promises.

All functions take tensors of shape ``(..., joints, 3)`` in one unit (millimetres in every report of
the library), with any leading axes, on any device, in float32 or float64, and give **one number a
frame** (or a sequence, where the metric is defined on one): take ``.mean()`` of what you want to
average. None of them changes its input. The joints are those of ``lsp_14`` unless you say which
joints are the root or the bones.

| name | before the distance is taken |
|---|---|
| :func:`mpjpe` | both poses are centred on their root |
| :func:`n_mpjpe` | and the prediction is scaled by the least-squares factor |
| :func:`p_mpjpe` | the prediction goes through the best similarity, a rotation with det = +1 |
| ``p_mpjpe(..., reflection="allowed")`` | the same, but a mirror image counts as right |
"""

from typing import Literal

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor

from posenet3d.errors import ShapeError
from posenet3d.geometry.alignment import least_squares_scale, procrustes
from posenet3d.skeletons.layouts import LIMBS, LSP_14
from posenet3d.typing import Points2D, Points3D

Reflection = Literal["forbidden", "allowed"]

HIPS: tuple[int, ...] = tuple(LSP_14.indices("right_hip", "left_hip"))
"""The joints of ``lsp_14`` whose middle is the root."""

LIMB_BONES: tuple[tuple[int, int], ...] = tuple(
    (LSP_14.index(upper), LSP_14.index(lower)) for upper, lower in LIMBS
)
"""The eight bones of MBLSTD in ``lsp_14``: upper and lower, arm and leg, left and right."""

PCK_THRESHOLD = 150.0
"""The threshold of PCK, in mm."""

AUC_THRESHOLDS: tuple[float, ...] = tuple(5.0 * step for step in range(31))
"""The 31 thresholds of AUC, in mm: 0, 5, ..., 150."""


def root_centred(points: Points3D, *, root: tuple[int, ...] = HIPS) -> Points3D:
    """The points relative to their root, the middle of the joints named by ``root``.

    Args:
        points: poses (..., joints, 3), any unit and frame.
        root: indices of the joints whose middle is the root.

    Returns:
        Poses of the same shape and unit; the root lies at the origin.

    Example:
        >>> pose = torch.arange(42.0).reshape(14, 3)
        >>> root_centred(pose)[list(HIPS)].mean(0)
        tensor([0., 0., 0.])
    """
    return points - points[..., list(root), :].mean(dim=-2, keepdim=True)


def joint_distances(prediction: Points3D, truth: Points3D) -> Float[Tensor, "*batch joints"]:
    """The Euclidean distance of each joint to its true place; nothing is aligned.

    Args:
        prediction: poses (..., joints, 3).
        truth: the true poses, the same shape and unit.

    Returns:
        Distances (..., joints), in the unit of the input.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> joint_distances(torch.zeros(1, 3), torch.tensor([[3.0, 0.0, 4.0]]))
        tensor([5.])
    """
    _check_alike(prediction, truth)
    distances: Tensor = torch.linalg.vector_norm(prediction - truth, dim=-1)
    return distances


def aligned(
    prediction: Points3D, truth: Points3D, *, reflection: Reflection = "forbidden"
) -> Points3D:
    """The prediction after the similarity that takes it closest to the truth, frame by frame.

    The similarity minimises the sum of squared distances over scale, rotation and translation.

    Args:
        prediction: poses (..., joints, 3).
        truth: the true poses, the same shape.
        reflection: ``"forbidden"`` keeps det(R) = +1; ``"allowed"`` also tries mirror images.

    Returns:
        Aligned poses, in the unit and frame of ``truth``.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> truth = torch.randn(14, 3, generator=torch.Generator().manual_seed(0)).double()
        >>> bool(torch.allclose(aligned(truth / 7 + 1, truth), truth))
        True
    """
    _check_alike(prediction, truth)
    similarity = procrustes(prediction, truth, scale=True, reflection=reflection == "allowed")
    return similarity.apply(prediction)


def mpjpe(
    prediction: Points3D, truth: Points3D, *, root: tuple[int, ...] = HIPS
) -> Float[Tensor, "*batch"]:
    """MPJPE: the mean joint distance after both poses are centred on their root.

    Args:
        prediction: poses (..., joints, 3), in mm.
        truth: the true poses, the same shape, unit and frame.
        root: indices of the joints whose middle is the root; the hips of ``lsp_14``.

    Returns:
        One error a frame (...), in mm.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> pose = torch.zeros(14, 3)
        >>> moved = pose.clone()
        >>> moved[0, 2] = 14.0
        >>> mpjpe(moved + 5.0, pose)
        tensor(1.)
    """
    _check_alike(prediction, truth)
    centred = root_centred(prediction, root=root), root_centred(truth, root=root)
    return joint_distances(*centred).mean(dim=-1)


def n_mpjpe(
    prediction: Points3D, truth: Points3D, *, root: tuple[int, ...] = HIPS
) -> Float[Tensor, "*batch"]:
    r"""N-MPJPE: MPJPE after the least-squares scale of each frame (Rhodin et al. 2018).

    With root-centred :math:`X, Y` the prediction is multiplied by
    :math:`s = \langle X, Y \rangle / \langle X, X \rangle`.

    Args:
        prediction: poses (..., joints, 3), any unit, the truth's frame.
        truth: the true poses, the same shape, in mm.
        root: indices of the joints whose middle is the root; the hips of ``lsp_14``.

    Returns:
        One error a frame (...), in mm.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> truth = torch.randn(14, 3, generator=torch.Generator().manual_seed(0)).double()
        >>> bool(n_mpjpe(truth / 7 + 1, truth) < 1e-9)
        True
    """
    _check_alike(prediction, truth)
    scaled, centred = frame_scaled(prediction, truth, root=root)
    return joint_distances(scaled, centred).mean(dim=-1)


def frame_scaled(
    prediction: Points3D, truth: Points3D, *, root: tuple[int, ...] = HIPS
) -> tuple[Points3D, Points3D]:
    """Both poses root-centred, the prediction scaled to the truth frame by frame.

    Args:
        prediction: poses (..., joints, 3), any unit.
        truth: the true poses, the same shape, in mm.
        root: indices of the joints whose middle is the root.

    Returns:
        The scaled prediction and the truth, both root-centred, in the truth's unit.

    Example:
        >>> truth = torch.arange(42.0).reshape(14, 3)
        >>> scaled, centred = frame_scaled(truth / 8, truth)
        >>> bool(torch.allclose(scaled, centred))
        True
    """
    source, target = root_centred(prediction, root=root), root_centred(truth, root=root)
    scale = least_squares_scale(source, target)
    return rearrange(scale, "... -> ... 1 1") * source, target


def sequence_scaled(
    prediction: Float[Tensor, "*batch frames joints 3"],
    truth: Float[Tensor, "*batch frames joints 3"],
    *,
    root: tuple[int, ...] = HIPS,
) -> tuple[Float[Tensor, "*batch frames joints 3"], Float[Tensor, "*batch frames joints 3"]]:
    """Both sequences root-centred, the prediction times one least-squares scale a sequence.

    One factor for all frames leaves a flicker of the size visible, which a factor a frame hides.

    Args:
        prediction: sequences (..., frames, joints, 3), any unit.
        truth: the true sequences, the same shape, in mm.
        root: indices of the joints whose middle is the root.

    Returns:
        The scaled prediction and the truth, both root-centred, in the truth's unit.

    Example:
        >>> truth = torch.arange(84.0).reshape(2, 14, 3)
        >>> scaled, centred = sequence_scaled(truth / 8, truth)
        >>> bool(torch.allclose(scaled, centred))
        True
    """
    source, target = root_centred(prediction, root=root), root_centred(truth, root=root)
    flat = "... frames joints xyz -> ... (frames joints) xyz"
    scale = least_squares_scale(rearrange(source, flat), rearrange(target, flat))
    return rearrange(scale, "... -> ... 1 1 1") * source, target


def p_mpjpe(
    prediction: Points3D, truth: Points3D, *, reflection: Reflection = "forbidden"
) -> Float[Tensor, "*batch"]:
    """P-MPJPE: the mean joint distance after the best similarity of each frame.

    The rotation has det = +1, so a mirrored body is wrong. ``reflection="allowed"`` gives another
    figure, which some papers print under the same name; it cannot tell a body from its depth
    mirror, and no report of the library calls it P-MPJPE.

    Args:
        prediction: poses (..., joints, 3), any unit and frame.
        truth: the true poses, the same shape, in mm.
        reflection: whether a mirror image counts as right.

    Returns:
        One error a frame (...), in mm. Where all joints of a prediction coincide, the distance of
        the true joints from their mean.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> truth = torch.randn(14, 3, generator=torch.Generator().manual_seed(0)).double()
        >>> mirrored = truth * torch.tensor([1.0, 1.0, -1.0])
        >>> bool(p_mpjpe(mirrored, truth) > 0.1)
        True
        >>> bool(p_mpjpe(mirrored, truth, reflection="allowed") < 1e-9)
        True
    """
    return joint_distances(aligned(prediction, truth, reflection=reflection), truth).mean(dim=-1)


def mpjve_paper(
    prediction: Float[Tensor, "*batch frames joints 3"],
    truth: Float[Tensor, "*batch frames joints 3"],
) -> Float[Tensor, "*batch"]:
    """MPJVE as PoseNet3D defines it (Sect. 4): the velocity error of the *aligned* sequences.

    Each frame goes through its own similarity (det = +1); then the mean joint distance between
    the differences of consecutive frames is taken.

    Args:
        prediction: sequences (..., frames, joints, 3), any unit and frame.
        truth: the true sequences, the same shape, in mm.

    Returns:
        One error a sequence (...), in mm a frame: state the frame rate beside it.

    Raises:
        ShapeError: the shapes differ, or there are fewer than two frames.

    Example:
        >>> truth = torch.randn(14, 3, generator=torch.Generator().manual_seed(0)).double()
        >>> still = truth.expand(5, 14, 3)
        >>> bool(mpjve_paper(2 * still, still) < 1e-9)
        True
    """
    return velocity_distances(aligned(prediction, truth), truth).mean(dim=(-2, -1))


def mpjve_videopose3d(
    prediction: Float[Tensor, "*batch frames joints 3"],
    truth: Float[Tensor, "*batch frames joints 3"],
) -> Float[Tensor, "*batch"]:
    """MPJVE as VideoPose3D defines it (Pavllo et al. 2019): the velocity error, nothing aligned.

    Both sequences are what VideoPose3D gives in: root-relative and metric. A prediction without
    a metric scale needs one first; the protocols use :func:`sequence_scaled`.

    Args:
        prediction: sequences (..., frames, joints, 3), in mm.
        truth: the true sequences, the same shape, unit and frame.

    Returns:
        One error a sequence (...), in mm a frame: state the frame rate beside it.

    Raises:
        ShapeError: the shapes differ, or there are fewer than two frames.

    Example:
        >>> truth = torch.zeros(3, 14, 3)
        >>> drifting = truth + torch.tensor([0.0, 3.0, 6.0]).reshape(3, 1, 1)
        >>> round(float(mpjve_videopose3d(drifting, truth)), 4)  # 3 mm along each of three axes
        5.1962
    """
    return velocity_distances(prediction, truth).mean(dim=(-2, -1))


def velocity_distances(
    prediction: Float[Tensor, "*batch frames joints 3"],
    truth: Float[Tensor, "*batch frames joints 3"],
) -> Float[Tensor, "*batch steps joints"]:
    """How far each joint's step to the next frame is from its true step; nothing is aligned.

    Args:
        prediction: sequences (..., frames, joints, 3).
        truth: the true sequences, the same shape and unit.

    Returns:
        Distances (..., frames - 1, joints), in the input's unit a frame.

    Raises:
        ShapeError: the shapes differ, or there are fewer than two frames.

    Example:
        >>> velocity_distances(torch.zeros(3, 14, 3), torch.zeros(3, 14, 3)).shape
        torch.Size([2, 14])
    """
    _check_alike(prediction, truth)
    if prediction.shape[-3] < 2:
        raise ShapeError(
            "prediction",
            expected="two or more frames, (..., frames, joints, 3)",
            got=str(tuple(prediction.shape)),
            do="a velocity needs two frames; leave this clip out",
        )
    distances: Tensor = torch.linalg.vector_norm((prediction - truth).diff(dim=-3), dim=-1)
    return distances


def bone_lengths(
    points: Points3D, bones: tuple[tuple[int, int], ...] = LIMB_BONES
) -> Float[Tensor, "*batch bones"]:
    """The length of each bone.

    Args:
        points: poses (..., joints, 3).
        bones: pairs of joint indices; the eight limb bones of ``lsp_14``.

    Returns:
        Lengths (..., bones), in the unit of the input.

    Example:
        >>> bone_lengths(torch.zeros(14, 3)).shape
        torch.Size([8])
    """
    ends = torch.tensor(bones, device=points.device)
    along = points[..., ends[:, 0], :] - points[..., ends[:, 1], :]
    lengths: Tensor = torch.linalg.vector_norm(along, dim=-1)
    return lengths


def mblstd(
    prediction: Float[Tensor, "*batch frames joints 3"],
    truth: Float[Tensor, "*batch frames joints 3"],
    *,
    bones: tuple[tuple[int, int], ...] = LIMB_BONES,
    root: tuple[int, ...] = HIPS,
) -> Float[Tensor, "*batch"]:
    """MBLSTD (PoseNet3D, Sect. 4): how much the limbs change their length over a sequence.

    The population standard deviation (as in Eq. 4) of each of the eight limb bones over the
    frames, averaged over the bones. The truth serves for the unit alone: one least-squares scale
    a sequence takes the prediction to millimetres.

    Args:
        prediction: sequences (..., frames, joints, 3), any unit.
        truth: the true sequences, the same shape, in mm.
        bones: pairs of joint indices; the eight limb bones of ``lsp_14``.
        root: indices of the joints whose middle is the root.

    Returns:
        One number a sequence (...), in mm; zero for a rigid body and for a single frame.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> pose = torch.randn(14, 3, generator=torch.Generator().manual_seed(0)).double()
        >>> bool(mblstd(pose.expand(5, 14, 3), pose.expand(5, 14, 3)) < 1e-9)
        True
    """
    _check_alike(prediction, truth)
    scaled, _ = sequence_scaled(prediction, truth, root=root)
    lengths = bone_lengths(scaled, bones)
    return reduce(lengths.std(dim=-2, correction=0), "... bones -> ...", "mean")


def pck(
    prediction: Points3D, truth: Points3D, *, threshold: float = PCK_THRESHOLD
) -> Float[Tensor, "*batch"]:
    """PCK: the share of joints that are *strictly* nearer to the truth than the threshold.

    Nothing is aligned here. The paper's table takes it after the similarity (:func:`aligned`), as
    SPIN does; others after centring on the root.

    MPI-INF-3DHP's ``mpii_compute_3d_pck.m`` counts ``error < 150`` as well, over 14 joints
    (``mpii_get_pck_auc_joint_groups.m``) that are those of ``lsp_14``, and takes the mean over all
    joints of all frames. It centres both poses on the dataset's pelvis joint, which ``lsp_14``
    does not have, and scales nothing.

    Args:
        prediction: poses (..., joints, 3), in mm, aligned as you want it.
        truth: the true poses, the same shape, unit and frame.
        threshold: in mm.

    Returns:
        One share a frame (...), in percent.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> off = torch.tensor([[0.0, 0, 0], [149, 0, 0], [150, 0, 0], [151, 0, 0]])
        >>> pck(off, torch.zeros(4, 3))  # exactly 150 mm is out
        tensor(50.)
    """
    distances = joint_distances(prediction, truth)
    return 100.0 * (distances < threshold).to(distances.dtype).mean(dim=-1)


def auc(prediction: Points3D, truth: Points3D) -> Float[Tensor, "*batch"]:
    """AUC: the mean of PCK over the 31 thresholds 0, 5, ..., 150 mm.

    The threshold 0 is one of them, as in MPI-INF-3DHP's own evaluation (``thresh = 0:5:150`` in
    ``mpii_compute_3d_pck.m``), and no joint is strictly nearer than 0: a perfect prediction reaches
    30/31, 96.8 %.

    Args:
        prediction: poses (..., joints, 3), in mm, aligned as you want it.
        truth: the true poses, the same shape, unit and frame.

    Returns:
        One number a frame (...), in percent.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> round(float(auc(torch.zeros(14, 3), torch.zeros(14, 3))), 2)
        96.77
    """
    distances = joint_distances(prediction, truth).contiguous()
    thresholds = distances.new_tensor(AUC_THRESHOLDS)
    reached = len(AUC_THRESHOLDS) - torch.bucketize(distances, thresholds, right=True)
    return 100.0 * (reached.to(distances.dtype) / len(AUC_THRESHOLDS)).mean(dim=-1)


def depth_negated(points: Points3D) -> Points3D:
    """The depth mirror: the same pose with its depth axis turned round.

    In the limit of a distant camera it has the same 2D views (see the page on conventions), so a
    lifter that learns from 2D alone may end in it.

    Args:
        points: root-centred poses (..., joints, 3) in the camera frame.

    Returns:
        Poses of the same shape, z negated.

    Example:
        >>> depth_negated(torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[ 1.,  2., -3.]])
    """
    return points * points.new_tensor([1.0, 1.0, -1.0])


def flat_depth(points: Points2D, *, distance: float = 10.0) -> Points3D:
    """The baseline that knows nothing: every joint at the same depth as the root.

    ``X = (x c, y c, 0)``: the lifter with all its depth offsets at zero (Sect. 3.1).

    Args:
        points: root-centred normalised 2D (..., joints, 2).
        distance: c, the root's depth in head-to-root lengths.

    Returns:
        Root-centred poses (..., joints, 3) in the camera frame, in head-to-root lengths.

    Example:
        >>> flat_depth(torch.tensor([[0.1, -0.05]]))
        tensor([[ 1.0000, -0.5000,  0.0000]])
    """
    return torch.nn.functional.pad(points * distance, (0, 1))


def _check_alike(prediction: Tensor, truth: Tensor) -> None:
    if prediction.shape != truth.shape:
        raise ShapeError(
            "prediction",
            expected=f"the shape of the truth, {tuple(truth.shape)}",
            got=str(tuple(prediction.shape)),
        )
