"""Cameras that move while they film: a protocol's still ones, moved as people move them.

A `Move` turns the track of a camera into another one; moves follow each other. All is a function of
the clip and of the view's number, so every machine films the same. Where a joint would come nearer
than a metre, the camera steps back along its optical axis, as a still one of the protocol does.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from posenet3d.data import AnnotatedSequence, MotionClip
from posenet3d.data.rigs import Camera, camera_rig
from posenet3d.evaluation.sequences import TestSequence, annotated_sequence
from posenet3d.geometry import rotation_about_z, rotvec_to_rotmat
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LSP_14, convert

NEAREST = 1.0
"""Metres that every joint lies in front of a camera."""
HIPS = LSP_14.indices("right_hip", "left_hip")


class Track(NamedTuple):
    """Where a camera is in each frame."""

    turn: np.ndarray
    """(frames, 3, 3), from the world to the camera's frame."""
    shift: np.ndarray
    """(frames, 3), metres, likewise."""
    focal: np.ndarray
    """(frames,), half image widths."""

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (frames, ..., 3) in the camera's frame."""
        turned = np.einsum("fij,f...j->f...i", self.turn, points)
        return turned + self.shift.reshape(len(self.shift), *[1] * (points.ndim - 2), 3)

    def turned(self, turn: np.ndarray) -> "Track":
        """The camera turned where it stands."""
        stands = np.einsum("fji,fj->fi", self.turn, -self.shift)
        return self._replace(turn=turn, shift=-np.einsum("fij,fj->fi", turn, stands))

    def nearer(self, metres: np.ndarray) -> "Track":
        """The camera moved along its optical axis (frames,)."""
        return self._replace(shift=self.shift - metres[:, None] * np.array([0.0, 0.0, 1.0]))


Move = Callable[[Track, MotionClip, float, np.random.Generator], Track]


def follow(track: Track, clip: MotionClip, lag: float, _: np.random.Generator) -> Track:
    """Pan and tilt that keep the hips in the middle, `lag` seconds behind; the roll stays."""
    hips = convert(clip.joints, clip.layout, "lsp_14").points[:, HIPS].mean(axis=1)
    aim, keep = hips.copy(), np.exp(-1 / (clip.fps * lag)) if lag else 0.0
    for frame in range(1, len(aim)):
        aim[frame] = keep * aim[frame - 1] + (1 - keep) * hips[frame]
    forward = np.einsum("fji,fj->fi", track.turn, track.to_camera(aim))
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    level = np.stack([right, np.cross(forward, right), forward], axis=1)
    roll = np.arctan2(track.turn[:, 0, 2], -track.turn[:, 1, 2])
    return track.turned(rotation_about_z(torch.from_numpy(roll)).numpy() @ level)


def shaking(hertz: float) -> Move:
    """Pan, tilt and roll at random, each with a standard deviation in degrees, up to `hertz`."""

    def shake(track: Track, clip: MotionClip, degrees: float, random: np.random.Generator) -> Track:
        sigma = clip.fps / (2 * np.pi * hertz)
        reach = int(np.ceil(4 * sigma))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        kernel /= np.linalg.norm(kernel)
        white = random.normal(size=(3, len(clip.joints) + 2 * reach))
        angles = np.stack([np.convolve(each, kernel, mode="valid") for each in white], axis=1)
        turn = rotvec_to_rotmat(torch.from_numpy(np.radians(degrees * angles))).numpy()
        return track.turned(turn @ track.turn)

    return shake


def orbit(track: Track, clip: MotionClip, speed: float, random: np.random.Generator) -> Track:
    """Round the clip's middle by degrees a second, either way; height and roll stay."""
    middle = clip.joints.reshape(-1, 3).mean(axis=0)
    angle = random.choice((-1, 1)) * np.radians(speed) * np.arange(len(clip.joints)) / clip.fps
    turn = track.turn @ rotation_about_z(torch.from_numpy(angle)).numpy()
    return track._replace(turn=turn, shift=track.shift + (track.turn - turn) @ middle)


def dolly(track: Track, clip: MotionClip, ratio: float, random: np.random.Generator) -> Track:
    """To the clip's middle and away from it, by turns; farthest over nearest."""
    middle = np.broadcast_to(clip.joints.reshape(-1, 3).mean(axis=0), track.shift.shape)
    away = track.to_camera(middle)[:, 2]
    return track.nearer(away * (1 - wave(clip, ratio, 8.0, random)))


