"""The container of a GLB file: a glTF document in JSON, and one block of numbers.

Source: glTF 2.0 specification, chapters 3.6 (binary data storage) and 4 (GLB file format).
"""

import json
import struct
from typing import IO, Any

import numpy as np

from posenet3d.errors import PoseNet3DError

_COMPONENTS = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}
_TYPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_VERTEX_DATA, _INDICES = 34962, 34963
_MAGIC, _VERSION = 0x46546C67, 2
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_MOST_BYTES = 2**32 - 1


class GlbBuffer:
    """The numbers of a GLB file: arrays go in one by one, and each gives its accessor's index.

    Example:
        >>> buffer = GlbBuffer()
        >>> buffer.add(np.zeros((5, 3), dtype="f4")), buffer.add(np.zeros(5, dtype="f4"))
        (0, 1)
        >>> buffer.accessors[0]["type"], buffer.accessors[1]["count"]
        ('VEC3', 5)
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.length = 0
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []

    def add(self, array: np.ndarray, *, limits: bool = False) -> int:
        """Numbers that are no part of a mesh.

        Args:
            array: (count,), (count, 3), (count, 4) or (count, 4, 4) of u1, u2, u4 or f4; matrices
                column by column.
            limits: whether the accessor tells the smallest and largest numbers.

        Returns:
            The accessor's index.
        """
        return self._add(array, limits, None)

    def add_vertex_data(self, array: np.ndarray, *, limits: bool = False) -> int:
        """An attribute of a mesh's vertices, as :meth:`add` takes it."""
        return self._add(array, limits, _VERTEX_DATA)

    def add_indices(self, array: np.ndarray) -> int:
        """The corners of triangles: (3 count,) of u2 or u4."""
        return self._add(array, False, _INDICES)

    def _add(self, array: np.ndarray, limits: bool, target: int | None) -> int:
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        view = {"buffer": 0, "byteOffset": self.length, "byteLength": data.nbytes}
        self.views.append(view if target is None else view | {"target": target})
        accessor = {
            "bufferView": len(self.views) - 1,
            "componentType": _COMPONENTS[array.dtype.str[1:]],
            "count": len(array),
            "type": _TYPES[array.shape[1:]],
        }
        if limits:
            rows = data.reshape(len(data), -1)
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self.accessors.append(accessor)
        self._append(data.tobytes())
        return len(self.accessors) - 1

    def _append(self, data: bytes) -> None:
        padded = data + bytes(-len(data) % 4)
        self._parts.append(padded)
        self.length += len(padded)

    def write(self, file: IO[bytes], document: dict[str, Any]) -> None:
        """The whole GLB file: the document with this buffer.

        Args:
            file: open for writing bytes.
            document: the glTF document without buffers, views and accessors.

        Raises:
            PoseNet3DError: there are more than the 4 GiB that a GLB file can hold.
        """
        whole = document | {
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": self.length}],
        }
        text = json.dumps(whole, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        size = 12 + 8 + len(text) + 8 + self.length
        if size > _MOST_BYTES:
            raise PoseNet3DError(
                f"Expected at most {_MOST_BYTES} bytes, which is what a GLB file can hold, got "
                f"{size}; cut the reconstruction into several files."
            )
        file.write(struct.pack("<III", _MAGIC, _VERSION, size))
        file.write(struct.pack("<II", len(text), _JSON) + text)
        file.write(struct.pack("<II", self.length, _BINARY))
        for part in self._parts:
            file.write(part)
