"""What a rig's cameras tell of the pitch without any training: theirs, their rays', and the game's.

The game's optimum is looked for with true depths in place of a lifter's: the pitch at which bodies
turned about gravity and seen anew look most like the real 2D, by the sliced Wasserstein distance
between whitened single poses.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.data import Camera, MotionClip, camera_rig, normalize, observe
from posenet3d.geometry import reproject
from posenet3d.skeletons import LSP_14, convert
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips
from posenet3d.views import camera_pitch, turn_about_gravity

EVERY = 12
POSES = 6000
DIRECTIONS = 256
STEPS = 150
DISTANCE = 10.0
"""c of the presets, head-to-root lengths."""


@dataclass(frozen=True)
class Rig:
    """Every so many frames of all clips as CMU-14's training cameras see them.

    Attributes:
        cameras: the cameras' pitch (frames,), degrees.
        rays: the pitch of the rays to the hips (frames,), degrees.
        hips: the hips' middle over the focal length (frames, 2), from the principal point.
        distances: from camera to hips (frames,), head-to-root lengths.
        image: normalised 2D (frames, 14, 2), as the networks eat it.
        depths: joints behind the hips (frames, 14) along the ray to them, head-to-root lengths.
    """

    cameras: Float[np.ndarray, " frames"]
    rays: Float[np.ndarray, " frames"]
    hips: Float[np.ndarray, "frames 2"]
    distances: Float[np.ndarray, " frames"]
    image: Float[np.ndarray, "frames joints 2"]
    depths: Float[np.ndarray, "frames joints"]

    @classmethod
    def of(cls, clips: Sequence[MotionClip]) -> "Rig":
        """What the cameras see of these clips."""
        rig = camera_rig("cmu14")
        parts = [seen(clip, camera) for clip in clips for camera in rig.cameras(clip)]
        return cls(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def measured(self) -> dict[str, float]:
        """The means, in degrees and head-to-root lengths."""
        told = camera_pitch(float(np.radians(self.rays).mean()), self.hips, 1)
        return {
            "frames": len(self.rays),
            "camera": float(self.cameras.mean()),
            "camera_spread": float(self.cameras.std()),
            "rays": float(self.rays.mean()),
            "rays_spread": float(self.rays.std()),
            "camera_from_rays": math.degrees(told),
            "distance": float(self.distances.mean()),
        }


def seen(clip: MotionClip, camera: Camera) -> tuple[np.ndarray, ...]:
    """A clip from one camera, in the order of `Rig`'s attributes."""
    sequence = observe(clip, camera)
    whole = normalize(sequence.to_layout("lsp_14").points, distance=DISTANCE)
    frames = slice(0, None, EVERY)
    joints = convert(camera.to_camera(clip.joints), clip.layout, "lsp_14").points
    root = middle_of_hips(torch.from_numpy(joints)).numpy()
    length = np.linalg.norm(joints[:, LSP_14.index("head_top")] - root[:, 0], axis=-1).mean()
    ray = root[:, 0] / np.linalg.norm(root[:, 0], axis=-1, keepdims=True)
    up = camera.extrinsics[:, 2]
    behind = np.einsum("fja,fa->fj", joints - root, ray) / length
    return (
        np.full(len(ray), math.degrees(math.asin(-up[2])))[frames],
        np.degrees(np.arcsin(-ray @ up))[frames],
        (whole.root / camera.focal)[frames],
        (root[:, 0, 2] / length)[frames],
        whole.points[frames],
        behind[frames],
    )


def optima(rig: Rig) -> list[dict[str, Any]]:
    """The pitch at which true bodies look most real, at the presets' distance and the true one."""
    found = []
    for distance in (DISTANCE, float(rig.distances.mean())):
        for bent in (False, True):
            found.append({"distance": distance, "bent": bent, **optimum(rig, distance, bent=bent)})
    return found


def optimum(rig: Rig, distance: float, *, bent: bool) -> dict[str, float]:
    """The pitch for one distance; ``bent``: depth may also be scaled, and sheared along y."""
    torch.manual_seed(0)
    image = centre_on_hips(torch.from_numpy(rig.image).float() * DISTANCE / distance)
    depths = torch.from_numpy(rig.depths).float()
    look = lookout(image)
    real = look(some(image)).sort(0).values
    pitch, bend = torch.tensor(8.0, requires_grad=True), torch.zeros(2, requires_grad=True)
    groups = [{"params": [pitch], "lr": 0.3}, {"params": [bend], "lr": 0.02 if bent else 0.0}]
    descent, tail = torch.optim.Adam(groups), []
    for step in range(STEPS):
        rows = torch.randperm(len(image))[:POSES]
        far = distance + depths[rows] * bend[0].exp() + bend[1] * distance * image[rows, :, 1]
        fakes = reprojected(image[rows], far, pitch, distance)
        loss = (look(fakes).sort(0).values - real).square().mean()
        descent.zero_grad()
        loss.backward()
        descent.step()
        if step >= 2 * STEPS // 3:
            tail.append([pitch.item(), bend[0].exp().item(), bend[1].item()])
    return dict(zip(("pitch", "scale", "shear"), np.mean(tail, axis=0).tolist(), strict=True))


def some(image: Tensor) -> Tensor:
    """As many poses as a step compares."""
    return image[torch.randperm(len(image))[:POSES]]


def lookout(image: Tensor) -> Any:
    """Projects poses onto random directions, after whitening by the real ones."""
    flat = image.flatten(1)
    mean = flat.mean(0)
    _, sizes, axes = torch.linalg.svd(flat - mean, full_matrices=False)
    spread = sizes / math.sqrt(len(flat))
    directions = torch.nn.functional.normalize(torch.randn(flat.shape[1], DIRECTIONS), dim=0)
    whiten = axes.T @ torch.diag(1 / (spread + 0.02 * spread[0])) @ directions
    return lambda poses: (poses.flatten(1) - mean) @ whiten


def reprojected(image: Tensor, far: Tensor, pitch: Tensor, distance: float) -> Tensor:
    """Poses lifted to given depths, turned as the sampler `learned` turns them, seen again."""
    bodies = torch.cat([image * far[..., None], far[..., None]], dim=-1)
    azimuth = (2 * torch.rand(len(bodies)) - 1) * math.pi
    elevation = (2 * torch.rand(len(bodies)) - 1) * math.radians(3.0)
    turn = turn_about_gravity(torch.deg2rad(pitch), azimuth, elevation)
    return centre_on_hips(reproject(bodies, middle_of_hips(bodies), turn, distance)[1])
