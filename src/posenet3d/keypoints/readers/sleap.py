"""SLEAP's analysis files: h5, as SLEAP and sleap-io export them."""

import json
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError, KeypointFormatError
from posenet3d.files.hdf5 import Hdf5Contents, is_hdf5, read_hdf5
from posenet3d.keypoints.named_parts import person_of_parts
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource

_AXES = ("track", "xy", "node", "frame")
_NAMED = ("node_names", "track_names")


class SleapReader:
    """Reader of SLEAP's analysis h5: one sequence a track.

    Nodes are named by whoever made the project. Names that mean a joint beyond doubt are taken
    (`posenet3d.keypoints.named_parts`); the others are told by ``joints={"head_top": "hat"}``.
    Axes are in the order that the file states, else SLEAP's (tracks, 2, nodes, frames). Needs
    h5py: ``pip install 'posenet3d[io]'``.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import h5py
        >>> path = Path(tempfile.mkdtemp(), "walk.analysis.h5")
        >>> with h5py.File(path, "w") as file:
        ...     file["node_names"] = np.array([b"nose", b"RKnee"])
        ...     file["tracks"] = np.ones((1, 2, 2, 9))
        >>> SleapReader().read(KeypointSource(path), Told(fps=25.0))
        (KeypointSequence('walk.analysis': 9 frames of 'coco_17', 25 fps, pixels),)
    """

    takes_joints = True

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it is an h5 with ``tracks`` and ``node_names``."""
        if source.suffix not in (".h5", ".hdf5") or not is_hdf5(source.path):
            return False
        try:
            found = read_hdf5(source.path, *_NAMED, "track_occupancy")
        except DataError:
            return False
        return found.strings("node_names") is not None

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Each track's nodes as joints."""
        try:
            found = read_hdf5(source.path, "tracks", "point_scores", *_NAMED)
        except DataError as error:
            what = str(error).removeprefix(f"{error.source}: ")
            raise KeypointFormatError(source, what) from None
        nodes = found.strings("node_names")
        if nodes is None:
            raise source.error("node_names", "texts", "something else, or nothing")
        points = _ordered(source, found, "tracks", _AXES, ("track", "frame", "node", "xy"))
        if points is None or points.shape[2:] != (len(nodes), 2):
            got = "nothing" if points is None else f"{points.shape} (track, frame, node, xy)"
            raise source.error("tracks", f"2 numbers for each of {len(nodes)} nodes", got)
        axes = ("track", "node", "frame")
        scores = _ordered(source, found, "point_scores", axes, ("track", "frame", "node"))
        if scores is not None and scores.shape != points.shape[:3]:
            raise source.error("point_scores", f"{points.shape[:3]}", f"{scores.shape}")
        names = found.strings("track_names") or []
        read = (
            _person(source, told, nodes, points, scores, number, names)
            for number in range(len(points))
        )
        return tuple(person for person in read if person is not None)


def _person(
    source: KeypointSource,
    told: Told,
    nodes: Sequence[str],
    points: Float[np.ndarray, "tracks frames nodes 2"],
    scores: Float[np.ndarray, "tracks frames nodes"] | None,
    number: int,
    names: Sequence[str],
) -> KeypointSequence | None:
    """The sequence of one track."""
    return person_of_parts(
        source,
        told,
        nodes,
        points[number],
        None if scores is None else scores[number],
        np.arange(points.shape[1]),
        name=names[number] if len(names) == len(points) else None,
        number=number,
    )


def _ordered(
    source: KeypointSource,
    found: Hdf5Contents,
    path: str,
    usual: tuple[str, ...],
    wanted: tuple[str, ...],
) -> np.ndarray | None:
    """An array with its axes in the order wanted; ``None`` where it is not there."""
    array = found.arrays.get(path)
    if array is None:
        return None
    axes = _stated_axes(found, path) or usual
    if array.ndim != len(axes) or set(axes) != set(wanted) or array.dtype.kind not in "if":
        raise source.error(path, f"numbers {usual}", f"{array.dtype} {array.shape} as {axes}")
    order = [axes.index(axis) for axis in wanted]
    return array.astype(np.float64, copy=False).transpose(order)


def _stated_axes(found: Hdf5Contents, path: str) -> tuple[str, ...] | None:
    """What sleap-io notes down of the axes' order."""
    said = found.attributes.get(path, {}).get("dims")
    try:
        axes = json.loads(said) if isinstance(said, str) else None
    except (ValueError, RecursionError):
        return None
    return tuple(map(str, axes)) if isinstance(axes, list) else None
