"""A dataset's 2D repaired on its way to the trainer, as asked, and what was done to it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from posenet3d.data.sequence_files import NamedSequence
from posenet3d.errors import how_many
from posenet3d.keypoints import KeypointSequence
from posenet3d.keypoints.repair import repair
from posenet3d.keypoints.repair.repairing import check_repair
from posenet3d.skeletons import LSP_14


@dataclass
class RepairTally:
    """What was done to a set's sequences; all of it was asked for.

    Example:
        >>> print(RepairTally(sequences=2, joints=2800, changed={"invented": 12}))
        2 sequences; invented 12 of 2800 joints
    """

    sequences: int = 0
    """How many were given."""
    joints: int = 0
    """How many joints there are, over all frames that were read."""
    changed: dict[str, int] = field(default_factory=dict)
    """How many of them were invented, dropped or moved by the repair."""
    ghosts: int = 0
    """Tracks too short to be people, which were left out."""
    frames_left_out: int = 0
    """Frames that lacked a joint and were left out."""

    def __str__(self) -> str:
        parts = [f"{what} {count} of {self.joints} joints" for what, count in self.changed.items()]
        if self.frames_left_out:
            parts.append(f"left out {how_many(self.frames_left_out, 'incomplete frame')}")
        if self.ghosts:
            parts.append(f"left out {how_many(self.ghosts, 'track')} too short to be of a person")
        return "; ".join([how_many(self.sequences, "sequence"), *parts])


class Repairs:
    """What shall be done to sequences; nothing unless it is asked for.

    Args:
        min_confidence: joints with less are dropped.
        longest_gap: seconds; each joint's gaps of up to that are filled on straight lines.
        smooth: ``"one_euro"`` or ``"savitzky_golay"``.
        drop_incomplete: leave out frames in which a joint of ``lsp_14`` is then still missing; a
            sequence is parted there.

    Raises:
        MissingExtraError: Savitzky-Golay without SciPy.
        ShapeError: a number is out of range.
        UnknownNameError: no such filter.

    Attributes:
        tally: what was done to those that were given last.

    Example:
        >>> points = np.ones((9, 14, 2))
        >>> points[3, 0] = np.nan
        >>> walk = KeypointSequence(points, layout="lsp_14", fps=25.0)
        >>> repairs = Repairs(drop_incomplete=True)
        >>> [len(mended) for _, mended in repairs.each([("walk", walk)])]
        [8]
        >>> print(repairs.tally)
        1 sequence; left out 1 incomplete frame
    """

    def __init__(
        self,
        min_confidence: float | None = None,
        longest_gap: float | None = None,
        smooth: str | None = None,
        drop_incomplete: bool = False,
    ) -> None:
        self._steps: dict[str, Any] = {
            "min_confidence": min_confidence,
            "longest_gap": longest_gap,
            "smooth": smooth,
        }
        check_repair(**self._steps)
        self._drop_incomplete = drop_incomplete
        self.tally = RepairTally()

    def each(self, named: Iterable[NamedSequence]) -> Iterator[NamedSequence]:
        """The sequences, repaired; one of which no frame is left is left out.

        Args:
            named: names and sequences.

        Yields:
            Name and sequence.
        """
        self.tally = RepairTally()
        for name, sequence in named:
            mended, log = repair(sequence, **self._steps)
            self.tally.joints += mended.points[..., 0].size
            for step in log.steps:
                counts = self.tally.changed
                counts[step.effect] = counts.get(step.effect, 0) + step.count
            whole = self._complete(mended) if self._drop_incomplete else mended
            if whole is not None:
                self.tally.sequences += 1
                yield name, whole

    def _complete(self, sequence: KeypointSequence) -> KeypointSequence | None:
        """The frames in which every joint of ``lsp_14`` is known."""
        known = np.isfinite(sequence.to_layout(LSP_14.name).points).all(axis=(1, 2))
        self.tally.frames_left_out += int((~known).sum())
        if not known.any():
            return None
        return replace(
            sequence,
            points=sequence.points[known],
            confidence=sequence.confidence[known],
            frame_index=sequence.frame_index[known],
        )
