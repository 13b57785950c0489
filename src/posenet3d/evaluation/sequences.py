"""What an evaluation sees of a clip: for each view the true poses and the lifter's input."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.motion import MotionClip
from posenet3d.data.normalization import normalize
from posenet3d.data.rigs import Camera, camera_rig, observe
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons.conversion import convert

Detector = Callable[[KeypointSequence], KeypointSequence]
"""What a detector makes of a camera's exact 2D; joints that it misses are NaN."""

MILLIMETRES = 1000.0
"""Millimetres a metre."""


@dataclass(frozen=True, eq=False)
class TestSequence:
    """One clip seen by one camera.

    Example:
        >>> TestSequence("S14/a", "S14", 0, 4, np.zeros((5, 14, 3)), np.zeros((5, 14, 2))).name
        'S14/a (view 0)'
    """

    __test__ = False  # a test sequence, no test case: keeps pytest from collecting it

    key: str
    """The clip's key, ``<subject>/<clip>``."""
    subject: str
    """The clip's subject."""
    view: int
    """The number of the view, from 0."""
    views: int
    """How many views the clip has."""
    truth: Float64[np.ndarray, "frames 14 3"]
    """The true ``lsp_14`` joints in the camera frame, mm."""
    points: Float64[np.ndarray, "frames 14 2"]
    """The input: root-centred normalised 2D, NaN where the detector misses a joint."""
    fps: float = 50.0
    """Frames a second."""
    times: Int[np.ndarray, " frames"] | None = None
    """Each frame's number in its video, rising; 0, 1, 2 … if ``None``."""
    counted: Bool[np.ndarray, " frames"] | None = None
    """Which frames may be counted; all if ``None``. The truth of the others may be NaN."""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def name(self) -> str:
        """Clip and view, for messages."""
        return f"{self.key} (view {self.view})"


def sequences_of(
    clip: MotionClip,
    rig: str,
    scale: str = "sequence",
    distance: float = 10.0,
    length: float | None = None,
    detector: Detector | None = None,
) -> Iterator[TestSequence]:
    """Each view of a clip under a test rig.

    Args:
        clip: joints in metres, z up.
        rig: the camera rig's name.
        scale: what the input's scale is taken over, see `posenet3d.data.normalization`.
        distance: c, the root's depth in head-to-root lengths.
        length: the mean head-to-root length, for the scale ``"dataset"``.
        detector: spoils each camera's exact 2D; the truth stays the truth.

    Yields:
        One sequence a view, in the rig's order.

    Raises:
        DataError: the clip's layout lacks a joint of ``lsp_14``, or there is no scale.
        UnknownNameError: no rig or scale of this name.

    Example:
        >>> still = np.arange(42.0).reshape(1, 14, 3).repeat(20, axis=0) / 42
        >>> clip = MotionClip("S0/still", still, "lsp_14", fps=50.0)
        >>> [len(sequence) for sequence in sequences_of(clip, "cmu14")]
        [20, 20, 20, 20]
    """
    cameras = camera_rig(rig, split="test").cameras(clip)
    for view, camera in enumerate(cameras):
        name = f"{clip.key} (view {view})"
        seen = observe(clip, camera, name)
        if detector is not None:
            seen = detector(seen)
        in_lsp = seen.to_layout("lsp_14").points
        points = normalize(in_lsp, scale, distance, length=length, name=name, gaps=True).points
        truth = camera_frame(clip, camera)
        yield TestSequence(
            clip.key, clip.subject, view, len(cameras), truth, points, float(clip.fps)
        )


def annotated_sequence(
    annotated: AnnotatedSequence,
    view: int = 0,
    views: int = 1,
    scale: str = "sequence",
    distance: float = 10.0,
    length: float | None = None,
    detector: Detector | None = None,
) -> TestSequence:
    """What an evaluation sees of a sequence that a dataset's own camera saw.

    Args:
        annotated: its 2D, and its true joints in metres in the camera frame.
        view: the camera's number among those that saw the clip.
        views: how many cameras saw it.
        scale: what the input's scale is taken over, see `posenet3d.data.normalization`.
        distance: c, the root's depth in head-to-root lengths.
        length: the mean head-to-root length, for the scale ``"dataset"``.
        detector: spoils the 2D; the truth stays the truth.

    Returns:
        The test sequence; 2D and truth in ``lsp_14``.

    Raises:
        DataError: a layout lacks a joint of ``lsp_14``, or there is no scale.
        UnknownNameError: no scale of this name.

    Example:
        >>> up = np.linspace(0, -1, 14)[:, None] * np.array([0.0, 1.0])
        >>> seen = KeypointSequence(np.tile(up, (5, 1, 1)), layout="lsp_14", fps=25.0)
        >>> still = AnnotatedSequence("S9/still", "front", seen, np.ones((5, 14, 3)), "lsp_14")
        >>> annotated_sequence(still).truth[0, 0]
        array([1000., 1000., 1000.])
    """
    name = annotated.name
    seen = annotated.keypoints if detector is None else detector(annotated.keypoints)
    in_lsp = seen.to_layout("lsp_14").points
    points = normalize(in_lsp, scale, distance, length=length, name=name, gaps=True).points
    truth = MILLIMETRES * convert(annotated.joints, annotated.joints_layout, "lsp_14").points
    return TestSequence(
        annotated.key,
        annotated.subject,
        view,
        views,
        truth,
        points,
        annotated.keypoints.fps,
        annotated.keypoints.frame_index,
        annotated.counted,
    )


def camera_frame(clip: MotionClip, camera: Camera) -> Float64[np.ndarray, "frames 14 3"]:
    """The clip's ``lsp_14`` joints in the camera frame (x right, y down, z forward), in mm.

    Args:
        clip: joints in metres, z up.
        camera: world -> camera in metres.

    Returns:
        Joints (frames, 14, 3), mm; not root-centred.

    Example:
        >>> clip = MotionClip("S0/still", np.ones((1, 14, 3)), "lsp_14", fps=50.0)
        >>> camera_frame(clip, Camera(np.eye(3, 4), focal=2.0))[0, 0]
        array([1000., 1000., 1000.])
    """
    return MILLIMETRES * convert(camera.to_camera(clip.joints), clip.layout, "lsp_14").points


def centred_windows(
    points: Float[Tensor, "frames joints 2"], window: int
) -> Float[Tensor, "frames window joints 2"]:
    """The window around each frame, with the edge frames repeated; a view where it can be.

    Args:
        points: a sequence.
        window: frames in a window, odd.

    Returns:
        One window a frame; frame i is the middle of window i.

    Example:
        >>> points = torch.arange(3.0).reshape(3, 1, 1).expand(3, 1, 2)
        >>> centred_windows(points, 3)[:, :, 0, 0]
        tensor([[0., 0., 1.],
                [0., 1., 2.],
                [1., 2., 2.]])
    """
    half = window // 2
    first, last = points[:1].expand(half, -1, -1), points[-1:].expand(half, -1, -1)
    padded = torch.cat([first, points, last])
    return rearrange(padded.unfold(0, window, 1), "frames joints xy time -> frames time joints xy")
