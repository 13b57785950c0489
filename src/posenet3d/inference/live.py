"""Lifting while the frames come: one small result a frame, after a stated number of frames."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float

from posenet3d.errors import ShapeError
from posenet3d.inference.assembly import fuse
from posenet3d.inference.camera import camera_for
from posenet3d.inference.lifting import WindowAnswer, WindowLifter
from posenet3d.inference.placing import body_joints, metres_per_unit, rest_height
from posenet3d.inference.root import DEPTH_SECONDS, fit_root
from posenet3d.inference.running import RunningMean, RunningRoot
from posenet3d.inference.wanted import Wanted
from posenet3d.networks import PoseNet3D
from posenet3d.reconstruction import AssumedCamera
from posenet3d.skeletons import LSP_14, Skeleton, convert

MEMORY_SECONDS = 10.0
"""How far back the running means of a person's size and shape look, once so much has come."""

_SAME_SHAPE = 0.01  # of a shape coefficient: less than a millimetre of a body

Frame = (
    Float[np.ndarray, "joints axes"]
    | tuple[Float[np.ndarray, "joints axes"], Float[np.ndarray, " joints"]]
    | None
)
"""A frame's points (joints, 2), NaN where unknown; or with confidence (joints,); or nobody."""


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """What is known of one frame of a stream; frames and units as in `Reconstruction`.

    Example:
        >>> LiveFrame(frame=3, newest=7, seconds=0.12, joints3d=np.zeros((14, 3))).frame
        3
    """

    frame: int
    """The frame's number in the stream, from 0."""
    newest: int
    """The newest frame that was looked at: ``frame`` + latency, less at the stream's end."""
    seconds: float
    """The frame's time."""
    joints3d: Float[np.ndarray, "14 3"]
    """``lsp_14`` joints about the hips' middle, camera frame, metres; NaN before hips and head
    were seen once."""
    root: Float[np.ndarray, " 3"] = field(default_factory=lambda: np.full(3, np.nan))
    """The hips' middle in the camera frame, metres."""
    branches: Mapping[str, Float[np.ndarray, "14 3"]] = field(default_factory=dict)
    """``teacher`` and ``student``."""
    rotations: Float[np.ndarray, "bones 3 3"] | None = None
    """The body's local rotations; ``None`` without a trained student."""
    translation: Float[np.ndarray, " 3"] | None = None
    """The body's, as in `BodyMotion`."""
    betas: Float[np.ndarray, " betas"] | None = None
    """The body's shape: the running mean."""
    scale: float = 1.0
    """Metres a metre of the body model."""
    invented: Bool[np.ndarray, " 14"] = field(default_factory=lambda: np.ones(14, dtype=np.bool_))
    """True for joints whose 2D was not seen."""

    def __repr__(self) -> str:
        unseen = f"{int(self.invented.sum())} of {len(self.invented)} joints not seen"
        return f"LiveFrame({self.frame}: {self.seconds:.3f} s, newest {self.newest}, {unseen})"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """What a caller says of a stream.

    Example:
        >>> Stream(fps=30.0, layout=LSP_14, latency=4).latency
        4
    """

    fps: float
    """Frames a second."""
    layout: Skeleton
    """The joints' layout."""
    latency: int = 0
    """Frames that are waited for before a frame is told."""
    unit: str = "pixels"
    """``"pixels"`` or ``"normalized"``."""
    image_size: tuple[int, int] | None = None
    """(width, height) in pixels."""
    head_to_root: float | None = None
    """The mean 2D length from hips' middle to head top, if it is known; else a running mean."""
    wanted: Wanted = field(default_factory=Wanted)
    """Fusion, height, focal length."""

    def __post_init__(self) -> None:
        for what, value in (("fps", self.fps), ("head_to_root", self.head_to_root)):
            if value is not None and not 0 < value < np.inf:
                raise ShapeError(what, expected="a positive number", got=repr(value))


