"""AMASS as a dataset: its poses put on a body, and filmed by a protocol's cameras."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.body import BodyModel, load_body_model
from posenet3d.data.datasets.amass_files import AmassMotion
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.datasets.cmu.motion_clips import resampled
from posenet3d.data.datasets.filming import FilmedDataset
from posenet3d.data.motion import MotionClip
from posenet3d.errors import DataError
from posenet3d.plugins import PluginSpec

TRAINING = (
    *("CMU", "MPI_Limits", "TotalCapture", "Eyes_Japan_Dataset", "KIT", "BML", "EKUT"),
    *("TCD_handMocap", "ACCAD"),
)
"""The datasets that AMASS's authors train on."""

TEST = ("Transitions_mocap", "SSM_synced")
"""The datasets that AMASS's authors test with."""

_NO_MOTION = ("shape.npz", "stagei.npz")

Body = str | PluginSpec


class AmassDataset(FilmedDataset):
    """AMASS's motion on a body of your choice, filmed by a protocol's cameras.

    The joints are those of ``body``: by default the mannequin, whose bones are not those of SMPL,
    so that feet slide by some centimetres and nobody has the proportions that were recorded. With
    SMPL's files under ``bodies`` the people have the recorded shapes (the first of ``betas``), as
    AMASS's SMPL-H has SMPL's shape space; SMPL-X has another, and gets the mean body. Fingers,
    face and soft tissue (``dmpls``) are left out.

    Args:
        root: the folder with a folder a dataset: ``CMU/01/01_01_poses.npz``.
        protocol: the camera rig, ``"cmu14"`` or ``"cmu14-wild"``.
        body: a body model with SMPL's joint names, by name or with options.
        bodies: body models for the genders ``"male"``, ``"female"`` and ``"neutral"``, where they
            differ from ``body``.
        training: names of the datasets to train on; those that are not there are left out.
        test: likewise to test with.
        fps: frames a second that the clips are brought to.

    Raises:
        ConfigurationError: an option is out of its range.
        DataError: there is no such folder, or no motion in it.
        UnknownNameError: no such protocol.

    Example:
        >>> AmassDataset(Path("nowhere"))
        Traceback (most recent call last):
        posenet3d.errors.DataError: nowhere: expected the folder of AMASS, got nothing there.
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        protocol: str = "cmu14"
        """The camera rig: cmu14 or cmu14-wild."""
        body: Body = "mannequin"
        """The body model, by name or as ``{"name": "smpl", "options": {"path": …}}``."""
        bodies: Mapping[str, Body] = Field(default_factory=dict)
        """Body models for male, female and neutral, where they differ from ``body``."""
        training: tuple[str, ...] = TRAINING
        """The datasets to train on."""
        test: tuple[str, ...] = TEST
        """The datasets to test with."""
        fps: float = Field(default=50.0, gt=0, le=1000)
        """Frames a second that the clips are brought to."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="AMASS",
        homepage="https://amass.is.tue.mpg.de",
        licence=(
            "non-commercial scientific research only: https://amass.is.tue.mpg.de/license.html; "
            "each dataset in it has terms of its own"
        ),
        citation=(
            "Mahmood et al., AMASS: Archive of Motion Capture as Surface Shapes, ICCV 2019, and "
            "the papers of the datasets that are used"
        ),
        steps=(
            "Register at https://amass.is.tue.mpg.de and accept the licence.",
            "Download datasets as 'SMPL+H G' (or 'SMPL-X G').",
            "Unpack them side by side: ROOT/CMU/01/01_01_poses.npz.",
            "For the recorded body shapes, also get SMPL at https://smpl.is.tue.mpg.de.",
        ),
        files={"*/*/*.npz": "motion, <dataset>/<subject>/<motion>_poses.npz or _stageii.npz"},
        registration=True,
        protocols=("cmu14", "cmu14-wild"),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        protocol: str = "cmu14",
        body: Body = "mannequin",
        bodies: Mapping[str, Body] | None = None,
        training: tuple[str, ...] = TRAINING,
        test: tuple[str, ...] = TEST,
        fps: float | int = 50.0,
    ) -> None:
        self._root = self.about.check_folder(root)
        super().__init__(protocol)
        self._fps = float(fps)
        self._wanted = {"": body, **(bodies or {})}
        self._loaded: dict[str, BodyModel] = {}
        self._files = {"train": self._motions(training), "test": self._motions(test)}

    def motion(self, split: str) -> Iterator[MotionClip]:
        """The clips in 3D, before they are filmed.

        Args:
            split: ``"train"`` or ``"test"``.

        Yields:
            One clip in layout ``lsp_14``; the head top is the top of the body's skin.

        Raises:
            BodyModelFileError: a body's file is missing or damaged.
            DataError: there are no such datasets, or a file is damaged.
            StorageError: a file cannot be read.
        """
        if not self._files[split]:
            there = ", ".join(sorted(each.name for each in self._root.iterdir() if each.is_dir()))
            raise DataError(
                self._root,
                f"expected a dataset of split {split!r}, got {there:.300}; name them "
                f"with the option {'training' if split == 'train' else split}.",
            )
        for path in self._files[split]:
            yield self._clip(path)

    def _motions(self, datasets: tuple[str, ...]) -> tuple[Path, ...]:
        """The motion files of some datasets, in the order of their names."""
        found = (sorted((self._root / name).glob("*/*.npz")) for name in datasets)
        return tuple(path for paths in found for path in paths if path.name not in _NO_MOTION)

    def _clip(self, path: Path) -> MotionClip:
        motion = AmassMotion.read(path)
        joints = motion.joints(self._body(motion.gender))
        *folders, name = path.relative_to(self._root).with_suffix("").parts
        clip = name.removesuffix("_poses").removesuffix("_stageii")
        made = resampled(joints, motion.fps, self._fps)
        return MotionClip(f"{'_'.join(folders)}/{clip}", made, "lsp_14", self._fps)

    def _body(self, gender: str) -> BodyModel:
        chosen = gender if gender in self._wanted else ""
        if chosen not in self._loaded:
            self._loaded[chosen] = load_body_model(self._wanted[chosen])
        return self._loaded[chosen]
