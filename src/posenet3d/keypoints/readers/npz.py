"""Our own npz of 2D clips, see `posenet3d.keypoints.clips_npz`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from posenet3d.errors import DataError, KeypointFormatError
from posenet3d.files.npz import load_npz, open_npz
from posenet3d.keypoints.clips_npz import clips_from_arrays, holds_keypoints
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource


class NpzReader:
    """Reader of the npz files that `posenet3d.keypoints.write_clips` writes.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "walk.npz")
        >>> np.savez(path, fps=50, layout="coco_17", points=np.ones((9, 17, 2)))
        >>> reader = NpzReader()
        >>> reader.read(KeypointSource(path), Told())[0].fps
        50.0
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it is an npz file with a key ``points`` or ``<clip>:points``."""
        if source.suffix != ".npz" or source.is_folder:
            return False
        try:
            with open_npz(source.path) as arrays:
                return holds_keypoints(arrays)
        except DataError:
            return False

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Every clip; what is told goes before what is in the file."""
        try:
            arrays = dict(load_npz(source.path))
        except DataError as error:
            what = str(error).removeprefix(f"{error.source}: ")
            raise KeypointFormatError(source.path, what) from None
        arrays = _as_told(arrays, told)
        fields = {key.rpartition(":")[2] for key in arrays}
        for field, what in (("layout", "the joints' layout"), ("fps", "frames a second")):
            if field not in fields:
                raise source.error(field, what, "a file that does not tell", say=[field])
        return tuple(clips_from_arrays(arrays, source.path).values())


def _as_told(arrays: Mapping[str, np.ndarray], told: Told) -> dict[str, np.ndarray]:
    said: dict[str, Any] = {
        "layout": told.layout, "fps": told.fps, "image_size": told.image_size
    }  # fmt: skip
    said = {field: np.asarray(value) for field, value in said.items() if value is not None}
    kept = {key: value for key, value in arrays.items() if key.rpartition(":")[2] not in said}
    return {**kept, **said}
