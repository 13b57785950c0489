"""Human3.6M as a dataset of the library."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.datasets.human36m.archives import Seen, archive_keypoints
from posenet3d.data.datasets.human36m.pairing import MAX_DISTANCE, median_distance
from posenet3d.data.datasets.human36m.recordings import (
    ACTIONS,
    FPS,
    IMAGE_SIZES,
    TEST_SUBJECTS,
    TRAINING_SUBJECTS,
)
from posenet3d.data.datasets.human36m.release import PIXELS, has_release, release_keypoints
from posenet3d.data.datasets.human36m.truth import Truth, find_truth
from posenet3d.errors import DataError
from posenet3d.keypoints import KeypointSequence

_EXACT = "gt"
_ARCHIVE = "data_2d_h36m_{}.npz"
_FILES = {
    "data_2d_h36m_*.npz": "2D, from VideoPose3D",
    "data_3d_h36m.npz": "3D in the world, from VideoPose3D",
    "S*/MyPoseFeatures/D2_Positions/*.cdf": "2D, from the release",
    "S*/MyPoseFeatures/D3_Positions_mono/*.cdf": "3D in the camera frame, from the release",
    "S*/MyPoseFeatures/D3_Positions/*.cdf": "3D in the world, from the release",
    "metadata.xml": "the cameras, from the release's code",
    "camera-parameters.json": "the cameras, from karfly/human36m-camera-parameters",
    "h36m_dataset.py": "the cameras, from VideoPose3D's folder common",
}


class Human36mDataset:
    """Human3.6M: S1, S5, S6, S7 and S8 to train on, S9 and S11 to test on, four cameras each.

    2D is VideoPose3D's ``data_2d_h36m_<keypoints>.npz``; where there is none for ``gt``, the
    release's ``D2_Positions``. 3D is found by `posenet3d.data.datasets.human36m.truth.find_truth`.
    A test sequence is as long as its 3D: frames of 2D beyond it are cut off, as VideoPose3D does
    (``run.py``: some videos have more frames than the motion capture); 2D that is shorter is an
    error. Training needs no 3D and keeps every frame. S11's ``Directions``, whose video is
    damaged, is left out.

    Nothing here was checked against the dataset itself, which needs a licence, but against the
    public code that reads it, and the three public camera files against each other.

    Args:
        root: the folder of `about`'s files: VideoPose3D's ``data``, the release's, or both in one.
        keypoints: which 2D: ``"gt"``, ``"cpn_ft_h36m_dbb"``, ``"sh_ft_h36m"`` …, what stands in
            the file's name.
        subjects: whom to train on.
        actions: which of the 15 actions, to train and to test.
        cameras: the camera file for 3D in the world; see `find_truth`.

    Raises:
        ConfigurationError: an option does not fit.
        DataError: the folder, or the 2D asked for, is not there.

    Example:
        >>> Human36mDataset(Path("nowhere"))
        Traceback (most recent call last):
            ...
        posenet3d.errors.DataError: nowhere: expected the folder of Human3.6M, got nothing there.
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        keypoints: str = Field(default=_EXACT, pattern=r"^\w+$")
        """Which 2D: what stands in the name of data_2d_h36m_<keypoints>.npz."""
        subjects: tuple[str, ...] = Field(default=TRAINING_SUBJECTS, min_length=1)
        """Whom to train on."""
        actions: tuple[str, ...] = Field(default=ACTIONS, min_length=1)
        """Which actions, to train and to test."""
        cameras: Path | None = None
        """The camera file for 3D in the world: metadata.xml, camera-parameters.json or
        h36m_dataset.py."""

        @field_validator("subjects")
        @classmethod
        def _no_test_subject(cls, given: tuple[str, ...]) -> tuple[str, ...]:
            return _among(given, TRAINING_SUBJECTS)

        @field_validator("actions")
        @classmethod
        def _known_actions(cls, given: tuple[str, ...]) -> tuple[str, ...]:
            return _among(given, ACTIONS)

    about: ClassVar[DatasetCard] = DatasetCard(
        title="Human3.6M",
        homepage="http://vision.imar.ro/human3.6m/",
        licence="Academic use only, not to be passed on; register and accept the terms at "
        "http://vision.imar.ro/human3.6m/eula.php",
        citation="Ionescu, Papava, Olaru and Sminchisescu, Human3.6M: Large Scale Datasets and "
        "Predictive Methods for 3D Human Sensing in Natural Environments, TPAMI 2014",
        steps=(
            "Register at http://vision.imar.ro/human3.6m/ and wait for the confirmation.",
            "Download Poses D2 Positions and Poses D3 Positions mono of subjects 1, 5, 6, 7, 8, "
            "9 and 11, and unpack them to S1/MyPoseFeatures/D2_Positions/*.cdf and so on.",
            "Or download Poses D3 Positions alone, and run VideoPose3D's "
            "data/prepare_data_h36m.py, which makes data_3d_h36m.npz and data_2d_h36m_gt.npz.",
            "For detected 2D, put one of VideoPose3D's files beside them, such as "
            "https://dl.fbaipublicfiles.com/video-pose-3d/data_2d_h36m_cpn_ft_h36m_dbb.npz.",
        ),
        files=_FILES,
        optional=tuple(_FILES),
        registration=True,
        protocols=("h36m", "h36m-frontal", "h36m-hmr"),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        keypoints: str = _EXACT,
        subjects: tuple[str, ...] = TRAINING_SUBJECTS,
        actions: tuple[str, ...] = ACTIONS,
        cameras: Path | None = None,
    ) -> None:
        self._root = self.about.check_folder(root)
        self._subjects, self._actions, self._cameras = subjects, actions, cameras
        seen = self._seen(keypoints)
        if seen is None:
            there = [path.name for path in sorted(self._root.glob(_ARCHIVE.format("*")))]
            got = ", ".join(there) or "none"
            or_else = f" or S*/MyPoseFeatures/{PIXELS}/*.cdf" if keypoints == _EXACT else ""
            raise DataError(
                self._root,
                f"expected 2D keypoints, {_ARCHIVE.format(keypoints)}{or_else}, got {got}; "
                "`posenet3d data fetch` tells how to come by them.",
            )
        self._keypoints = seen

    def training(self) -> Iterator[tuple[str, KeypointSequence]]:
        """The 2D of the training subjects, in pixels.

        Yields:
            ``"S1/Directions 1/54138969"`` and the sequence; subject, recording and camera.

        Raises:
            DataError: a file is missing, damaged or another one.
            MissingExtraError: cdflib is not installed, for the release's files.
            StorageError: a file cannot be read.
        """
        for seen in self._keypoints(self._subjects):
            sequence = _sequence(seen, len(seen.points), self._root)
            yield sequence.source, sequence

    def test(self) -> Iterator[AnnotatedSequence]:
        """The 2D of S9 and S11 with the true joints, layout ``h36m_17``.

        Yields:
            A recording by one camera, ``"S9/Directions 1"`` by ``"60457274"``.

        Raises:
            DataError: as for `training`; there is no 3D; or 2D and 3D are not of the same
                recordings.
            MissingExtraError: cdflib or scipy is not installed.
            StorageError: a file cannot be read.
        """
        exact = self._seen(_EXACT)
        truth = find_truth(
            self._root,
            TEST_SUBJECTS,
            self._actions,
            self._cameras,
            None if exact is None else lambda: exact(TEST_SUBJECTS),
        )
        for seen in self._keypoints(TEST_SUBJECTS):
            yield _annotated(seen, truth, self._root)

    def _seen(self, keypoints: str) -> Callable[[tuple[str, ...]], Iterable[Seen]] | None:
        """Gives the 2D of some subjects; ``None`` where it is not in the folder."""
        archive = self._root / _ARCHIVE.format(keypoints)
        if archive.is_file():
            return lambda subjects: archive_keypoints(archive, subjects, self._actions)
        if keypoints == _EXACT and has_release(self._root, PIXELS):
            return lambda subjects: release_keypoints(self._root, subjects, self._actions)
        return None


