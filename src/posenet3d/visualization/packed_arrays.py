"""Arrays as one short text for a web page: 16-bit numbers, gzip, base64."""

import base64
import gzip

import numpy as np
from jaxtyping import Float

UNKNOWN = -32768
"""The 16-bit number that stands for NaN."""

_LARGEST = 32767
_ALIGNMENT = 8


class PackedArrays:
    """Arrays on their way into a page: each added by name, all taken as one text.

    Example:
        >>> packed = PackedArrays()
        >>> packed.add_track("heights", np.array([[1.0], [2.0]]))
        >>> packed.index["heights"]["shape"]
        [2, 1]
        >>> len(packed.text()) > 0
        True
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        self.index: dict[str, dict[str, object]] = {}
        """By name what each array is: type, shape, place in the bytes, scale and offset."""

    def add_track(self, name: str, values: Float[np.ndarray, "..."]) -> None:
        """Real numbers as 16-bit steps of (largest - smallest) / 65534.

        Args:
            name: the name to find them by.
            values: any shape; NaN stays NaN. Two metres become steps of 0.03 mm.
        """
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        offset = 0.5 * (low + high)
        scale = max((high - low) / (2 * _LARGEST), 1e-12)
        steps = np.rint((np.nan_to_num(values, nan=offset) - offset) / scale)
        whole = np.where(np.isfinite(values), steps, UNKNOWN).astype("<i2")
        self._append(name, whole, "int16", scale=scale, offset=offset)

    def add_whole(self, name: str, values: np.ndarray) -> None:
        """Whole numbers as they are, in their own type.

        Args:
            name: the name to find them by.
            values: any shape; int8, uint8 or uint16.
        """
        self._append(name, values.astype(values.dtype.newbyteorder("<")), values.dtype.name)

    def _append(self, name: str, values: np.ndarray, kind: str, **facts: float) -> None:
        self.index[name] = {
            "type": kind, "shape": list(values.shape), "at": self._length, **facts,
        }  # fmt: skip
        data = np.ascontiguousarray(values).tobytes()
        data += bytes(-len(data) % _ALIGNMENT)
        self._parts.append(data)
        self._length += len(data)

    def text(self) -> str:
        """All arrays, gzipped, as base64; the same arrays give the same text."""
        packed = gzip.compress(b"".join(self._parts), compresslevel=9, mtime=0)
        return base64.b64encode(packed).decode("ascii")
