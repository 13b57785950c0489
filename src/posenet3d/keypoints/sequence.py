"""A sequence of 2D keypoints: what every reader gives and what the networks' input is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from posenet3d.errors import KeypointFormatError, how_many
from posenet3d.keypoints.stretches import stretches_of
from posenet3d.skeletons import convert
from posenet3d.skeletons import layout as layout_named

Unit = Literal["pixels", "normalized"]
UNITS: tuple[str, ...] = get_args(Unit)
Numbers = np.ndarray | Sequence[Any]


@dataclass(frozen=True, eq=False, init=False)
class KeypointSequence:
    """One person's 2D joints over time. Frozen: every operation gives a new one.

    A joint is known in both coordinates or in none; unknown is NaN, never (0, 0), and its
    confidence is 0 whatever was given. The arrays are copied and read-only.

    Args:
        points: (frames, joints, 2), x right, y down, in ``unit``.
        confidence: (frames, joints), zero or more; 1 for each known joint if ``None``.
        layout: the joints' layout.
        fps: frames a second.
        unit: ``"pixels"`` from the image's upper left corner, or ``"normalized"``: half image
            widths from the image's centre.
        image_size: (width, height) in pixels, or ``None`` if unknown.
        frame_index: (frames,) each frame's number in the video, rising; 0, 1, 2 … if ``None``. A
            jump is a gap: frames in which the person was not seen.
        track_id: the person's number in the file, or ``None``.
        source: the file or clip; errors name it.
        synthesized: (joints,) true for joints that were made from others; none if ``None``.

    Attributes:
        points: (frames, joints, 2) float64.
        confidence: (frames, joints) float64.
        layout: as given.
        fps: as given.
        unit: as given.
        image_size: as given.
        frame_index: (frames,) int64.
        track_id: as given.
        source: as given.
        synthesized: (joints,) bool.

    Raises:
        KeypointFormatError: an array has the wrong shape, type or values.
        UnknownNameError: no such layout.

    Example:
        >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="coco_17", fps=25.0)
        >>> len(walk), walk.confidence.shape, walk.to_layout("lsp_14").points.shape
        (50, (50, 17), (50, 14, 2))
    """

    points: Float[np.ndarray, "frames joints 2"]
    confidence: Float[np.ndarray, "frames joints"]
    layout: str
    fps: float
    unit: Unit
    image_size: tuple[int, int] | None
    frame_index: Int[np.ndarray, " frames"]
    track_id: int | None
    source: str
    synthesized: Bool[np.ndarray, " joints"]

    def __init__(
        self,
        points: Numbers,
        confidence: Numbers | None = None,
        *,
        layout: str,
        fps: float | int,
        unit: str = "pixels",
        image_size: Numbers | None = None,
        frame_index: Numbers | None = None,
        track_id: int | None = None,
        source: str = "keypoints",
        synthesized: Numbers | None = None,
    ) -> None:
        check = _Check(source)
        joints = len(layout_named(layout))
        xy, known = check.points(points, joints, layout)
        facts = {
            "points": xy,
            "confidence": check.confidence(confidence, known),
            "layout": layout,
            "fps": check.fps(fps),
            "unit": check.unit(unit),
            "image_size": check.image_size(image_size),
            "frame_index": check.frame_index(frame_index, len(xy)),
            "track_id": check.track_id(track_id),
            "source": source,
            "synthesized": check.synthesized(synthesized, joints),
        }
        for name, value in facts.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.points)

    @property
    def seconds(self) -> Float[np.ndarray, " frames"]:
        """When each frame is, from the first one on; a gap in the frames is a jump."""
        return np.asarray((self.frame_index - self.frame_index[0]) / self.fps)

    @property
    def span(self) -> int:
        """How many frames lie from the first to the last, those of gaps included."""
        return int(self.frame_index[-1] - self.frame_index[0]) + 1

    @property
    def duration(self) -> float:
        """How long it is in seconds, gaps included."""
        return self.span / self.fps

    def __repr__(self) -> str:
        return (
            f"KeypointSequence({self.source!r}: {how_many(len(self), 'frame')} of {self.layout!r}, "
            f"{self.fps:g} fps, {self.unit})"
        )

    def to_layout(self, name: str) -> "KeypointSequence":
        """The same motion in another layout; made joints are marked in `synthesized`.

        Args:
            name: the layout to convert to; see `posenet3d.skeletons.convert` for what is made
                how.

        Returns:
            A new sequence; this one if it has that layout already.

        Raises:
            UnknownNameError: no such layout.

        Example:
            >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="coco_17", fps=25.0)
            >>> int(walk.to_layout("lsp_14").synthesized.sum())  # the neck and the head top
            2
        """
        if name == self.layout:
            return self
        made = convert(self.points, self.layout, name, self.confidence)
        return replace(
            self,
            points=made.points,
            confidence=made.confidence,
            layout=name,
            synthesized=made.synthesized | self._inherited(name),
        )

    def _inherited(self, name: str) -> Bool[np.ndarray, " joints"]:
        """Which joints of a layout come from synthesised ones of this sequence.

        Conversion carries NaN on, so a sequence with NaN at the synthesised joints tells.
        """
        trace = np.where(self.synthesized[:, None], np.nan, np.zeros((1, 2)))
        clean = convert(np.zeros_like(trace), self.layout, name).points
        lost = np.isnan(convert(trace, self.layout, name).points[:, 0])
        return np.asarray(lost & ~np.isnan(clean[:, 0]))

    def cut(self, start: int, stop: int) -> "KeypointSequence":
        """Some of the frames, by their places in the arrays.

        Args:
            start: the first frame.
            stop: the one after the last.

        Returns:
            A new sequence; its `frame_index` still tells the frames' numbers in the video.

        Raises:
            KeypointFormatError: no frame is left.

        Example:
            >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="coco_17", fps=25.0)
            >>> walk.cut(10, 20).frame_index[0]
            np.int64(10)
        """
        return replace(
            self,
            points=self.points[start:stop],
            confidence=self.confidence[start:stop],
            frame_index=self.frame_index[start:stop],
        )

    def unbroken(self) -> tuple["KeypointSequence", ...]:
        """The stretches without a gap in `frame_index`.

        Returns:
            One sequence a stretch, in order; this one alone if there is no gap.

        Example:
            >>> seen = np.array([0, 1, 2, 7, 8])
            >>> walk = KeypointSequence(
            ...     np.ones((5, 17, 2)), layout="coco_17", fps=25.0, frame_index=seen
            ... )
            >>> [len(stretch) for stretch in walk.unbroken()]
            [3, 2]
        """
        stretches = stretches_of(self.frame_index)
        if len(stretches) == 1:
            return (self,)
        return tuple(self.cut(start, stop) for start, stop in stretches)


class _Check:
    """Each argument of a sequence as an array of its type, or an error that names the source."""

    def __init__(self, source: str) -> None:
        self.source = source

    def error(self, what: str, expected: str, got: str, do: str = "") -> KeypointFormatError:
        tail = f"; {do}." if do else "."
        return KeypointFormatError(self.source, f"{what}: expected {expected}, got {got}{tail}")

    def _numbers(self, what: str, value: Numbers) -> np.ndarray:
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise self.error(
                what, "an array of numbers", f"rows of unlike length ({error})"
            ) from None
        if array.dtype.kind not in "fiu":
            raise self.error(what, "an array of numbers", f"dtype {array.dtype}")
        return array

    def points(
        self, value: Numbers, joints: int, layout: str
    ) -> tuple[Float[np.ndarray, "frames joints 2"], Bool[np.ndarray, "frames joints"]]:
        array = self._numbers("points", value)
        if array.ndim != 3 or array.shape[1:] != (joints, 2) or len(array) == 0:
            raise self.error(
                "points",
                f"(frames, {joints}, 2) for layout {layout!r} with at least one frame",
                f"{array.shape}",
                "name the layout that the points are in",
            )
        xy = array.astype(np.float64)
        finite = np.isfinite(xy)
        half = np.isinf(xy).any(axis=-1) | (finite[..., 0] != finite[..., 1])
        if half.any():
            frame, joint = np.argwhere(half)[0]
            raise self.error(
                "points",
                "finite x and y, or NaN for both where a joint is unknown",
                f"{xy[frame, joint].tolist()} in frame {frame}, joint {joint}",
            )
        return xy, finite[..., 0]

    def confidence(
        self, value: Numbers | None, known: Bool[np.ndarray, "frames joints"]
    ) -> Float[np.ndarray, "frames joints"]:
        if value is None:
            return known.astype(np.float64)
        array = self._numbers("confidence", value).astype(np.float64)
        if array.shape != known.shape:
            raise self.error("confidence", f"{known.shape} as the points have", f"{array.shape}")
        bad = ~(np.isfinite(array) & (array >= 0)) & known
        if bad.any():
            frame, joint = np.argwhere(bad)[0]
            raise self.error(
                "confidence",
                "zero or more",
                f"{array[frame, joint]} in frame {frame}, joint {joint}",
            )
        return np.where(known, array, 0.0)

    def fps(self, value: float | int) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise self.error("fps", "a number", repr(value))
        if not 0 < value < np.inf:
            raise self.error("fps", "a positive number", repr(value))
        return float(value)

    def unit(self, value: str) -> str:
        if value not in UNITS:
            raise self.error("unit", " or ".join(map(repr, UNITS)), repr(value))
        return value

    def image_size(self, value: Numbers | None) -> tuple[int, int] | None:
        if value is None:
            return None
        size = self._numbers("image_size", value)
        if size.shape != (2,) or size.dtype.kind not in "iu" or size.min() < 1:
            raise self.error("image_size", "two positive whole numbers", repr(value))
        return int(size[0]), int(size[1])

    def track_id(self, value: int | None) -> int | None:
        if value is None or (isinstance(value, int | np.integer) and not isinstance(value, bool)):
            return None if value is None else int(value)
        raise self.error("track_id", "a whole number or None", repr(value))

    def frame_index(self, value: Numbers | None, frames: int) -> Int[np.ndarray, " frames"]:
        if value is None:
            return np.arange(frames)
        array = self._numbers("frame_index", value)
        if array.shape != (frames,) or array.dtype.kind not in "iu":
            got = f"{array.dtype} {array.shape}"
            raise self.error("frame_index", f"({frames},) whole numbers, one a frame", got)
        index = array.astype(np.int64)
        wrong = np.flatnonzero(np.diff(index, prepend=-1) < 1)
        if len(wrong):
            got = f"{index[wrong[0]]} at place {wrong[0]}"
            raise self.error("frame_index", "numbers from 0 up that rise", got)
        return index

    def synthesized(self, value: Numbers | None, joints: int) -> Bool[np.ndarray, " joints"]:
        if value is None:
            return np.zeros(joints, dtype=np.bool_)
        array = np.array(value)
        if array.shape != (joints,) or array.dtype != np.bool_:
            got = f"{array.dtype} {array.shape}"
            raise self.error("synthesized", f"({joints},) truth values, one a joint", got)
        return array
