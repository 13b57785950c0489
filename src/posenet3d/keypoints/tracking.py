"""People told apart over time: from what a detector found in each frame to one sequence a person.

(The matching itself is being written; this is its interface.)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found, frame by frame: each row is one person in one frame.

    Example:
        >>> two = np.zeros((2, 17, 2))
        >>> len(Detections(two, np.ones((2, 17)), frame=np.array([0, 0])).frame)
        2
    """

    points: Float[np.ndarray, "found joints 2"]
    """x right, y down; NaN where a joint is unknown."""
    confidence: Float[np.ndarray, "found joints"]
    """Zero or more."""
    frame: Int[np.ndarray, " found"]
    """The frame's number in the video; never falling."""
    track: Int[np.ndarray, " found"] | None = None
    """The person's number as the file gives it, or ``None`` where it gives none."""
