"""Reads CDF files for `posenet3d.files.cdf`: run by ``reader_worker.py``, never imported."""

import math
from pathlib import Path
from typing import Any

import cdflib
import numpy as np

_MOST_DIMENSIONS = 3
_LARGEST_ITEM = 8


def read(path: str, name: str, max_bytes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """One variable's numbers, after what the file says of their size and, if it does, their sum."""
    file = cdflib.CDF(Path(path), validate=True)
    said = file.varinq(name)
    sizes = (said.Last_Rec + 1, *said.Dim_Sizes)
    if len(said.Dim_Sizes) > _MOST_DIMENSIONS or math.prod(sizes) * _LARGEST_ITEM > max_bytes:
        raise ValueError(f"{name!r} would be {sizes}")
    array = np.asarray(file.varget(name))
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name!r} holds no numbers, but {array.dtype}")
    return {}, {name: np.ascontiguousarray(array)}
