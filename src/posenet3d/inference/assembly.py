"""A stitched answer and what is known of its 2D made one `Reconstruction`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from posenet3d.data import Anchoring
from posenet3d.inference.camera import assumed_camera
from posenet3d.inference.placing import body_joints, metres_per_unit, rest_height
from posenet3d.inference.root import DEPTH_SECONDS, fill_root, fit_root, smooth_depth
from posenet3d.inference.stitching import Stitched
from posenet3d.inference.windows import stretches_of
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import PoseNet3D
from posenet3d.reconstruction import AssumedCamera, BodyMotion, Reconstruction
from posenet3d.skeletons import convert

_CHUNK = 65536

LEVEL = (0.0, -1.0, 0.0)
"""The direction against gravity for a camera that is held level: the image's up."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a caller asks of a reconstruction, checked.

    Example:
        >>> Wanted().fusion
        'mean'
    """

    fusion: str = "mean"
    """Whose skeleton: ``mean``, ``teacher`` or ``student``."""
    height_m: float | None = None
    """The person's height in metres, if it is known."""
    focal: float | None = None
    """The focal length in the keypoints' unit, if it is known."""
    up: tuple[float, float, float] | None = None
    """Unit vector against gravity, camera frame, if it is known."""


def assemble(
    model: PoseNet3D,
    sequence: KeypointSequence,
    anchors: Anchoring,
    stitched: Stitched,
    wanted: Wanted,
    provenance: Mapping[str, str],
) -> Reconstruction:
    """The reconstruction of a sequence from what the network said of it.

    Args:
        model: the network.
        sequence: the keypoints that were lifted.
        anchors: their root and scale.
        stitched: the network's answer, a row a frame.
        wanted: what the caller asks for.
        provenance: what made it; facts found here are added.
    """
    shape = stitched.betas
    scale = 1.0 if wanted.height_m is None else wanted.height_m / rest_height(model, shape)
    unit = metres_per_unit(model, stitched.teacher)
    branches = {"teacher": stitched.teacher.numpy() * np.float32(unit * scale)}
    hips = None
    if shape is not None and stitched.rotations is not None:
        joints, hips = body_joints(model, shape, stitched.rotations)
        branches["student"] = joints * np.float32(scale)
    fused = fuse(branches, wanted.fusion)
    camera, focal_from = assumed_camera(sequence, anchors, wanted.focal)
    root, invented = track(sequence, fused, camera, model.config.distance * unit * scale)
    body = None
    if shape is not None and stitched.rotations is not None and hips is not None:
        body = BodyMotion(
            betas=shape.numpy().astype(np.float64),
            rotations=stitched.rotations.numpy(),
            translation=root - scale * hips,
            model=model.config.body_model,
            family=model.body.family,
            scale=scale,
        )
    return Reconstruction(
        joints3d=fused,
        root=root,
        keypoints=sequence,
        body=body,
        branches=branches,
        invented=invented,
        camera=camera,
        up=np.array(LEVEL if wanted.up is None else wanted.up),
        up_from="camera" if wanted.up is None else "given",
        height_m=wanted.height_m,
        provenance={
            **provenance,
            "fusion": wanted.fusion if "student" in branches else "teacher",
            "scale": "unknown: the body model's metres" if wanted.height_m is None else "height_m",
            "focal": focal_from,
            "root": "robust least squares of the reprojection, frame by frame; depth smoothed by a "
            f"Gaussian of {DEPTH_SECONDS:g} s",
        },
    )


def fuse(
    branches: Mapping[str, Float[np.ndarray, "frames 14 3"]], fusion: str
) -> Float[np.ndarray, "frames 14 3"]:
    """The skeleton of one branch, or the mean of both; the teacher's where there is no other.

    Example:
        >>> fuse({"teacher": np.zeros((1, 14, 3)), "student": np.ones((1, 14, 3))}, "mean")[0, 0]
        array([0.5, 0.5, 0.5])
    """
    if "student" not in branches:
        return branches["teacher"]
    if fusion == "mean":
        return (branches["teacher"] + branches["student"]) / 2
    return branches[fusion]


def track(
    sequence: KeypointSequence,
    joints: Float[np.ndarray, "frames 14 3"],
    camera: AssumedCamera,
    otherwise: float,
) -> tuple[Float[np.ndarray, "frames 3"], Bool[np.ndarray, "frames 14"]]:
    """The root of each frame, and which joints' 2D nobody saw.

    A joint counts by the detector's confidence; one without any is taken as not seen.

    Args:
        sequence: the keypoints.
        joints: ``lsp_14`` skeletons about the hips' middle, metres, camera frame.
        camera: the camera.
        otherwise: metres straight ahead for a sequence in which no frame can be placed.

    Returns:
        The root (frames, 3), metres, and a mask (frames, 14).
    """
    root = np.empty((len(sequence), 3))
    invented = np.empty((len(sequence), 14), dtype=np.bool_)
    for start in range(0, len(sequence), _CHUNK):
        chosen = slice(start, start + _CHUNK)
        seen = convert(
            sequence.points[chosen], sequence.layout, "lsp_14", sequence.confidence[chosen]
        )
        invented[chosen] = ~(np.isfinite(seen.points).all(axis=-1) & (seen.confidence > 0))
        root[chosen] = fit_root(
            joints[chosen].astype(np.float64), seen.points, seen.confidence, camera
        )
    root = fill_root(root, otherwise)
    for first, stop in stretches_of(sequence):
        root[first:stop] = smooth_depth(root[first:stop], DEPTH_SECONDS * sequence.fps)
    return root, invented
