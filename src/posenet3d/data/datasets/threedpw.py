"""3DPW: people outdoors before a moving phone, their bodies from body-worn sensors.

What the files hold is told by the dataset's own ``readme.txt`` and by the public code that reads
them (SPIN's ``datasets/preprocess/pw3d.py``, VIBE's ``lib/data_utils/threedpw_utils.py``). No file
of the dataset was at hand.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from pydantic import BaseModel, ConfigDict

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.sequence_files import NamedSequence
from posenet3d.errors import DataError
from posenet3d.files import pickled_value, read_pickle
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LSP_14

_FPS = 30.0
_DETECTED, _BODY = "coco_18", "smpl_24"
_FOLDER = "sequenceFiles"


class _Person(NamedTuple):
    """One person of a sequence."""

    name: str
    detected: Float[np.ndarray, "frames 3 18"]
    world: Float[np.ndarray, "frames 24 3"]
    valid: Bool[np.ndarray, " frames"]


class ThreeDpwDataset:
    """3DPW's sequence files: pickles that Python 2 wrote, read without running them.

    ``sequenceFiles/{train,validation,test}/*.pkl`` each hold a dictionary; of it are used

    * ``poses2d``: for each person (frames, 3, 18), x, y and confidence of OpenPose's COCO joints,
      zeros where a joint was not found;
    * ``jointPositions``: for each person (frames, 72), the 24 joints of the SMPL body in metres in
      the world;
    * ``cam_poses``: (frames, 4, 4), world to camera (x right, y down, z forward), and
      ``cam_intrinsics`` (3, 3);
    * ``campose_valid``: for each person (frames,), whether the camera of that frame is known.

    30 frames a second. Training gives the 2D of the folder ``train``, test that of ``test``,
    against the SMPL joints in the camera's frame. A frame counts if its camera is valid and each of
    the 14 joints was found or can be made. Frames in which no joint was found are left out.

    SMPL's joints are not those that papers report on 3DPW: these come from the mesh by a regressor
    of 14 joints, which needs SMPL's own file and is out of scope here. SMPL's head joint lies in
    the head and stands for the head top (see `posenet3d.skeletons.convert`), hips and shoulders lie
    elsewhere by centimetres. So figures are not comparable with published ones.

    Args:
        root: the folder that holds ``sequenceFiles``.
        keypoints: ``"detected"``, or ``"projected"``: the SMPL joints as the camera sees them,
            layout ``smpl_24``, in the frames whose camera is valid; no joint is missing then.
        validation: train on the folder ``validation`` as well.

    Raises:
        ConfigurationError: an option is not one of those above.
        DataError: the folder lacks the files. While iterating: one is damaged, is no plain data, or
            lacks an entry.

    Example:
        >>> ThreeDpwDataset.about.title
        '3DPW, 3D Poses in the Wild'
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        keypoints: Literal["detected", "projected"] = "detected"
        """OpenPose's joints, or the SMPL joints as the camera sees them."""
        validation: bool = False
        """Train on the validation sequences as well."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="3DPW, 3D Poses in the Wild",
        homepage="https://virtualhumans.mpi-inf.mpg.de/3DPW/",
        licence=(
            "non-commercial scientific research, no redistribution; the terms are at "
            "https://virtualhumans.mpi-inf.mpg.de/3DPW/license.html"
        ),
        citation=(
            "von Marcard, Henschel, Black, Rosenhahn, Pons-Moll: Recovering Accurate 3D Human Pose "
            "in The Wild Using IMUs and a Moving Camera, ECCV 2018"
        ),
        steps=(
            "Read the licence on the homepage and accept it; the downloads follow.",
            "Download sequenceFiles.zip; the pictures, imageFiles.zip, are not needed.",
            "Unpack it, so that the folder has sequenceFiles/train, validation and test.",
        ),
        files={
            f"{_FOLDER}/train/*.pkl": "sequences to train on, 24 files",
            f"{_FOLDER}/validation/*.pkl": "sequences to choose by, 12 files",
            f"{_FOLDER}/test/*.pkl": "sequences to test on, 24 files",
        },
        optional=(f"{_FOLDER}/validation/*.pkl",),
        registration=True,
        protocols=("3dpw",),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        keypoints: str = "detected",
        validation: bool = False,
    ) -> None:
        self._files = self.about.found(self.about.check_folder(root))
        self._projected = keypoints == "projected"
        self._folders = ("train", "validation") if validation else ("train",)

    def training(self) -> Iterator[NamedSequence]:
        """The 2D of the training sequences, person by person.

        Yields:
            ``<sequence>/person0/phone`` … and sequence, in pixels. What was not found is NaN.

        Raises:
            DataError: a file is damaged, is no plain data, or lacks an entry.
            StorageError: a file cannot be read.
        """
        for folder in self._folders:
            for path in self._files[f"{_FOLDER}/{folder}/*.pkl"]:
                for person, _, seen in self._people(path):
                    yield f"{path.stem}/{person.name}/phone", seen

    def test(self) -> Iterator[AnnotatedSequence]:
        """The test sequences, person by person.

        Yields:
            One person, in pixels and metres, joints in layout ``smpl_24``.

        Raises:
            DataError: as for `training`.
            StorageError: as for `training`.
        """
        for path in self._files[f"{_FOLDER}/test/*.pkl"]:
            for person, joints, seen in self._people(path):
                kept = seen.frame_index
                known = np.isfinite(seen.to_layout(LSP_14.name).points).all(axis=(1, 2))
                known &= np.isfinite(joints[kept]).all(axis=(1, 2))
                yield AnnotatedSequence(
                    f"{path.stem}/{person.name}",
                    "phone",
                    seen,
                    joints[kept],
                    _BODY,
                    person.valid[kept] & known,
                )

    def _people(self, path: Path) -> Iterator[tuple[_Person, np.ndarray, KeypointSequence]]:
        """Each person of a file who is seen at all, the joints before the camera, and the 2D."""
        notes = read_pickle(path)
        poses, lens = _camera(path, notes)
        for person in _read_people(path, notes, len(poses)):
            joints = _before_camera(person.world, poses)
            if self._projected:
                points, confidence = _projected(joints, lens), None
                kept = person.valid & np.isfinite(points).all(axis=(1, 2))
            else:
                points, confidence = _detected(person.detected)
                kept = np.isfinite(points).any(axis=(1, 2))
            if kept.any():
                yield (
                    person,
                    joints,
                    KeypointSequence(
                        points[kept],
                        None if confidence is None else confidence[kept],
                        layout=_BODY if self._projected else _DETECTED,
                        fps=_FPS,
                        frame_index=np.flatnonzero(kept),
                        source=f"{path} ({person.name})",
                    ),
                )


def _camera(path: Path, notes: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 4, 4) world to camera, and (3, 3) camera to pixels."""
    poses, lens = (_array(path, name, notes.get(name)) for name in ("cam_poses", "cam_intrinsics"))
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or lens.shape != (3, 3):
        raise DataError(
            path,
            "expected 'cam_poses' of (frames, 4, 4) and 'cam_intrinsics' of (3, 3), got "
            f"{poses.shape} and {lens.shape}.",
        )
    return poses, lens


def _read_people(path: Path, notes: Mapping[str, Any], frames: int) -> Iterator[_Person]:
    detected, world, valid = (
        _arrays(path, name, notes.get(name))
        for name in ("poses2d", "jointPositions", "campose_valid")
    )
    if not len(detected) == len(world) == len(valid):
        raise DataError(
            path,
            "expected as many people in poses2d, jointPositions and campose_valid, got "
            f"{len(detected)}, {len(world)} and {len(valid)}.",
        )
    shapes = {
        "poses2d": (frames, 3, 18),
        "jointPositions": (frames, 72),
        "campose_valid": (frames,),
    }
    for number, parts in enumerate(zip(detected, world, valid, strict=True)):
        for (name, shape), part in zip(shapes.items(), parts, strict=True):
            if part.shape != shape:
                raise DataError(
                    path, f"expected {name!r} of {shape}, one a camera pose, got {part.shape}."
                )
        seen, joints, known = parts
        body = joints.reshape(frames, 24, 3)
        yield _Person(f"person{number}", seen, body, np.asarray(known != 0))


def _arrays(path: Path, name: str, notes: Any) -> list[np.ndarray]:
    """An entry with an array a person."""
    if type(notes) in (list, tuple):
        return [_array(path, name, note) for note in notes]
    return list(_array(path, name, notes))


def _array(path: Path, name: str, note: Any) -> np.ndarray:
    if note is None:
        raise DataError(
            path, f"expected an entry {name!r}, got none; this is no sequence file of 3DPW."
        )
    array = pickled_value(note, f"{path}, {name!r}")
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or not array.ndim:
        raise DataError(path, f"expected numbers in {name!r}, got something else.")
    return array.astype(np.float64)


def _before_camera(world: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Joints in the world in each frame's camera."""
    turned = np.einsum("fab,fjb->fja", poses[:, :3, :3], world)
    return np.asarray(turned + poses[:, None, :3, 3])


def _projected(joints: np.ndarray, lens: np.ndarray) -> np.ndarray:
    """Pixels of joints before the camera; NaN behind it."""
    seen = joints @ lens.T
    depth = np.where(seen[..., 2:] > 0, seen[..., 2:], np.nan)
    points: np.ndarray = seen[..., :2] / depth
    return points


def _detected(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 18, 2) pixels, NaN where a joint was not found, and (frames, 18) confidence."""
    points, confidence = np.moveaxis(found[:, :2], 1, 2), found[:, 2]
    there = (confidence > 0) & np.isfinite(points).all(axis=-1)
    return np.where(there[..., None], points, np.nan), np.where(there, confidence, 0.0)