def zooming(seconds: float) -> Move:
    """In and out, once in so many seconds; the longest focal length over the shortest."""

    def zoom(track: Track, clip: MotionClip, ratio: float, random: np.random.Generator) -> Track:
        return track._replace(focal=track.focal * wave(clip, ratio, seconds, random))

    return zoom


def wave(clip: MotionClip, ratio: float, seconds: float, random: np.random.Generator) -> np.ndarray:
    """A factor (frames,) that goes up and down about 1, its largest over its smallest value."""
    phase = random.uniform(0, 2 * np.pi)
    time = np.arange(len(clip.joints)) / clip.fps
    return np.asarray(ratio ** (0.5 * np.sin(2 * np.pi * time / seconds + phase)))


def all_of_it(track: Track, clip: MotionClip, times: float, random: np.random.Generator) -> Track:
    """Somebody with a phone: walks round and nearer, zooms, follows late and shakes."""
    for move, amount in ((orbit, 10.0 * times), (dolly, 1.5**times), (zooming(8.0), 1.5**times)):
        track = move(track, clip, amount, random)
    return shaking(3.0)(follow(track, clip, 0.3 * times, random), clip, 0.5 * times, random)


class Amounts(NamedTuple):
    """A move, and by how much it is tried."""

    move: Move
    words: str
    """What the camera does, with the amount."""
    amounts: tuple[float, ...]


MOVES: Mapping[str, Amounts] = {
    "follow": Amounts(follow, "it follows the person, {:g} s behind", (0.0, 1.0)),
    "sway": Amounts(shaking(0.5), "it sways by {:g}°, to 0.5 Hz", (5.0, 10.0)),
    "shake": Amounts(shaking(3.0), "it shakes by {:g}°, to 3 Hz", (1.0, 4.0)),
    "orbit": Amounts(orbit, "it goes round the person, {:g}° a second", (30.0, 90.0)),
    "dolly": Amounts(dolly, "it comes and goes, {:g} times as far, in 8 s", (1.5, 3.0)),
    "zoom": Amounts(zooming(8.0), "it zooms in and out, {:g} times, in 8 s", (1.5, 2.0, 4.0)),
    "fast zoom": Amounts(zooming(2.0), "it zooms in and out, {:g} times, in 2 s", (2.0,)),
    "all": Amounts(all_of_it, "all of it, strength {:g}", (1.0, 2.0)),
}
"""How cameras move, by name."""


def filmed(
    clip: MotionClip, condition: Any, wanted: Any
) -> Iterator[tuple[TestSequence, np.ndarray]]:
    """Each view of a clip under test cameras that move, with up (frames, 3) in the camera's frame.

    Args:
        clip: the motion.
        condition: the rig's name as ``protocol``, a name of `MOVES` or ``""`` for cameras that
            stand still, and the amount.
        wanted: what the network wants to be given.
    """
    rig, move, amount = condition.protocol, condition.name, condition.amount
    cameras = camera_rig(rig, split="test").cameras(clip)
    for view, camera in enumerate(cameras):
        track = still(camera, len(clip.joints))
        if move:
            track = MOVES[move].move(track, clip, amount, generator(clip, move, view))
        depth = track.to_camera(clip.joints)[..., 2].min(axis=1)
        track = track.nearer(np.minimum(depth - NEAREST, 0.0))
        joints = track.to_camera(clip.joints)
        points = track.focal[:, None, None] * joints[..., :2] / joints[..., 2:]
        seen = KeypointSequence(points, layout=clip.layout, fps=clip.fps, unit="normalized")
        annotated = AnnotatedSequence(clip.key, f"view {view}", seen, joints, clip.layout)
        scale = (wanted.normalization, wanted.distance, wanted.length)
        yield annotated_sequence(annotated, view, len(cameras), *scale), track.turn[:, :, 2]


def still(camera: Camera, frames: int) -> Track:
    """The track of a camera that stays where it is."""
    each = np.broadcast_to(camera.extrinsics, (frames, 3, 4))
    return Track(each[..., :3], each[..., 3], np.full(frames, camera.focal))


def generator(clip: MotionClip, move: str, view: int) -> np.random.Generator:
    """What draws for one view of a clip; the same draws whatever the amount."""
    digest = hashlib.sha256(f"{move}/{clip.key}/{view}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
