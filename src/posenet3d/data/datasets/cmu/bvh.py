"""BVH files read into joint positions by forward kinematics.

The format is Biovision's, after Meredith and Maddock, "Motion Capture File Formats Explained"
(2001): a tree of joints with offsets and channels, then one row of numbers a frame. The tests
compare with `pybvh <https://pypi.org/project/pybvh/>`_; it is not used here since it needs
matplotlib, lets NaN and unbalanced braces pass, and does not know positions of other joints than
the root.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.cmu.bvh_tree import BvhTree
from posenet3d.data.datasets.cmu.joint_tracks import (
    JointTracks,
    read_numbers,
    still,
    turn,
    whole_rate,
)
from posenet3d.data.datasets.cmu.text_file import read_text
from posenet3d.errors import DataError


@dataclass(frozen=True, eq=False)
class BvhMotion:
    """A BVH file as it is written: a tree at rest and the channels' values.

    Attributes:
        source: the file, for errors.
        names: joint names, the root first, parents before children; an end site has its joint's
            name and ``_end``.
        parents: each joint's parent; -1 for the root.
        offsets: (joints, 3) from the parent, the file's unit.
        channels: each joint's channels in the file's order, such as ``"Zrotation"``.
        values: (frames, all channels) degrees and the file's unit.
        fps: frames a second.

    Example:
        >>> still_file = BvhMotion(
        ...     "a.bvh",
        ...     ("Hips",),
        ...     (-1,),
        ...     np.zeros((1, 3)),
        ...     (("Yposition",),),
        ...     np.ones((2, 1)),
        ...     60.0,
        ... )
        >>> still_file.tracks().positions[0].tolist()
        [[0.0, 1.0, 0.0]]
    """

    source: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[np.ndarray, "joints 3"]
    channels: tuple[tuple[str, ...], ...]
    values: Float[np.ndarray, "frames channels"]
    fps: float

    def tracks(self) -> JointTracks:
        """Where the joints are: forward kinematics of every frame at once.

        A joint stands at its parent's place plus its offset, and what its position channels add
        to that, turned as the parent is. Its rotation channels turn in the order in which they
        are written, ``Zrotation Xrotation Yrotation`` being ``R = Rz Rx Ry`` on column vectors.

        Returns:
            The joints and end sites, in the file's unit and axes.

        Example:
            >>> one = BvhMotion(
            ...     "a.bvh", ("a",), (-1,), np.ones((1, 3)), ((),), np.zeros((4, 0)), 60.0
            ... )
            >>> one.tracks().positions.shape
            (4, 1, 3)
        """
        frames = len(self.values)
        places = np.empty((frames, len(self.names), 3))
        turns: list[np.ndarray] = []
        column = 0
        for joint, (parent, channels) in enumerate(zip(self.parents, self.channels, strict=True)):
            local = np.tile(self.offsets[joint], (frames, 1))
            rotation = still(frames) if parent < 0 else turns[parent]
            for channel in channels:
                axis, values = channel[0], self.values[:, column]
                column += 1
                if channel.endswith("rotation"):
                    rotation = turn(rotation, axis, values)
                else:
                    local[:, "XYZ".index(axis)] += values
            turns.append(rotation)
            if parent < 0:
                places[:, joint] = local
            else:
                moved = (turns[parent] @ local[..., None])[..., 0]
                places[:, joint] = places[:, parent] + moved
        return JointTracks(self.source, self.names, places, self.fps)


def read_bvh(path: str | os.PathLike[str]) -> BvhMotion:
    """A BVH file.

    Args:
        path: the file.

    Returns:
        Its tree and values, nothing converted.

    Raises:
        DataError: it is no BVH file, cut off or damaged; the message names line or frame.
        StorageError: it cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "up.bvh")
        >>> _ = path.write_text('''HIERARCHY
        ... ROOT Hips
        ... {
        ...   OFFSET 0 0 0
        ...   CHANNELS 3 Xposition Yposition Zposition
        ...   End Site
        ...   {
        ...     OFFSET 0 5 0
        ...   }
        ... }
        ... MOTION
        ... Frames: 1
        ... Frame Time: 0.01
        ... 1 2 3
        ... ''')
        >>> read_bvh(path).tracks().positions[0].tolist()
        [[1.0, 2.0, 3.0], [1.0, 7.0, 3.0]]
    """
    source = os.fspath(path)
    text = read_text(Path(path))
    head, found, motion = text.partition("MOTION")
    if not found or not text.lstrip().startswith("HIERARCHY"):
        raise DataError(
            source, "expected a BVH file, HIERARCHY and then MOTION, got something else."
        )
    tree = BvhTree(source)
    tree.read(head)
    frames, seconds, numbers = _motion(source, motion)
    width = sum(map(len, tree.channels))
    values = read_numbers(source, numbers, width, "frame") if width else np.empty((frames, 0))
    if len(values) != frames:
        raise DataError(
            source,
            f"expected {frames} frames as the file says, got {len(values)}; it is cut off or "
            "damaged, get it again.",
        )
    return BvhMotion(
        source,
        tuple(tree.names),
        tuple(tree.parents),
        np.array(tree.offsets),
        tuple(tree.channels),
        values,
        whole_rate(1.0 / seconds),
    )


def _motion(source: str, text: str) -> tuple[int, float, list[str]]:
    """How many frames, how long one takes in seconds, and all their numbers."""
    words = text.replace("Frames:", "Frames: ").replace("Time:", "Time: ").split()
    try:
        if (words[0], *words[2:4]) != ("Frames:", "Frame", "Time:"):
            raise ValueError
        frames, seconds = int(words[1]), float(words[4])
    except (ValueError, IndexError):
        raise DataError(
            source, f"expected 'Frames:' and 'Frame Time:' after MOTION, got {text[:60]!r}."
        ) from None
    if frames < 1 or not 0 < seconds < np.inf:
        raise DataError(
            source, f"expected frames of some length, got {frames} of {seconds} seconds."
        )
    return frames, seconds, words[5:]
