"""Overlapping windows made one motion: each frame the mean of the windows that hold it."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.inference.lifting import WindowAnswer
from posenet3d.inference.rotation_mean import nearest_rotations

STITCHES = ("average", "centre")
"""How a frame's answer is made of the windows that hold it.

* ``average``: the mean over all of them (up to T); rotations by their chordal mean. A student that
  reads the teacher's motion alone, as that of the shipped weights, is asked once a frame, of the
  averaged motion.
* ``centre``: the window's of which it is the middle, as evaluation takes it.
"""

_CHUNK = 8192  # frames whose rotations are made at a time


class Stitched(NamedTuple):
    """A network's answer for the frames of a sequence, on the CPU, float32.

    Attributes:
        teacher: skeletons (frames, 14, 3), camera frame, head-to-root units, about the hips.
        betas: the mean of the windows' shape coefficients (betas,); ``None`` without a student.
        rotations: local joint rotations (frames, bones, 3, 3); ``None`` likewise.
    """

    teacher: Float[Tensor, "frames 14 3"]
    betas: Float[Tensor, " betas"] | None
    rotations: Float[Tensor, "frames bones 3 3"] | None


class Stitcher:
    """Takes the answers for the window around each frame, in order, and keeps sums alone.

    Windows must not reach over the ends of their stretch: what they say of frames that are not
    there (the repeated first and last) is left out.

    Args:
        frames: frames of the whole sequence.
        window: frames T of a window, odd.
        stitch: see `STITCHES`.

    Example:
        >>> stitcher = Stitcher(frames=2, window=1, stitch="average")
        >>> stitcher.add(WindowAnswer(torch.ones(2, 1, 14, 3), None, None), 0, stretch=(0, 2))
        >>> stitcher.finish().teacher.shape
        torch.Size([2, 14, 3])
    """

    def __init__(self, frames: int, window: int, stitch: str) -> None:
        self._window, self._half = window, window // 2
        self._offsets = range(window) if stitch == "average" else (self._half,)
        self._teacher = torch.zeros(14, 3, frames).permute(2, 0, 1)  # long rows add up faster
        self._count = torch.zeros(frames)
        self._rotations: Tensor | None = None
        self._betas: Tensor | None = None
        self._windows = 0

    def add(self, answer: WindowAnswer, first: int, stretch: tuple[int, int]) -> None:
        """Add the windows whose middle frames are ``first``, ``first + 1``, ...

        Args:
            answer: what the network says of them.
            first: the frame in the middle of the first one.
            stretch: the unbroken frames that they were cut from, as (start, stop).
        """
        count = len(answer.teacher)
        for offset in self._offsets:
            shift = offset - self._half
            start = max(first + shift, stretch[0])
            stop = min(first + count + shift, stretch[1])
            if start >= stop:
                continue
            frames, rows = slice(start, stop), slice(start - first - shift, stop - first - shift)
            self._teacher[frames] += answer.teacher[rows, offset].cpu()
            self._count[frames] += 1
            if answer.rotations is not None:
                turned = answer.rotations[rows, offset].cpu()
                self._sum_of_rotations(turned)[frames] += turned
        if answer.betas is not None:
            total = answer.betas.double().sum(0).cpu()
            self._betas = total if self._betas is None else self._betas + total
            self._windows += count

    def _sum_of_rotations(self, like: Tensor) -> Tensor:
        if self._rotations is None:
            self._rotations = torch.zeros(len(self._count), *like.shape[1:])
        return self._rotations

    def finish(self) -> Stitched:
        """The means of all that was added; the sums of rotations become them."""
        teacher = (self._teacher / self._count[:, None, None]).contiguous()
        if self._rotations is None or self._betas is None:
            return Stitched(teacher, None, None)
        if len(self._offsets) > 1:
            for start in range(0, len(self._count), _CHUNK):
                chunk = slice(start, start + _CHUNK)
                mean = self._rotations[chunk] / self._count[chunk, None, None, None]
                self._rotations[chunk] = nearest_rotations(mean)
        return Stitched(teacher, (self._betas / self._windows).float(), self._rotations)
