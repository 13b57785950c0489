"""The npz file of annotated sequences: a file of 2D clips with the true joints beside each.

A sequence named ``S9/walk/front`` has the keys of a clip (see `posenet3d.keypoints.clips_npz`):
``S9/walk/front:points``, ``…:layout``, ``…:fps`` …; what stands after the last slash is the
camera. Beside them are

================================  ==========================  ===============================
key                               value                       if it is absent
================================  ==========================  ===============================
``S9/walk/front:joints``          (frames, joints, 3)         needed; metres, camera frame
``S9/walk/front:joints_layout``   a layout's name             the clip's own layout
``S9/walk/front:counted``         (frames,) truth values      all frames count
``protocols``                     names of protocols          any protocol may be used
================================  ==========================  ===============================

``protocols`` holds for the whole file: the rules by which its sequences are to be measured, the
usual one first. `posenet3d.evaluation.evaluate` takes that one unless told otherwise, and refuses
rules that it does not name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.errors import DataError, KeypointFormatError
from posenet3d.files.npz import open_npz
from posenet3d.files.npz_writing import write_npz
from posenet3d.keypoints.clips_npz import arrays_of_clip, clips_from_arrays

_TRUTH = ("joints", "joints_layout", "counted")
_PROTOCOLS = "protocols"


def write_annotated(
    path: str | Path, sequences: Iterable[AnnotatedSequence], protocols: Sequence[str] = ()
) -> None:
    """Annotated sequences written to one npz file, one at a time, complete or not at all.

    Args:
        path: the file, replaced if it exists.
        sequences: the sequences; each name may occur once.
        protocols: the protocols that the sequences are for, the usual one first; none if any may
            be used.

    Raises:
        DataError: there are no sequences, or two of one name.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((50, 17, 2)), layout="h36m_17", fps=50.0)
        >>> walk = AnnotatedSequence("S9/walk", "front", seen, np.ones((50, 17, 3)), "h36m_17")
        >>> path = Path(tempfile.mkdtemp(), "test.npz")
        >>> write_annotated(path, [walk])
        >>> AnnotatedFile(path)[0]
        AnnotatedSequence('S9/walk' by 'front': 50 frames, 50 of them counted)
    """
    write_npz(path, _arrays(path, sequences, protocols))


def holds_annotated(arrays: Iterable[str]) -> bool:
    """Whether arrays are annotated sequences, told by their keys.

    Args:
        arrays: their keys.

    Returns:
        True if there is one that ends in ``:joints``.

    Example:
        >>> holds_annotated(["S9/walk/front:joints"]), holds_annotated(["walk:points"])
        (True, False)
    """
    return any(key.endswith(":joints") for key in arrays)


def is_annotated_file(path: str | Path) -> bool:
    """Whether a file holds annotated sequences; only its keys are read.

    Args:
        path: an npz file.

    Raises:
        DataError: it is no npz, or is damaged.
        StorageError: it cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "motion.npz")
        >>> np.savez(path, **{"S1/walk": np.ones((3, 14, 3))})
        >>> is_annotated_file(path)
        False
    """
    with open_npz(path) as arrays:
        return holds_annotated(arrays)


class AnnotatedFile(Sequence[AnnotatedSequence]):
    """The annotated sequences of a file, each read when it is asked for.

    Args:
        path: a file that `write_annotated` wrote, or one with the same keys.

    Attributes:
        path: the file.
        names: the sequences' names, ``"<key>/<camera>"``, in the file's order.
        protocols: the protocols that the sequences are for, the usual one first; empty if the
            file does not say.

    Raises:
        DataError: the file is no npz, is damaged, or holds no annotated sequences; when a
            sequence is read, what is wrong with it.
        StorageError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "test.npz")
        >>> walk = {"a/b/c:points": np.ones((9, 14, 2)), "a/b/c:joints": np.ones((9, 14, 3))}
        >>> np.savez(path, layout="lsp_14", fps=25, **walk)
        >>> [(sequence.key, sequence.camera) for sequence in AnnotatedFile(path)]
        [('a/b', 'c')]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with open_npz(self.path) as arrays:
            keys = tuple(arrays)
            self.protocols = _protocols(arrays, self.path)
        self.names = tuple(key.rpartition(":")[0] for key in keys if key.endswith(":points"))
        if not self.names or not holds_annotated(keys):
            raise DataError(
                self.path,
                "expected annotated sequences, '<name>:points' with '<name>:joints', got the keys "
                f"{sorted(keys)[:8]}.",
            )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """How many frames each sequence has."""
        with open_npz(self.path) as arrays:
            return tuple(len(_each_frame(arrays, name)) for name in self.names)

    @overload
    def __getitem__(self, index: int) -> AnnotatedSequence: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[AnnotatedSequence, ...]: ...

    def __getitem__(self, index: int | slice) -> AnnotatedSequence | tuple[AnnotatedSequence, ...]:
        """A sequence by its place in the file."""
        if isinstance(index, slice):
            return tuple(self[place] for place in range(len(self))[index])
        name = self.names[index]
        with open_npz(self.path) as arrays:
            return _sequence(arrays, name, self.path)

    def __iter__(self) -> Iterator[AnnotatedSequence]:
        with open_npz(self.path) as arrays:
            for name in self.names:
                yield _sequence(arrays, name, self.path)


def _arrays(
    path: str | Path, sequences: Iterable[AnnotatedSequence], protocols: Sequence[str]
) -> Iterator[Any]:
    if protocols:
        yield _PROTOCOLS, np.array(protocols, dtype=np.str_)
    none = True
    for sequence in sequences:
        none = False
        yield from arrays_of_clip(sequence.name, sequence.keypoints)
        for field in _TRUTH:
            yield f"{sequence.name}:{field}", np.asarray(getattr(sequence, field))
    if none:
        raise DataError(path, "expected at least one annotated sequence, got none.")


def _sequence(arrays: Mapping[str, np.ndarray], name: str, path: Path) -> AnnotatedSequence:
    own = {key: arrays[key] for key in arrays if _owner(key) in (name, "") and key != _PROTOCOLS}
    truth = {field: own.pop(f"{name}:{field}", None) for field in _TRUTH}
    seen = clips_from_arrays(own, path)[name]
    if truth["joints"] is None:
        raise KeypointFormatError(f"{path}: {name}", "expected the true joints under ':joints'.")
    key, _, camera = name.rpartition("/")
    named = truth["joints_layout"]
    try:
        return AnnotatedSequence(
            key,
            camera,
            seen,
            truth["joints"],
            seen.layout if named is None else str(named),
            truth["counted"],
        )
    except DataError as error:
        raise DataError(path, str(error)) from None


def _protocols(arrays: Mapping[str, np.ndarray], path: Path) -> tuple[str, ...]:
    if _PROTOCOLS not in arrays:
        return ()
    named = np.atleast_1d(arrays[_PROTOCOLS])
    if named.dtype.kind != "U" or named.ndim != 1:
        raise DataError(
            path,
            f"{_PROTOCOLS}: expected names, got {named.dtype} {named.shape}.",
        )
    return tuple(named.tolist())


def _each_frame(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """An array with an entry a frame, the smallest there is."""
    small = f"{name}:counted"
    return np.atleast_1d(arrays[small if small in arrays else f"{name}:points"])


def _owner(key: str) -> str:
    """The clip that a key belongs to; empty for what holds for the whole file."""
    return key.rpartition(":")[0]
