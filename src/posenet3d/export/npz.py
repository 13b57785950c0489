"""A reconstruction as our own complete npz file, which is an AMASS file as well."""

import os
from typing import Any, Literal, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from posenet3d.export.amass import amass_arrays
from posenet3d.files import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction, reconstruction_arrays
from posenet3d.reconstruction.world import RootMotion


class NpzConfig(BaseModel):
    """Options of the exporter ``npz``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amass: Literal["smplx", "smplh", "none"] = "smplx"
    """Whose joints AMASS's ``poses`` has: the Blender add-on reads SMPL-X's; ``none`` for none."""

    amass_fps: int | None = Field(default=None, ge=30)
    """AMASS's frames a second; the next multiple of 30 if not given."""

    root: RootMotion = "grounded"
    """How the root moves; see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`."""

    compress: bool = False
    """Whether to deflate the arrays: about a tenth smaller, and several times slower."""


@configured_by(NpzConfig)
def write_npz(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    amass: Literal["smplx", "smplh", "none"] = "smplx",
    amass_fps: int | None = None,
    root: RootMotion = "grounded",
    compress: bool = False,
) -> None:
    """The whole reconstruction as an npz file that `load_reconstruction` reads back exactly.

    Beside it are AMASS's keys (``poses``, ``trans``, ``betas``, ``gender``, ``mocap_frame_rate``
    …; see `posenet3d.export.amass`), z up and resampled to a rate that the SMPL-X Blender add-on
    plays. A skeleton without a body has none; the key ``amass_note`` tells why.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: any.
        amass: ``"smplx"``, ``"smplh"`` or ``"none"``.
        amass_fps: AMASS's frames a second, 30 or more; the next multiple of 30 if ``None``.
        root: how AMASS's root moves: ``"grounded"``, ``"track"`` or ``"still"``.
        compress: whether to deflate the arrays.

    Raises:
        DataError: a number that must be finite is not.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from posenet3d.keypoints import KeypointSequence
        >>> from posenet3d.reconstruction import load_reconstruction
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> path = Path(tempfile.mkdtemp()) / "still.npz"
        >>> write_npz(path=path, reconstruction=still)
        >>> bool((load_reconstruction(path).joints3d == still.joints3d).all())
        True
    """
    arrays = reconstruction_arrays(reconstruction)
    if amass != "none":
        arrays |= amass_arrays(reconstruction, amass, amass_fps, root)
    save = np.savez_compressed if compress else np.savez
    with atomic_write(path) as file:
        save(file, **cast(dict[str, Any], arrays))
