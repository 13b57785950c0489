"""The way from one person's 2D keypoints to motion in 3D, with a trained network."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool

from posenet3d import __version__
from posenet3d.body import BodyModel
from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.inference.assembly import assemble
from posenet3d.inference.lifting import WindowLifter
from posenet3d.inference.live import Frame, LiveFrame, LiveLifter, Stream, lift_live
from posenet3d.inference.resampling import lifting_rate, stitched_at
from posenet3d.inference.sequence import Progress, lift_sequence
from posenet3d.inference.wanted import wanted_of
from posenet3d.inference.windows import anchoring_of
from posenet3d.keypoints import KeypointSequence, load_keypoints
from posenet3d.keypoints import resample as resampled
from posenet3d.keypoints.sequence import UNITS
from posenet3d.networks import PoseNet3D, pretrained_folder
from posenet3d.networks.device import choose_device
from posenet3d.networks.model_files import StoredModel
from posenet3d.reconstruction import Reconstruction
from posenet3d.skeletons import layout as layout_named


class Estimator:
    """A trained network that lifts sequences: `KeypointSequence` in, `Reconstruction` out.

    :meth:`from_pretrained` makes one, :meth:`predict` lifts a recording, and
    :meth:`predict_stream` live frames.

    Args:
        model: the network; it stays where it is, in eval mode and with its parameters frozen.
        provenance: what every reconstruction says of the network.

    Attributes:
        model: the network.

    Example:
        >>> import numpy as np
        >>> walk = KeypointSequence(np.random.rand(20, 14, 2), layout="lsp_14", fps=50.0)
        >>> lifted = Estimator.from_pretrained(device="cpu").predict(walk)
        >>> lifted.joints3d.shape, lifted.body.rotations.shape
        ((20, 14, 3), (20, 24, 3, 3))
    """

    def __init__(self, model: PoseNet3D, provenance: Mapping[str, str] | None = None) -> None:
        self.model = model.eval().requires_grad_(False)  # so that the body keeps its tables
        self._provenance = {"posenet3d": __version__, **(provenance or {})}
        self._lifter: WindowLifter | None = None

    def __repr__(self) -> str:
        weights = self._provenance.get("weights", "a network")
        return f"Estimator({weights!r}, {self.device})"

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path | None = None,
        device: torch.device | str = "auto",
        body: BodyModel | None = None,
    ) -> "Estimator":
        """An estimator with weights that ship with the package, or those of your own run.

        Args:
            name_or_folder: ``"best-detected"``, for what a detector gives (the default);
                ``"best-wild"``, for exact 2D; or the folder of a finished run.
            device: where to compute; ``"auto"`` takes a graphics card where there is one.
            body: a body model of the weights' family; by default the one they name.

        Returns:
            The estimator.

        Raises:
            BodyFamilyError: the body is of another family than the weights'.
            DataError: a file is damaged.
            PoseNet3DError: there is no such device.
            StorageError: a file is missing or cannot be read.
            UnknownNameError: there are no such weights; it suggests the nearest.

        Example:
            >>> Estimator.from_pretrained("best-wild", device="cpu")
            Estimator('best-wild', cpu)
        """
        place = choose_device(device)
        model = PoseNet3D.from_pretrained(name_or_folder, place, body=body)
        folder = pretrained_folder(name_or_folder)
        checksum = StoredModel.read(folder).weights_sha256
        told = {"weights": folder.name, "weights_sha256": checksum or "unknown"}
        return cls(model, told)

    @property
    def provenance(self) -> Mapping[str, str]:
        """What every reconstruction says of the network: version, weights and their checksum."""
        return dict(self._provenance)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.model.metres_per_unit.device

    def predict(
        self,
        sequence: KeypointSequence | str | Path,
        *,
        height_m: float | int | None = None,
        batch_size: int = 1024,
        fusion: str = "mean",
        stitch: str = "average",
        resample: str | float | int = "auto",
        focal: float | int | None = None,
        up: Sequence[float] | np.ndarray | None = None,
        invented: Bool[np.ndarray, "frames joints"] | None = None,
        on_progress: Progress | None = None,
        **loading: Any,
    ) -> Reconstruction:
        """The motion of one person in 3D.

        The sequence may have any layout and unit, gaps in its ``frame_index`` and unknown joints.
        Windows do not reach over a gap. Unknown joints are told to a network that takes them, and
        guessed for others from the window's other frames; both are marked in
        :attr:`Reconstruction.invented`. To fill gaps first, see
        :func:`posenet3d.keypoints.repair.repair`. A sequence shorter than a window, down to one
        frame, is repeated, as in the paper.

        Beside the result (some 1.7 kB a frame) the room it takes does not grow with the sequence;
        where it is resampled, by some 1.2 kB a frame.

        Args:
            sequence: the keypoints of one person; or a file or folder for
                :func:`~posenet3d.keypoints.load_keypoints`.
            height_m: the person's height in metres, sole to crown; without it the result's metres
                are those of the body model.
            batch_size: windows in a batch; as many as a processor's cache holds by default.
            fusion: whose skeleton: ``"mean"`` of both branches, ``"teacher"`` or ``"student"``. The
                body is always the student's.
            stitch: what of overlapping windows: their ``"average"``, or each one's ``"centre"``
                frame; see `STITCHES`.
            resample: the frame rate to lift at: ``"auto"`` (the network's, where the sequence is
                faster), ``"none"``, or frames a second. The result has the sequence's own frames.
            focal: the camera's focal length in the keypoints' unit (pixels), if it is known; see
                `assumed_camera` for what is assumed else.
            up: the direction against gravity in the camera frame, if it is known; see
                `up_of_tilt`. Estimated from the motion else, see `estimate_up`.
            invented: which joints (frames, joints) of the sequence were not seen although they
                are known: what a repair filled in.
            on_progress: called with the frames done and the frames there are.
            **loading: for a path: ``format``, ``layout``, ``fps``, ``image_size``, ``joints``,
                ``person`` of :func:`~posenet3d.keypoints.load_keypoints`.

        Returns:
            The motion, a row a frame of the sequence; ``save("motion.glb")`` writes it.

        Raises:
            DataError: hips or head top are never seen, or the person has no size.
            KeypointFormatError: a file is not what its format promises.
            ShapeError: a height, focal length, batch size, frame rate or direction that is none.
            StorageError: a file cannot be read.
            UnknownNameError: no such fusion, stitching, resampling or layout.

        Example:
            >>> squat = KeypointSequence(np.random.rand(30, 17, 2), layout="coco_17", fps=50.0)
            >>> Estimator.from_pretrained(device="cpu").predict(squat, height_m=1.8)
            Reconstruction('keypoints': 30 frames, 50 fps, body 'mannequin', height 1.8 m)
        """
        wanted = wanted_of(
            fusion=fusion,
            stitch=stitch,
            resample=resample,
            height_m=height_m,
            focal=focal,
            up=up,
            batch_size=batch_size,
        )
        seen = _loaded(sequence, loading)
        if invented is not None and invented.shape != seen.confidence.shape:
            expected, got = f"{seen.confidence.shape}", f"{invented.shape}"
            raise ShapeError("invented", expected=expected, got=got)
        rate = lifting_rate(resample, seen.fps, self.model.fps)
        anew = None if rate == seen.fps or len(seen) == 1 else resampled(seen, rate)
        given = seen if anew is None else anew.sequence
        anchors = anchoring_of(given, self.model)
        stitched = lift_sequence(self._ready(), given, anchors, stitch, batch_size, on_progress)
        if anew is not None:
            stitched = stitched_at(stitched, anew.places)
        changed = "none" if anew is None else f"to {rate:.12g} frames a second"
        told = {**self._provenance, "stitch": stitch, "resample": changed}
        return assemble(self.model, seen, anchors, stitched, wanted, told, invented)

    def predict_stream(
        self,
        frames: Iterable[Frame],
        *,
        fps: float | int,
        layout: str,
        latency: int = 0,
        height_m: float | int | None = None,
        fusion: str = "mean",
        focal: float | int | None = None,
        unit: str = "pixels",
        image_size: tuple[int, int] | None = None,
        head_to_root: float | int | None = None,
    ) -> Iterator[LiveFrame]:
        """The motion of one person while the frames come; room does not grow with time.

        A frame is told after ``latency`` more frames have come. With ``latency=0`` the window's
        second half is the frame itself, repeated: no delay, some more error. With T // 2 (4) the
        answer is the one that ``predict(..., stitch="centre")`` gives, if the scale is the same.

        The scale of the 2D is a running mean over the last ten seconds, the body's shape likewise;
        the depth of the root is smoothed over the past only. Nothing is resampled.

        Args:
            frames: for each frame its points (joints, 2), NaN where unknown; or a pair of points
                and confidence (joints,); or ``None`` where nobody was seen.
            fps: frames a second.
            layout: the joints' layout.
            latency: frames to wait, 0 to T // 2.
            height_m: the person's height in metres.
            fusion: whose skeleton; see `FUSIONS`.
            focal: the focal length in the points' unit.
            unit: ``"pixels"``, or ``"normalized"``: half image widths from the image's centre.
            image_size: (width, height) in pixels.
            head_to_root: the mean 2D length from the hips' middle to the head top, if it is known
                beforehand.

        Yields:
            One frozen `LiveFrame` a frame, in order.

        Raises:
            ShapeError: a number that cannot be, or a frame that does not fit the layout.
            UnknownNameError: no such layout, fusion or unit.

        Example:
            >>> frames = (np.random.rand(14, 2) for _ in range(6))
            >>> estimator = Estimator.from_pretrained(device="cpu")
            >>> live = estimator.predict_stream(frames, fps=30, layout="lsp_14", latency=2)
            >>> [(each.frame, each.newest) for each in live]
            [(0, 2), (1, 3), (2, 4), (3, 5), (4, 5), (5, 5)]
        """
        if unit not in UNITS:
            raise UnknownNameError("unit", unit, UNITS)
        stream = Stream(
            fps=float(fps),
            layout=layout_named(layout),
            latency=latency,
            unit=unit,
            image_size=image_size,
            head_to_root=None if head_to_root is None else float(head_to_root),
            wanted=wanted_of(fusion=fusion, height_m=height_m, focal=focal),
        )
        return lift_live(LiveLifter(self.model, stream), frames)

    def _ready(self) -> WindowLifter:
        """The network made ready to lift; anew only where it has changed since."""
        if self._lifter is None or not self._lifter.is_current():
            self._lifter = WindowLifter(self.model)
        return self._lifter


def _loaded(
    sequence: KeypointSequence | str | Path, loading: Mapping[str, Any]
) -> KeypointSequence:
    if strange := loading.keys() - inspect.signature(load_keypoints).parameters.keys():
        raise TypeError(f"predict() got an unexpected argument {min(strange)!r}")
    if not isinstance(sequence, KeypointSequence):
        return load_keypoints(sequence, **loading)
    if loading:
        got = ", ".join(f"{name}=" for name in loading)
        raise ShapeError(
            got, expected="a path beside it", got="a sequence, which tells it itself", do="leave it"
        )
    return sequence
