"""Our own file of 2D keypoints: one npz with flat keys, no pickle, that round-trips exactly.

A clip named ``walk`` is stored as ``walk:points`` (frames, joints, 2), with beside it

=====================  ========================  ==========================================
key                    value                     if it is absent
=====================  ========================  ==========================================
``walk:layout``        a layout's name           the file's ``layout``, which must then exist
``walk:fps``           frames a second           the file's ``fps``, which must then exist
``walk:unit``          ``pixels|normalized``     the file's ``unit``; else ``pixels``
``walk:confidence``    (frames, joints)          1 for each known joint
``walk:image_size``    (width, height)           the file's ``image_size``; else unknown
``walk:frame_index``   (frames,)                 0, 1, 2 …
``walk:track_id``      a whole number            none
``walk:source``        text                      the clip's name
``walk:synthesized``   (joints,) truth values    none
=====================  ========================  ==========================================

A file of one clip may leave the prefix away altogether: ``points``, ``layout``, ``fps`` … . So
``np.savez("clips.npz", fps=50, layout="coco_17", **{"walk:points": walk})`` is all that it takes.
Unknown is NaN in ``points``.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from posenet3d.errors import DataError, KeypointFormatError
from posenet3d.files.npz import load_npz
from posenet3d.files.npz_writing import write_npz
from posenet3d.keypoints.sequence import KeypointSequence

_FIELDS = (
    "points", "confidence", "layout", "fps", "unit", "image_size", "frame_index", "track_id",
    "source", "synthesized",
)  # fmt: skip
_SHARED = ("layout", "fps", "unit", "image_size")
_NOT_ALWAYS = ("image_size", "track_id")

Arrays = Mapping[str, np.ndarray]


def write_clips(
    path: str | Path,
    sequences: Mapping[str, KeypointSequence] | Iterable[tuple[str, KeypointSequence]],
) -> None:
    """Sequences written to one npz file, one at a time, complete or not at all.

    Args:
        path: the file, overwritten if it exists.
        sequences: clip name to sequence; or pairs of both, for sets that outgrow memory.

    Raises:
        DataError: there are no sequences, one has no name, or two have the same.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "clips.npz")
        >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="coco_17", fps=25.0)
        >>> write_clips(path, {"walk": walk})
        >>> bool((read_clips(path)["walk"].points == walk.points).all())
        True
    """
    named = sequences.items() if isinstance(sequences, Mapping) else sequences
    write_npz(path, _some(path, (array for clip in named for array in arrays_of_clip(*clip))))


def arrays_of_clip(name: str, sequence: KeypointSequence) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays that a clip has in a file, each with its key.

    Args:
        name: the clip's name.
        sequence: the clip.

    Yields:
        Key and array.

    Raises:
        DataError: the name is empty.

    Example:
        >>> walk = KeypointSequence(np.ones((50, 17, 2)), layout="coco_17", fps=25.0)
        >>> next(arrays_of_clip("walk", walk))[0]
        'walk:points'
    """
    if not name:
        raise DataError(sequence.source, "expected a sequence with a name, got an empty name.")
    for field in _FIELDS:
        value = getattr(sequence, field)
        if field not in _NOT_ALWAYS or value is not None:
            yield f"{name}:{field}", np.asarray(value)


def _some(path: str | Path, arrays: Iterator[tuple[str, np.ndarray]]) -> Iterator[Any]:
    """The arrays, of which there must be one at least."""
    first = next(arrays, None)
    if first is None:
        raise DataError(path, "expected at least one sequence with a name, got none.")
    yield first
    yield from arrays


def read_clips(path: str | Path) -> dict[str, KeypointSequence]:
    """The sequences of a file that `write_clips` or ``np.savez`` wrote.

    Args:
        path: the npz file; this module's page tells its keys.

    Returns:
        Clip name to sequence, in the file's order. A clip without a prefix gets the file's name.

    Raises:
        KeypointFormatError: a key is missing or superfluous, or an array is not what it should
            be; the message names file and clip.
        DataError: the file is no npz, damaged, or would need pickle.
        StorageError: the file cannot be read.
        UnknownNameError: no such layout.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "clips.npz")
        >>> np.savez(path, fps=50, layout="coco_17", **{"walk:points": np.ones((9, 17, 2))})
        >>> read_clips(path)
        {'walk': KeypointSequence('walk': 9 frames of 'coco_17', 50 fps, pixels)}
    """
    return clips_from_arrays(load_npz(Path(path)), Path(path))


