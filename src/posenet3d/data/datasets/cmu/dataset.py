"""CMU's motion capture as a dataset: filmed by a protocol's cameras."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.data.datasets.card import DatasetCard, Download
from posenet3d.data.datasets.cmu.motion_clips import Cutting
from posenet3d.data.datasets.cmu.open_split import OPEN_SPLIT, OPEN_SUBJECTS
from posenet3d.data.datasets.cmu.recordings import Recording, each_clip, find_recordings
from posenet3d.data.datasets.filming import FilmedDataset
from posenet3d.data.motion import MotionClip, each_motion
from posenet3d.errors import DataError
from posenet3d.files.npz import open_npz

MOTION_FILES = {"train": "cmu_train.npz", "test": "cmu_test.npz"}
"""What motion files made of the recordings are called."""

Recordings = Literal["open", "all"]


class CmuDataset(FilmedDataset):
    """The CMU Graphics Lab Motion Capture Database, filmed by a protocol's cameras.

    The folder holds ``cmu_train.npz`` and ``cmu_test.npz``, as ``posenet3d data cmu`` makes them;
    or the recordings themselves, ``.amc`` with ``.asf`` or B. Hahne's ``.bvh``, at any depth.

    Args:
        root: the folder.
        protocol: the camera rig, ``"cmu14"`` or ``"cmu14-wild"``.
        recordings: ``"open"``: those of the open protocols, every one of which must be there;
            ``"all"``: whatever there is of the subjects. Motion files are taken as they are.
        training_subjects: their numbers, with ``recordings="all"``.
        test_subjects: likewise.
        fps: frames a second that recordings are brought to.

    Raises:
        ConfigurationError: an option is out of its range.
        DataError: there is no such folder, or it lacks recordings; they are named.
        UnknownNameError: no such protocol.

    Example:
        >>> CmuDataset(Path("nowhere"))
        Traceback (most recent call last):
        posenet3d.errors.DataError: nowhere: expected the folder of CMU ...
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        protocol: str = "cmu14"
        """The camera rig: cmu14 or cmu14-wild."""
        recordings: Recordings = "open"
        """Those of the open protocols, or all of the subjects."""
        training_subjects: tuple[str, ...] = OPEN_SUBJECTS["train"]
        """Who is trained on, with ``recordings="all"``."""
        test_subjects: tuple[str, ...] = OPEN_SUBJECTS["test"]
        """Who is tested with, with ``recordings="all"``."""
        fps: float = Field(default=50.0, gt=0, le=1000)
        """Frames a second that recordings are brought to."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="CMU Graphics Lab Motion Capture Database",
        homepage="http://mocap.cs.cmu.edu",
        licence=(
            "free for research and in products; the data may not be resold directly, even in "
            "converted form: http://mocap.cs.cmu.edu/faqs.php"
        ),
        citation=(
            "The data used in this project was obtained from mocap.cs.cmu.edu. The database was "
            "created with funding from NSF EIA-0196217."
        ),
        steps=(
            "Download allasfamc.zip, 1.1 GB, and unpack it; no registration. Where the download "
            "is refused, take a browser: http://mocap.cs.cmu.edu/faqs.php",
            "Or get B. Hahne's BVH conversion at https://www.cgspeed.com. Sub-folders are fine.",
            "posenet3d data cmu --root FOLDER --split train --out cmu_train.npz, and the same "
            "with test; or use the folder itself.",
        ),
        files={
            "**/*.amc": "motion, one file a recording, called as 07_01.amc",
            "**/*.asf": "skeletons of the .amc files, one a subject, called as 07.asf",
            "**/*.bvh": "B. Hahne's conversion, one file a recording, instead of both",
            "cmu_train.npz": "training clips made of them, instead of all that",
            "cmu_test.npz": "test clips made of them",
        },
        downloads=(
            Download("http://mocap.cs.cmu.edu/allasfamc.zip", "allasfamc.zip", unpacked=True),
        ),
        optional=("**/*.amc", "**/*.asf", "**/*.bvh", "cmu_train.npz", "cmu_test.npz"),
        protocols=("cmu14", "cmu14-wild"),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        protocol: str = "cmu14",
        recordings: Recordings = "open",
        training_subjects: tuple[str, ...] = OPEN_SUBJECTS["train"],
        test_subjects: tuple[str, ...] = OPEN_SUBJECTS["test"],
        fps: float | int = 50.0,
    ) -> None:
        self._root = self.about.check_folder(root)
        super().__init__(protocol)
        self._cutting = Cutting(fps)
        self._recordings: dict[str, tuple[Recording, ...]] = {}
        if any((self._root / name).exists() for name in MOTION_FILES.values()):
            return
        subjects = {"train": training_subjects, "test": test_subjects}
        for split in MOTION_FILES:
            if recordings == "all":
                found = find_recordings(self._root, subjects[split])
            else:
                found = open_recordings(self._root, split)
            self._recordings[split] = found

    def motion(self, split: str) -> Iterator[MotionClip]:
        """The clips in 3D, before they are filmed.

        Args:
            split: ``"train"`` or ``"test"``.

        Yields:
            One clip in layout ``h36m_17``.

        Raises:
            DataError: a file is missing, damaged or of another skeleton.
            StorageError: a file cannot be read.
        """
        if self._recordings:
            yield from each_clip(self._recordings[split], self._cutting)
            return
        path = self._root / MOTION_FILES[split]
        with open_npz(path) as arrays:
            yield from each_motion(arrays, path)


def open_recordings(root: Path, split: str) -> tuple[Recording, ...]:
    """The recordings of the open protocols in a folder.

    Args:
        root: the folder.
        split: ``"train"`` or ``"test"``.

    Returns:
        All of them.

    Raises:
        DataError: some are missing; they are named.

    Example:
        >>> open_recordings(Path("nowhere"), "test")
        Traceback (most recent call last):
        posenet3d.errors.DataError: nowhere: expected a folder ...
    """
    wanted = OPEN_SPLIT[split]
    found = find_recordings(root, names=wanted)
    missing = sorted(set(wanted) - {each.path.stem for each in found})
    if missing:
        named = ", ".join(missing[:8]) + (" …" if len(missing) > 8 else "")
        raise DataError(
            root,
            f"expected the {len(wanted)} recordings of the open protocols' {split} split, got "
            f"{len(found)}, without {named}; get them, or take all that there are: "
            "recordings='all', or --subjects instead of --split.",
        )
    return found
