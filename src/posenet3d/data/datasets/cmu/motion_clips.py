"""A recording as motion clips: metres, z up, on the floor, without jumps, at the wanted rate."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.cmu.joint_map import LAYOUT
from posenet3d.data.motion import MotionClip
from posenet3d.skeletons import layout

ANKLE_HEIGHT = 0.08
"""How high the lowest joint stands over the floor, metres: the ankle of someone who stands."""

_LOWEST_SHARE = 1.0  # per cent of the frames that may be lower


@dataclass(frozen=True)
class Cutting:
    """How recordings become clips.

    Attributes:
        fps: the clips' frames a second.
        max_speed: metres a second; where a joint is faster from one frame to the next, the
            tracking jumped, and the recording is cut.
        min_seconds: what is shorter is left out.

    Example:
        >>> Cutting().fps
        50.0
    """

    fps: float | int = 50.0
    max_speed: float | int = 15.0
    min_seconds: float | int = 1.0

    def clips(
        self, key: str, joints: Float[np.ndarray, "frames 17 3"], fps: float
    ) -> Iterator[MotionClip]:
        """The clips of a recording.

        Each is moved, without turning, so that the middle of the pelvis's range is over the
        origin, and the lowest joint is at `ANKLE_HEIGHT` or higher in 99 of 100 of the recorded
        frames. Then joint positions are taken at 0, 1 / fps, 2 / fps … seconds on straight lines
        between the recorded frames: at 120 Hz a bone becomes shorter by less than 0.1 mm.

        Args:
            key: the clip's name; parts of a recording that was cut get ``.1``, ``.2`` …
            joints: (frames, 17, 3) in layout ``h36m_17``, metres, z up.
            fps: recorded frames a second.

        Yields:
            The clips, float32 numbers; none if the recording is too short.

        Example:
            >>> joints = np.zeros((1200, 17, 3))
            >>> joints[600:] = 9.0
            >>> [(clip.key, len(clip)) for clip in Cutting().clips("S1/01_01", joints, 120.0)]
            [('S1/01_01.1', 250), ('S1/01_01.2', 250)]
        """
        steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(axis=1, initial=0.0)
        cuts = np.flatnonzero(steps * fps > self.max_speed) + 1
        parts = [
            part for part in np.split(joints, cuts) if (len(part) - 1) / fps >= self.min_seconds
        ]
        for number, part in enumerate(parts, start=1):
            made = resampled(on_floor(part), fps, float(self.fps)).astype(np.float32)
            name = key if len(parts) == 1 else f"{key}.{number}"
            yield MotionClip(name, made, LAYOUT, self.fps)


def y_up_to_z_up(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Points of a world with y up in one with z up: ``(x, y, z)`` becomes ``(x, -z, y)``.

    Example:
        >>> y_up_to_z_up(np.array([1.0, 2.0, 3.0])).tolist()
        [1.0, -3.0, 2.0]
    """
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def on_floor(joints: Float[np.ndarray, "frames 17 3"]) -> Float[np.ndarray, "frames 17 3"]:
    """Joints moved over the origin and onto the floor; see `Cutting.clips`.

    Args:
        joints: (frames, 17, 3) metres, z up.

    Returns:
        (frames, 17, 3).

    Example:
        >>> on_floor(np.ones((5, 17, 3)))[0, 0].round(6).tolist()
        [0.0, 0.0, 0.08]
    """
    pelvis = joints[:, layout(LAYOUT).index("pelvis")]
    place = (pelvis.min(axis=0) + pelvis.max(axis=0)) / 2
    lowest = joints[..., 2].min(axis=1)
    place[2] = np.percentile(lowest, _LOWEST_SHARE) - ANKLE_HEIGHT
    return np.asarray(joints - place)


def resampled(
    joints: Float[np.ndarray, "frames joints 3"], fps: float, wanted: float
) -> Float[np.ndarray, "wanted joints 3"]:
    """Joint positions at another rate, on straight lines between the frames; the first is kept.

    Args:
        joints: (frames, joints, 3).
        fps: frames a second that there are.
        wanted: frames a second that there shall be.

    Returns:
        (wanted, joints, 3), as many as fit between the first frame and the last.

    Example:
        >>> resampled(np.arange(13.0)[:, None, None] * np.ones(3), 120.0, 50.0)[:3, 0, 0].tolist()
        [0.0, 2.4, 4.8]
    """
    count = int(np.floor((len(joints) - 1) / fps * wanted + 1e-6)) + 1
    place = np.arange(count) * (fps / wanted)
    first = np.minimum(place.astype(np.int64), len(joints) - 1)
    last = np.minimum(first + 1, len(joints) - 1)
    share = (place - first)[:, None, None]
    return np.asarray(joints[first] + share * (joints[last] - joints[first]))
