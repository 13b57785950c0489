"""The arrays of an AMASS file, which the SMPL-X Blender add-on and most motion code read.

AMASS (Mahmood et al. 2019) has the world z up, lengths in metres, and vertices that are
``body(betas, poses) + trans``; ``poses`` are rotation vectors, 55 joints of SMPL-X or 52 of SMPL-H,
of which the first 22 are SMPL's.

The add-on (``SMPLXAddAnimation`` in its ``__init__.py``, version 2022-06-23) reads all 55 joints of
a frame, so SMPL-H files fail in it; makes the frame rate an integer and refuses one below its
target, 30 by default; and takes every ``int(rate / target)``-th frame, so that any rate that is not
a multiple of the target plays at the wrong speed. Its format "AMASS" turns the armature's root by
-90 degrees about x, for files that are z up, as these are.
"""

import math
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.body import SMPL_JOINT_NAMES
from posenet3d.geometry import rotmat_to_rotvec
from posenet3d.geometry.resampling import frames_around
from posenet3d.reconstruction import BodyMotion, Reconstruction, world_motion
from posenet3d.reconstruction.world import RootMotion

AmassModel = Literal["smplx", "smplh"]

JOINTS = {"smplx": 55, "smplh": 52}
"""How many joints ``poses`` has; those after the body's 22 (face and hands) are zero."""

REST_PELVIS = {"smplx": (0.0, -0.35, 0.01), "smplh": (0.0, -0.22, 0.03)}
"""Where the pelvis of the mean neutral body is at rest, metres, to the centimetre.

Bodies turn about their pelvis, and ``trans`` moves the origin, which is elsewhere in each model. An
error here shifts the whole motion by as much, the same in every frame: the second number sideways
on the floor, the third up or down.

Looked up in public code of 2026: (0.003, -0.351, 0.012) for SMPL-X in AMASS loaders made with
fairmotion and in Hugging Face's SMPL kinematics; (-0.002, -0.223, 0.028) for SMPL-H in loaders made
with amasstools. SMPL's male body has -0.241 and its female -0.211 as the second number (loaders of
SURREAL), so for another gender or shape than the file says, expect some centimetres.
"""

BODY_JOINTS = SMPL_JOINT_NAMES[:22]
NUM_BETAS = 16
MOST_FRAMES = 20_000_000
"""How many frames resampling may lead to, gaps included: a week at 30 frames a second."""

_FRAMES_AT_ONCE = 4096


def amass_arrays(
    lifted: Reconstruction,
    model: AmassModel = "smplx",
    fps: int | None = None,
    root: RootMotion = "grounded",
) -> dict[str, np.ndarray]:
    """AMASS's keys for a reconstruction, at a frame rate that the Blender add-on plays rightly.

    ``betas`` are zero, the mean body, unless ours is SMPL and ``model`` is ``"smplh"``, which has
    SMPL's shapes: betas of one model mean nothing to another. ``amass_note`` says so. The feet may
    be some centimetres off the floor, since that body's legs are not ours.

    Args:
        lifted: what is written.
        model: whose joints ``poses`` has; the Blender add-on reads ``"smplx"`` only.
        fps: frames a second, 30 or more; the next multiple of 30 if ``None``.
        root: ``"grounded"``, ``"track"`` or ``"still"``.

    Returns:
        ``poses`` (N, 165 or 156) float32, ``trans`` (N, 3) float64, ``betas`` (16,), ``gender``,
        ``mocap_frame_rate``, ``mocap_framerate``, ``mocap_time_length``, ``surface_model_type``
        and ``amass_note``; that note alone, with the reason, where there is no such motion.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> from posenet3d.plugins import PluginSpec
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> eye = np.broadcast_to(np.eye(3), (5, 24, 3, 3))
        >>> body = BodyMotion(np.zeros(10), eye, np.zeros((5, 3)), PluginSpec(name="mannequin"))
        >>> lifted = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen, body)
        >>> arrays = amass_arrays(lifted)
        >>> arrays["poses"].shape, int(arrays["mocap_frame_rate"])
        ((5, 165), 30)
        >>> arrays["poses"][0, :3].round(2).tolist()  # upright, in a world with z up
        [1.5700000524520874, 0.0, 0.0]
    """
    times = lifted.seconds
    rate = fps or 30 * max(1, math.ceil(lifted.fps / 30 - 0.01))
    why_not = _why_not(lifted, float(times[-1]) * rate)
    if why_not or lifted.body is None:
        return {"amass_note": np.array(f"no AMASS motion: {why_not}")}
    wanted = np.arange(math.floor(times[-1] * rate + 1e-6) + 1) / rate
    poses, pelvis = _resampled(lifted, times, wanted, root)
    padded = np.zeros((len(wanted), 3 * JOINTS[model]), dtype=np.float32)
    padded[:, : poses.shape[1]] = poses
    betas, note = _betas(lifted.body, model)
    return {
        "poses": padded,
        "trans": pelvis - np.array(REST_PELVIS[model]),
        "betas": betas,
        "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(float(rate)),
        "mocap_framerate": np.array(float(rate)),
        "mocap_time_length": np.array(len(wanted) / rate),
        "surface_model_type": np.array(model),
        "amass_note": np.array(note),
    }


