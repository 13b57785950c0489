"""Leeds Sports Poses: single pictures with 14 joints, without 3D.

The files are those of the dataset's page; which value of the third row means occluded is told by
the public code that reads them (HMR's ``src/datasets/lsp_to_tfrecords.py``). No file of the dataset
was at hand.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.sequence_files import NamedSequence
from posenet3d.errors import DataError
from posenet3d.files.matlab import read_matlab
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LSP_14

_OCCLUDED = 0.5
_TRAINED_ON = 1000
_ANCHORS = list(LSP_14.indices("right_hip", "left_hip", "head_top"))


class _Picture(NamedTuple):
    name: str
    file: Path
    points: Float[np.ndarray, "14 2"]
    confidence: Float[np.ndarray, " 14"]


class LspDataset:
    """Leeds Sports Poses, and its extension, as their archives hold them.

    ``joints.mat`` (MATLAB 5) has a variable ``joints``:

    * LSP: (3, 14, 2000), x and y in pixels and 1 where a joint is occluded. All joints have a
      place; an occluded one has the confidence 0.5, a choice. Pictures 1 to 1000 are for training,
      1001 to 2000 for test; they are ``images/im0001.jpg`` ….
    * LSP extended: (14, 3, 10000), x, y and 1 where a joint was labelled; the others are unknown.
      All pictures are for training; they are ``images/im00001.jpg`` …. So is its larger copy,
      HR-LSPET, with 9428 pictures ``im00001.png`` … beside ``joints.mat``.

    A picture is no video. For training each is repeated, as the paper does for its networks, which
    take T frames (Sect. 4). Its file is the sequence's ``source``. Pictures need not be there
    unless you draw them. Where there are as many as columns, the columns are theirs in the order of
    their names; else they are numbered from 1.

    Args:
        root: the folder of either archive; the shape tells which one it is.
        extended: the folder of the other archive, to train on both.
        frames: how often each picture is repeated: T and the one that follows.
        complete: leave pictures out in which a joint is unknown, as a network that is not told of
            missing joints must have all. Pictures without hips or head top have no scale and are
            left out in any case.

    Raises:
        ConfigurationError: an option is out of its range.
        DataError: the folder has no ``joints.mat``. While iterating: it is damaged, or holds
            something else.

    Example:
        >>> LspDataset.about.splits
        ('train',)
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        extended: Path | None = None
        """The folder of the other archive."""
        frames: int = Field(default=10, ge=1)
        """How often each picture is repeated."""
        complete: bool = True
        """Leave pictures out in which a joint is unknown."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="Leeds Sports Poses (LSP), LSP extended",
        homepage="http://sam.johnson.io/research/lsp.html",
        licence=(
            "for research; the pictures are of Flickr's users, and the page asks to cite the papers"
        ),
        citation=(
            "Johnson, Everingham: Clustered Pose and Nonlinear Appearance Models for Human Pose "
            "Estimation, BMVC 2010; the extension: Learning Effective Human Pose Estimation from "
            "Inaccurate Annotation, CVPR 2011"
        ),
        steps=(
            "Download lsp_dataset.zip, or lsp_dataset_original.zip with larger pictures, from the "
            "homepage; for the extension lspet_dataset.zip from its own page there, lspet.html. "
            "People have reported the homepage's links as dead since 2021; ask its author then.",
            "The extension is also at https://datasets.d2.mpi-inf.mpg.de/hr-lspet/hr-lspet.zip, "
            "with larger pictures.",
            "Unpack each into a folder of its own, so that it has joints.mat and the pictures.",
        ),
        files={"joints.mat": "the joints of all pictures", "images/*.jpg": "the pictures"},
        optional=("images/*.jpg",),
        splits=("train",),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        extended: Path | None = None,
        frames: int = 10,
        complete: bool = True,
    ) -> None:
        self._roots = [self.about.check_folder(root)]
        if extended is not None:
            self._roots.append(self.about.check_folder(Path(extended)))
        self._frames, self._complete = frames, complete

    def training(self) -> Iterator[NamedSequence]:
        """The pictures for training, each as a sequence in which nothing moves.

        Yields:
            ``lsp/im0001/photo`` or ``lsp_extended/im00001/photo``, and sequence, in pixels,
            layout ``lsp_14``.

        Raises:
            DataError: ``joints.mat`` is damaged, or holds something else.
            StorageError: it cannot be read.
        """
        for root in self._roots:
            for picture in _pictures(root, training=True):
                if self._usable(picture):
                    yield picture.name, _sequence(picture, self._frames)

    def test(self) -> Iterator[AnnotatedSequence]:
        """Nothing: the pictures have no 3D.

        Raises:
            DataError: always; `pictures` has the test pictures' 2D.
        """
        raise DataError(
            self._roots[0],
            "expected true joints to test against, got pictures with 2D only; LSP has no 3D. Its "
            "test pictures are there to look at: pictures().",
        )

    def pictures(self) -> Iterator[NamedSequence]:
        """The test pictures of LSP, to lift and to look at; LSP extended has none.

        Yields:
            ``lsp/im1001/photo`` … and a sequence of one frame, in pixels.

        Raises:
            DataError: as `training`.
            StorageError: as `training`.
        """
        for root in self._roots:
            for picture in _pictures(root, training=False):
                if self._usable(picture):
                    yield picture.name, _sequence(picture, 1)

    def _usable(self, picture: _Picture) -> bool:
        known = np.isfinite(picture.points).all(axis=-1)
        return bool(known.all() if self._complete else known[_ANCHORS].all())


def _pictures(root: Path, *, training: bool) -> Iterator[_Picture]:
    path = root / "joints.mat"
    joints = read_matlab(path, "joints").get("joints")
    shape = joints.shape if isinstance(joints, np.ndarray) else None
    if not isinstance(joints, np.ndarray) or joints.ndim != 3 or joints.shape[:2] not in _READ:
        raise DataError(
            path,
            "expected 'joints' of (3, 14, pictures), LSP, or (14, 3, pictures), LSP extended, got "
            f"{shape or 'none'}.",
        )
    yield from _READ[joints.shape[0], joints.shape[1]](root, joints, training)


def _lsp(root: Path, joints: np.ndarray, training: bool) -> Iterator[_Picture]:
    files = _files(root, joints.shape[2], "im{:04d}.jpg")
    chosen = slice(None, _TRAINED_ON) if training else slice(_TRAINED_ON, None)
    for at in range(len(files))[chosen]:
        x, y, occluded = np.asarray(joints[:, :, at], dtype=np.float64)
        confidence = np.where(occluded != 0, _OCCLUDED, 1.0)
        name = f"lsp/{files[at].stem}/photo"
        yield _Picture(name, files[at], np.stack([x, y], axis=-1), confidence)


def _extended(root: Path, joints: np.ndarray, training: bool) -> Iterator[_Picture]:
    files = _files(root, joints.shape[2], "im{:05d}.jpg") if training else []
    for at, file in enumerate(files):
        points = np.array(joints[:, :2, at], dtype=np.float64)
        labelled = joints[:, 2, at] != 0
        points[~labelled] = np.nan
        name = f"lsp_extended/{file.stem}/photo"
        yield _Picture(name, file, points, labelled.astype(np.float64))


def _files(root: Path, count: int, numbered: str) -> list[Path]:
    """Each column's picture."""
    for pattern in ("images/*.jpg", "*.png"):
        there = sorted(root.glob(pattern))
        if len(there) == count:
            return there
    return [root / "images" / numbered.format(at + 1) for at in range(count)]


_READ = {(3, 14): _lsp, (14, 3): _extended}


def _sequence(picture: _Picture, frames: int) -> KeypointSequence:
    return KeypointSequence(
        np.tile(picture.points, (frames, 1, 1)),
        np.tile(picture.confidence, (frames, 1)),
        layout=LSP_14.name,
        fps=1.0,
        source=str(picture.file),
    )
