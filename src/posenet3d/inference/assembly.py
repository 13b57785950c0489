"""A stitched answer and what is known of its 2D made one `Reconstruction`."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from posenet3d.data import Anchoring
from posenet3d.inference.camera import assumed_camera
from posenet3d.inference.gravity import estimate_up
from posenet3d.inference.placing import body_joints, metres_per_unit, rest_height
from posenet3d.inference.root import DEPTH_SECONDS, fill_root, fit_root, smooth_depth
from posenet3d.inference.stitching import Stitched
from posenet3d.inference.wanted import Wanted
from posenet3d.keypoints import KeypointSequence
from posenet3d.keypoints.stretches import stretches_of
from posenet3d.networks import PoseNet3D
from posenet3d.reconstruction import AssumedCamera, BodyMotion, Reconstruction
from posenet3d.skeletons import convert

_CHUNK = 65536

_UP_FRAMES = 20_000  # that are looked at for gravity

ROOT = (
    "robust least squares of the reprojection, a frame at a time; depth smoothed by a Gaussian of "
    f"{DEPTH_SECONDS:g} s"
)
"""How the root is found, in words."""


def assemble(
    model: PoseNet3D,
    sequence: KeypointSequence,
    anchors: Anchoring,
    stitched: Stitched,
    wanted: Wanted,
    provenance: Mapping[str, str],
    filled: Bool[np.ndarray, "frames joints"] | None = None,
) -> Reconstruction:
    """The reconstruction of a sequence from what the network said of it.

    Args:
        model: the network.
        sequence: the keypoints that were lifted.
        anchors: their root and scale.
        stitched: the network's answer, a row a frame.
        wanted: what the caller asks for.
        provenance: what made it; facts found here are added.
        filled: which known joints of the sequence nobody saw.
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
    placed = branches.get("student", fused)  # of one size; the teacher's follows its own camera
    ahead = model.config.distance * unit * scale
    root, invented = track(sequence, placed, camera, ahead, filled)
    up, up_from, up_told = _up(model, fused, invented, sequence.fps, wanted)
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
        up=up,
        up_from=up_from,
        height_m=wanted.height_m,
        provenance={
            **provenance,
            "fusion": wanted.fusion if "student" in branches else "teacher",
            "scale": "unknown: the body model's metres" if wanted.height_m is None else "height_m",
            "focal": focal_from,
            "root": ROOT,
            "up": up_told,
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
        mean: Float[np.ndarray, "frames 14 3"] = (branches["teacher"] + branches["student"]) / 2
        return mean
    return branches[fusion]


def track(
    sequence: KeypointSequence,
    joints: Float[np.ndarray, "frames 14 3"],
    camera: AssumedCamera,
    otherwise: float,
    filled: Bool[np.ndarray, "frames joints"] | None = None,
) -> tuple[Float[np.ndarray, "frames 3"], Bool[np.ndarray, "frames 14"]]:
    """The root of each frame, and which joints' 2D nobody saw.

    A joint counts by the detector's confidence; one without any is taken as not seen.

    Args:
        sequence: the keypoints.
        joints: ``lsp_14`` skeletons about the hips' middle, metres, camera frame.
        camera: the camera.
        otherwise: metres straight ahead for a sequence in which no frame can be placed.
        filled: which known joints of the sequence nobody saw; they count for the root.

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
        invented[chosen] = seen.confidence == 0
        if filled is not None:
            invented[chosen] |= _made_of(sequence, chosen, filled[chosen])
        root[chosen] = fit_root(joints[chosen], seen.points, seen.confidence, camera)
    root = fill_root(root, otherwise)
    for first, stop in stretches_of(sequence.frame_index):
        root[first:stop] = smooth_depth(root[first:stop], DEPTH_SECONDS * sequence.fps)
    return root, invented


def _made_of(
    sequence: KeypointSequence, chosen: slice, filled: Bool[np.ndarray, "some joints"]
) -> Bool[np.ndarray, "some 14"]:
    """Which ``lsp_14`` joints could not be told without the joints that were filled in."""
    points = np.where(filled[..., None], np.nan, sequence.points[chosen])
    confidence = sequence.confidence[chosen]
    left = convert(points, sequence.layout, "lsp_14", confidence).points
    return np.asarray(~np.isfinite(left).all(axis=-1))


def _up(
    model: PoseNet3D,
    joints: Float[np.ndarray, "frames 14 3"],
    invented: Bool[np.ndarray, "frames 14"],
    fps: float,
    wanted: Wanted,
) -> tuple[Float[np.ndarray, " 3"], str, str]:
    """The direction against gravity, where it comes from, and how sure it is in words."""
    if wanted.up is not None:
        return np.array(wanted.up), "given", "given"
    step = 1 + len(joints) // _UP_FRAMES
    pitch = model.views.pitch
    found = estimate_up(
        joints[::step],
        fps / step,
        pitch=0.0 if pitch is None else float(pitch),
        seen=~invented[::step],
    )
    how = "from the motion" if found.from_motion > 0.5 else "mostly from how cameras are held"
    told = f"estimated {how}, some {found.uncertainty_degrees:.0f} degrees off, if not more"
    return found.up, "estimated", told