@dataclass(frozen=True, eq=False)
class _Seen:
    """One frame as it came, in ``lsp_14``."""

    number: int
    points: Float[np.ndarray, "14 2"]
    confidence: Float[np.ndarray, " 14"]
    root: Float[np.ndarray, " 2"]


class LiveLifter:
    """Takes the frames of one stream one at a time; room and time a frame stay the same.

    Args:
        model: the network, in eval mode.
        stream: what is known of the stream.

    Raises:
        ShapeError: the latency is not from 0 to T // 2.

    Example:
        >>> from posenet3d.networks import PoseNet3D
        >>> lifter = LiveLifter(PoseNet3D.from_pretrained(), Stream(fps=50.0, layout=LSP_14))
        >>> lifter.push(np.random.rand(14, 2)).joints3d.shape
        (14, 3)
    """

    def __init__(self, model: PoseNet3D, stream: Stream) -> None:
        half = model.receptive_field // 2
        if not 0 <= stream.latency <= half:
            raise ShapeError("latency", expected=f"0 to {half} frames", got=repr(stream.latency))
        self._model, self._stream, self._lifter = model, stream, WindowLifter(model)
        self._frames: deque[_Seen] = deque(maxlen=half + 1 + stream.latency)
        self._count = 0
        memory = MEMORY_SECONDS * stream.fps
        mode = model.config.normalization
        self._size = RunningMean({"frame": 1.0, "window": 51.0}.get(mode, memory))
        self._known_size = stream.head_to_root or float(model.input_length) or None
        self._hips = RunningRoot()
        self._shape = RunningMean(memory)
        self._unit = RunningMean(memory)
        self._camera: AssumedCamera | None = None
        self._depth = RunningMean(1 + DEPTH_SECONDS * stream.fps)
        self._height: tuple[np.ndarray | None, float] | None = None

    def push(self, frame: Frame) -> LiveFrame | None:
        """Take a frame; the answer for the one ``latency`` frames before it, if there is one.

        Raises:
            ShapeError: the frame's arrays do not fit the layout.
        """
        self._frames.append(self._taken(frame))
        self._count += 1
        waiting = self._count - 1 - self._stream.latency
        return self._told(waiting) if waiting >= 0 else None

    def flush(self) -> Iterator[LiveFrame]:
        """The answers for the frames that still wait, as if the last one were repeated."""
        for waiting in range(max(0, self._count - self._stream.latency), self._count):
            yield self._told(waiting)

    def _taken(self, frame: Frame) -> _Seen:
        joints = len(self._stream.layout)
        points = np.full((joints, 2), np.nan) if frame is None else frame
        points, confidence = points if isinstance(points, tuple) else (points, None)
        points = np.asarray(points, dtype=np.float64)
        if points.shape != (joints, 2):
            name = self._stream.layout.name
            expected = f"({joints}, 2) for layout {name!r}"
            raise ShapeError("frame", expected=expected, got=f"{points.shape}")
        points = np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, np.nan)
        made = convert(points, self._stream.layout, LSP_14, confidence)
        root, length = self._hips.add(made.points)
        if length is not None and length > 0:
            self._size.add(length)
        return _Seen(self._count, made.points, made.confidence, root)

    def _told(self, number: int) -> LiveFrame:
        """The answer for one of the frames that are kept."""
        first = self._frames[0].number
        middle = self._frames[number - first]
        length = self._known_size if self._known_size is not None else self._size.value
        seconds = number / self._stream.fps
        newest = self._frames[-1].number
        if length is None or not np.isfinite(middle.root).all():
            return LiveFrame(number, newest, seconds, np.full((14, 3), np.nan))
        scale = 1 / (self._model.config.distance * float(length))
        answer = self._lifter.lift(self._window(number, scale))
        return self._placed(middle, answer, scale, newest)

    def _window(self, number: int, scale: float) -> torch.Tensor:
        """The window around a frame; the oldest and the newest frame stand for missing ones."""
        half, first = self._model.receptive_field // 2, self._frames[0].number
        around = np.clip(np.arange(number - half, number + half + 1) - first, 0, None)
        kept = [self._frames[min(place, len(self._frames) - 1)] for place in around]
        points = np.stack([(seen.points - seen.root) * scale for seen in kept])
        return torch.from_numpy(points).float().to(self._model.metres_per_unit.device)

    def _placed(self, middle: _Seen, answer: WindowAnswer, scale: float, newest: int) -> LiveFrame:
        model, half = self._model, self._model.receptive_field // 2
        teacher = answer.teacher[:, half].cpu()
        wanted = self._stream.wanted
        unit = metres_per_unit(model, teacher)
        if not model.has_student:
            unit = float(self._unit.add(unit))
        betas, rotations, shape = None, None, None
        if answer.betas is not None and answer.rotations is not None:
            betas = self._shape.add(answer.betas[0].double().cpu().numpy())
            rotations = answer.rotations[:, half].cpu()
            shape = torch.from_numpy(betas).float()
        size = 1.0 if wanted.height_m is None else wanted.height_m / self._rest_height(betas)
        branches = {"teacher": teacher.numpy() * np.float32(unit * size)}
        hips = None
        if shape is not None and rotations is not None:
            joints, hips = body_joints(model, shape, rotations)
            branches["student"] = joints * np.float32(size)
        fused = fuse(branches, wanted.fusion)
        ahead = model.config.distance * unit * size
        root = self._root(middle, branches.get("student", fused), scale, ahead)
        return LiveFrame(
            frame=middle.number,
            newest=newest,
            seconds=middle.number / self._stream.fps,
            joints3d=fused[0],
            root=root,
            branches={name: each[0] for name, each in branches.items()},
            rotations=None if rotations is None else rotations[0].numpy(),
            translation=None if hips is None else root - size * hips[0],
            betas=betas,
            scale=size,
            invented=~(np.isfinite(middle.points).all(axis=-1) & (middle.confidence > 0)),
        )

    def _rest_height(self, betas: Float[np.ndarray, " betas"] | None) -> float:
        """The body's height, measured again where its shape has changed."""
        kept = self._height
        if kept is not None and (
            betas is None or kept[0] is None or np.abs(betas - kept[0]).max() < _SAME_SHAPE
        ):
            return kept[1]
        shape = None if betas is None else torch.from_numpy(betas).float()
        self._height = (betas, rest_height(self._model, shape))
        return self._height[1]

    def _root(
        self, middle: _Seen, joints: Float[np.ndarray, "1 14 3"], scale: float, ahead: float
    ) -> Float[np.ndarray, " 3"]:
        """The frame's root: on its line of sight, its depth smoothed over the past."""
        if self._camera is None:
            x, y = middle.root.tolist()
            told = self._stream.unit, self._stream.image_size, (x, y), scale
            self._camera = camera_for(*told, self._stream.wanted.focal)[0]
        placed = joints.astype(np.float64)
        found = fit_root(placed, middle.points[None], middle.confidence[None], self._camera)[0]
        if np.isfinite(found).all():
            return np.asarray(found / found[2] * self._depth.add(found[2]))
        depth = ahead if self._depth.value is None else float(self._depth.value)
        ray = (middle.root - np.asarray(self._camera.centre)) / self._camera.focal
        return np.array([*ray, 1.0]) * depth


def lift_live(lifter: LiveLifter, frames: Iterable[Frame]) -> Iterator[LiveFrame]:
    """One result a frame of a stream, in order.

    Args:
        lifter: a new one.
        frames: the frames as they come.

    Yields:
        `LiveFrame`, each ``latency`` frames after its own; the last ones when the stream ends.
    """
    for frame in frames:
        told = lifter.push(frame)
        if told is not None:
            yield told
    yield from lifter.flush()
