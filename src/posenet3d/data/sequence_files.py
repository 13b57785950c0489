"""2D sequences out of files, one at a time: keypoints as they are, motion as a rig films it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from posenet3d.data.annotated_npz import holds_annotated
from posenet3d.data.motion import MotionClip, each_motion
from posenet3d.data.rigs import RIGS, camera_rig, observe
from posenet3d.errors import DataError, StorageError
from posenet3d.files.npz import open_npz
from posenet3d.keypoints import KeypointSequence
from posenet3d.keypoints.clips_npz import each_clip, holds_keypoints

NamedSequence = tuple[str, KeypointSequence]


class SequenceFiles:
    """The 2D sequences of many files, read one at a time; each iteration reads anew.

    At no time is more than one sequence (or one clip of motion, with what one camera sees of it)
    in memory.

    Args:
        paths: npz files of 2D keypoints or of 3D motion, and folders of such files at any depth.
        protocol: the camera rig for 3D motion, ``"cmu14"`` or ``"cmu14-wild"``; ``None`` for 2D.
        split: the rig's split, ``"train"`` or ``"test"``.

    Attributes:
        paths: the files, those of a folder in the order of their names.

    Raises:
        DataError: there are no files; while iterating, what `load_training_set` raises.
        StorageError: a file or folder does not exist, or cannot be read.
        UnknownNameError: no such protocol, split or layout.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.savez(folder / "walk.npz", fps=50, layout="lsp_14", points=np.ones((9, 14, 2)))
        >>> [(name, len(sequence)) for name, sequence in SequenceFiles([folder])]
        [('walk', 9)]
    """

    def __init__(
        self,
        paths: Iterable[str | Path],
        protocol: str | None = None,
        *,
        split: str = "train",
    ) -> None:
        if protocol is not None:
            camera_rig(protocol, split)
        self.paths = tuple(file for path in paths for file in _files_of(Path(path)))
        if not self.paths:
            raise DataError("data", "expected at least one npz file, got none.")
        self._protocol, self._split = protocol, split

    def __iter__(self) -> Iterator[NamedSequence]:
        """Each sequence with its name, file by file."""
        for path in self.paths:
            yield from self.of(path)

    def of(self, path: Path) -> Iterator[NamedSequence]:
        """The sequences of one of the files, each with its name."""
        with open_npz(path) as arrays:
            yield from sequences_of(arrays, path, self._protocol, self._split)


def sequences_of(
    arrays: Mapping[str, np.ndarray], path: Path, protocol: str | None, split: str = "train"
) -> Iterator[NamedSequence]:
    """The 2D sequences that a file's arrays hold, or give when a protocol films them.

    Args:
        arrays: key to array.
        path: what errors call them.
        protocol: the camera rig for 3D motion; ``None`` for 2D keypoints.
        split: the rig's split.

    Yields:
        Name and sequence.

    Raises:
        DataError: 3D motion without a protocol, 2D keypoints with one, or damaged arrays.
        UnknownNameError: no such protocol, split or layout.

    Example:
        >>> arrays = {"fps": np.array(50.0), "layout": np.array("lsp_14")}
        >>> arrays["S1/walk"] = np.random.default_rng(0).normal(size=(9, 14, 3))
        >>> [name for name, _ in sequences_of(arrays, Path("motion.npz"), "cmu14")][:2]
        ['S1/walk/view0', 'S1/walk/view1']
    """
    if holds_annotated(arrays):
        raise DataError(
            path,
            "expected 2D keypoints to train on, got 2D with the true joints, which is for "
            "`posenet3d evaluate`.",
        )
    if holds_keypoints(arrays):
        refuse_protocol(protocol, path)
        yield from each_clip(arrays, path)
    elif protocol is not None:
        yield from filmed(each_motion(arrays, path), protocol, split)
    else:
        next(each_motion(arrays, path))  # what is neither is told as such
        raise DataError(
            path,
            "expected 2D keypoints, got 3D motion without a protocol; name the protocol whose "
            f"cameras shall film it: {' or '.join(map(repr, RIGS))}.",
        )


def filmed(clips: Iterable[MotionClip], protocol: str, split: str) -> Iterator[NamedSequence]:
    """What a protocol's cameras see of each clip, view by view.

    Args:
        clips: the clips.
        protocol: ``"cmu14"`` or ``"cmu14-wild"``.
        split: ``"train"`` or ``"test"``.

    Yields:
        ``<clip>/view<number>`` and the sequence.

    Raises:
        UnknownNameError: no such protocol or split.

    Example:
        >>> clip = MotionClip("S1/still", np.ones((3, 14, 3)), "lsp_14", fps=50.0)
        >>> len(list(filmed([clip], "cmu14-wild", "train")))
        8
    """
    rig = camera_rig(protocol, split)
    for clip in clips:
        for view, camera in enumerate(rig.cameras(clip)):
            name = f"{clip.key}/view{view}"
            yield name, observe(clip, camera, name=name)


def refuse_protocol(protocol: str | None, what: object) -> None:
    """Make sure that no protocol is named where there is nothing to film.

    Raises:
        DataError: one is.

    Example:
        >>> refuse_protocol(None, "the sequences")
    """
    if protocol is not None:
        raise DataError(
            what,
            f"expected 3D motion for protocol {protocol!r}, got 2D keypoints, which need no "
            "cameras; leave the protocol away.",
        )


def stretches_of(name: str, sequence: KeypointSequence) -> Iterator[NamedSequence]:
    """The parts of a sequence without a gap in its frame numbers, which no window crosses.

    Args:
        name: the sequence's name.
        sequence: the sequence.

    Yields:
        The part's name and the part: ``"walk"`` where there is no gap, else ``"walk from frame
        7"``.

    Example:
        >>> seen = np.array([0, 1, 7])
        >>> walk = KeypointSequence(
        ...     np.ones((3, 14, 2)), layout="lsp_14", fps=25.0, frame_index=seen
        ... )
        >>> [called for called, _ in stretches_of("walk", walk)]
        ['walk from frame 0', 'walk from frame 7']
    """
    parts = sequence.unbroken()
    for part in parts:
        yield (name if len(parts) == 1 else f"{name} from frame {part.frame_index[0]}"), part


def check_one_unit(units: Iterable[str]) -> None:
    """Make sure that sequences which share one scale have one unit.

    Raises:
        DataError: they have two.

    Example:
        >>> check_one_unit(["pixels", "pixels"])
    """
    if len(set(units)) > 1:
        raise DataError(
            "training set",
            "expected one unit for scale mode 'dataset', got pixels and normalized; "
            "choose mode 'sequence'.",
        )


def belongs(name: str, subject: str) -> bool:
    """Whether a sequence is of a subject: its name, or its leading part up to a slash.

    Example:
        >>> belongs("S13/13_29", "S13"), belongs("S130/01", "S13")
        (True, False)
    """
    return name == subject or name.startswith(f"{subject.rstrip('/')}/")


def _files_of(path: Path) -> list[Path]:
    """A file itself, or the npz files of a folder."""
    if not path.is_dir():
        if not path.exists():
            raise StorageError(path, "cannot be read: no such file or folder.")
        return [path]
    found = sorted(path.rglob("*.npz"))
    if not found:
        raise DataError(path, "expected a folder with npz files, got one without any.")
    return found
