"""SMPL's own files: the official pickles, and the npz that this library makes of them.

The pickles are read without running them (:mod:`posenet3d.files.safe_pickle`); neither chumpy nor
scipy is needed.
"""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from posenet3d.body.body_files import ARRAYS, body_of_arrays, checked_digest, unpack_npz
from posenet3d.body.body_model import BodyModelData
from posenet3d.errors import BodyModelFileError, DataError
from posenet3d.files import atomic_write, parse_pickle, pickled_value
from posenet3d.files.safe_pickle import MAX_BYTES

SMPL_LICENSE = (
    "SMPL Body Model licence: non-commercial research, no redistribution; "
    "https://smpl.is.tue.mpg.de/modellicense.html"
)
"""What an official pickle is taken to be licensed under; it says nothing itself."""

HOW_TO_GET = (
    "SMPL is not part of this package: register at https://smpl.is.tue.mpg.de, accept its licence, "
    "download 'SMPL for Python' and give the path of the neutral model (SMPL_NEUTRAL.pkl, also "
    "named basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl) or of the npz that 'posenet3d body convert' "
    "made of it. The body 'mannequin' needs no file"
)

_LEADING = 10
_UNNAMED = "smpl"


def read_smpl_file(
    path: str | Path,
    *,
    family: str | None = None,
    sha256: str | None = None,
    betas: int | None = None,
) -> BodyModelData:
    """SMPL from an official pickle, or from an npz of SMPL's format.

    What kind of file it is shows from its content. Nothing in it is executed.

    Args:
        path: the file.
        family: the family, where the file does not say; by default ``smpl:`` and a digest of
            template and first shape directions, the same for a pickle and the npz made of it.
        sha256: the expected digest of the file in hexadecimal; any if not given.
        betas: keep only so many shape directions, the leading ones; all by default.

    Returns:
        The validated body; lengths are metres.

    Raises:
        BodyModelFileError: The file is missing (the error tells where SMPL is obtained), has
            another digest, or is not of the format.

    Example:
        >>> read_smpl_file("SMPL_NEUTRAL.pkl")
        Traceback (most recent call last):
            ...
        posenet3d.errors.BodyModelFileError: SMPL_NEUTRAL.pkl: expected SMPL's file, got 'No such...
    """
    content = _read(Path(path))
    digest = checked_digest(path, content, sha256)
    packed = content[:2] == b"PK"
    arrays = unpack_npz(path, content) if packed else _unpickled(path, content)
    otherwise = (_UNNAMED, "" if packed else SMPL_LICENSE)
    data = body_of_arrays(path, arrays, digest, family=family, otherwise=otherwise)
    named = smpl_family(data) if data.family == _UNNAMED else data.family
    return replace(data, shapedirs=data.shapedirs[..., :betas], family=named)


def write_body_file(path: str | Path, data: BodyModelData) -> None:
    """Writes a body as an npz that :func:`posenet3d.body.read_body_file` reads.

    The same body makes the same bytes. Family, licence and joint names are kept; the licence of
    the data is not changed by its format.

    Args:
        path: the file; replaced in one piece if it is there.
        data: the body.

    Raises:
        StorageError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from posenet3d.body import mannequin_data, read_body_file
        >>> path = Path(tempfile.mkdtemp()) / "body.npz"
        >>> write_body_file(path, mannequin_data())
        >>> read_body_file(path).family
        'makehuman-cc0'
    """
    tree = np.array([data.parents, range(data.num_joints)], dtype=np.int64)
    with atomic_write(path) as file:
        np.savez_compressed(
            file,
            v_template=data.v_template,
            shapedirs=data.shapedirs,
            posedirs=data.posedirs,
            J_regressor=data.joint_regressor,
            weights=data.weights,
            f=data.faces.astype(np.uint32),
            kintree_table=tree,
            joint_names=np.array(data.joint_names),
            family=np.array(data.family),
            license=np.array(data.license),
        )


def smpl_family(data: BodyModelData) -> str:
    """``smpl:`` and a digest of template and first ten shape directions, to float32.

    The models of the two sexes and the neutral one have shape spaces of their own, so they are
    families of their own.

    Args:
        data: the body.

    Returns:
        A name that does not hang on the file's format.

    Example:
        >>> from posenet3d.body import mannequin_data
        >>> smpl_family(mannequin_data())[:5]
        'smpl:'
    """
    digest = hashlib.sha256()
    for array in (data.v_template, data.shapedirs[..., :_LEADING]):
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return f"smpl:{digest.hexdigest()[:16]}"


def missing_smpl_file(path: object, got: str) -> BodyModelFileError:
    """The error of a missing SMPL file: where it is obtained, and what needs none."""
    return BodyModelFileError(path, f"expected SMPL's file, got {got}. {HOW_TO_GET}.")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise missing_smpl_file(path, repr(error.strerror or str(error))) from error
    if len(content) > MAX_BYTES:
        raise BodyModelFileError(path, f"expected at most {MAX_BYTES} bytes, got more.")
    return content


def _unpickled(path: str | Path, content: bytes) -> dict[str, Any]:
    try:
        pickled = parse_pickle(content, "it")
        return {name: pickled_value(pickled[name], name) for name in ARRAYS if name in pickled}
    except DataError as error:
        raise BodyModelFileError(
            path, f"expected SMPL's pickle or an npz of its format ({error})"
        ) from error
