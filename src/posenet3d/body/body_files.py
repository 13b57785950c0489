"""Reading a body model of SMPL's format from an npz file; nothing in it is ever executed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from posenet3d.body.body_model import BodyModelData
from posenet3d.errors import BodyModelError, BodyModelFileError, DataError
from posenet3d.files import parse_npz

SMPL_JOINT_NAMES = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hand",
    "right_hand",
)
"""The 24 joints of SMPL in its order: the names of a file that has 24 joints and no names."""

ARRAYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table")
"""What a file of SMPL's format has to hold."""


def read_body_file(
    path: str | Path, *, family: str | None = None, sha256: str | None = None
) -> BodyModelData:
    """A body model from an npz of SMPL's format.

    Keys: ``v_template (V, 3), shapedirs (V, 3, B), posedirs (V, 3, 9 (K - 1)), J_regressor (K, V),
    weights (V, K), f (F, 3), kintree_table (2, K)`` and, if there, ``joint_names, family,
    license``. Lengths are metres. Arrays of Python objects are refused.

    Args:
        path: the file.
        family: which family the body belongs to, where the file does not say; by default the
            digest of the file.
        sha256: the expected digest in hexadecimal; any if not given.

    Returns:
        The validated body.

    Raises:
        BodyModelFileError: The file is missing, has another digest, is no npz, lacks an array, or
            an array is not what its name promises.

    Example:
        >>> read_body_file("nowhere.npz")
        Traceback (most recent call last):
            ...
        posenet3d.errors.BodyModelFileError: nowhere.npz: expected a body model file (npz), ...
    """
    content = _read(Path(path))
    digest = checked_digest(path, content, sha256)
    return body_of_arrays(path, unpack_npz(path, content), digest, family=family)


def checked_digest(path: str | Path, content: bytes, expected: str | None) -> str:
    """SHA-256 of a file's content in hexadecimal.

    Args:
        path: the file, for messages.
        content: what is in it.
        expected: what the digest has to be; anything if ``None``.

    Raises:
        BodyModelFileError: It is another one.
    """
    digest = hashlib.sha256(content).hexdigest()
    if expected is not None and digest != expected:
        raise BodyModelFileError(
            path, f"expected SHA-256 {expected}, found {digest}; the file is damaged: get it again."
        )
    return digest


def body_of_arrays(
    path: str | Path,
    arrays: Mapping[str, Any],
    digest: str,
    *,
    family: str | None = None,
    otherwise: tuple[str, str] = ("", ""),
) -> BodyModelData:
    """A body from the arrays of a file of SMPL's format.

    Args:
        path: the file, for messages.
        arrays: by the names that :func:`read_body_file` tells.
        digest: the file's SHA-256.
        family: the family, if it is not to be what the file says.
        otherwise: family and licence where the file says nothing.

    Returns:
        The validated body.

    Raises:
        BodyModelFileError: An array is missing or not what its name promises.
    """
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        listed, there = ", ".join(missing), ", ".join(arrays) or "nothing"
        raise BodyModelFileError(path, f"expected the arrays {listed}, got {there}.")
    wrong = [name for name in ARRAYS if not isinstance(arrays[name], np.ndarray)]
    if wrong:
        raise BodyModelFileError(path, f"expected arrays of numbers as {', '.join(wrong)}.")
    parents = _parents(path, arrays["kintree_table"])
    named = family or _text(arrays, "family") or otherwise[0] or f"sha256:{digest[:16]}"
    try:
        return BodyModelData(
            v_template=arrays["v_template"],
            shapedirs=arrays["shapedirs"],
            posedirs=arrays["posedirs"],
            joint_regressor=arrays["J_regressor"],
            weights=arrays["weights"],
            faces=arrays["f"],
            parents=parents,
            joint_names=_joint_names(arrays),
            family=named,
            license=_text(arrays, "license") or otherwise[1],
            sha256=digest,
        )
    except BodyModelError as error:
        raise BodyModelFileError(path, str(error)) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BodyModelFileError(
            path,
            f"expected a body model file (npz), got {reason!r}; check the path, or use the body "
            "'mannequin', which is part of the package.",
        ) from error


def unpack_npz(path: str | Path, content: bytes) -> dict[str, np.ndarray]:
    """The arrays of an npz; its faults are those of a body file."""
    try:
        return parse_npz(content, "it")
    except (DataError, OSError) as error:
        raise BodyModelFileError(
            path,
            f"expected an npz of plain arrays ({error}); a pickle is made one by "
            "'posenet3d body convert'.",
        ) from error


def _parents(path: str | Path, tree: np.ndarray) -> tuple[int, ...]:
    """SMPL's files mark the root by 2**32 - 1, others by -1."""
    if tree.ndim != 2 or tree.shape[0] != 2 or tree.dtype.kind not in "iu":
        raise BodyModelFileError(
            path, f"expected kintree_table of integers (2, K), got {tree.dtype} {tree.shape}."
        )
    return tuple(-1 if parent in (-1, 2**32 - 1) else int(parent) for parent in tree[0].tolist())


def _text(arrays: Mapping[str, Any], name: str) -> str:
    """A text that was saved as an array of one; empty where there is none."""
    array = np.asarray(arrays.get(name, ""))
    return str(array.item()) if array.size == 1 else ""


def _joint_names(arrays: Mapping[str, Any]) -> tuple[str, ...]:
    if "joint_names" in arrays:
        return tuple(str(name) for name in np.atleast_1d(arrays["joint_names"]))
    joints = arrays["kintree_table"].shape[-1]
    if joints == len(SMPL_JOINT_NAMES):
        return SMPL_JOINT_NAMES
    return tuple(f"joint_{index}" for index in range(joints))
