"""AIST++ as a dataset: dancers seen by nine cameras, with joints found from all of them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.aist_files import (
    VIEWS,
    AistCamera,
    dancer_of,
    read_cameras,
    read_keypoints2d,
    read_keypoints3d,
    read_mapping,
    read_names,
)
from posenet3d.data.datasets.card import DatasetCard, Download
from posenet3d.data.sequence_files import NamedSequence
from posenet3d.errors import DataError
from posenet3d.keypoints import KeypointSequence

FPS = 60.0
LAYOUT = "coco_17"

FAULTY_VIEWS = frozenset(
    {("gBR_sBM_cAll_d04_mBR0_ch01", "c05"), ("gJB_sBM_cAll_d07_mJB3_ch05", "c07")}
)
"""Views that AIST++'s own code leaves out: one is not synchronous, one has another size."""

Keypoints = Literal["detected", "projected"]
TestSplit = Literal["test", "val"]


class AistDataset:
    """AIST++: thirty dancers, ten of them for the test, nine cameras, 60 frames a second.

    2D and truth are COCO's 17 joints. The truth is not motion capture: AIST++ triangulated it from
    the nine views' detections and smoothed it over time. COCO has no neck and no head top; where
    ``lsp_14`` is asked for, both are made in 3D as they are in 2D, the neck as the middle of the
    shoulders, the head top above the face (:func:`posenet3d.skeletons.convert`). Their errors tell
    how well that construction is met, not where a head ends.

    Args:
        root: the folder of the annotations.
        keypoints: ``"detected"``: AIST++'s 2D, with its detector's and the lens's errors;
            ``"projected"``: what a pinhole camera in the camera's place sees of the truth.
        test_split: ``"test"``, or ``"val"``, whose dancers are those of the training.
        cameras: the cameras' names; all nine by default.
        ignored: whether sequences of ``ignore_list.txt`` are taken too; their 3D is poor.

    Raises:
        ConfigurationError: an option is out of its range.
        DataError: there is no such folder, it lacks files, or a list is damaged.
        StorageError: a list cannot be read.

    Example:
        >>> AistDataset(Path("nowhere"))
        Traceback (most recent call last):
        posenet3d.errors.DataError: nowhere: expected the folder of AIST++, got nothing there.
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        keypoints: Keypoints = "detected"
        """AIST++'s 2D, or the truth's projection."""
        test_split: TestSplit = "test"
        """Which list the test takes."""
        cameras: tuple[Literal[VIEWS], ...] = VIEWS  # type: ignore[valid-type]
        """The cameras' names."""
        ignored: bool = False
        """Whether sequences of ``ignore_list.txt`` are taken too."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="AIST++",
        homepage="https://google.github.io/aistplusplus_dataset",
        licence=(
            "annotations CC BY 4.0, https://creativecommons.org/licenses/by/4.0; the videos have "
            "terms of their own, https://aistdancedb.ongaaccel.jp/terms_of_use"
        ),
        citation=(
            "Li et al., AI Choreographer: Music Conditioned 3D Dance Generation with AIST++, ICCV "
            "2021; Tsuchida et al., AIST Dance Video Database, ISMIR 2019"
        ),
        steps=(
            "Download fullset.zip, 2.3 GB; no registration. Where the download is refused, take a "
            "browser: https://google.github.io/aistplusplus_dataset/download.html",
            "Unpack it and move what is in aist_plusplus_final up, so that the folder holds "
            "keypoints2d, keypoints3d, cameras and splits.",
        ),
        files={
            "cameras/mapping.txt": "which setting each sequence was filmed in",
            "cameras/setting*.json": "the nine cameras of each setting",
            "keypoints2d/*.pkl": "what was detected, one file a sequence",
            "keypoints3d/*.pkl": "joints in 3D, one file a sequence",
            "splits/pose_train.txt": "the training sequences",
            "splits/pose_val.txt": "the validation sequences",
            "splits/pose_test.txt": "the test sequences",
            "ignore_list.txt": "sequences whose 3D is poor",
        },
        downloads=(
            Download(
                "https://storage.googleapis.com/aist_plusplus_public/20210308/fullset.zip",
                "fullset.zip",
            ),
        ),
        optional=("splits/pose_val.txt", "ignore_list.txt"),
        protocols=("aist",),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        keypoints: Keypoints = "detected",
        test_split: TestSplit = "test",
        cameras: tuple[str, ...] = VIEWS,
        ignored: bool = False,
    ) -> None:
        self._root = self.about.check_folder(root)
        self._keypoints, self._cameras = keypoints, cameras
        self._read_cameras = cache(read_cameras)
        self._settings = read_mapping(self._root / "cameras" / "mapping.txt")
        left_out = self._root / "ignore_list.txt"
        skipped = set() if ignored or not left_out.exists() else set(read_names(left_out))
        self._sequences = {
            split: self._split(f"pose_{name}.txt", skipped)
            for split, name in (("train", "train"), ("test", test_split))
        }

    def training(self) -> Iterator[NamedSequence]:
        """What each camera saw of the training dancers.

        Yields:
            ``"<dancer>/<sequence>/<camera>"`` and sequence. Frames without anybody are left out;
            the frame numbers tell.

        Raises:
            DataError: a file is damaged.
            StorageError: a file cannot be read.
        """
        for name in self._sequences["train"]:
            for view in self._views(name):
                yield f"{view.key}/{view.camera}", view.seen

    def test(self) -> Iterator[AnnotatedSequence]:
        """What each camera saw of the test dancers, with the joints in its frame.

        Yields:
            One sequence by one camera. Frames whose 3D is not known do not count.

        Raises:
            DataError: a file is damaged.
            StorageError: a file cannot be read.
        """
        for name in self._sequences["test"]:
            for view in self._views(name):
                counted = np.isfinite(view.joints).all(axis=(1, 2))
                yield AnnotatedSequence(
                    view.key, view.camera, view.seen, view.joints, LAYOUT, counted
                )

    def _split(self, name: str, skipped: set[str]) -> tuple[str, ...]:
        """The sequences of a list; each must have its files."""
        path = self._root / "splits" / name
        chosen = tuple(each for each in read_names(path) if each not in skipped)
        missing = [
            f"{folder}/{each}.pkl"
            for each in chosen
            for folder in ("keypoints2d", "keypoints3d")
            if not (self._root / folder / f"{each}.pkl").exists()
        ]
        missing += [
            f"{each} in cameras/mapping.txt" for each in chosen if each not in self._settings
        ]
        if missing or not chosen:
            raise DataError(
                self._root,
                f"expected the {len(chosen)} sequences of splits/{name}, got none of "
                f"{len(missing)} files: {', '.join(missing[:4])}{' …' if missing[4:] else ''}; "
                "unpack fullset.zip again.",
            )
        return chosen

    def _views(self, name: str) -> Iterator["_View"]:
        """A sequence as each camera saw it; cameras that saw nobody are left out."""
        points = read_keypoints2d(self._root / "keypoints2d" / f"{name}.pkl")
        path = self._root / "keypoints3d" / f"{name}.pkl"
        joints = read_keypoints3d(path)
        if len(joints) != points.shape[1]:
            raise DataError(
                path, f"expected {points.shape[1]} frames as in keypoints2d, got {len(joints)}."
            )
        setting = self._root / "cameras" / f"{self._settings[name]}.json"
        cameras = self._read_cameras(setting)
        for camera, seen in zip(VIEWS, points, strict=True):
            if camera not in self._cameras or (name, camera) in FAULTY_VIEWS:
                continue
            if camera not in cameras:
                raise DataError(setting, f"expected camera {camera!r}, got {', '.join(cameras)}.")
            view = self._view(name, cameras[camera], seen, joints)
            if view is not None:
                yield view

    def _view(
        self,
        name: str,
        camera: AistCamera,
        seen: Float[np.ndarray, "frames 17 3"],
        joints: Float[np.ndarray, "frames 17 3"],
    ) -> "_View | None":
        truth = camera.to_camera(joints)
        if self._keypoints == "projected":
            seen = np.concatenate([camera.project(truth), np.ones((*truth.shape[:2], 1))], axis=-1)
        known = np.isfinite(seen).all(axis=-1)
        frames = np.flatnonzero(known.any(axis=1))
        if not len(frames):
            return None
        dancer = dancer_of(name, name)
        sequence = KeypointSequence(
            np.where(known[..., None], seen[..., :2], np.nan)[frames],
            np.where(known, np.maximum(seen[..., 2], 0.0), 0.0)[frames],
            layout=LAYOUT,
            fps=FPS,
            image_size=camera.size,
            frame_index=frames,
            source=f"{dancer}/{name}/{camera.name}",
        )
        return _View(f"{dancer}/{name}", camera.name, sequence, truth[frames])


class _View(NamedTuple):
    """A sequence as one camera saw it."""

    key: str
    camera: str
    seen: KeypointSequence
    joints: np.ndarray
    """(frames, 17, 3) metres, camera frame."""
