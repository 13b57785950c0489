"""Where a skeleton's joints are in every frame, and the turns that put them there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError

_NEXT = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}
_WHOLE_RATE = 1e-2


@dataclass(frozen=True, eq=False)
class JointTracks:
    """The places of named points over time, in the file's own unit and axes.

    Attributes:
        source: the file, for errors.
        names: the points' names, each once.
        positions: (frames, points, 3) float64.
        fps: frames a second; ``None`` where the file does not say.

    Example:
        >>> tracks = JointTracks("walk.bvh", ("Hips",), np.zeros((9, 1, 3)), 120.0)
        >>> tracks.middle("Hips").shape
        (9, 3)
    """

    source: str
    names: tuple[str, ...]
    positions: Float[np.ndarray, "frames points 3"]
    fps: float | None

    def middle(self, *names: str) -> Float[np.ndarray, "frames 3"]:
        """The middle of some points; of one point, that point.

        Args:
            *names: the points.

        Returns:
            (frames, 3).

        Raises:
            DataError: the file has no such point.

        Example:
            >>> JointTracks("a.bvh", ("a",), np.ones((1, 1, 3)), None).middle("a").tolist()
            [[1.0, 1.0, 1.0]]
        """
        for name in names:
            if name not in self.names:
                raise DataError(
                    self.source,
                    f"expected a joint {name!r}, got {', '.join(self.names)[:300]}; only CMU's "
                    "skeletons are known.",
                )
        chosen = [self.names.index(name) for name in names]
        return np.asarray(self.positions[:, chosen].mean(axis=1))


def turn(
    rotations: Float[np.ndarray, "frames 3 3"],
    axis: str,
    degrees: Float[np.ndarray, "*frames"] | float,
) -> Float[np.ndarray, "frames 3 3"]:
    """``R E(axis, angle)``: rotations followed, on their right, by a turn about one axis.

    Only two columns change, so that no matrix product is needed.

    Args:
        rotations: (frames, 3, 3), matrices that act on column vectors.
        axis: ``"X"``, ``"Y"`` or ``"Z"``.
        degrees: (frames,) or one angle for all, by the right-hand rule.

    Returns:
        (frames, 3, 3), new.

    Example:
        >>> quarter = turn(np.eye(3)[None], "Z", 90.0)
        >>> (quarter[0] @ [1.0, 0.0, 0.0]).round(6).tolist()
        [0.0, 1.0, 0.0]
    """
    radians = np.radians(degrees)[..., None]
    cosine, sine = np.cos(radians), np.sin(radians)
    first, second = _NEXT[axis]
    made = rotations.copy()
    made[..., first] = cosine * rotations[..., first] + sine * rotations[..., second]
    made[..., second] = cosine * rotations[..., second] - sine * rotations[..., first]
    return made


def still(frames: int) -> Float[np.ndarray, "frames 3 3"]:
    """The identity for every frame.

    Example:
        >>> still(2).shape
        (2, 3, 3)
    """
    return np.tile(np.eye(3), (frames, 1, 1))


def whole_rate(fps: float) -> float:
    """A frame rate that was written with few digits: ``1 / 0.0083333`` is 120.

    Args:
        fps: frames a second.

    Returns:
        The nearest whole number if it is within a hundredth, else as given.

    Example:
        >>> whole_rate(1 / 0.0083333), whole_rate(29.97)
        (120.0, 29.97)
    """
    nearest = float(round(fps))
    return nearest if nearest and abs(fps - nearest) < _WHOLE_RATE else fps


def read_numbers(
    source: str, texts: Sequence[str], width: int, what: str
) -> Float[np.ndarray, "rows width"]:
    """Texts as rows of finite numbers.

    Args:
        source: the file, for errors.
        texts: one text a number.
        width: how many make a row.
        what: what a row is, for errors.

    Returns:
        (rows, width) float64.

    Raises:
        DataError: a text is no finite number, or the last row is cut off.

    Example:
        >>> read_numbers("a.bvh", ["1", "2.5"], 2, "frame").tolist()
        [[1.0, 2.5]]
    """
    if len(texts) % width:
        raise DataError(
            source,
            f"expected {width} numbers a {what}, got {len(texts) % width} in {what} "
            f"{len(texts) // width + 1}; the file is cut off or damaged, get it again.",
        )
    try:
        values = np.array(texts, dtype=np.float64).reshape(-1, width)
    except ValueError as error:
        raise DataError(source, f"expected numbers in every {what}, got {error}.") from None
    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        raise DataError(
            source, f"expected finite numbers, got NaN or infinity in {what} {broken.argmax() + 1}."
        )
    return values
