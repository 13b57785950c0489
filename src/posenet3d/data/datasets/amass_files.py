"""The files of AMASS, and the joints of a body in their poses.

Files and keys are those that AMASS's own code reads (``nghorbani/amass``,
``src/amass/data/prepare_data.py``): ``<dataset>/<subject>/<motion>_poses.npz`` with ``poses``
(frames, 156) for SMPL-H, rotation vectors of 52 joints, the first 22 SMPL's; ``trans`` (frames, 3)
metres, z up; ``betas`` (16,); ``gender``; ``mocap_framerate``; the sample file there has these keys
and types. The later release for SMPL-X has ``<motion>_stageii.npz``, ``poses`` (frames, 165) and
``mocap_frame_rate``; that could be checked against other people's code only.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.body import BodyModel, lsp_14_regressor
from posenet3d.errors import DataError
from posenet3d.files.npz import open_npz
from posenet3d.geometry import rotvec_to_rotmat

BODY_JOINTS = 22
"""How many of AMASS's joints are SMPL's; the others are fingers and face."""

WIDTHS = {156: "SMPL-H", 165: "SMPL-X"}
"""What ``poses`` may have a frame, and whose they are then."""

_RATES = ("mocap_framerate", "mocap_frame_rate")
_FRAMES_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class AmassMotion:
    """One file of AMASS: a person's shape and poses.

    Attributes:
        poses: (frames, 66) rotation vectors of SMPL's first 22 joints, radians; the root's turns
            the body from its own frame, y up, into the world, z up.
        trans: (frames, 3) metres, world.
        betas: (B,) shape, of SMPL-H's space; none for another space.
        gender: ``"male"``, ``"female"``, ``"neutral"``, or whatever the file says.
        fps: frames a second.

    Example:
        >>> still = AmassMotion(np.zeros((3, 66)), np.zeros((3, 3)), np.zeros(0), "female", 60.0)
        >>> from posenet3d.body import load_body_model
        >>> still.joints(load_body_model("mannequin")).shape
        (3, 14, 3)
    """

    poses: Float[np.ndarray, "frames angles"]
    trans: Float[np.ndarray, "frames 3"]
    betas: Float[np.ndarray, " betas"]
    gender: str
    fps: float

    @classmethod
    def read(cls, path: Path) -> "AmassMotion":
        """A file's motion; only what is needed of it is read.

        Args:
            path: an ``_poses.npz`` or ``_stageii.npz``.

        Raises:
            DataError: a key is missing or is not what it should be; the message names file, key,
                and what was found.
            StorageError: it cannot be read.
        """
        with open_npz(path) as arrays:
            rate = next((key for key in _RATES if key in arrays), None)
            missing = [key for key in ("poses", "trans") if key not in arrays]
            if missing or rate is None:
                wanted = ", ".join([*missing, *([] if rate else [" or ".join(_RATES)])])
                raise DataError(
                    path,
                    f"expected a motion of AMASS with {wanted}, got the keys "
                    f"{sorted(arrays)[:12]}; get the files of 'SMPL+H G'.",
                )
            poses, trans = arrays["poses"], arrays["trans"]
            if poses.ndim != 2 or poses.shape[1] not in WIDTHS or not len(poses):
                raise DataError(
                    path,
                    "expected poses (frames, 156) of SMPL-H or (frames, 165) of SMPL-X, got "
                    f"{poses.shape}.",
                )
            smpl = WIDTHS[poses.shape[1]] == "SMPL-H"
            betas = arrays["betas"] if smpl and "betas" in arrays else np.zeros(0)
            return cls(
                _numbers(path, "poses", poses, poses.shape)[:, : 3 * BODY_JOINTS],
                _numbers(path, "trans", trans, (len(poses), 3)),
                _numbers(path, "betas", betas.ravel(), (betas.size,)),
                _text(arrays["gender"]) if "gender" in arrays else "",
                _rate(path, rate, arrays[rate]),
            )

    def joints(self, body: BodyModel) -> Float[np.ndarray, "frames 14 3"]:
        """Where a body's joints are.

        Args:
            body: a body with SMPL's joint names; its shape is that of the file if it is SMPL's.

        Returns:
            (frames, 14, 3) in layout ``lsp_14``, metres, z up.
        """
        weights = lsp_14_regressor(body, head_top="vertex")
        betas = weights.new_zeros(body.num_betas)
        if body.family.startswith("smpl"):
            known = torch.as_tensor(self.betas[: body.num_betas], dtype=weights.dtype)
            betas[: len(known)] = known
        with torch.no_grad():
            made = [
                body.regress(betas, self._rotations(body, weights, start), weights)
                for start in range(0, len(self.poses), _FRAMES_AT_ONCE)
            ]
        places = torch.cat(made).double().numpy()
        return np.asarray(places + self.trans[:, None])

    def _rotations(
        self, body: BodyModel, like: torch.Tensor, start: int
    ) -> Float[torch.Tensor, "frames joints 3 3"]:
        poses = torch.as_tensor(self.poses[start : start + _FRAMES_AT_ONCE], dtype=like.dtype)
        rotations = torch.eye(3, dtype=like.dtype).repeat(len(poses), body.num_joints, 1, 1)
        rotations[:, :BODY_JOINTS] = rotvec_to_rotmat(poses.reshape(len(poses), BODY_JOINTS, 3))
        return rotations


def _numbers(path: Path, key: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.dtype.kind not in "fiu" or array.shape != shape:
        raise DataError(
            path, f"{key}: expected numbers of shape {shape}, got {array.dtype} {array.shape}."
        )
    if not np.isfinite(array).all():
        raise DataError(path, f"{key}: expected finite numbers, got NaN or infinity.")
    return array.astype(np.float64)


def _rate(path: Path, key: str, array: np.ndarray) -> float:
    value = _numbers(path, key, array.reshape(-1), (1,))[0]
    if not 1 <= value <= 10_000:
        raise DataError(path, f"{key}: expected 1 to 10000 frames a second, got {value:g}.")
    return float(value)


def _text(array: np.ndarray) -> str:
    """A gender, which some files have as bytes, and some as bytes written out: ``b'male'``."""
    value = array.ravel()[0] if array.size else ""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.removeprefix("b'").removesuffix("'").lower()
