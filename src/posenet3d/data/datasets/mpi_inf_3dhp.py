"""MPI-INF-3DHP: eight people before fourteen cameras, six test videos, half of them outdoors.

What the files hold is told by the dataset's own ``README.txt`` (training set) and
``test_util/README.txt`` (test set), and by the public code that reads them (SPIN's
``datasets/preprocess/mpi_inf_3dhp.py``, margipose). No file of the dataset was at hand: what only a
real file could tell, such as the numbers in frames that are not valid, is not checked.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.sequence_files import NamedSequence
from posenet3d.errors import DataError
from posenet3d.files.matlab import read_matlab
from posenet3d.files.matlab_v5 import MatlabValue
from posenet3d.keypoints import KeypointSequence

Subject = Literal["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"]
_SUBJECTS: tuple[Subject, ...] = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8")
_VNECT = (0, 1, 2, 4, 5, 6, 7, 8)
_TRAINING, _TEST = "mpi_inf_3dhp_28", "mpi_inf_3dhp_17"
_MILLIMETRES = 1000.0
_STUDIO = (2048, 2048)
_TEST_FPS = 25.0
_TEST_FOLDER = "mpi_inf_3dhp_test_set"
_TRAINING_FILES = "S*/Seq*/annot.mat"
_TEST_FILES = f"{_TEST_FOLDER}/**/TS*/annot_data.mat"


class _Recording(NamedTuple):
    """What ``mpii_get_sequence_info.m`` tells: frames with pictures, and frames a second."""

    frames: int
    fps: float


_RECORDINGS = {
    "S1/Seq1": _Recording(6416, 25.0), "S1/Seq2": _Recording(12430, 50.0),
    "S2/Seq1": _Recording(6502, 25.0), "S2/Seq2": _Recording(6081, 25.0),
    "S3/Seq1": _Recording(12488, 50.0), "S3/Seq2": _Recording(12283, 50.0),
    "S4/Seq1": _Recording(6171, 25.0), "S4/Seq2": _Recording(6675, 25.0),
    "S5/Seq1": _Recording(12820, 50.0), "S5/Seq2": _Recording(12312, 50.0),
    "S6/Seq1": _Recording(6188, 25.0), "S6/Seq2": _Recording(6145, 25.0),
    "S7/Seq1": _Recording(6239, 25.0), "S7/Seq2": _Recording(6320, 25.0),
    "S8/Seq1": _Recording(6468, 25.0), "S8/Seq2": _Recording(6054, 25.0),
}  # fmt: skip
_TEST_SIZES = {f"TS{number}": _STUDIO if number < 5 else (1920, 1080) for number in range(1, 7)}


class MpiInf3dhpDataset:
    """MPI-INF-3DHP as its owners give it out: MATLAB files of 2D and 3D annotations.

    **Training**: ``S<1-8>/Seq<1-2>/annot.mat`` (version 5; copies that were saved as 7.3 too) has
    in its cell ``annot2`` for each camera (frames, 56) pixels, x and y of 28 joints in turn. Rows
    beyond the recording's number of frames have no picture and are left out, as the README asks.
    ``camera.calibration`` is not needed.

    **Test**: ``mpi_inf_3dhp_test_set/TS<1-6>/annot_data.mat`` (version 7.3; ``get_testset.sh``
    unpacks it into a folder of that name in that folder, which may stay) has ``annot2`` (2, 17, 1,
    frames) in pixels, ``univ_annot3`` (3, 17, 1, frames) in millimetres in the camera's frame,
    and ``valid_frame``: 603, 540, 505, 553, 276 and 452 frames count, 2929 in all. ``univ_annot3``
    is ``annot3`` scaled to one height for everyone; it is what the owners' script compares with,
    and it does not project onto ``annot2``. Frames with nothing but zeros in ``annot2`` are left
    out.

    No description tells the test videos' frame rates. They are given as 25 Hz, which nothing of
    the protocol ``mpi-inf-3dhp`` depends on.

    Args:
        root: the folder that holds ``S1`` … ``S8``, ``mpi_inf_3dhp_test_set``, or both.
        subjects: the training subjects; all eight by default.
        cameras: the numbers of the training cameras. By default the eight of VNect and SPIN: at
            chest height, at knee height, and two angled down (``mpii_get_camera_set.m``). 11 to 13
            look down from the ceiling.
        truth: ``"univ_annot3"``, or ``"annot3"``: true sizes, as some papers take them.

    Raises:
        ConfigurationError: an option is not one of those above.
        DataError: the folder holds neither the training nor the test set. While iterating: a file
            is missing, is damaged, or holds something else.

    Example:
        >>> MpiInf3dhpDataset.about.title
        'MPI-INF-3DHP'
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        subjects: tuple[Subject, ...] = Field(default=_SUBJECTS, min_length=1)
        """The training subjects."""
        cameras: tuple[int, ...] = Field(default=_VNECT, min_length=1)
        """The training cameras, 0 to 13."""
        truth: Literal["univ_annot3", "annot3"] = "univ_annot3"
        """The 3D of the test set: univ_annot3 or annot3."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="MPI-INF-3DHP",
        homepage="https://vcai.mpi-inf.mpg.de/3dhp-dataset/",
        licence=(
            "research only, no redistribution; the terms are in the license.txt of the download"
        ),
        citation=(
            "Mehta, Rhodin, Casas, Fua, Sotnychenko, Xu, Theobalt: Monocular 3D Human Pose "
            "Estimation In The Wild Using Improved CNN Supervision, 3DV 2017"
        ),
        steps=(
            "Register on the homepage; the download scripts, mpi_inf_3dhp.zip, come by mail.",
            "Read the licence. In conf.ig say subjects=(1 2 3 4 5 6 7 8), the folder as "
            "destination, and ready_to_download=1.",
            "The videos are not needed: in get_dataset.sh make seq_sets=('imageSequence') to "
            "seq_sets=(). Run it with bash: S1 to S8 appear in the folder.",
            "Run get_testset.sh with bash, 6.9 GB with the pictures: mpi_inf_3dhp_test_set appears "
            "beside them.",
        ),
        files={
            _TRAINING_FILES: "annotations of the training set, sixteen files",
            _TEST_FILES: "annotations of the test set, six files",
        },
        optional=(_TRAINING_FILES, _TEST_FILES),
        registration=True,
        protocols=("mpi-inf-3dhp",),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        subjects: tuple[str, ...] = _SUBJECTS,
        cameras: tuple[int, ...] = _VNECT,
        truth: str = "univ_annot3",
    ) -> None:
        self._root = self.about.check_folder(root)
        self._subjects, self._cameras, self._truth = subjects, cameras, truth
        if not any(self.about.found(self._root).values()):
            wanted = " or ".join(self.about.files)
            raise DataError(
                self._root,
                f"expected {wanted}, got neither; name the folder that holds S1 … S8 and "
                f"{_TEST_FOLDER}.",
            )

    def training(self) -> Iterator[NamedSequence]:
        """The 2D of the training subjects, camera by camera.

        Yields:
            ``S1/Seq1/camera0`` … and sequence, in pixels, layout ``mpi_inf_3dhp_28``.

        Raises:
            DataError: a file is missing, damaged, or has other shapes than those above.
            StorageError: a file cannot be read.
        """
        for name, recording in _RECORDINGS.items():
            if name.partition("/")[0] in self._subjects:
                yield from self._views(name, recording)

    def _views(self, name: str, recording: _Recording) -> Iterator[NamedSequence]:
        path = self._there(f"{name}/annot.mat")
        found = read_matlab(path, "annot2", "cameras")
        views = _cells(path, found)
        numbers = found.get("cameras", np.arange(len(views)))
        place = {int(number): at for at, number in enumerate(np.ravel(np.asarray(numbers)))}
        for camera in self._cameras:
            if place.get(camera, len(views)) >= len(views):
                raise DataError(
                    path, f"expected a camera {camera}, got {sorted(place)}; choose other cameras."
                )
            points = views[place[camera]][: recording.frames].reshape(-1, 28, 2)
            seen = KeypointSequence(
                points,
                layout=_TRAINING,
                fps=recording.fps,
                image_size=_STUDIO,
                source=f"{path} (camera {camera})",
            )
            yield f"{name}/camera{camera}", seen

    def test(self) -> Iterator[AnnotatedSequence]:
        """The six test videos.

        Yields:
            ``TS1/test/camera`` … in pixels and metres, layout ``mpi_inf_3dhp_17``.

        Raises:
            DataError: a file is missing, damaged, or has other shapes than those above.
            StorageError: a file cannot be read.
        """
        inner = f"{_TEST_FOLDER}/{_TEST_FOLDER}"
        folder = inner if (self._root / inner).is_dir() else _TEST_FOLDER
        for video, size in _TEST_SIZES.items():
            path = self._there(f"{folder}/{video}/annot_data.mat")
            yield _test_sequence(path, video, size, self._truth)

    def _there(self, name: str) -> Path:
        path = self._root / name
        if not path.is_file():
            raise DataError(
                path,
                f"expected a file of {self.about.title}, got nothing there; download it, or leave "
                "its subject out (subjects=).",
            )
        return path


def _cells(path: Path, found: dict[str, MatlabValue]) -> list[np.ndarray]:
    """The cameras' 2D, each (frames, 56)."""
    views = found.get("annot2")
    if not isinstance(views, list) or not views:
        raise DataError(path, f"expected a cell 'annot2', a camera a place, got {_kind(views)}.")
    for view in views:
        if view.ndim != 2 or view.shape[1] != 56:
            raise DataError(
                path, f"expected 'annot2' of (frames, 56), 28 joints, got {view.shape}."
            )
    return views


