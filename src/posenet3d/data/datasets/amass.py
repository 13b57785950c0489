"""AMASS as a dataset: its poses put on a body, and filmed by a protocol's cameras.

Files and keys are those that AMASS's own code reads (``nghorbani/amass``,
``src/amass/data/prepare_data.py``): ``<dataset>/<subject>/<motion>_poses.npz`` with ``poses``
(frames, 156) for SMPL-H, rotation vectors of 52 joints, the first 22 SMPL's; ``trans`` (frames, 3)
metres, z up; ``betas`` (16,); ``gender``; ``mocap_framerate``; the sample file there has these keys
and types. The later release for SMPL-X has ``<motion>_stageii.npz``, ``poses`` (frames, 165) and
``mocap_frame_rate``; that could be checked against other people's code only.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field

from posenet3d.body import BodyModel, load_body_model, lsp_14_regressor
from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.datasets.cmu.motion_clips import resampled
from posenet3d.data.datasets.filming import annotated_views
from posenet3d.data.motion import MotionClip
from posenet3d.data.rigs import camera_rig
from posenet3d.data.sequence_files import NamedSequence, filmed
from posenet3d.errors import DataError
from posenet3d.files.npz import open_npz
from posenet3d.geometry import rotvec_to_rotmat
from posenet3d.plugins import PluginSpec

BODY_JOINTS = 22
"""How many of AMASS's joints are SMPL's; the others are fingers and face."""

WIDTHS = {156: "SMPL-H", 165: "SMPL-X"}
"""What ``poses`` may have a frame, and whose they are then."""

TRAINING = (
    *("CMU", "MPI_Limits", "TotalCapture", "Eyes_Japan_Dataset", "KIT", "BML", "EKUT"),
    *("TCD_handMocap", "ACCAD"),
)
"""The datasets that AMASS's authors train on."""

TEST = ("Transitions_mocap", "SSM_synced")
"""The datasets that AMASS's authors test with."""

_RATES = ("mocap_framerate", "mocap_frame_rate")
_NO_MOTION = ("shape.npz", "stagei.npz")
_FRAMES_AT_ONCE = 1024

Body = str | PluginSpec


class AmassDataset:
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
        DataError: there is no such folder, or none of the datasets is in it.
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
        protocols=("h36m",),
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
        camera_rig(protocol)
        self._protocol, self._fps = protocol, float(fps)
        self._wanted = {"": body, **(bodies or {})}
        self._loaded: dict[str, BodyModel] = {}
        self._files = {"train": self._motions(training), "test": self._motions(test)}

    def training(self) -> Iterator[NamedSequence]:
        """What the protocol's cameras see of the training datasets' people.

        Yields:
            ``"<dataset>_<subject>/<motion>/view<number>"`` and sequence, in ``lsp_14``.

        Raises:
            BodyModelFileError: a body's file is missing or damaged.
            DataError: there are no training datasets, or a file is damaged.
            StorageError: a file cannot be read.
        """
        yield from filmed(self.motion("train"), self._protocol, "train")

    def test(self) -> Iterator[AnnotatedSequence]:
        """What the protocol's cameras see of the test datasets' people, with the body's joints.

        Yields:
            One clip from one view.

        Raises:
            BodyModelFileError: a body's file is missing or damaged.
            DataError: there are no test datasets, or a file is damaged.
            StorageError: a file cannot be read.
        """
        for clip in self.motion("test"):
            yield from annotated_views(clip, self._protocol, "test")

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