def _among(given: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [each for each in given if each not in known]
    if unknown or len(set(given)) < len(given):
        raise ValueError(f"expected some of {', '.join(known)}, each once, got {', '.join(given)}")
    return given


def _sequence(seen: Seen, frames: int, root: Path) -> KeypointSequence:
    points = seen.points[:frames].astype(np.float64)
    try:
        return KeypointSequence(
            np.where((points == 0).all(axis=-1, keepdims=True), np.nan, points),
            layout=seen.layout,
            fps=FPS,
            image_size=IMAGE_SIZES[seen.camera],
            source=f"{seen.subject}/{seen.recording}/{seen.camera}",
        )
    except DataError as error:
        raise DataError(root, str(error)) from None


def _annotated(seen: Seen, truth: Truth, root: Path) -> AnnotatedSequence:
    name = f"{seen.subject}/{seen.recording}"
    try:
        joints = truth.joints(seen.subject, seen.recording, seen.camera)
    except KeyError:
        raise DataError(
            truth.source, f"expected the 3D of {name}, of which there is 2D, got none."
        ) from None
    if len(seen.points) < len(joints):
        raise DataError(
            truth.source,
            f"{name}/{seen.camera}: expected 2D for each of {len(joints)} frames of 3D, got "
            f"{len(seen.points)}; 2D and 3D are not of the same recording.",
        )
    sequence = _sequence(seen, len(joints), root)
    _check_pair(sequence, joints, truth.source)
    try:
        return AnnotatedSequence(name, seen.camera, sequence, joints, "h36m_17")
    except DataError as error:
        raise DataError(truth.source, str(error)) from None


def _check_pair(sequence: KeypointSequence, joints: np.ndarray, source: Path) -> None:
    """Make sure that the 3D is before the camera, and where the 2D is."""
    nearest = float(joints[..., 2].min())
    if nearest <= 0:
        raise DataError(
            source,
            f"{sequence.source}: expected joints in front of the camera, got one at a depth of "
            f"{nearest:.3g} m; the cameras are not those of these files.",
        )
    off = median_distance(sequence, joints)
    if off is not None and off > MAX_DISTANCE:
        raise DataError(
            source,
            f"{sequence.source}: expected 2D within {MAX_DISTANCE:g} pixels of the 3D's "
            f"projection, got a median of {off:.0f}; 2D and 3D are not of the same recording.",
        )
