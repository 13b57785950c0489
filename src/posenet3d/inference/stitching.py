"""Overlapping windows made one motion: each frame the mean of the windows that hold it."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from posenet3d.inference.lifting import WindowAnswer
from posenet3d.skeletons.anatomy import middle_of_hips

_FRAMES = 4096  # made skeletons at a time

STITCHES = ("average", "centre")
"""How a frame's answer is made of the windows that hold it.

* ``average``: the mean over all of them (up to T). A student that reads the teacher's motion alone,
  as that of the shipped weights, is asked once a frame, of the averaged motion. Of any other, as
  the paper's, the rotations are those of the window around the frame: each frame of its window has
  weights of its own, which turn one pose into other rotations, and their mean is no pose.
* ``centre``: the window's of which it is the middle, as evaluation takes it.
"""


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


class FrameMeans:
    """Each frame's mean over the windows that hold it, or what its own window says; sums alone.

    Windows must not reach over the ends of their stretch: what they say of frames that are not
    there (the repeated first and last) is left out.

    Args:
        sums: zeros, one for each number of each frame (frames, ...); the sums are kept here.
        window: frames T of a window, odd.
        stitch: see `STITCHES`.

    Example:
        >>> means = FrameMeans(torch.zeros(3), window=3, stitch="average")
        >>> means.add(torch.tensor([[0.0, 1, 2], [3, 4, 5], [6, 7, 8]]), 0, stretch=(0, 3))
        >>> means.finish()  # the means of 1 and 3, of 2, 4 and 6, and of 5 and 7
        tensor([2., 4., 6.])
    """

    def __init__(self, sums: Float[Tensor, "frames ..."], window: int, stitch: str) -> None:
        self._half = window // 2
        self._offsets = range(window) if stitch == "average" else (self._half,)
        self._sums, self._count = sums, sums.new_zeros(len(sums))

    def add(
        self, values: Float[Tensor, "windows window ..."], first: int, stretch: tuple[int, int]
    ) -> None:
        """Add the windows whose middle frames are ``first``, ``first + 1``, ...

        Args:
            values: what they say of each of their frames.
            first: the frame in the middle of the first one.
            stretch: the unbroken frames that they were cut from, as (start, stop).
        """
        count = len(values)
        for offset in self._offsets:
            shift = offset - self._half
            start = max(first + shift, stretch[0])
            stop = min(first + count + shift, stretch[1])
            if start < stop:
                rows = slice(start - first - shift, stop - first - shift)
                self._sums[start:stop].add_(values[rows, offset].to(self._sums))
                self._count[start:stop].add_(1)

    @property
    def count(self) -> Float[Tensor, " frames"]:
        """Windows that were added, of each frame."""
        return self._count

    def total(self) -> Float[Tensor, "frames ..."]:
        """The sums, themselves."""
        return self._sums

    def finish(self) -> Float[Tensor, "frames ..."]:
        """The means, NaN where no window holds the frame; the sums become them."""
        self._sums /= self._count.reshape(-1, *[1] * (self._sums.ndim - 1))
        return self._sums


class RaySums:
    """Sums of skeletons whose joints every window has on the same rays: of their depths alone.

    A skeleton (x z, y z, z) about the middle of its hips is linear in its depths: the sum of the
    windows' skeletons is the skeleton of the sum of their depths.

    Args:
        frames: frames of the whole sequence.
        window: frames T of a window, odd.
        stitch: see `STITCHES`.

    Example:
        >>> rays = RaySums(frames=2, window=1, stitch="average")
        >>> rays.add(torch.full((2, 1, 14), 10.0), torch.rand(2, 14, 2), 0, stretch=(0, 2))
        >>> rays.total().shape
        torch.Size([2, 14, 3])
    """

    def __init__(self, frames: int, window: int, stitch: str) -> None:
        self._rows = torch.zeros(3, 14, frames)
        self._depths = FrameMeans(self._rows[2].T, window, stitch)
        self._half = window // 2

    @property
    def count(self) -> Float[Tensor, " frames"]:
        """Windows that were added, of each frame."""
        return self._depths.count

    def add(
        self,
        depths: Float[Tensor, "windows window 14"],
        points: Float[Tensor, "around 14 2"],
        first: int,
        stretch: tuple[int, int],
    ) -> None:
        """Add the windows whose middle frames are ``first``, ``first + 1``, ...

        Args:
            depths: what they say of the joints of each of their frames, head-to-root units.
            points: where these joints are in the frames that the windows were cut from.
            first: the frame in the middle of the first one.
            stretch: the unbroken frames that they were cut from, as (start, stop).
        """
        self._depths.add(depths, first, stretch)
        before = first - self._half  # the frame that the points begin with
        start, stop = max(before, stretch[0]), min(before + len(points), stretch[1])
        seen = points[start - before : stop - before]
        self._rows[:2, :, start:stop] = seen.permute(2, 1, 0)

    def total(self) -> Float[Tensor, "frames 14 3"]:
        """The sums of the skeletons; those of the depths become them, so it is asked once."""
        whole = self._rows.permute(2, 1, 0)
        for some in torch.split(whole, _FRAMES):
            some[..., :2].mul_(some[..., 2:])
            some -= middle_of_hips(some)
        return whole


class Stitcher:
    """Takes the answers for the window around each frame, in order, and keeps sums alone.

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
        self._frames, self._window, self._stitch = frames, window, stitch
        self._rays: RaySums | None = None
        self._points: FrameMeans | None = None
        self._rotations: FrameMeans | None = None
        self._betas: Tensor | None = None
        self._windows = 0

    def add(self, answer: WindowAnswer, first: int, stretch: tuple[int, int]) -> None:
        """Add the windows whose middle frames are ``first``, ``first + 1``, ...

        Args:
            answer: what the network says of them.
            first: the frame in the middle of the first one.
            stretch: the unbroken frames that they were cut from, as (start, stop).
        """
        if self._points is None:
            sums = torch.zeros(14, 3, self._frames).permute(2, 0, 1)  # long rows add up faster
            self._points = FrameMeans(sums, self._window, self._stitch)
        self._points.add(answer.teacher, first, stretch)
        if answer.rotations is not None:
            if self._rotations is None:
                sums = torch.zeros(self._frames, *answer.rotations.shape[2:])
                self._rotations = FrameMeans(sums, self._window, "centre")
            self._rotations.add(answer.rotations, first, stretch)
        if answer.betas is not None:
            total = answer.betas.double().sum(0).cpu()
            self._betas = total if self._betas is None else self._betas + total
            self._windows += len(answer.teacher)

    def add_depths(
        self,
        depths: Float[Tensor, "windows window 14"],
        points: Float[Tensor, "around 14 2"],
        first: int,
        stretch: tuple[int, int],
    ) -> None:
        """Add windows whose joints stay on their rays and that no body was asked of.

        Args:
            depths: as for :meth:`RaySums.add`, as is the rest.
            points: the joints of the frames that the windows were cut from.
            first: the frame in the middle of the first one.
            stretch: the unbroken frames that they were cut from, as (start, stop).
        """
        if self._rays is None:
            self._rays = RaySums(self._frames, self._window, self._stitch)
        self._rays.add(depths, points, first, stretch)

    def finish(self) -> Stitched:
        """The means of all that was added; the stitcher's sums become them."""
        teacher = self._skeletons().contiguous()
        if self._rotations is None or self._betas is None:
            return Stitched(teacher, None, None)
        betas = (self._betas / self._windows).float()
        return Stitched(teacher, betas, self._rotations.finish())

    def _skeletons(self) -> Float[Tensor, "frames 14 3"]:
        """Their means, of windows whose depths were added and of others."""
        sums, count = torch.zeros(self._frames, 14, 3), torch.zeros(self._frames)
        kinds = [kind for kind in (self._rays, self._points) if kind is not None]
        if len(kinds) == 1:  # the sums themselves, not added to others
            sums, count = kinds[0].total(), kinds[0].count
        else:
            for kind in kinds:
                sums += kind.total()
                count += kind.count
        sums /= count[:, None, None]
        return sums
