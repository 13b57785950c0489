"""Virtual cameras around a motion clip, the same ones for the same clip on every machine.

A rig is a protocol: from the clip's key alone it seeds a generator, and from its draws and the
clip's joints it places the cameras. ``cmu14`` has Human3.6M's geometry; ``cmu14-wild`` has cameras
as people hold them.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.data.motion import MotionClip
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.keypoints import KeypointSequence

_NEAREST = 1.0  # metres that every joint lies in front of a camera
_STEP_BACK = 1.15
_TRIES = 200
SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera without distortion whose principal point is the image's centre.

    Attributes:
        extrinsics: (3, 4) float64, from the world (metres, z up) to the camera's frame (metres;
            x right, y down, z forward).
        focal: the focal length in half image widths.

    Example:
        >>> front = Camera(np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 4]]), focal=2.0)
        >>> front.to_camera(np.array([[0.0, 0, 1]]))  # a metre above: y is down
        array([[ 0., -1.,  4.]])
    """

    extrinsics: Float[np.ndarray, "3 4"]
    focal: float

    def to_camera(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points in the camera's frame.

        Args:
            points: (..., 3) metres, world frame.

        Returns:
            (..., 3) metres, camera frame.

        Example:
            >>> Camera(np.eye(3, 4), focal=1.0).to_camera(np.ones((2, 3))).shape
            (2, 3)
        """
        return np.asarray(points @ self.extrinsics[:, :3].T + self.extrinsics[:, 3])

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """World points in the image: focal (x / z, y / z).

        Args:
            points: (..., 3) metres, world frame, in front of the camera.

        Returns:
            (..., 2) in half image widths from the image's centre, x right, y down.

        Example:
            >>> Camera(np.eye(3, 4), focal=2.0).project(np.array([1.0, 0.5, 4.0]))
            array([0.5 , 0.25])
        """
        seen = self.to_camera(points)
        return np.asarray(self.focal * seen[..., :2] / seen[..., 2:])


class _View(NamedTuple):
    """One draw of a rig: radians, metres and half image widths."""

    azimuth: float
    pitch: float
    roll: float
    distance: float
    focal: float


def _human36m_like(random: np.random.Generator, views: int) -> list[_View]:
    """Four cameras a quarter turn apart, 5 m away, looking down by 12.7 degrees."""
    first = random.uniform(0, 2 * np.pi)
    return [
        _View(
            azimuth=first + np.radians(90.0 * view + random.normal(0, 5)),
            pitch=np.radians(random.normal(12.7, 1.5)),
            roll=np.radians(random.normal(0, 3)),
            distance=random.normal(5.1, 0.3),
            focal=random.normal(2.29, 0.01),
        )
        for view in range(views)
    ]


def _hand_held(random: np.random.Generator, views: int) -> list[_View]:
    """Cameras from anywhere, near and far, one in ten of them strongly rolled."""
    random.uniform(0, 2 * np.pi)  # the protocol throws the first draw away
    return [
        _View(
            azimuth=random.uniform(0, 2 * np.pi),
            pitch=np.radians(random.uniform(-5, 35)),
            roll=np.radians(_hand_held_roll(random)),
            distance=random.uniform(2.5, 8),
            focal=random.uniform(1, 3),
        )
        for _ in range(views)
    ]


def _hand_held_roll(random: np.random.Generator) -> float:
    if random.uniform() > 0.1:
        return float(random.normal(0, 6))
    return float(random.choice((-1, 1)) * random.uniform(15, 30))


@dataclass(frozen=True)
class CameraRig:
    """A protocol that places cameras around any clip; see `camera_rig`.

    Attributes:
        name: the protocol's name.
        views: how many cameras film a clip.

    Example:
        >>> clip = MotionClip("S1/still", np.ones((3, 14, 3)), "lsp_14", fps=50.0)
        >>> rig = camera_rig("cmu14-wild", "train")
        >>> rig.views, len(rig.cameras(clip))
        (8, 8)
    """

    name: str
    views: int
    _seed_prefix: str
    _draw: Callable[[np.random.Generator, int], list[_View]]

    def cameras(self, clip: MotionClip) -> tuple[Camera, ...]:
        """The clip's cameras, a function of its key and joints alone.

        The optical axes meet in the mean of all joint positions; a camera from which a joint
        would lie less than a metre in front steps back by factors of 1.15.

        Args:
            clip: the clip to film.

        Returns:
            One camera a view.

        Raises:
            DataError: the clip is so large that no distance will do.

        Example:
            >>> clip = MotionClip("S01/still", np.ones((3, 14, 3)), "lsp_14", fps=50.0)
            >>> [round(c.focal, 2) for c in camera_rig("cmu14").cameras(clip)]
            [2.28, 2.28, 2.28, 2.31]
        """
        digest = hashlib.sha256(f"{self._seed_prefix}/{clip.key}".encode()).digest()
        random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
        return tuple(_placed(clip, view) for view in self._draw(random, self.views))


def _placed(clip: MotionClip, view: _View) -> Camera:
    """A camera that looks at the clip's middle from the nearest distance that will do."""
    middle = clip.joints.reshape(-1, 3).mean(axis=0)
    rotation = _look(view)
    depth = (clip.joints - middle) @ rotation[2]
    distance = view.distance
    for _ in range(_TRIES):
        if depth.min() + distance >= _NEAREST:
            shift = np.array([0.0, 0.0, distance]) - rotation @ middle
            return Camera(np.column_stack([rotation, shift]), view.focal)
        distance *= _STEP_BACK
    raise DataError(clip.key, "expected metres, got joints too far apart for any camera to see.")


def _look(view: _View) -> Float[np.ndarray, "3 3"]:
    """The rotation from the world to a camera that stands at `azimuth`, higher by `pitch`."""
    sin, cos = np.sin, np.cos
    away = np.array(
        [cos(view.pitch) * cos(view.azimuth), cos(view.pitch) * sin(view.azimuth), sin(view.pitch)]
    )
    right = np.array([-sin(view.azimuth), cos(view.azimuth), 0.0])
    level = np.stack([right, np.cross(-away, right), -away])
    roll = np.array(
        [[cos(view.roll), -sin(view.roll), 0], [sin(view.roll), cos(view.roll), 0], [0, 0, 1]]
    )
    return np.asarray(roll @ level)


class _Protocol(NamedTuple):
    """What tells the rigs apart."""

    seed_prefix: str
    draw: Callable[[np.random.Generator, int], list[_View]]
    views: Mapping[str, int]


_PROTOCOLS: Mapping[str, _Protocol] = MappingProxyType(
    {
        "cmu14": _Protocol("cmu14", _human36m_like, {"train": 4, "test": 4}),
        "cmu14-wild": _Protocol("wild", _hand_held, {"train": 8, "test": 4}),
    }
)
RIGS: tuple[str, ...] = tuple(_PROTOCOLS)
"""The names of the protocols' rigs."""


def camera_rig(name: str, split: str = "train") -> CameraRig:
    """The camera rig of a protocol.

    * ``cmu14``: 4 views as in Human3.6M: a quarter turn apart (with 5 degrees of scatter), pitch
      12.7 ± 1.5 degrees, roll ± 3, distance 5.1 ± 0.3 m, focal length 2.29 ± 0.01 half widths.
    * ``cmu14-wild``: 8 views a training clip and 4 a test clip, from any azimuth, pitch -5 to
      35 degrees, roll ± 6 degrees and in one of ten 15 to 30, distance 2.5 to 8 m, focal length
      1 to 3.

    Args:
        name: ``"cmu14"`` or ``"cmu14-wild"``.
        split: ``"train"`` or ``"test"``.

    Returns:
        The rig.

    Raises:
        UnknownNameError: no such rig or split.

    Example:
        >>> camera_rig("cmu14-wild").views, camera_rig("cmu14-wild", split="test").views
        (8, 4)
    """
    if name not in _PROTOCOLS:
        raise UnknownNameError("camera rig", name, _PROTOCOLS)
    protocol = _PROTOCOLS[name]
    if split not in protocol.views:
        raise UnknownNameError("split", split, protocol.views)
    return CameraRig(name, protocol.views[split], protocol.seed_prefix, protocol.draw)


def observe(clip: MotionClip, camera: Camera, name: str | None = None) -> KeypointSequence:
    """What a camera sees of a clip: exact 2D points of the same joints.

    Args:
        clip: the motion, metres, world frame.
        camera: the camera.
        name: the sequence's source; the clip's key if ``None``.

    Returns:
        The 2D keypoints, unit ``"normalized"`` (half image widths from the image's centre), with
        confidence 1. Nothing in it tells depth.

    Raises:
        DataError: a joint lies on or behind the camera's plane.

    Example:
        >>> clip = MotionClip("S01/still", np.ones((3, 14, 3)), "lsp_14", fps=50.0)
        >>> observe(clip, Camera(np.eye(3, 4), focal=2.0)).points[0, 0]
        array([2., 2.])
    """
    if camera.to_camera(clip.joints)[..., 2].min() <= 0:
        raise DataError(clip.key, "expected every joint in front of the camera, got one behind it.")
    return KeypointSequence(
        points=camera.project(clip.joints),
        layout=clip.layout,
        fps=clip.fps,
        unit="normalized",
        source=clip.key if name is None else name,
    )
