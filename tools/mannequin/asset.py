"""Writing the asset: the same numbers give the same bytes."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

EPOCH = (1980, 1, 1, 0, 0, 0)


def dyadic_rows(rows: np.ndarray, bits: int = 16) -> np.ndarray:
    """Convex rows rounded to multiples of 2**-bits that sum to exactly 1, also in float32."""
    units = np.round(rows / rows.sum(1, keepdims=True) * 2**bits)
    largest = units.argmax(1)
    units[np.arange(len(units)), largest] += 2**bits - units.sum(1)
    return (units / 2**bits).astype(np.float32)


def write_archive(path: Path, arrays: dict[str, np.ndarray]) -> str:
    """An npz with fixed time stamps, and its digest beside it in the form of ``sha256sum``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            archive.writestr(info, entry.getvalue(), compresslevel=9)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    path.write_bytes(content.getvalue())
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")
    return digest