class AmassMotion:
    """One file of AMASS: a person's shape and poses.

    Args:
        poses: (frames, 66) rotation vectors of SMPL's first 22 joints, radians; the root's turns
            the body from its own frame, y up, into the world, z up.
        trans: (frames, 3) metres, world.
        betas: (B,) shape, of SMPL-H's space; none for another space.
        gender: ``"male"``, ``"female"``, ``"neutral"``, or whatever the file says.
        fps: frames a second.

    Example:
        >>> still = AmassMotion(np.zeros((3, 66)), np.zeros((3, 3)), np.zeros(0), "female", 60.0)
        >>> still.joints(load_body_model("mannequin")).shape
        (3, 14, 3)
    """

    def __init__(
        self,
        poses: Float[np.ndarray, "frames angles"],
        trans: Float[np.ndarray, "frames 3"],
        betas: Float[np.ndarray, " betas"],
        gender: str,
        fps: float,
    ) -> None:
        self.poses, self.trans, self.betas = poses, trans, betas
        self.gender, self.fps = gender, fps

    @classmethod
    def read(cls, path: Path) -> "AmassMotion":
        """A file's motion; only what is needed of it is read.

        Args:
            path: an ``_poses.npz`` or ``_stageii.npz``.

        Raises:
            DataError: a key is missing or is not what it should be; the message names file, key,
                and what was found.
            StorageError: it cannot be read.
        """
        with open_npz(path) as arrays:
            rate = next((key for key in _RATES if key in arrays), None)
            missing = [key for key in ("poses", "trans") if key not in arrays]
            if missing or rate is None:
                wanted = ", ".join([*missing, *([] if rate else [" or ".join(_RATES)])])
                raise DataError(
                    path,
                    f"expected a motion of AMASS with {wanted}, got the keys "
                    f"{sorted(arrays)[:12]}; get the files of 'SMPL+H G'.",
                )
            poses, trans = arrays["poses"], arrays["trans"]
            if poses.ndim != 2 or poses.shape[1] not in WIDTHS or not len(poses):
                raise DataError(
                    path,
                    "expected poses (frames, 156) of SMPL-H or (frames, 165) of SMPL-X, got "
                    f"{poses.shape}.",
                )
            smpl = WIDTHS[poses.shape[1]] == "SMPL-H"
            betas = arrays["betas"] if smpl and "betas" in arrays else np.zeros(0)
            return cls(
                _numbers(path, "poses", poses, poses.shape)[:, : 3 * BODY_JOINTS],
                _numbers(path, "trans", trans, (len(poses), 3)),
                _numbers(path, "betas", betas.ravel(), (betas.size,)),
                _text(arrays["gender"]) if "gender" in arrays else "",
                _rate(path, rate, arrays[rate]),
            )

    def joints(self, body: BodyModel) -> Float[np.ndarray, "frames 14 3"]:
        """Where a body's joints are.

        Args:
            body: a body with SMPL's joint names; its shape is that of the file if it is SMPL's.

        Returns:
            (frames, 14, 3) in layout ``lsp_14``, metres, z up.
        """
        weights = lsp_14_regressor(body, head_top="vertex")
        betas = weights.new_zeros(body.num_betas)
        if body.family.startswith("smpl"):
            known = torch.as_tensor(self.betas[: body.num_betas], dtype=weights.dtype)
            betas[: len(known)] = known
        made = [
            body.regress(betas, self._rotations(body, weights, start), weights)
            for start in range(0, len(self.poses), _FRAMES_AT_ONCE)
        ]
        with torch.no_grad():
            places = torch.cat(made).double().numpy()
        return np.asarray(places + self.trans[:, None])

    def _rotations(
        self, body: BodyModel, like: torch.Tensor, start: int
    ) -> Float[torch.Tensor, "frames joints 3 3"]:
        poses = torch.as_tensor(self.poses[start : start + _FRAMES_AT_ONCE], dtype=like.dtype)
        rotations = torch.eye(3, dtype=like.dtype).repeat(len(poses), body.num_joints, 1, 1)
        rotations[:, :BODY_JOINTS] = rotvec_to_rotmat(poses.reshape(len(poses), BODY_JOINTS, 3))
        return rotations


def _numbers(path: Path, key: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.dtype.kind not in "fiu" or array.shape != shape:
        raise DataError(
            path, f"{key}: expected numbers of shape {shape}, got {array.dtype} {array.shape}."
        )
    if not np.isfinite(array).all():
        raise DataError(path, f"{key}: expected finite numbers, got NaN or infinity.")
    return array.astype(np.float64)


def _rate(path: Path, key: str, array: np.ndarray) -> float:
    value = _numbers(path, key, array.reshape(-1), (1,))[0]
    if not 1 <= value <= 10_000:
        raise DataError(path, f"{key}: expected 1 to 10000 frames a second, got {value:g}.")
    return float(value)


def _text(array: np.ndarray) -> str:
    """A gender, which some files have as bytes, and some as bytes written out: ``b'male'``."""
    value = array.ravel()[0] if array.size else ""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.removeprefix("b'").removesuffix("'").lower()
