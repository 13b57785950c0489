"""One's own clips: a folder of keypoint files in any format that a reader knows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.datasets.repairs import Repairs, RepairTally
from posenet3d.data.sequence_files import NamedSequence, SequenceFiles
from posenet3d.errors import DataError
from posenet3d.keypoints import KeypointSequence, KeypointSource, load_people
from posenet3d.keypoints.clip_folders import find_clips
from posenet3d.keypoints.loading import is_ghost
from posenet3d.keypoints.readers import NpzReader


class KeypointFolder:
    """A folder of keypoint files: a detector's output for one's own videos, to train on.

    .. code-block:: text

        my_clips/anna/walk/000000_keypoints.json …   a folder of a file a frame is one clip
        my_clips/anna/run.json                       any other file is one clip, or several
        my_clips/ben/…

    Files lie at any depth and in any format that a reader knows; `posenet3d.keypoints.clip_folders`
    says which files are left out. The *subject*, which is what a set is divided by, is the first
    folder below ``root``; of a file that lies in ``root`` itself, its name. A clip is called by its
    path, such as ``anna/walk``; several people of one clip are sequences of their own,
    ``anna/walk/person0`` …, by their tracks' numbers. Clips of an npz file that have names keep
    them, after the folder's.

    Tracks that are shorter than half a second and than a tenth of the file's longest are left out:
    detectors find people where there are none (see `posenet3d.keypoints.load_keypoints`). Nothing
    is repaired unless it is asked for; `report` tells what was done.

    Args:
        root: the folder; or one file.
        format: the files' format; found out, file by file, if ``None``.
        layout: the joints' layout, where the files do not tell.
        fps: frames a second, where the files do not tell.
        image_size: (width, height) in pixels, where the format needs it.
        min_confidence: joints with less are dropped.
        longest_gap: seconds; each joint's gaps of up to that are filled on straight lines.
        smooth: ``"one_euro"`` or ``"savitzky_golay"``.
        drop_incomplete: leave out frames in which a joint of ``lsp_14`` is then still missing; the
            clip is parted there.

    Attributes:
        root: the folder.

    Raises:
        ConfigurationError: an option is out of its range.
        DataError: there is no folder, or no clip in it.
        KeypointFormatError: files cannot be told apart or read; when a clip is read, what is wrong
            with it.
        StorageError: a file cannot be read.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "anna").mkdir()
        >>> walk = {"fps": 50, "layout": "coco_17", "points": np.ones((9, 17, 2))}
        >>> np.savez(folder / "anna" / "walk.npz", **walk)
        >>> [name for name, _ in KeypointFolder(folder).training()]
        ['anna/walk']
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        format: str | None = None
        """The files' format; found out if not given."""
        layout: str | None = None
        """The joints' layout, where the files do not tell."""
        fps: float | None = Field(default=None, gt=0, allow_inf_nan=False)
        """Frames a second, where the files do not tell."""
        image_size: tuple[int, int] | None = None
        """Width and height in pixels, where the format needs them."""
        min_confidence: float | None = Field(default=None, ge=0, allow_inf_nan=False)
        """Joints with less confidence are dropped."""
        longest_gap: float | None = Field(default=None, ge=0, allow_inf_nan=False)
        """Seconds; each joint's gaps of up to that are filled."""
        smooth: Literal["one_euro", "savitzky_golay"] | None = None
        """A filter for the joints' tracks."""
        drop_incomplete: bool = False
        """Leave out frames in which a joint is missing."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="Keypoint files of your own",
        homepage="the documentation, Datasets, Your own clips",
        licence="yours; 2D keypoints of a person are personal data in many places",
        citation="none",
        steps=(
            "Run a 2D detector, such as OpenPose or MMPose, over your videos.",
            "Put its files into a folder, those of each person into a folder of their own.",
        ),
        files={"*": "keypoint files of any format that `posenet3d plugins keypoint_readers` lists"},
        splits=("train",),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        format: str | None = None,
        layout: str | None = None,
        fps: float | None = None,
        image_size: tuple[int, int] | None = None,
        min_confidence: float | None = None,
        longest_gap: float | None = None,
        smooth: str | None = None,
        drop_incomplete: bool = False,
    ) -> None:
        self.root = self.about.check_folder(root) if root is None or not root.is_file() else root
        given = {"format": format, "layout": layout, "fps": fps, "image_size": image_size}
        self._reading: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None
        }
        self._told: dict[str, Any] = {
            name: value for name, value in self._reading.items() if name != "format"
        }
        self._repairs = Repairs(min_confidence, longest_gap, smooth, drop_incomplete)
        self._clips = tuple(find_clips(self.root, **self._reading))
        if not self._clips:
            raise DataError(self.root, "expected keypoint files, got a folder without any.")

    @property
    def report(self) -> RepairTally:
        """What was done to the clips that were read last."""
        return self._repairs.tally

    def training(self) -> Iterator[NamedSequence]:
        """Everyone in every clip, repaired as asked.

        Yields:
            Name and sequence.

        Raises:
            KeypointFormatError: what is wrong with a file.
            StorageError: a file cannot be read.
        """
        found = (each for clip, path in self._clips for each in self._people(clip, path))
        yield from self._repairs.each(found)

    def test(self) -> Iterator[AnnotatedSequence]:
        """Nothing: a detector's files have no 3D.

        Raises:
            DataError: always.
        """
        raise DataError(
            self.root, "expected a dataset with 3D to test on, got keypoint files, which have none."
        )

    def _people(self, clip: str, path: Path) -> Iterator[NamedSequence]:
        """A clip's people, without the detector's ghosts, each with a name."""
        if self._is_own(path):
            for name, sequence in SequenceFiles([path]):
                yield _beside(clip, name), replace(sequence, **self._told)
            return
        everyone = load_people(path, **self._reading)
        longest = max(map(len, everyone))
        people = [person for person in everyone if not is_ghost(person, longest)]
        self.report.ghosts += len(everyone) - len(people)
        yield from zip(_names(clip, people), people, strict=True)

    def _is_own(self, path: Path) -> bool:
        """Whether a file is the library's npz, whose clips have names, and come one at a time."""
        return self._reading.get("format") in (None, "npz") and NpzReader().sniff(
            KeypointSource(path)
        )


def _names(clip: str, people: Sequence[KeypointSequence]) -> list[str]:
    """A name for each of a clip's people, told apart by recording, then by track."""
    recordings = [person.source for person in people]
    if len(set(recordings)) == 1:
        called = [clip] * len(people)
    else:
        called = [_beside(clip, recording) for recording in recordings]
    tracks = [person.track_id for person in people]
    told = None not in tracks and len(set(zip(called, tracks, strict=True))) == len(people)
    numbers = tracks if told else range(len(people))
    return [
        name if called.count(name) == 1 else f"{name}/person{number}"
        for name, number in zip(called, numbers, strict=True)
    ]


def _beside(clip: str, name: str) -> str:
    """The name of a clip that has one in its file: after the file's folder."""
    folder = clip.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name