def _why_not(lifted: Reconstruction, frames: float) -> str:
    if lifted.body is None:
        return "there is a skeleton alone, no body"
    missing = [name for name in BODY_JOINTS if name not in lifted.body_model.joint_names]
    if missing:
        return f"body model {lifted.body.model.name!r} has no joint {missing[0]!r}"
    return f"it would have {frames:.0f} frames" if frames > MOST_FRAMES else ""


def _resampled(
    lifted: Reconstruction,
    times: Float[np.ndarray, " frames"],
    wanted: Float[np.ndarray, " wanted"],
    root: RootMotion,
) -> tuple[Float[np.ndarray, "wanted angles"], Float[np.ndarray, "wanted 3"]]:
    """The 22 joints' rotation vectors, and where the pelvis is, at the wanted times."""
    world = world_motion(lifted, "z", root)
    if world.rotations is None or world.translation is None or lifted.body is None:
        raise AssertionError("a reconstruction with a body has a world motion of it")
    joints = [lifted.body_model.joint_names.index(name) for name in BODY_JOINTS]
    rotations = world.rotations[:, joints]
    pelvis = world.translation + _rest_pelvis(lifted, lifted.body)
    between = frames_around(times, wanted)
    poses = np.empty((len(wanted), 3 * len(joints)), dtype=np.float32)
    for start in range(0, len(wanted), _FRAMES_AT_ONCE):
        chunk = slice(start, start + _FRAMES_AT_ONCE)
        part = frames_around(times, wanted[chunk])
        turned = torch.tensor(part.rotations(rotations))
        poses[chunk] = rotmat_to_rotvec(turned).flatten(1).numpy()
    return poses, between.positions(pelvis)


def _rest_pelvis(lifted: Reconstruction, body: BodyMotion) -> Float[np.ndarray, " 3"]:
    """Where the root joint of our own body is at rest, with its shape and scale."""
    model = lifted.body_model
    with torch.no_grad():
        joints = model.joints(
            torch.tensor(body.betas, dtype=torch.float32),
            torch.eye(3).expand(model.num_joints, 3, 3),
        )
    pelvis: Float[np.ndarray, " 3"] = joints[0].numpy().astype(np.float64) * body.scale
    return pelvis


def _betas(body: BodyMotion, model: AmassModel) -> tuple[Float[np.ndarray, " betas"], str]:
    betas = np.zeros(NUM_BETAS)
    if body.family.startswith("smpl") and model == "smplh":
        told = body.betas[:NUM_BETAS]
        betas[: len(told)] = told
        return betas, f"poses and betas of body family {body.family!r}; no fingers, no face"
    note = (
        f"poses of body family {body.family!r}; betas are zero, the mean body, since its own "
        f"(key body_betas) mean nothing to {model}; no fingers, no face"
    )
    return betas, note
