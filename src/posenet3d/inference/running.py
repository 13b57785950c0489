"""What a stream remembers of a person: means that forget, and the last place of hips and head."""

import numpy as np
from jaxtyping import Float

from posenet3d.skeletons import LSP_14

_HIPS = LSP_14.indices("right_hip", "left_hip")
_HEAD_TOP = LSP_14.index("head_top")


class RunningMean:
    """The mean of all values so far; once there are many, those long ago fade.

    Args:
        memory: values after which the mean becomes exponential; at least 1.

    Attributes:
        value: the mean, or ``None`` before the first value.

    Example:
        >>> mean = RunningMean(memory=100.0)
        >>> [float(mean.add(value)) for value in (1.0, 3.0, 5.0)]
        [1.0, 2.0, 3.0]
    """

    def __init__(self, memory: float) -> None:
        self._memory, self._count = max(memory, 1.0), 0
        self.value: np.ndarray | np.floating | float | None = None

    def add(self, value: np.ndarray | np.floating | float) -> np.ndarray:
        """The mean with one more value."""
        self._count += 1
        share = 1 / min(self._count, self._memory)
        self.value = value if self.value is None else self.value + share * (value - self.value)
        return np.asarray(self.value)


class RunningRoot:
    """The hips' middle of each frame; what is not seen stays where it was.

    Example:
        >>> RunningRoot().add(np.ones((14, 2)))
        (array([1., 1.]), 0.0)
    """

    def __init__(self) -> None:
        self._anchors = np.full((3, 2), np.nan)

    def add(
        self, points: Float[np.ndarray, "14 2"]
    ) -> tuple[Float[np.ndarray, " 2"], float | None]:
        """The root of a frame, and its length from root to head top.

        Args:
            points: ``lsp_14``, NaN where unknown.

        Returns:
            The root (2,), NaN before both hips were seen; the length, or ``None`` where hips or
            head top are not seen in this frame.
        """
        now = points[[*_HIPS, _HEAD_TOP]]
        self._anchors = np.where(np.isfinite(now), now, self._anchors)
        root = self._anchors[:2].mean(axis=0)
        if not np.isfinite(now).all():
            return root, None
        return root, float(np.linalg.norm(now[2] - root))