def _test_sequence(path: Path, video: str, size: tuple[int, int], truth: str) -> AnnotatedSequence:
    found = read_matlab(path, "annot2", truth, "valid_frame")
    points, joints = _joints(path, found, "annot2", 2), _joints(path, found, truth, 3)
    valid = np.ravel(np.asarray(found.get("valid_frame", [])))
    if not len(points) == len(joints) == len(valid):
        raise DataError(
            path,
            f"expected as many frames in annot2, {truth} and valid_frame, got {len(points)}, "
            f"{len(joints)} and {len(valid)}.",
        )
    kept = np.flatnonzero(np.isfinite(points).all(axis=(1, 2)) & (points != 0).any(axis=(1, 2)))
    if not len(kept):
        raise DataError(path, f"expected frames with 2D joints, got none in {len(points)}.")
    seen = KeypointSequence(
        points[kept],
        layout=_TEST,
        fps=_TEST_FPS,
        image_size=size,
        frame_index=kept,
        source=str(path),
    )
    metres = joints[kept] / _MILLIMETRES
    return AnnotatedSequence(f"{video}/test", "camera", seen, metres, _TEST, valid[kept] != 0)


def _joints(path: Path, found: dict[str, MatlabValue], name: str, axes: int) -> np.ndarray:
    """(axes, 17, 1, frames) as (frames, 17, axes)."""
    array = found.get(name)
    if not isinstance(array, np.ndarray) or array.shape[:3] != (axes, 17, 1) or array.ndim != 4:
        raise DataError(
            path,
            f"expected {name!r} of ({axes}, 17, 1, frames), got {_kind(array)}; the training set's "
            "annot.mat is another file.",
        )
    return np.asarray(array[:, :, 0].T, dtype=np.float64)


def _kind(value: MatlabValue | None) -> str:
    if value is None:
        return "none"
    return f"a cell of {len(value)}" if isinstance(value, list) else f"numbers {value.shape}"