def holds_keypoints(arrays: Iterable[str]) -> bool:
    """Whether arrays are 2D clips in this format, told by their keys.

    Args:
        arrays: their keys.

    Returns:
        True if there is a key ``points`` or one that ends in ``:points``.

    Example:
        >>> holds_keypoints({"walk:points": np.ones((9, 17, 2))}), holds_keypoints({})
        (True, False)
    """
    return any(key.rpartition(":")[2] == "points" for key in arrays)


def clips_from_arrays(arrays: Arrays, path: Path) -> dict[str, KeypointSequence]:
    """The sequences that a file's arrays hold; see `read_clips`.

    Args:
        arrays: key to array.
        path: what errors call them.

    Returns:
        Clip name to sequence.

    Raises:
        KeypointFormatError: as in `read_clips`.
        UnknownNameError: no such layout.

    Example:
        >>> file = {"layout": np.array("coco_17"), "fps": np.array(50)}
        >>> list(clips_from_arrays(file | {"points": np.ones((9, 17, 2))}, Path("walk.npz")))
        ['walk']
    """
    return dict(each_clip(arrays, path))


def each_clip(arrays: Arrays, path: Path) -> Iterator[tuple[str, KeypointSequence]]:
    """The sequences that a file's arrays hold, one at a time; for files larger than memory.

    Args:
        arrays: key to array; each is asked for when its clip's turn comes.
        path: what errors call them.

    Yields:
        Clip name and sequence.

    Raises:
        KeypointFormatError: as in `read_clips`.
        UnknownNameError: no such layout.

    Example:
        >>> file = {"layout": np.array("coco_17"), "fps": np.array(50)}
        >>> next(each_clip(file | {"points": np.ones((9, 17, 2))}, Path("walk.npz")))[0]
        'walk'
    """
    fields = {key: key.rpartition(":")[::2] for key in arrays}
    names = dict.fromkeys(name for name, field in fields.values() if field == "points")
    for key, (name, field) in fields.items():
        if field not in _FIELDS or (name not in names and not (name == "" and field in _SHARED)):
            raise KeypointFormatError(
                path,
                f"expected keys such as 'walk:points' and 'walk:fps' (fields: "
                f"{', '.join(_FIELDS)}), got {key!r}; take it out of the file.",
            )
    if not names:
        raise KeypointFormatError(path, "expected a clip under 'points' or '<name>:points'.")
    for name in names:
        yield name or path.stem, _sequence(arrays, name, path)


def _sequence(arrays: Arrays, name: str, path: Path) -> KeypointSequence:
    """One clip, with what it lacks taken from the whole file."""
    called = f"{path}: {name}" if name else str(path)

    def array(field: str) -> np.ndarray | None:
        own = arrays.get(f"{name}:{field}" if name else field)
        return arrays.get(field) if own is None and field in _SHARED else own

    def single(field: str, kinds: str, default: Any = None) -> Any:
        value = array(field)
        if value is None:
            return default
        if value.shape != () or value.dtype.kind not in kinds:
            got = f"{value.dtype} {value.shape}"
            raise KeypointFormatError(called, f"{field}: expected a single value, got {got}.")
        return value.item()

    for field in ("layout", "fps"):
        if array(field) is None:
            raise KeypointFormatError(called, f"expected {field!r} for the clip or the file.")
    try:
        return KeypointSequence(
            cast(np.ndarray, array("points")),
            array("confidence"),
            layout=single("layout", "U"),
            fps=single("fps", "fiu"),
            unit=single("unit", "U", "pixels"),
            image_size=array("image_size"),
            frame_index=array("frame_index"),
            track_id=single("track_id", "iu"),
            source=single("source", "U", name or path.stem),
            synthesized=array("synthesized"),
        )
    except KeypointFormatError as error:
        what = str(error).removeprefix(f"{error.source}: ")
        raise KeypointFormatError(called, what) from None
