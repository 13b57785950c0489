"""Motion at other times: straight lines for positions, the shortest turns for rotations."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from posenet3d.geometry.rotations import rotmat_to_rotvec, rotvec_to_rotmat


@dataclass(frozen=True, eq=False)
class Between:
    """For each wanted time the two frames around it, and how far it is from the first to the last.

    Example:
        >>> between = frames_around(np.array([0.0, 1.0]), np.array([0.25]))
        >>> between.first, between.last, between.share
        (array([0]), array([1]), array([0.25]))
    """

    first: Int[np.ndarray, " wanted"]
    last: Int[np.ndarray, " wanted"]
    share: Float[np.ndarray, " wanted"]

    def positions(self, values: Float[np.ndarray, "frames ..."]) -> Float[np.ndarray, "wanted ..."]:
        """Values on the straight line between their frames.

        Args:
            values: a row a frame.
        """
        first = values[self.first]
        share = self.share.reshape(-1, *(1 for _ in values.shape[1:]))
        return np.asarray(first + share * (values[self.last] - first))

    def rotations(
        self, rotations: Float[np.ndarray, "frames bones 3 3"]
    ) -> Float[np.ndarray, "wanted bones 3 3"]:
        """Rotations on the shortest way between their frames, at a steady rate.

        Args:
            rotations: a row a frame.
        """
        made: Float[np.ndarray, "wanted bones 3 3"] = rotations[self.first].astype(np.float64)
        moved = np.flatnonzero(self.share)
        if len(moved):
            start = made[moved]
            turn = np.swapaxes(start, -1, -2) @ rotations[self.last[moved]].astype(np.float64)
            part = rotmat_to_rotvec(torch.tensor(turn)).numpy() * self.share[moved, None, None]
            made[moved] = start @ rotvec_to_rotmat(torch.tensor(part)).numpy()
        return made


def frames_around(
    times: Float[np.ndarray, " frames"], wanted: Float[np.ndarray, " wanted"]
) -> Between:
    """The frames around each wanted time; those before the first or after the last take its place.

    Args:
        times: when each frame is, seconds, rising.
        wanted: the times asked for.

    Example:
        >>> frames_around(np.array([0.0, 1.0, 2.0]), np.array([1.0, 5.0])).first.tolist()
        [1, 2]
    """
    first = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, len(times) - 1)
    last = np.minimum(first + 1, len(times) - 1)
    apart = np.where(last > first, times[last] - times[first], 1.0)
    share = np.clip((wanted - times[first]) / apart, 0.0, 1.0)
    return Between(first, last, np.where(share < 1e-9, 0.0, share))
